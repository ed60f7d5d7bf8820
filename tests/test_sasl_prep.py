"""
Tests of smtpsession.sasl.prep.
"""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from scramp.core import ScramException  # type: ignore[import-untyped]
from scramp.utils import saslprep  # type: ignore[import-untyped]

from smtpsession.sasl.prep import prepare, prepareName, preparePassword
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

PREPARED = [
    # name, text, prepared
    #
    # RFC 4013, section 3.
    ("a soft hyphen is mapped to nothing", "I\u00adX", "IX"),
    ("no transformation", "user", "user"),
    ("case is preserved", "USER", "USER"),
    ("NFKC, in Latin-1", "\u00aa", "a"),
    ("NFKC, will match the first", "\u2168", "IX"),
    #
    ("nothing", "", ""),
    ("only what is mapped to nothing", "\u00ad\u200b\ufeff", ""),
    ("ASCII as it is, with its space", " a b~!\"'\\ ", " a b~!\"'\\ "),
    ("spaces beyond ASCII", "a\u00a0b\u2003c\u3000d", "a b c d"),
    ("letters are composed", "e\u0301", "\u00e9"),
    ("letters of full width", "\uff42\uff4f\uff42", "bob"),
    ("written from the right", "\u05d0\u05d1\u05d2", "\u05d0\u05d1\u05d2"),
    ("with digits between", "\u0627\u0031\u0628", "\u0627\u0031\u0628"),
    ("what Unicode 3.2 does not have", "a\U0001f600", "a\U0001f600"),
    ("as long as it may be", "\u00e9" * 1024, "\u00e9" * 1024),
    ("longer, in ASCII", "x" * 9000, "x" * 9000),
]

PROHIBITED = [
    # name, text
    #
    # RFC 4013, section 3.
    ("a control character", "\u0007"),
    ("not at both ends", "\u0627\u0031"),
    #
    ("a NUL", "a\0b"),
    ("a line end", "bob\r\n"),
    ("DEL", "a\x7f"),
    ("a control character beyond ASCII", "a\x85b"),
    ("a line separator", "a\u2028b"),
    ("private use", "a\ue000b"),
    ("not a character", "a\ufffeb"),
    ("half of a surrogate pair", "a\ud800b"),
    ("not plain text", "a\ufffdb"),
    ("not canonical", "a\u2ff0b"),
    ("changes the display", "a\u202eb"),
    ("a tag", "a\U000e0041b"),
    ("written from both sides", "\u0627a\u0628"),
    ("a digit in front", "\u0031\u0627"),
    ("too long to be normalized", "\u00e9" * 1025),
]

#: What two programs may have different opinions of.
_texts = st.text(max_size=8) | st.text(
    st.sampled_from("ab1 \xa0\xad\u200b\u0301\u0323\xe9\u0627\u05d0\u2168\ufb01\u0007"),
    max_size=8,
)


class PrepTests(TableTestCase):
    """The one form of names and passwords."""

    def test_prepare(self):
        """What means the same becomes the same."""
        self.assertGives(prepare, PREPARED)

    def test_again(self):
        """What is in its one form stays so."""
        rows = [(name, prepared, prepared) for name, _, prepared in PREPARED]

        self.assertGives(prepare, rows)

    def test_prohibited(self):
        """What RFC 4013 prohibits has no form."""
        self.assertRefuses(ValueError, prepare, PROHIBITED)

    def test_stored(self):
        """In what is stored, code points without a meaning yet are prohibited."""
        rows = [(name, text) for name, text, _ in PREPARED if "\U0001f600" in text]

        self.assertRefuses(ValueError, partial(prepare, isStored=True), rows)
        self.assertEqual("\u00e9", prepare("e\u0301", isStored=True))

    @given(_texts)
    def test_reference(self, text):
        """It is what a client's library makes of the same text."""
        try:
            expected = saslprep(text)
        except ScramException:
            self.assertRaises(ValueError, prepare, text, isStored=True)
        else:
            self.assertEqual(expected, prepare(text, isStored=True))

    def test_names(self):
        """Who has no name, or one that is prohibited, is refused with 535."""
        rows = [(name, text, "535 5.7.8") for name, text in PROHIBITED]
        rows.append(("nothing", "", "535 5.7.8"))
        rows.append(("nothing is left", "\u00ad", "535 5.7.8"))

        self.assertRefusesWith(prepareName, rows)
        self.assertRefusesWith(preparePassword, rows)
        self.assertEqual("bob", prepareName("\uff42\uff4f\uff42"))
        self.assertEqual("IX", preparePassword("\u2168"))

    def test_length(self):
        """A name has an end; a password, which may be a token, may be longer."""
        self.assertEqual("x" * 1024, prepareName("x" * 1024))
        rows = [
            ("in ASCII", "x" * 1025, "535 5.7.8"),
            ("it becomes longer", "\ufdfa" * 1000, "535 5.7.8"),
        ]

        self.assertRefusesWith(prepareName, rows)
        self.assertEqual("x" * 9000, preparePassword("x" * 9000))
