"""
Tests of smtpsession.printable.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.printable import printable
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

TEXTS = [
    # name, text, what is shown
    ("nothing", "", ""),
    ("ASCII", "<a@b.example> \\n", "<a@b.example> \\n"),
    ("letters", "Grüße, 例え", "Grüße, 例え"),
    ("line ends", "a\r\nb\x85c\u2028d", r"a\r\nb\x85c\u2028d"),
    ("what a terminal obeys", "\x1b[2J\x9b1m\0\x7f", r"\x1b[2J\x9b1m\x00\x7f"),
    ("what turns the direction", "a\u202eb\u2066", r"a\u202eb\u2066"),
    ("what nobody sees", "\u200b\xad\U000e0041", r"\u200b\xad\U000e0041"),
    ("half of a pair", "\udcff", r"\udcff"),
]


class PrintableTests(TableTestCase):
    """The one function."""

    def test_texts(self) -> None:
        """What is printable stays, and the rest is escaped."""
        self.assertGives(printable, TEXTS)

    @given(st.text(st.characters()))
    def test_any(self, text):
        """Whatever the text is, it is then one line that can be printed."""
        self.assertTrue(printable(text).isprintable())
