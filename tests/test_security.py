"""
What SECURITY.md names as a proof is there.

It is no part of the package; there is nothing to look at where it is not at hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

_POLICY = Path(__file__).parent.parent / "SECURITY.md"
_NAME = re.compile(r"`(tests\.[\w.]+)`")


class ThreatModelTests(SynchronousTestCase):
    """Tests for the table of the threat model."""

    def test_testsExist(self) -> None:
        """Each row names tests, and each of these exists."""
        if not _POLICY.exists():
            return
        text = _POLICY.read_text(encoding="utf-8").partition("## Threat model")[2]
        rows = [line for line in text.splitlines() if line.startswith("|")][2:]
        self.assertTrue(rows)
        for row in rows:
            names = _NAME.findall(row)
            self.assertTrue(names, row)
            for name in names:
                self.assertTrue(callable(namedAny(name)), name)
