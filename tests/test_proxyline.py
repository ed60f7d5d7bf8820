"""
Tests of smtpsession.proxyline.
"""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterable
from typing import Any

from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from smtpsession import ProxyInfo, ProxyTLS
from smtpsession.errors import ProxyError
from smtpsession.limits import PROXY_HEADER
from smtpsession.proxyline import ProxyDecoder, printV1, printV2
from smtpsession.tlvs import AUTHORITY, CRC32C, NETNS, SSL, UNIQUE_ID, printTLS
from tests.cases import TableTestCase, cuts, feedings
from tests.proxystrategies import proxyInfosV1, proxyInfosV2
from tests.strategies import chunked

#: What a client may send right behind a header: what looks like another is not ours.
TAIL = b"EHLO client.example.com\r\nPROXY UNKNOWN\r\n"

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21


def block(command: int, protocol: int, rest: bytes = b"") -> bytes:
    """A header of version 2."""
    length = len(rest).to_bytes(2, "big")
    return SIGNATURE + bytes([command, protocol]) + length + rest


def tcp4(rest: bytes = b"") -> bytes:
    """One for TCP over IPv4, with fields behind its addresses."""
    return block(PROXY, 0x11, IPV4 + PORTS + rest)


IPV4 = bytes([192, 0, 2, 1, 198, 51, 100, 2])
IPV6 = bytes.fromhex("20010db8000000000000000000000001" + "fe80000000000000" * 2)
MAPPED = (bytes(10) + b"\xff\xff" + IPV4[:4]) + (bytes(10) + b"\xff\xff" + IPV4[4:])
PORTS = b"\xc0\x00\x00\x19"

#: A header that a load balancer of Amazon has sent, its checksum too.
AMAZON = block(
    PROXY,
    0x11,
    bytes([172, 31, 7, 113, 172, 31, 10, 31, 0xC8, 0xF2, 0, 80])
    + b"\x03\x00\x04\xe8\xd6\x89\x2d"
    + b"\xea\x00\x17\x01vpce-08d2bf15fac5001c9"
    + (b"\x04\x00\x24" + bytes(36)),
)

LONG_GROUPS = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

LINES = [
    # name, line, what it says
    (
        "the specification's own",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        ProxyInfo(1, "TCP4", "192.168.0.1", 56324, "192.168.0.11", 443),
    ),
    (
        "the longest of TCP4",
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        ProxyInfo(1, "TCP4", "255.255.255.255", 65535, "255.255.255.255", 65535),
    ),
    (
        "the shortest of TCP4",
        b"PROXY TCP4 0.0.0.0 1.2.3.4 0 9\r\n",
        ProxyInfo(1, "TCP4", "0.0.0.0", 0, "1.2.3.4", 9),
    ),
    (
        "the longest of TCP6",
        f"PROXY TCP6 {LONG_GROUPS} {LONG_GROUPS} 65535 65535\r\n".encode(),
        ProxyInfo(1, "TCP6", LONG_GROUPS, 65535, LONG_GROUPS, 65535),
    ),
    (
        "the shortest of TCP6",
        b"PROXY TCP6 :: ::1 1 2\r\n",
        ProxyInfo(1, "TCP6", "::", 1, "::1", 2),
    ),
    (
        "digits of both cases, and zeros",
        b"PROXY TCP6 2001:0DB8:0:0:0000::Ab FE80::1:0 1 2\r\n",
        ProxyInfo(1, "TCP6", "2001:db8::ab", 1, "fe80::1:0", 2),
    ),
    (
        "IPv4-mapped, with groups",
        b"PROXY TCP6 ::ffff:c000:201 0:0:0:0:0:FFFF:C633:6402 1 2\r\n",
        ProxyInfo(1, "TCP6", "192.0.2.1", 1, "198.51.100.2", 2),
    ),
    (
        "IPv4-mapped, as inet_ntop() writes it",
        b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n",
        ProxyInfo(1, "TCP6", "192.0.2.1", 1, "2001:db8::1", 2),
    ),
    ("unknown", b"PROXY UNKNOWN\r\n", ProxyInfo(1, "UNKNOWN")),
    ("unknown and a space", b"PROXY UNKNOWN \r\n", ProxyInfo(1, "UNKNOWN")),
    (
        "unknown, and what must be ignored",
        b"PROXY UNKNOWN 192.0.2.1 198.51.100.2 1 2\r\n",
        ProxyInfo(1, "UNKNOWN"),
    ),
    (
        "unknown, and octets that mean nothing",
        b"PROXY UNKNOWN \0\xff\t  \xc3\xa9\r\n",
        ProxyInfo(1, "UNKNOWN"),
    ),
    (
        "unknown, and line ends that are none",
        b"PROXY UNKNOWN a\rb\nc\n\r\r\n",
        ProxyInfo(1, "UNKNOWN"),
    ),
    (
        "the longest of all",
        f"PROXY UNKNOWN {LONG_GROUPS} {LONG_GROUPS} 65535 65535\r\n".encode(),
        ProxyInfo(1, "UNKNOWN"),
    ),
]

