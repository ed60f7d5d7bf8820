"""
The unit for systemd, as systemd reads it.

It is no part of the package; there is nothing to read where it is not at hand.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.programs import find, missing
from tests.integration.support import NetworkTestCase

UNIT = Path(__file__).parents[2] / "contrib" / "systemd" / "smtpsession.service"
#: Tenths of what C{systemd-analyze security} calls exposure; 100 is no protection.
EXPOSURE = 25


class UnitTests(NetworkTestCase):
    """smtpsession.service."""

    skip = missing("systemd-analyze")

    async def analyze(self, *arguments: str) -> str:
        if not UNIT.exists():
            return ""
        path = find("systemd-analyze")
        return await self.runProgram(path, "--no-pager", *arguments, str(UNIT))

    async def test_verify(self) -> None:
        """
        systemd has nothing to say against it.
        """
        self.assertEqual(await self.analyze("--man=no", "verify"), "")

    async def test_hardening(self) -> None:
        """
        The service may do little that it does not need.
        """
        await self.analyze("--offline=true", f"--threshold={EXPOSURE}", "security")
