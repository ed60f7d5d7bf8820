"""
Tests of smtpsession.sasl.gs2.
"""

from __future__ import annotations

from hypothesis import given

from smtpsession.sasl.gs2 import (
    GS2Header,
    parseGS2Header,
    parseName,
    printGS2Header,
    printName,
)
from tests.cases import TableTestCase
from tests.saslstrategies import gs2Headers, saslNames

HEADERS = [
    # name, octets, header
    ("no channel binding", b"n,,", GS2Header("n")),
    ("none known of the server", b"y,,", GS2Header("y")),
    ("bound", b"p=tls-exporter,,", GS2Header("p", "tls-exporter")),
    ("acting as another", b"n,a=bob,", GS2Header("n", None, "bob")),
    ("both", b"p=tls-unique,a=bob,", GS2Header("p", "tls-unique", "bob")),
    ("a comma in the name", b"n,a=a=2Cb,", GS2Header("n", None, "a,b")),
    ("an equals sign", b"n,a=a=3Db,", GS2Header("n", None, "a=b")),
    ("what looks encoded", b"n,a==3D2C,", GS2Header("n", None, "=2C")),
    ("beyond ASCII", "n,a=caf\xe9,".encode(), GS2Header("n", None, "caf\xe9")),
    ("control characters are left to SASLprep", b"n,a=\7,", GS2Header("n", None, "\7")),
]

MALFORMED = [
    # name, octets
    ("nothing", b""),
    ("one comma", b"n,"),
    ("three commas", b"n,,,"),
    ("no flag", b",,"),
    ("another flag", b"x,,"),
    ("a flag in upper case", b"N,,"),
    ("a channel binding without a name", b"p=,,"),
    ("a name without p", b"n=tls-exporter,,"),
    ("p without a name", b"p,,"),
    ("a name with an underscore", b"p=tls_exporter,,"),
    ("an empty authzid", b"n,a=,"),
    ("an authzid without its key", b"n,bob,"),
    ("another key", b"n,b=bob,"),
    ("a bare equals sign", b"n,a=a=b,"),
    ("lower case in the code", b"n,a=a=2cb,"),
    ("a code that there is not", b"n,a=a=41b,"),
    ("half of a code", b"n,a=a=2,"),
    ("a NUL", b"n,a=a\0b,"),
    ("Latin-1", b"n,a=caf\xe9,"),
    ("that of a mechanism that is not of GSS-API", b"F,n,,"),
    ("a line end", b"n,,\n"),
]


class GS2HeaderTests(TableTestCase):
    """What stands in front of the messages."""

    def test_parse(self):
        """A header is read as RFC 5802, section 7 has it."""
        self.assertGives(parseGS2Header, HEADERS)

    def test_print(self):
        """It is printed as it was."""
        rows = [(name, header, octets) for name, octets, header in HEADERS]

        self.assertGives(printGS2Header, rows)

    def test_malformed(self):
        """What is not of its grammar is refused."""
        rows = [(name, octets, "501 5.5.2") for name, octets in MALFORMED]

        self.assertRefusesWith(parseGS2Header, rows)

    @given(gs2Headers)
    def test_roundTrip(self, header):
        """Reading what is printed gives the same header."""
        self.assertEqual(header, parseGS2Header(printGS2Header(header)))

    @given(saslNames)
    def test_nameRoundTrip(self, name):
        """So it is with names alone."""
        self.assertEqual(name, parseName(printName(name)))
