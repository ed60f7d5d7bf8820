"""
Tests of smtpsession.sasl.encoding.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.sasl.encoding import decodeText, parseBase64, printBase64
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

#: RFC 4648, section 10.
BASE64 = [
    # name, text, octets
    ("nothing", b"", b""),
    ("one octet", b"Zg==", b"f"),
    ("two", b"Zm8=", b"fo"),
    ("three", b"Zm9v", b"foo"),
    ("six", b"Zm9vYmFy", b"foobar"),
    ("all the signs", b"+/+/", b"\xfb\xff\xbf"),
]

NOT_BASE64 = [
    # name, text
    ("padding alone", b"="),
    ("no padding", b"Zg"),
    ("too little padding", b"Zg="),
    ("too much padding", b"Zm9v="),
    ("very much padding", b"Zm9v===="),
    ("padding within", b"Zg==Zg=="),
    ("bits in the padding", b"Zh=="),
    ("other bits in the padding", b"Zm9="),
    ("a single letter", b"Z"),
    ("a space behind", b"Zm9v "),
    ("a space within", b"Zm 9v"),
    ("a line end", b"Zm9v\n"),
    ("the alphabet of URLs", b"-_-_"),
    ("a NUL", b"Zm9v\0"),
    ("beyond ASCII", b"Zm9\xe9"),
    ("what cancels an exchange", b"*"),
]


class EncodingTests(TableTestCase):
    """UTF-8 and base64."""

    def test_parse(self):
        """Base64 is read as RFC 4648 prints it."""
        self.assertGives(parseBase64, BASE64)

    def test_print(self):
        """It is printed so."""
        self.assertGives(printBase64, [(name, x, text) for name, text, x in BASE64])

    def test_malformed(self):
        """What no encoder makes is refused."""
        self.assertRefuses(ValueError, parseBase64, NOT_BASE64)

    @given(st.binary(max_size=100))
    def test_roundTrip(self, octets):
        """Reading what is printed gives the same octets."""
        self.assertEqual(octets, parseBase64(printBase64(octets)))

    def test_text(self):
        """Text is UTF-8, and nothing that only looks like it."""
        self.assertEqual("caf\xe9 \u2603", decodeText("caf\xe9 \u2603".encode()))
        self.assertRefusesWith(
            decodeText,
            [
                ("Latin-1", b"caf\xe9", "501 5.5.2"),
                ("a NUL in two octets", b"a\xc0\x80b", "501 5.5.2"),
                ("half of a surrogate pair", b"\xed\xa0\x80", "501 5.5.2"),
                ("half of a letter", b"caf\xc3", "501 5.5.2"),
            ],
        )
