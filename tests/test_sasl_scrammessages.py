"""
Tests of smtpsession.sasl.scrammessages.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.sasl.gs2 import GS2Header
from smtpsession.sasl.scrammessages import (
    ClientFinal,
    ClientFirst,
    parseClientFinal,
    parseClientFirst,
    parseServerFirst,
    printClientFinal,
    printClientFirst,
    printServerFinal,
    printServerFirst,
)
from tests.cases import TableTestCase
from tests.saslstrategies import gs2Headers, nonces, saslNames

FIRST = [
    # name, octets, message
    (
        "RFC 5802, section 5",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        ClientFirst(GS2Header(), "user", "fyko+d2lbbFgONRv9qkxdawL"),
    ),
    (
        "bound, and acting as another",
        b"p=tls-exporter,a=bob,n=user,r=x",
        ClientFirst(GS2Header("p", "tls-exporter", "bob"), "user", "x"),
    ),
    (
        "a name with all that is encoded",
        b"n,,n=a=2Cb=3Dc,r=x",
        ClientFirst(GS2Header(), "a,b=c", "x"),
    ),
    (
        "all the signs of a nonce",
        b"n,,n=user,r=!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~",
        ClientFirst(GS2Header(), "user", "!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~"),
    ),
    (
        "extensions, which are ignored",
        "n,,n=user,r=x,z=a=b,Z=caf\xe9".encode(),
        ClientFirst(GS2Header(), "user", "x", ",z=a=b,Z=caf\xe9".encode()),
    ),
    (
        "the longest nonce",
        b"n,,n=user,r=" + b"x" * 1024,
        ClientFirst(GS2Header(), "user", "x" * 1024),
    ),
]

NOT_FIRST = [
    # name, octets
    ("nothing", b""),
    ("only a header", b"n,,"),
    ("half of a header", b"n,"),
    ("a malformed header", b"x,,n=user,r=x"),
    ("no name", b"n,,r=x"),
    ("an empty name", b"n,,n=,r=x"),
    ("no nonce", b"n,,n=user"),
    ("an empty nonce", b"n,,n=user,r="),
    ("a space in the nonce", b"n,,n=user,r=a b"),
    ("beyond ASCII in the nonce", "n,,n=user,r=\xe9".encode()),
    ("too long a nonce", b"n,,n=user,r=" + b"x" * 1025),
    ("the other order", b"n,,r=x,n=user"),
    ("an extension that is demanded", b"n,,m=foo,n=user,r=x"),
    ("the same at another place", b"n,,n=user,r=x,m=foo"),
    ("an extension before the nonce", b"n,,n=user,z=foo,r=x"),
    ("an extension without a value", b"n,,n=user,r=x,z="),
    ("an extension without a name", b"n,,n=user,r=x,foo"),
    ("an extension of two letters", b"n,,n=user,r=x,zz=foo"),
    ("a comma behind", b"n,,n=user,r=x,"),
    ("a bare equals sign", b"n,,n=a=b,r=x"),
    ("a NUL in the name", b"n,,n=a\0b,r=x"),
    ("a NUL in an extension", b"n,,n=user,r=x,z=\0"),
    ("Latin-1 in the name", b"n,,n=caf\xe9,r=x"),
    ("Latin-1 in an extension", b"n,,n=user,r=x,z=caf\xe9"),
    ("a line end", b"n,,n=user,r=x\n"),
]

FINAL = [
    # name, octets, message
    (
        "RFC 5802, section 5",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        ClientFinal(
            b"n,,",
            "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            bytes.fromhex("bf45fcbf7073d93d022466c94321745fe1c8e13b"),
        ),
    ),
    (
        "extensions, which are ignored",
        b"c=biws,r=x,z=foo,Y=b=ar,p=AAAA",
        ClientFinal(b"n,,", "x", b"\0\0\0", b",z=foo,Y=b=ar"),
    ),
]

NOT_FINAL = [
    # name, octets
    ("nothing", b""),
    ("no proof", b"c=biws,r=x"),
    ("an empty proof", b"c=biws,r=x,p="),
    ("a proof that is not base64", b"c=biws,r=x,p=AAA"),
    ("two proofs", b"c=biws,r=x,p=AAAA,p=AAAA"),
    ("something behind the proof", b"c=biws,r=x,p=AAAA,z=foo"),
    ("no channel binding", b"r=x,p=AAAA"),
    ("an empty one", b"c=,r=x,p=AAAA"),
    ("one that is not base64", b"c=biw,r=x,p=AAAA"),
    ("bits in the padding", b"c=bh==,r=x,p=AAAA"),
    ("no nonce", b"c=biws,p=AAAA"),
    ("the other order", b"r=x,c=biws,p=AAAA"),
    ("an extension that is demanded", b"c=biws,r=x,m=foo,p=AAAA"),
    ("Latin-1", b"c=biws,r=x,z=\xe9,p=AAAA"),
    ("a line end", b"c=biws,r=x,p=AAAA\n"),
]

_extensions = st.lists(
    st.tuples(
        st.sampled_from("bdfzBMPZ"),
        st.text(
            st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1
        ).filter(lambda value: len(value) < 20 and "," not in value),
    ).map(lambda pair: "," + "=".join(pair)),
    max_size=3,
).map(lambda each: "".join(each).encode())
_octets = st.binary(min_size=1, max_size=70)


class MessageTests(TableTestCase):
    """What client and server say to each other."""

    def test_first(self):
        """The first message of the client is read as it was meant."""
        self.assertGives(parseClientFirst, FIRST)

    def test_notFirst(self):
        """What is not of its grammar is refused."""
        rows = [(name, octets, "501 5.5.2") for name, octets in NOT_FIRST]

        self.assertRefusesWith(parseClientFirst, rows)

    def test_final(self):
        """The last message of the client is read as it was meant."""
        self.assertGives(parseClientFinal, FINAL)

    def test_notFinal(self):
        """What is not of its grammar is refused."""
        rows = [(name, octets, "501 5.5.2") for name, octets in NOT_FINAL]

        self.assertRefusesWith(parseClientFinal, rows)

    def test_print(self):
        """Messages are printed octet by octet as they were, for they get hashed."""
        firsts = [(name, message, octets) for name, octets, message in FIRST]
        finals = [(name, message, octets) for name, octets, message in FINAL]

        self.assertGives(printClientFirst, firsts)
        self.assertGives(printClientFinal, finals)

    def test_parts(self):
        """What is hashed of them is without their header, and without the proof."""
        self.assertEqual(b"n=user,r=x,z=1", parseClientFirst(b"y,,n=user,r=x,z=1").bare)
        self.assertEqual(
            b"c=biws,r=x,z=1", parseClientFinal(b"c=biws,r=x,z=1,p=AAAA").withoutProof
        )

    def test_server(self):
        """The server's messages are those of RFC 5802, section 5."""
        salt = bytes.fromhex("4125c247e43ab1e93c6dff76")

        self.assertEqual(
            b"r=fyko3rfc,s=QSXCR+Q6sek8bf92,i=4096",
            printServerFirst("fyko3rfc", salt, 4096),
        )
        self.assertEqual(b"v=AAAA", printServerFinal(b"\0\0\0"))

    @given(st.builds(ClientFirst, gs2Headers, saslNames, nonces, _extensions))
    def test_firstRoundTrip(self, message):
        """Reading what is printed gives the same message."""
        self.assertEqual(message, parseClientFirst(printClientFirst(message)))

    @given(nonces, st.binary(min_size=1, max_size=40), st.integers(1, 9_999_999_999))
    def test_serverRoundTrip(self, nonce, salt, iterations):
        """Reading what is printed gives the same message."""
        printed = printServerFirst(nonce, salt, iterations)
        self.assertEqual((nonce, salt, iterations), parseServerFirst(printed))

    @given(st.builds(ClientFinal, _octets, nonces, _octets, _extensions))
    def test_finalRoundTrip(self, message):
        """So it is with the last message."""
        self.assertEqual(message, parseClientFinal(printClientFinal(message)))

    def test_linear(self):
        """What is nearly a message costs no more than its octets."""
        for octets in (
            b"n,,n=user,r=x" + b",z=a" * 300_000 + b",",
            b"n,,n=" + b"=2C" * 300_000,
            b"," * 1_000_000,
        ):
            self.assertRefusesWith(parseClientFirst, [("", octets, "501 5.5.2")])
        for octets in (
            b"c=biws,r=x" + b",z=a" * 300_000,
            b"c=biws,r=x" + b",p=a" * 300_000 + b",",
            b"c=" + b"=" * 1_000_000,
        ):
            self.assertRefusesWith(parseClientFinal, [("", octets, "501 5.5.2")])
