"""
Tests of smtpsession.reference: the page of all keys.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.config import Config
from smtpsession.configfile import kindsOf
from smtpsession.kinds import keyOf, keysIn
from smtpsession.misreadings import DELIVER
from smtpsession.reference import TABLES, page

PAGE = Path(__file__).parent.parent / "docs" / "configuration.rst"


class ReferenceTests(SynchronousTestCase):
    """The page."""

    def test_current(self) -> None:
        """The page in the manual, where it is at hand, is what the classes say now."""
        if PAGE.exists():
            self.assertEqual(PAGE.read_text("utf-8"), page())

    def test_complete(self) -> None:
        """It has every key, with what it means."""
        text = page()
        for title, table in TABLES:
            self.assertIn(f"\n{title}\n", "\n" + text)
            kinds = kindsOf(table)
            for each in keysIn(table):
                key = keyOf(each)
                if key == "destination":
                    key = DELIVER
                if kinds[keyOf(each)] is not None or table is not Config:
                    self.assertIn(f"``{key}``\n    ", text)

    def test_markup(self) -> None:
        """Nothing is left of the markup of docstrings."""
        for sign in ("C{", "@ivar", "@raise", "L{"):
            self.assertNotIn(sign, page())
