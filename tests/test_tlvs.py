"""
Tests of smtpsession.tlvs.
"""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smtpsession._crc32c import crc32c
from smtpsession.errors import ProxyError
from smtpsession.tlvs import (
    ProxyTLS,
    parseText,
    parseTLS,
    parseTLVs,
    printTLS,
    printTLVs,
    withChecksum,
)
from tests.cases import TableTestCase
from tests.proxystrategies import proxyTLSs, tlvs

FIELDS = [
    # name, octets, fields
    ("none", b"", {}),
    ("one", b"\x01\x00\x02h2", {1: b"h2"}),
    ("one that is empty", b"\xe0\x00\x00", {0xE0: b""}),
    ("two", b"\x01\x00\x02h2\x05\x00\x01a", {1: b"h2", 5: b"a"}),
    ("a long one", b"\x05\x01\x02" + b"x" * 258, {5: b"x" * 258}),
    ("the lowest and the highest type", b"\0\0\0\xff\0\0", {0: b"", 255: b""}),
    # Section 2.2.4.
    ("padding", b"\x04\x00\x00", {}),
    ("padding twice", b"\x04\x00\x01x\x04\x00\x00", {}),
    ("padding in between", b"\x01\0\0\x04\x00\x02\x01\x00\x02\0\0", {1: b"", 2: b""}),
    # Of a type that we do not read, the first.
    ("an application's own twice", b"\xe0\0\1a\xe0\0\1b", {0xE0: b"a"}),
    ("one of the future twice", b"\x40\0\1a\x40\0\1a", {0x40: b"a"}),
]

BAD_FIELDS = [
    # name, octets
    ("only a type", b"\x01"),
    ("half of a length", b"\x01\x00"),
    ("no value", b"\x01\x00\x01"),
    ("half of a value", b"\x01\x00\x02h"),
    ("one behind another", b"\x01\x00\x01a\x02"),
    ("padding that is cut off", b"\x04\x00\x02x"),
    ("a length as a little-endian has it", b"\x01\x02\x00h2"),
    ("the longest length", b"\x01\xff\xffh2"),
    *(
        (f"{name} twice", bytes([kind, 0, 1, 97]) * 2)
        for name, kind in [
            ("ALPN", 1),
            ("a host name", 2),
            ("a checksum", 3),
            ("an identifier", 5),
            ("TLS", 0x20),
            ("a version of TLS", 0x21),
            ("a common name", 0x22),
            ("a namespace", 0x30),
        ]
    ),
]

ALL_OF_TLS = ProxyTLS(
    secure=True,
    clientCertificateConnection=True,
    clientCertificateSession=True,
    verified=True,
    version="TLSv1.3",
    commonName="J\xfcrgen",
    cipher="TLS_AES_256_GCM_SHA384",
    signatureAlgorithm="RSA-SHA256",
    keyAlgorithm="RSA2048",
)

TLS = [
    # name, value, what it says
    ("nothing", b"\x00\0\0\0\1", ProxyTLS(False)),
    ("TLS", b"\x01\0\0\0\1", ProxyTLS(True)),
    (
        "a certificate of this connection",
        b"\x03\0\0\0\0",
        ProxyTLS(True, clientCertificateConnection=True, verified=True),
    ),
    (
        "a certificate of this session",
        b"\x05\0\0\0\0",
        ProxyTLS(True, clientCertificateSession=True, verified=True),
    ),
    (
        "a certificate that was not verified",
        b"\x07\0\0\0\x12",
        ProxyTLS(True, True, True, verified=False),
    ),
    (
        "a result that is large",
        b"\x07\x80\0\0\0",
        ProxyTLS(True, True, True, verified=False),
    ),
    ("no certificate, so that nothing was verified", b"\x01\0\0\0\0", ProxyTLS(True)),
    ("bits that mean nothing yet", b"\xf9\0\0\0\0", ProxyTLS(True)),
    (
        "all of it",
        b"\x07\0\0\0\0"
        b"\x21\0\x07TLSv1.3"
        b"\x22\0\x07J\xc3\xbcrgen"
        b"\x23\0\x16TLS_AES_256_GCM_SHA384"
        b"\x24\0\x0aRSA-SHA256"
        b"\x25\0\x07RSA2048",
        ALL_OF_TLS,
    ),
    (
        "other fields too",
        b"\x01\0\0\0\1\x26\0\x06X25519\x21\0\x07TLSv1.3\x28\0\0\x28\0\0",
        ProxyTLS(True, version="TLSv1.3"),
    ),
    ("an empty version", b"\x01\0\0\0\1\x21\0\0", ProxyTLS(True)),
    ("a version that is not ASCII", b"\x01\0\0\0\1\x21\0\2\xc3\xa9", ProxyTLS(True)),
    ("a name that is not UTF-8", b"\x01\0\0\0\1\x22\0\1\xe9", ProxyTLS(True)),
    ("a name with a line end", b"\x01\0\0\0\1\x22\0\4a\r\nb", ProxyTLS(True)),
    ("a cipher with a NUL", b"\x01\0\0\0\1\x23\0\2a\0", ProxyTLS(True)),
]

