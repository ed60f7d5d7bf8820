"""
What SECURITY.md names as a proof is there.

It is no part of the package; there is nothing to look at where it is not at hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import fields
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Limits
from smtpsession.kinds import keyOf

_POLICY = Path(__file__).parent.parent / "SECURITY.md"
_NAME = re.compile(r"`(tests\.[\w.]+)`")


class ThreatModelTests(SynchronousTestCase):
    """Tests for the table of the threat model."""

    def rows(self) -> list[str]:
        if not _POLICY.exists():
            return []
        text = _POLICY.read_text(encoding="utf-8").partition("## Threat model")[2]
        rows = [line for line in text.splitlines() if line.startswith("|")][2:]
        self.assertTrue(rows)
        return rows

    def test_limits(self) -> None:
        """Each limit holds something."""
        rows = self.rows()
        for each in fields(Limits) if rows else ():
            limit = f"`{keyOf(each)}`"
            self.assertTrue(any(limit in row for row in rows), limit)

    def test_testsExist(self) -> None:
        """Each row names tests, and each of these exists."""
        for row in self.rows():
            names = _NAME.findall(row)
            self.assertTrue(names, row)
            for name in names:
                self.assertTrue(callable(namedAny(name)), name)
