"""
Tests of smtpsession.encodings.

What xtext is in a parameter is tested with `smtpsession.parameters`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.encodings import (
    parseBase64,
    parseXtextOctets,
    printBase64,
    printXtextOctets,
)
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

#: RFC 4648, section 10, and the two letters that are neither letters nor digits.
BASE64 = [
    # name, base64, octets
    ("nothing", b"", b""),
    ("one octet", b"Zg==", b"f"),
    ("two octets", b"Zm8=", b"fo"),
    ("three octets", b"Zm9v", b"foo"),
    ("four octets", b"Zm9vYg==", b"foob"),
    ("six octets", b"Zm9vYmFy", b"foobar"),
    ("zeros", b"AAAA", b"\0\0\0"),
    ("ones", b"////", b"\xff\xff\xff"),
    ("both signs", b"+/+/", b"\xfb\xff\xbf"),
]

NOT_BASE64 = [
    # name, octets
    ("one letter", b"Z"),
    ("two letters", b"Zg"),
    ("three letters", b"Zm8"),
    ("five letters", b"Zm9vY"),
    ("half of the padding", b"Zg="),
    ("too much padding", b"Zg==="),
    ("padding where there is none", b"Zm9v="),
    ("four signs of padding", b"Zm9v===="),
    ("only padding", b"="),
    ("padding of a whole group", b"===="),
    ("padding in front", b"=Zg="),
    ("padding in the middle", b"Zg==Zm9v"),
    ("one letter and padding", b"Z==="),
    ("bits under the padding, one octet", b"Zh=="),
    ("bits under the padding, two octets", b"Zm9="),
    ("a space", b"Zm 9v"),
    ("a space in front", b" Zm9v"),
    ("a space behind", b"Zm9v "),
    ("a line end", b"Zm9v\r\nYmFy"),
    ("a line end behind", b"Zm9v\n"),
    ("a NUL", b"Zm9v\0"),
    ("a NUL in the middle", b"Zm\x009v"),
    ("the alphabet of URLs", b"-_-_"),
    ("another sign", b"Zm9v!"),
    ("a star", b"*"),
    ("not ASCII", b"Zm9\xe9"),
    ("UTF-8", "Zm9vé".encode()),
]


class Base64Tests(TableTestCase):
    """base64, RFC 4648, section 4."""

    def test_parse(self):
        """base64 is decoded."""
        self.assertGives(parseBase64, BASE64)

    def test_print(self):
        """Octets are encoded without line ends, however many there are."""
        self.assertGives(printBase64, [(name, out, text) for name, text, out in BASE64])
        self.assertEqual(b"AAAA" * 1000, printBase64(b"\0" * 3000))

    def test_malformed(self):
        """What could not have been printed is refused."""
        self.assertRefuses(ValueError, parseBase64, NOT_BASE64)

    def test_notTold(self):
        """What was refused is not in the error, for it may have been a password."""
        for octets in (b"secret!", b"c2VjcmV0", b"c2VjcmV0="):
            try:
                parseBase64(octets)
            except ValueError as error:
                self.assertNotIn("ecret", str(error))
                self.assertNotIn("c2V", str(error))
                self.assertEqual(None, error.__cause__)

    def test_longText(self):
        """Very much of it takes no longer than it takes to read it."""
        self.assertEqual(b"\0" * 300_000, parseBase64(b"AAAA" * 100_000))
        self.assertRefuses(
            ValueError,
            parseBase64,
            [
                ("it ends badly", b"AAAA" * 100_000 + b"A"),
                ("only padding", b"=" * 100_000),
                ("nothing of the alphabet", b"!" * 100_000),
            ],
        )

    @given(st.binary(max_size=100))
    def test_roundTrip(self, octets):
        """Reading what is printed gives the same octets."""
        self.assertEqual(octets, parseBase64(printBase64(octets)))

    @given(st.text("Zm9vAQgw+/=! \n", max_size=12).map(str.encode))
    def test_oneSpelling(self, text):
        """Whatever is read is what would be printed."""
        try:
            octets = parseBase64(text)
        except ValueError:
            return
        self.assertEqual(text, printBase64(octets))


class XtextOctetsTests(TableTestCase):
    """xtext of any octets, RFC 3461, section 4."""

    def test_parse(self):
        """xtext is decoded, whatever it hides."""
        self.assertGives(
            parseXtextOctets,
            [
                ("nothing", b"", b""),
                ("plain", b"aBc;d@e", b"aBc;d@e"),
                ("encoded", b"+20+2B+3D", b" +="),
                ("UTF-8", b"jos+C3+A9", b"jos\xc3\xa9"),
                ("a line end", b"+0D+0A", b"\r\n"),
                ("any octets", b"+00+FF", b"\x00\xff"),
            ],
        )

    def test_malformed(self):
        """What is not xtext is refused."""
        self.assertRefuses(
            ValueError,
            parseXtextOctets,
            [
                ("a space", b"a b"),
                ("an equals sign", b"a=b"),
                ("a plus sign behind", b"a+"),
                ("lower case digits", b"+2b"),
                ("UTF-8", b"jos\xc3\xa9"),
                ("a line end", b"a\n"),
            ],
        )

    def test_print(self):
        """What cannot stand for itself is encoded."""
        self.assertEqual(b"a+20+2B+3D+C3+A9~!", printXtextOctets(b"a +=\xc3\xa9~!"))

    @given(st.binary(max_size=100))
    def test_roundTrip(self, octets):
        """Reading what is printed gives the same octets."""
        self.assertEqual(octets, parseXtextOctets(printXtextOctets(octets)))