BAD_TLS = [
    # name, value
    ("empty", b""),
    ("only the flags", b"\x01"),
    ("half of the result", b"\x01\0\0\0"),
    ("half of a field", b"\x01\0\0\0\0\x21"),
    ("a version twice", b"\x01\0\0\0\0" + b"\x21\0\x07TLSv1.3" * 2),
]

TEXTS = [
    # name, value, text
    ("plain", b"blue", "blue"),
    ("a space", b"a b", "a b"),
    ("empty", b"", None),
    ("not ASCII", b"caf\xc3\xa9", None),
    ("a NUL behind", b"a\0", None),
    ("an LF", b"a\nb", None),
    ("an escape", b"\x1b[0m", None),
    ("a DEL", b"\x7f", None),
]

UTF_8_TEXTS = [
    # name, value, text
    ("plain", b"caf\xc3\xa9", "caf\xe9"),
    ("an ideographic space", b"a\xe3\x80\x80b", "a\u3000b"),
    ("a C1 line end", b"a\xc2\x85b", None),
    ("a line separator", b"a\xe2\x80\xa8b", None),
    ("Latin-1", b"caf\xe9", None),
    ("half of a surrogate pair", b"\xed\xa0\x80", None),
]


class TLVTests(TableTestCase):
    """Type-length-value fields, section 2.2."""

    def test_parse(self):
        """Fields are read by type, without the padding."""
        self.assertGives(parseTLVs, FIELDS)

    def test_start(self):
        """They are read from where they begin."""
        self.assertEqual({1: b"h2"}, parseTLVs(b"??\x01\x00\x02h2", 2))

    def test_bad(self):
        """What is cut off is refused, and so is what says two things at once."""
        self.assertRefuses(ProxyError, parseTLVs, BAD_FIELDS)

    def test_unprintable(self):
        """What is no field is not printed."""
        self.assertRefuses(
            ValueError,
            printTLVs,
            [
                ("a type of two octets", {256: b""}),
                ("a negative type", {-1: b""}),
                ("a long value", {1: bytes(65_536)}),
            ],
        )

    @given(tlvs)
    def test_roundTrip(self, fields):
        """Reading what is printed gives the same fields in the same order."""
        parsed = parseTLVs(printTLVs(fields))

        self.assertEqual(list(fields.items()), list(parsed.items()))

    @given(st.binary(max_size=30))
    def test_anyOctets(self, octets):
        """Whatever the octets are, they are fields or refused."""
        try:
            parsed = parseTLVs(octets)
        except ProxyError:
            return
        self.assertEqual(parsed, parseTLVs(printTLVs(parsed)))


class ChecksumTests(TableTestCase):
    """The checksum of a header, section 2.2.3."""

    def test_none(self):
        """A header without the field stays as it is."""
        self.assertEqual(b"??\x01\x00\x02h2", withChecksum(b"??\x01\x00\x02h2", 2))

    def test_right(self):
        """The checksum is of the whole header, with zeros where it will be."""
        before, behind = b"1234\x03\x00\x04", b"\x01\x00\x00"
        checksum = crc32c(before + bytes(4) + behind).to_bytes(4, "big")
        header, signed = before + b"????" + behind, before + checksum + behind

        self.assertEqual(signed, withChecksum(header, 4))
        self.assertEqual(signed, withChecksum(signed, 4))

    def test_length(self):
        """A field of another length is never right."""
        for length in (0, 3, 5):
            header = b"\x03\x00" + bytes([length]) + bytes(length)
            self.assertNotEqual(header, withChecksum(header, 0))


class TLSTests(TableTestCase):
    """The TLS between client and proxy, section 2.2.6."""

    def test_parse(self):
        """It is read as far as it can be understood."""
        self.assertGives(parseTLS, TLS)

    def test_bad(self):
        """What is cut off or says two things at once is refused."""
        self.assertRefuses(ProxyError, parseTLS, BAD_TLS)

    def test_asDict(self):
        """It is given as plain JSON types."""
        self.assertEqual(
            {
                "secure": True,
                "clientCertificateConnection": True,
                "clientCertificateSession": True,
                "verified": True,
                "version": "TLSv1.3",
                "commonName": "J\xfcrgen",
                "cipher": "TLS_AES_256_GCM_SHA384",
                "signatureAlgorithm": "RSA-SHA256",
                "keyAlgorithm": "RSA2048",
            },
            ALL_OF_TLS.asDict(),
        )

    @given(proxyTLSs)
    def test_roundTrip(self, tls):
        """Reading what is printed gives the same; only a certificate is verified."""
        hasCertificate = tls.clientCertificateConnection or tls.clientCertificateSession
        expected = evolve(tls, verified=tls.verified and hasCertificate)

        self.assertEqual(expected, parseTLS(printTLS(tls)))


class TextTests(TableTestCase):
    """The texts of fields."""

    def test_ascii(self):
        """A text is ASCII without control characters."""
        self.assertGives(parseText, TEXTS)

    def test_utf8(self):
        """Where it is UTF-8, it has none of Unicode's either."""
        self.assertGives(lambda value: parseText(value, "utf-8"), UTF_8_TEXTS)