BAD_LINES = [
    # name, octets
    ("no protocol", b"PROXY\r\n"),
    ("an empty protocol", b"PROXY \r\n"),
    ("UDP, which version 1 has not", b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("another TCP", b"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("lower case", b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("a protocol in lower case", b"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("a word that begins as UNKNOWN does", b"PROXY UNKNOWNS\r\n"),
    ("UNKNOWN and an LF", b"PROXY UNKNOWN\n"),
    ("UNKNOWN and two CRs", b"PROXY UNKNOWN\r\r\n"),
    ("nothing else", b"PROXY TCP4\r\n"),
    ("only a space", b"PROXY TCP4 \r\n"),
    ("one address", b"PROXY TCP4 1.2.3.4\r\n"),
    ("no ports", b"PROXY TCP4 1.2.3.4 5.6.7.8\r\n"),
    ("one port", b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"),
    ("three ports", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"),
    # Exactly one space.
    ("two spaces behind PROXY", b"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("two spaces behind the protocol", b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"),
    ("two spaces between addresses", b"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n"),
    ("two spaces before ports", b"PROXY TCP4 1.2.3.4 5.6.7.8  1 2\r\n"),
    ("two spaces between ports", b"PROXY TCP4 1.2.3.4 5.6.7.8 1  2\r\n"),
    ("a space behind", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"),
    ("a space in front", b" PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("tabs", b"PROXY\tTCP4\t1.2.3.4\t5.6.7.8\t1\t2\r\n"),
    ("one tab", b"PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n"),
    # Ports.
    ("a port of zeros", b"PROXY TCP4 1.2.3.4 5.6.7.8 00 2\r\n"),
    ("a zero in front of a port", b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"),
    ("a zero in front of the other", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 02\r\n"),
    ("a port too high", b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n"),
    ("the other too high", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"),
    ("a port of six digits", b"PROXY TCP4 1.2.3.4 5.6.7.8 100000 2\r\n"),
    ("a negative port", b"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n"),
    ("a plus sign", b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n"),
    ("a hexadecimal port", b"PROXY TCP4 1.2.3.4 5.6.7.8 a 2\r\n"),
    ("an empty port", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"),
    ("digits that are not ASCII", "PROXY TCP4 1.2.3.4 5.6.7.8 \u0661 2\r\n".encode()),
    # Addresses of IPv4.
    ("a number too high", b"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n"),
    ("the other's too high", b"PROXY TCP4 1.2.3.4 5.6.7.256 1 2\r\n"),
    ("zeros in front", b"PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n"),
    ("three numbers", b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n"),
    ("five numbers", b"PROXY TCP4 1.2.3.4.5 5.6.7.8 1 2\r\n"),
    ("one number", b"PROXY TCP4 16909060 5.6.7.8 1 2\r\n"),
    ("two dots", b"PROXY TCP4 1.2..4 5.6.7.8 1 2\r\n"),
    ("a dot behind", b"PROXY TCP4 1.2.3.4. 5.6.7.8 1 2\r\n"),
    ("hexadecimal numbers", b"PROXY TCP4 a.b.c.d 5.6.7.8 1 2\r\n"),
    ("IPv6 for IPv4", b"PROXY TCP4 ::1 5.6.7.8 1 2\r\n"),
    ("IPv4-mapped for IPv4", b"PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 1 2\r\n"),
    ("a host name", b"PROXY TCP4 localhost 5.6.7.8 1 2\r\n"),
    # Addresses of IPv6.
    ("IPv4 for IPv6", b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n"),
    ("IPv4 for the other", b"PROXY TCP6 ::1 1.2.3.4 1 2\r\n"),
    ("two double colons", b"PROXY TCP6 1::2::3 ::1 1 2\r\n"),
    ("three colons", b"PROXY TCP6 1:::3 ::1 1 2\r\n"),
    ("seven groups", b"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n"),
    ("nine groups", b"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n"),
    ("eight groups and a double colon", b"PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n"),
    ("a group of five digits", b"PROXY TCP6 12345::1 ::1 1 2\r\n"),
    ("a colon in front", b"PROXY TCP6 :1:2:3:4:5:6:7:8 ::1 1 2\r\n"),
    ("a colon behind", b"PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n"),
    ("other letters", b"PROXY TCP6 200g::1 ::1 1 2\r\n"),
    ("a zone", b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
    ("brackets", b"PROXY TCP6 [::1] ::1 1 2\r\n"),
    ("a prefix length", b"PROXY TCP6 ::1/128 ::1 1 2\r\n"),
    # Ends.
    ("an LF", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"),
    ("a CR and something", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rEHLO"),
    ("an LF and a CR", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r"),
    ("a NUL before the end", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0\r\n"),
    ("an LF in the middle", b"PROXY TCP4 1.2.3.4\n5.6.7.8 1 2\r\n"),
    # Length, section 2.1: 107 octets with the CRLF.
    ("108 octets", b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n"),
    ("no end", b"PROXY UNKNOWN " + b"x" * 200),
    ("CRs without end", b"PROXY UNKNOWN " + b"\r" * 200),
    ("LFs without end", b"PROXY UNKNOWN " + b"\n" * 200),
    ("digits without end", b"PROXY TCP4 " + b"1" * 200),
    # What is no header at all.
    ("a command", b"EHLO client.example.com\r\n"),
    ("a command that begins with P", b"PROPFIND / HTTP/1.1\r\n"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01"),
    ("an LF only", b"\n"),
    ("a NUL", b"\0"),
]

UNIX_PATHS = b"/run/mail.sock".ljust(108, b"\0") + b"\0abstract\0name".ljust(108, b"\0")

#: Headers that are printed the same again.
BLOCKS = [
    # name, header, what it says
    (
        "TCP over IPv4",
        tcp4(),
        ProxyInfo(2, "TCP4", "192.0.2.1", 49152, "198.51.100.2", 25),
    ),
    (
        "UDP over IPv4",
        block(PROXY, 0x12, IPV4 + PORTS),
        ProxyInfo(2, "UDP4", "192.0.2.1", 49152, "198.51.100.2", 25),
    ),
    (
        "TCP over IPv6",
        block(PROXY, 0x21, IPV6 + PORTS),
        ProxyInfo(2, "TCP6", "2001:db8::1", 49152, "fe80::fe80:0:0:0", 25),
    ),
    (
        "UDP over IPv6",
        block(PROXY, 0x22, IPV6 + PORTS),
        ProxyInfo(2, "UDP6", "2001:db8::1", 49152, "fe80::fe80:0:0:0", 25),
    ),
    (
        "IPv4-mapped",
        block(PROXY, 0x21, MAPPED + PORTS),
        ProxyInfo(2, "TCP6", "192.0.2.1", 49152, "198.51.100.2", 25),
    ),
    (
        "a UNIX stream",
        block(PROXY, 0x31, UNIX_PATHS),
        ProxyInfo(2, "UNIX", "/run/mail.sock", None, "\0abstract\0name", None),
    ),
    (
        "UNIX datagrams, without names",
        block(PROXY, 0x32, bytes(216)),
        ProxyInfo(2, "UNIX_DGRAM", "", None, "", None),
    ),
    (
        "the longest path, and one that is not UTF-8",
        block(PROXY, 0x31, b"x" * 108 + b"caf\xe9".ljust(108, b"\0")),
        ProxyInfo(2, "UNIX", "x" * 108, None, "caf\udce9", None),
    ),
    ("local", block(LOCAL, 0x00), ProxyInfo(2, "UNKNOWN", isLocal=True)),
    ("unspecified", block(PROXY, 0x00), ProxyInfo(2, "UNKNOWN")),
    (
        "two fields",
        tcp4(b"\x01\x00\x02h2\xe0\x00\x00"),
        ProxyInfo(
            2,
            "TCP4",
            "192.0.2.1",
            49152,
            "198.51.100.2",
            25,
            {1: b"h2", 0xE0: b""},
        ),
    ),
    (
        "fields behind paths",
        block(PROXY, 0x31, bytes(216) + b"\x05\x00\x01x"),
        ProxyInfo(2, "UNIX", "", None, "", None, {5: b"x"}),
    ),
]

#: Headers that have what is skipped.
LOOSE_BLOCKS = [
    # name, header, what it says
    (
        "what another path has left behind one",
        block(PROXY, 0x31, (b"/a\0un/mail.sock".ljust(108, b"\0")) * 2),
        ProxyInfo(2, "UNIX", "/a", None, "/a", None),
    ),
    (
        "local, with addresses that are skipped",
        block(LOCAL, 0x11, IPV4 + PORTS),
        ProxyInfo(2, "UNKNOWN", isLocal=True),
    ),
    (
        "local, of a family that is ignored",
        block(LOCAL, 0xFF, b"anything"),
        ProxyInfo(2, "UNKNOWN", isLocal=True),
    ),
    (
        "local, shorter than addresses would be",
        block(LOCAL, 0x21, b"\x01"),
        ProxyInfo(2, "UNKNOWN", isLocal=True),
    ),
    (
        "unspecified, and what is skipped",
        block(PROXY, 0x00, b"anything"),
        ProxyInfo(2, "UNKNOWN"),
    ),
    ("an unspecified family", block(PROXY, 0x01), ProxyInfo(2, "UNKNOWN")),
    (
        "an unspecified transport",
        block(PROXY, 0x10, IPV4 + PORTS),
        ProxyInfo(2, "UNKNOWN"),
    ),
    ("an unspecified transport of IPv6", block(PROXY, 0x20), ProxyInfo(2, "UNKNOWN")),
    ("an unspecified transport of UNIX", block(PROXY, 0x30), ProxyInfo(2, "UNKNOWN")),
    (
        "a checksum, a field of an application, and padding",
        AMAZON,
        ProxyInfo(
            2,
            "TCP4",
            "172.31.7.113",
            51442,
            "172.31.10.31",
            80,
            {3: b"\xe8\xd6\x89\x2d", 0xEA: b"\x01vpce-08d2bf15fac5001c9"},
        ),
    ),
]

BAD_BLOCKS = [
    # name, header
    ("version 1", block(0x11, 0x11, IPV4 + PORTS)),
    ("version 3", block(0x31, 0x11, IPV4 + PORTS)),
    ("no version", block(0x01, 0x11, IPV4 + PORTS)),
    ("another command", block(0x22, 0x11, IPV4 + PORTS)),
    ("the last command", block(0x2F, 0x00)),
    ("another family", block(PROXY, 0x41, IPV4 + PORTS)),
    ("another family of no transport", block(PROXY, 0x40)),
    ("another transport", block(PROXY, 0x13, IPV4 + PORTS)),
    ("another transport of no family", block(PROXY, 0x03)),
    ("the last of both", block(PROXY, 0xFF)),
    ("IPv4 without addresses", block(PROXY, 0x11)),
    ("IPv4 without the last octet", block(PROXY, 0x11, (IPV4 + PORTS)[:-1])),
    ("IPv6 with addresses of IPv4", block(PROXY, 0x21, IPV4 + PORTS)),
    ("IPv6 without the last octet", block(PROXY, 0x22, (IPV6 + PORTS)[:-1])),
    ("UNIX without the last octet", block(PROXY, 0x31, UNIX_PATHS[:-1])),
    ("an octet behind the addresses", tcp4(b"\0")),
    ("two octets behind the addresses", tcp4(b"\0\0")),
    ("a field that is cut off", tcp4(b"\x01\x00\x02h")),
    ("a field that goes on behind the header", tcp4(b"\x01\xff\xff")),
    ("a host name twice", tcp4(b"\x02\x00\x01a\x02\x00\x01b")),
    ("a wrong checksum", AMAZON.replace(b"\xe8\xd6\x89\x2d", b"\xe8\xd6\x89\x2e")),
    (
        "a checksum in the other order",
        AMAZON.replace(b"\xe8\xd6\x89\x2d", b"\x2d\x89\xd6\xe8"),
    ),
    ("another address", AMAZON.replace(bytes([172, 31, 7]), bytes([172, 31, 8]))),
    ("another value", AMAZON.replace(b"vpce", b"vpcf")),
    ("other padding", AMAZON[:-1] + b"\x01"),
    ("a checksum of three octets", tcp4(b"\x03\x00\x03\0\0\0")),
    ("an empty checksum", tcp4(b"\x03\x00\x00")),
    ("a signature that ends otherwise", b"\r\n\r\n\0\r\nQUIT\r\n"),
    ("a signature without its NUL", b"\r\n\r\n\r\nQUIT\n\x20\0\0\0"),
    ("empty lines", b"\r\n\r\n\r\n\r\n"),
    ("one too long", block(PROXY, 0, bytes(PROXY_HEADER - 15))),
    ("one too long that is local", block(LOCAL, 0, bytes(PROXY_HEADER - 15))),
    ("the longest length", SIGNATURE + b"\x21\x11\xff\xff"),
]

#: What is known to be malformed with the last of these octets, and not before.
KNOWN_EARLY = [
    # name, octets
    ("another protocol", b"E"),
    ("lower case", b"p"),
    ("TLS", b"\x16"),
    ("a command that begins with P", b"PROP"),
    ("another protocol of version 1", b"PROXY UD"),
    ("a longer word", b"PROXY UNKNOWNS"),
    ("a CR that ends nothing", b"PROXY UNKNOWN\rx"),
    ("an LF that ends nothing", b"PROXY UNKNOWN\n"),
    ("a line end instead of an address", b"PROXY TCP4\r"),
    ("an LF behind an address", b"PROXY TCP4 1.2.3.4\n"),
    ("a CR behind an address", b"PROXY TCP4 1.2.3.4\r5"),
    ("no address", b"PROXY TCP6 x"),
    ("a line that cannot end in time", b"PROXY UNKNOWN " + b"x" * 92),
    ("one whose CR comes too late", b"PROXY UNKNOWN " + b"x" * 91 + b"\rx"),
    ("a signature that ends otherwise", b"\r\n\r\n\0\r\nQUIT\r"),
    ("an empty line and a command", b"\r\nE"),
    ("another version", SIGNATURE + b"\x11"),
    ("another command", SIGNATURE + b"\x22"),
    ("another family", SIGNATURE + b"\x21\x41"),
    ("another transport", SIGNATURE + b"\x21\x13"),
    ("less than the addresses", SIGNATURE + b"\x21\x11\x00\x0b"),
    ("more than the longest header", SIGNATURE + b"\x21\x11\x0f\xf1"),
    ("the same if local", SIGNATURE + b"\x20\x00\x0f\xf1"),
]

HEADERS = [*LINES, *BLOCKS, *LOOSE_BLOCKS]


def decode(chunks: Iterable[bytes]) -> tuple[ProxyInfo, bytes] | None:
    """What a decoder makes of the chunks; those behind the end are not its own."""
    decoder = ProxyDecoder()
    result = None
    for chunk in chunks:
        if result is None:
            result = decoder.feed(chunk)
        else:
            result = result[0], result[1] + chunk
    return result


def parse(header: bytes) -> ProxyInfo | None:
    """What a header says that has come whole."""
    result = decode([header])
    return None if result is None else result[0]


def wellFormed(info: ProxyInfo) -> bool:
    """Whether what a decoder gives is what its documentation says."""
    addresses = (info.sourceAddress, info.destinationAddress)
    ports = (info.sourcePort, info.destinationPort)
    if info.protocol == "UNKNOWN":
        return (addresses, ports, info.tlvs) == ((None,) * 2, (None,) * 2, {})
    if info.protocol.startswith("UNIX"):
        return ports == (None, None) and None not in addresses
    if info.protocol not in ("TCP4", "TCP6", "UDP4", "UDP6"):
        return False
    # Its checksum was that of another header, if there was padding.
    version2 = evolve(info, version=2, tlvs={**info.tlvs, CRC32C: b""})
    again = parse(printV2(version2))
    return again is not None and version2 == evolve(
        again, tlvs={**again.tlvs, CRC32C: b""}
    )


class ProxyDecoderTests(TableTestCase):
    """Headers taken from the front of what a client sends."""

    def test_headers(self):
        """What a header says is read, however it is cut, and what follows is left."""
        for name, header, info in HEADERS:
            for how, chunks, tail in feedings(header, TAIL):
                self.assertEqual((info, tail), decode(chunks), f"{name}, {how}")

    def test_malformed(self):
        """What is malformed is refused."""
        self.assertRefuses(ProxyError, parse, [*BAD_LINES, *BAD_BLOCKS])

    def test_malformedInPieces(self):
        """It is so however it is cut."""
        for name, octets in [*BAD_LINES, *BAD_BLOCKS]:
            # Those of the longest header are too many to be cut everywhere.
            for how, chunks in (
                cuts(octets) if len(octets) < 300 else [("whole", [octets])]
            ):
                with self.assertRaises(ProxyError, msg=f"{name}, {how}"):
                    decode(chunks)

    def test_knownEarly(self):
        """It is refused as soon as that can be known."""
        for name, octets in KNOWN_EARLY:
            decoder = ProxyDecoder()
            for at in range(len(octets) - 1):
                self.assertIs(None, decoder.feed(octets[at : at + 1]), f"{name}, {at}")
            with self.assertRaises(ProxyError, msg=name):
                decoder.feed(octets[-1:])

    def test_everyFirstOctet(self):
        """The first octet is of one of both versions, or refused."""
        for octet in range(256):
            if octet in b"P\r":
                self.assertIs(None, decode([bytes([octet])]))
            else:
                with self.assertRaises(ProxyError):
                    decode([bytes([octet])])

    def test_truncated(self):
        """Of a header that has not ended yet nothing is said."""
        for name, header, _ in HEADERS:
            for length in range(len(header)):
                self.assertIs(None, decode([header[:length]]), f"{name}, {length}")

    def test_emptyChunks(self):
        """Empty chunks change nothing."""
        self.assertEqual(
            (ProxyInfo(1, "UNKNOWN"), b""),
            decode([b"", b"PROXY", b"", b" UNKNOWN\r", b"", b"\n", b""]),
        )

    def test_corrupted(self):
        """With any octet changed, a header is refused, or still says something."""
        for name, header, _ in HEADERS:
            for at in range(len(header)):
                for octet in {
                    0,
                    9,
                    10,
                    13,
                    32,
                    48,
                    255,
                    header[at] ^ 1,
                    header[at] ^ 16,
                }:
                    corrupt = header[:at] + bytes([octet]) + header[at + 1 :]
                    try:
                        info = parse(corrupt)
                    except ProxyError:
                        continue
                    self.assertTrue(
                        info is None or wellFormed(info), f"{name}, {corrupt!r}"
                    )

    def test_corruptedWithChecksum(self):
        """With a checksum, nothing that is not skipped can change unnoticed."""
        # But for what says that there is one.
        typeOfChecksum = AMAZON.index(b"\x03\x00\x04")
        for at in set(range(len(AMAZON))) - {typeOfChecksum}:
            for bit in range(8):
                octet = AMAZON[at] ^ 1 << bit
                corrupt = AMAZON[:at] + bytes([octet]) + AMAZON[at + 1 :]
                try:
                    info = parse(corrupt)
                except ProxyError:
                    continue
                # The header became longer, or has no addresses to be mistaken.
                self.assertTrue(info is None or info.protocol == "UNKNOWN", (at, bit))

    def test_longest(self):
        """A header may have 4096 octets."""
        rest = b"\x05\x0f\xe1" + bytes(PROXY_HEADER - 31)
        info = parse(tcp4(rest))

        self.assertEqual(4096, len(tcp4(rest)))
        self.assertEqual({5: bytes(PROXY_HEADER - 31)}, info and info.tlvs)

    @given(st.binary(max_size=40))
    def test_anyOctets(self, octets):
        """Whatever comes behind a beginning, it is refused, or says something."""
        for beginning in (
            b"",
            b"PROXY TCP4 ",
            SIGNATURE,
            SIGNATURE + b"\x21\x11\0\x10",
        ):
            try:
                info = parse(beginning + octets)
            except ProxyError:
                continue
            self.assertTrue(info is None or wellFormed(info), repr(info))

    @given(st.text("0123456789af:. ", max_size=40), st.sampled_from("46"))
    def test_anyAddresses(self, text, family):
        """Whatever stands for addresses and ports, the same is so."""
        try:
            info = parse(f"PROXY TCP{family} {text}\r\n".encode())
        except ProxyError:
            return
        self.assertTrue(info is not None and wellFormed(info), repr(info))


class BoundedTests(TableTestCase):
    """No header costs more than the longest may."""

    def test_held(self):
        """Never is more than the longest header held."""
        for beginning in (
            b"PROXY UNKNOWN ",
            b"PROXY TCP6 ",
            SIGNATURE + b"\x21\0\x0f\xf0",
        ):
            decoder, most = ProxyDecoder(), 0
            try:
                for octet in beginning + bytes(10_000):
                    if decoder.feed(bytes([octet])) is not None:
                        break
                    most = max(most, _held(decoder))
            except ProxyError:
                pass
            self.assertTrue(0 < most < PROXY_HEADER, f"{most} octets held")

    def test_largeChunk(self):
        """What comes behind a header is handed out and not held."""
        decoder = ProxyDecoder()
        result = decoder.feed(b"PROXY UNKNOWN\r\n" + bytes(1_000_000))

        self.assertEqual((ProxyInfo(1, "UNKNOWN"), bytes(1_000_000)), result)
        self.assertEqual(0, _held(decoder))

    def test_manyFields(self):
        """As many fields as fit, octet by octet."""
        for field in (b"\x04\0\0", b"\xe0\0\0"):
            header = tcp4(field * 1356)
            self.assertEqual(PROXY_HEADER, len(header))
            chunks = [header[at : at + 1] for at in range(len(header))]
            self.assertIsNot(None, decode(chunks))


class PrintTests(TableTestCase):
    """Headers printed."""

    def test_lines(self):
        """Version 1 says what it has words for."""
        self.assertGives(
            printV1,
            [
                (
                    "TCP over IPv4",
                    ProxyInfo(1, "TCP4", "192.0.2.1", 1, "192.0.2.2", 25),
                    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n",
                ),
                (
                    "TCP over IPv6",
                    ProxyInfo(2, "TCP6", "2001:db8::1", 1, "::1", 25, {1: b"h2"}),
                    b"PROXY TCP6 2001:db8::1 ::1 1 25\r\n",
                ),
                (
                    "IPv4-mapped, which ends in groups as the section has it",
                    ProxyInfo(2, "TCP6", "192.0.2.1", 1, "::1", 25),
                    b"PROXY TCP6 0000:0000:0000:0000:0000:ffff:c000:0201 ::1 1 25\r\n",
                ),
                ("unknown", ProxyInfo(1, "UNKNOWN"), b"PROXY UNKNOWN\r\n"),
                (
                    "no client",
                    ProxyInfo(2, "UNKNOWN", isLocal=True),
                    b"PROXY UNKNOWN\r\n",
                ),
                (
                    "UDP, which it has no word for",
                    ProxyInfo(2, "UDP4", "192.0.2.1", 1, "192.0.2.2", 25),
                    b"PROXY UNKNOWN\r\n",
                ),
                ("UNIX", ProxyInfo(2, "UNIX", "", None, ""), b"PROXY UNKNOWN\r\n"),
            ],
        )

    def test_blocks(self):
        """Version 2 is printed as it was."""
        self.assertGives(
            printV2, [(name, info, header) for name, header, info in BLOCKS]
        )

    def test_checksum(self):
        """A header gets the checksum that is right for it, whatever is asked for."""
        for value in (b"", b"\xe8\xd6\x89\x2d", b"wrong"):
            info = ProxyInfo(2, "UNIX", "/a", None, "/b", None, {1: b"h2", 3: value})
            parsed = parse(printV2(info))
            self.assertEqual([1, 3], parsed and list(parsed.tlvs))
            self.assertEqual(parsed and printV2(parsed), printV2(info))

    def test_unprintable(self):
        """What a version cannot say is not printed as something else."""
        inet = ProxyInfo(2, "TCP4", "192.0.2.1", 1, "192.0.2.2", 25)
        rows = [
            ("no address", evolve(inet, sourceAddress=None)),
            ("no other address", evolve(inet, destinationAddress=None)),
            ("no port", evolve(inet, sourcePort=None)),
            ("no other port", evolve(inet, destinationPort=None)),
            ("a negative port", evolve(inet, sourcePort=-1)),
            ("a port too high", evolve(inet, destinationPort=65536)),
            ("IPv6 for IPv4", evolve(inet, sourceAddress="::1")),
            ("a host name", evolve(inet, sourceAddress="localhost")),
            ("a line end", evolve(inet, sourceAddress="192.0.2.1\r\n")),
            ("a zone", evolve(inet, protocol="TCP6", sourceAddress="fe80::1%a b")),
        ]
        self.assertRefuses(ValueError, printV1, rows)
        self.assertRefuses(ValueError, printV2, rows)

        unix = ProxyInfo(2, "UNIX", "/a", None, "/b")
        self.assertRefuses(
            ValueError,
            printV2,
            [
                ("another protocol", evolve(inet, protocol="SCTP4")),
                ("no path", evolve(unix, sourceAddress=None)),
                ("a long path", evolve(unix, sourceAddress="x" * 109)),
                ("a NUL within a path", evolve(unix, destinationAddress="a\0b")),
                ("a NUL behind a path", evolve(unix, destinationAddress="a\0")),
                ("only a NUL", evolve(unix, destinationAddress="\0")),
                ("no text", evolve(unix, destinationAddress="\ud800")),
                ("a type of two octets", evolve(inet, tlvs={256: b""})),
                ("fields too long", evolve(inet, tlvs={5: bytes(PROXY_HEADER - 30)})),
                ("a field too long", evolve(inet, tlvs={5: bytes(65_536)})),
            ],
        )

    @given(
        proxyInfosV1.map(printV1).flatmap(lambda line: chunked(st.just(line + TAIL)))
    )
    def test_linesRoundTrip(self, whole):
        """Printing what is read of a line that was printed gives the same line."""
        octets, chunks = whole
        result = decode(chunks)

        self.assertEqual(octets, result and printV1(result[0]) + result[1])

    @given(proxyInfosV1)
    def test_infosRoundTripV1(self, info):
        """Reading the line that is printed of something says the same."""
        self.assertEqual((info, TAIL), decode([printV1(info) + TAIL]))

    @given(
        proxyInfosV2.map(printV2).flatmap(lambda head: chunked(st.just(head + TAIL)))
    )
    def test_blocksRoundTrip(self, whole):
        """Printing what is read of a header that was printed gives the same header."""
        octets, chunks = whole
        result = decode(chunks)

        self.assertEqual(octets, result and printV2(result[0]) + result[1])

    @given(proxyInfosV2)
    def test_infosRoundTripV2(self, info):
        """Reading the header that is printed of something says the same."""
        self.assertEqual((info, TAIL), decode([printV2(info) + TAIL]))


class ProxyInfoTests(TableTestCase):
    """What a header said."""

    def test_alpn(self):
        """The protocol of ALPN is octets, as TLS has it."""
        self.assertGives(
            lambda tlvs: _info(tlvs).alpn,
            [("none", {}, None), ("SMTP", {1: b"smtp"}, b"smtp")],
        )

    def test_authority(self):
        """The host name is a domain in lower case, or not given."""
        self.assertGives(
            lambda tlvs: _info(tlvs).authority,
            [
                ("none", {}, None),
                ("a domain", {2: b"mx.example.org"}, "mx.example.org"),
                ("upper case", {2: b"MX.Example.ORG"}, "mx.example.org"),
                ("an A-label", {2: b"xn--bcher-kva.example"}, "xn--bcher-kva.example"),
                ("empty", {2: b""}, None),
                ("a U-label", {2: "b\xfccher.example".encode()}, None),
                ("not UTF-8", {2: b"b\xfccher.example"}, None),
                ("a dot behind", {2: b"mx.example.org."}, None),
                ("an underscore", {2: b"mx_1.example.org"}, None),
                ("a line end", {2: b"mx.example.org\r\n"}, None),
                ("a NUL", {2: b"mx.example.org\0.example.com"}, None),
                ("a literal", {2: b"[192.0.2.1]"}, None),
                ("a long label", {2: b"x" * 64 + b".example"}, None),
                ("a long name", {2: b"x." * 127 + b"xx"}, None),
            ],
        )

    def test_uniqueId(self):
        """The identifier is at most 128 octets."""
        self.assertGives(
            lambda tlvs: _info(tlvs).uniqueId,
            [
                ("none", {}, None),
                ("empty", {5: b""}, b""),
                ("any octets", {5: b"\0\xff"}, b"\0\xff"),
                ("the longest", {5: bytes(128)}, bytes(128)),
                ("too long", {5: bytes(129)}, None),
            ],
        )

    def test_netns(self):
        """The namespace is a text in ASCII."""
        self.assertGives(
            lambda tlvs: _info(tlvs).netns,
            [
                ("none", {}, None),
                ("a name", {0x30: b"blue"}, "blue"),
                ("not ASCII", {0x30: b"bl\xfc"}, None),
                ("a line end", {0x30: b"blue\n"}, None),
            ],
        )

    def test_tls(self):
        """The TLS of the client is known where the proxy says it as it must."""
        tls = ProxyTLS(True, version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")
        self.assertGives(
            lambda tlvs: _info(tlvs).tls,
            [
                ("none", {}, None),
                ("some", {0x20: printTLS(tls)}, tls),
                ("cut off", {0x20: printTLS(tls)[:-1]}, None),
                ("empty", {0x20: b""}, None),
            ],
        )

    def test_badValues(self):
        """A value that is not what its type demands is not the header's fault."""
        for kind in (1, 2, 5, 0x20, 0x30):
            field = bytes([kind, 0, 200]) + b"\xff" * 200
            info = parse(tcp4(field))
            self.assertEqual({kind: b"\xff" * 200}, info and info.tlvs)

    def test_immutable(self):
        """What was said never changes."""
        tlvs = {1: b"h2"}
        info = _info(tlvs)
        tlvs[1] = b"h3"

        self.assertEqual(b"h2", info.alpn)
        with self.assertRaises(TypeError):
            info.tlvs[1] = b"h3"  # type: ignore[index]
        with self.assertRaises(FrozenInstanceError):
            info.isLocal = True  # type: ignore[misc]

    def test_copies(self):
        """What was said can be copied, pickled, and be a key."""
        info = _info({1: b"h2"})

        self.assertEqual(
            {info}, {copy.deepcopy(info), pickle.loads(pickle.dumps(info))}
        )

    def test_asDict(self):
        """It is given as plain JSON types, the fields by the number of their type."""
        expected: dict[str, Any] = {
            "version": 2,
            "protocol": "TCP4",
            "sourceAddress": "192.0.2.1",
            "sourcePort": 1,
            "destinationAddress": "192.0.2.2",
            "destinationPort": 25,
            "tlvs": {"1": "h2"},
            "isLocal": False,
            "alpn": "h2",
            "authority": None,
            "uniqueId": None,
            "netns": None,
            "tls": None,
        }

        self.assertEqual(expected, json.loads(json.dumps(_info({1: b"h2"}).asDict())))

    def test_asDictOfFields(self):
        """What the properties read is there too, in hexadecimal if it is no text."""
        tls = ProxyTLS(secure=True, version="TLSv1.3")
        for uniqueId, shown in ((b"a-1", "a-1"), (b"\x00\xff", "00ff"), (b"", "")):
            info = _info(
                {
                    AUTHORITY: b"MX.example.net",
                    UNIQUE_ID: uniqueId,
                    NETNS: b"blue",
                    SSL: printTLS(tls),
                }
            )
            given = json.loads(json.dumps(info.asDict()))

            self.assertEqual("mx.example.net", given["authority"])
            self.assertEqual(shown, given["uniqueId"])
            self.assertEqual("blue", given["netns"])
            self.assertEqual(tls.asDict(), given["tls"])


def _info(tlvs: dict[int, bytes]) -> ProxyInfo:
    return ProxyInfo(2, "TCP4", "192.0.2.1", 1, "192.0.2.2", 25, tlvs)


def _held(decoder: ProxyDecoder) -> int:
    """How many octets a decoder keeps in memory."""
    return sum(len(v) for v in vars(decoder).values() if isinstance(v, bytearray))
