# -*- test-case-name: tests.test_proxyline -*-
"""
What a proxy says of its client before the client is heard: the PROXY protocol, versions
1 and 2, parse and print.

The specification is HAProxy's C{doc/proxy-protocol.txt}; the sections named here are
its own.  A header is said by whoever opens the connection and believed, so that it may
be read only where the peer is known to be such a proxy, and must be read there: never
is it guessed whether there is one (section 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import Any

from attrs import field, frozen

from smtpsession.addresses import isDomain
from smtpsession.errors import ProxyError
from smtpsession.limits import PROXY_HEADER, PROXY_LINE, PROXY_UNIQUE_ID
from smtpsession.model import FrozenMapping, Model
from smtpsession.networks import unmapped
from smtpsession.tlvs import (
    ALPN,
    AUTHORITY,
    CRC32C,
    NETNS,
    SSL,
    UNIQUE_ID,
    ProxyTLS,
    parseText,
    parseTLS,
    parseTLVs,
    printTLVs,
    withChecksum,
)

UNKNOWN = "UNKNOWN"

_Address = IPv4Address | IPv6Address
_NO_TLVS: FrozenMapping[int, bytes] = FrozenMapping()


def _frozen(tlvs: Mapping[int, bytes]) -> FrozenMapping[int, bytes]:
    return FrozenMapping(tlvs)


@frozen
class ProxyInfo(Model):
    """
    What the header of the PROXY protocol said.

    The properties read C{tlvs}.  Where there is no such field, or its value is not what
    its type demands, they are None.

    @ivar version: 1 or 2
    @ivar protocol: C{"TCP4"}, C{"TCP6"}, C{"UDP4"}, C{"UDP6"}, C{"UNIX"},
        C{"UNIX_DGRAM"}, or C{"UNKNOWN"}: then the connection's own addresses stay
    @ivar sourceAddress: the client's, in its usual form; an IPv4-mapped IPv6 address is
        given as IPv4.  That of a UNIX socket is a path, as UTF-8 with
        C{surrogateescape}; C{""} where it has no name, with a NUL in front if abstract.
    @ivar sourcePort: None where there are no ports
    @ivar destinationAddress: where the client connected to
    @ivar tlvs: the type-length-value fields of version 2, by type; without padding, and
        the first of those that were repeated
    @ivar isLocal: the proxy speaks for itself, to see whether we are well: there is no
        client
    """

    version: int
    protocol: str
    sourceAddress: str | None = None
    sourcePort: int | None = None
    destinationAddress: str | None = None
    destinationPort: int | None = None
    tlvs: Mapping[int, bytes] = field(default=_NO_TLVS, converter=_frozen)
    isLocal: bool = False

    @property
    def alpn(self) -> bytes | None:
        """The protocol that the client negotiated by ALPN, section 2.2.1."""
        return self.tlvs.get(ALPN)

    @property
    def authority(self) -> str | None:
        """The host name that the client asked for, lower case: SNI, section 2.2.2."""
        name = parseText(self.tlvs.get(AUTHORITY, b""))
        return name.lower() if name is not None and isDomain(name) else None

    @property
    def uniqueId(self) -> bytes | None:
        """What the proxy calls the connection, section 2.2.5."""
        value = self.tlvs.get(UNIQUE_ID)
        return None if value is None or len(value) > PROXY_UNIQUE_ID else value

    @property
    def netns(self) -> str | None:
        """The name of the network namespace, section 2.2.7."""
        return parseText(self.tlvs.get(NETNS, b""))

    @property
    def tls(self) -> ProxyTLS | None:
        """The TLS between the client and the proxy, section 2.2.6."""
        try:
            return parseTLS(self.tlvs[SSL])
        except (KeyError, ProxyError):
            return None

    def asDict(self) -> dict[str, Any]:
        """
        The same as plain JSON types, and what the properties read; C{alpn} and
        C{uniqueId}, which may be any octets, in hexadecimal where they are not
        printable US-ASCII.
        """
        return {
            **super().asDict(),
            "alpn": _shown(self.alpn),
            "authority": self.authority,
            "uniqueId": _shown(self.uniqueId),
            "netns": self.netns,
            "tls": None if self.tls is None else self.tls.asDict(),
        }


def _shown(value: bytes | None) -> str | None:
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if text.isascii() and text.isprintable() else value.hex()


class ProxyDecoder:
    """
    Takes a header of either version from the front of a byte stream.

    No more than the longest header is ever held.  A connection whose header is
    malformed must be closed: nothing behind it can be believed.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> tuple[ProxyInfo, bytes] | None:
        """
        Take what has arrived; not after the header's end, nor after an error.

        @return: what the header says and what came behind it; None until it has ended
        @raise ProxyError: it is malformed, or too long
        """
        held = self._held
        held += chunk
        if not any(each.startswith(held[: len(each)]) for each in _BEGINNINGS):
            raise ProxyError("not a header of the PROXY protocol")
        isLine = held.startswith(b"P")
        end = _endOfLine(held) if isLine else _endOfBlock(held)
        if end is None:
            return None
        header, rest = bytes(held[:end]), bytes(held[end:])
        held.clear()
        return (_parseLine if isLine else _parseBlock)(header), rest


# Version 1, section 2.1.  As ABNF:
#   line    = "PROXY" SP ( inet / unknown ) CRLF
#   inet    = ( "TCP4" / "TCP6" ) SP address SP address SP port SP port
#   unknown = "UNKNOWN" [ SP *OCTET ]
#   port    = "0" / ( %d49-57 *4DIGIT )
# The addresses are left to the ipaddress module.  It lets an IPv6 address end as an
# IPv4 one, for which the section has no words; but so inet_ntop(), and with it the
# usual proxies, writes those that are IPv4-mapped.

_INET_LINE = re.compile(
    rb"PROXY (TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+)"
    rb" (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})\r\n"
)
_INET_SO_FAR = re.compile(rb"PROXY TCP[0-9A-Fa-f:. ]*\r?")
_FAMILIES: dict[bytes, type[IPv4Address] | type[IPv6Address]] = {
    b"TCP4": IPv4Address,
    b"TCP6": IPv6Address,
}


def _endOfLine(held: bytearray) -> int | None:
    end = held.find(b"\r\n", 0, PROXY_LINE)
    if end >= 0:
        return end + len(b"\r\n")
    if len(held) + (1 if held.endswith(b"\r") else 2) > PROXY_LINE:
        raise ProxyError(f"longer than {PROXY_LINE} octets")
    if held.startswith(b"PROXY TCP") and not _INET_SO_FAR.fullmatch(held):
        raise ProxyError("neither an address nor a port")
    return None


def _parseLine(line: bytes) -> ProxyInfo:
    if line.startswith(b"PROXY UNKNOWN"):
        return ProxyInfo(1, UNKNOWN)
    found = _INET_LINE.fullmatch(line)
    if found is None:
        raise ProxyError(f"malformed: {line!r}")
    family = _FAMILIES[found[1]]
    try:
        addresses = [family(found[at].decode("ascii")) for at in (2, 3)]
        ports = [_port(int(found[at])) for at in (4, 5)]
    except ValueError as error:
        raise ProxyError(str(error)) from error
    return _inet(1, found[1].decode("ascii"), addresses, ports)


def printV1(info: ProxyInfo) -> bytes:
    """
    The line of version 1, which has no words for anything but TCP, nor for C{tlvs}: all
    else is C{"UNKNOWN"}.

    @raise ValueError: an address or a port is missing, or not one of the protocol
    """
    if info.protocol not in ("TCP4", "TCP6"):
        return b"PROXY UNKNOWN\r\n"
    addresses = " ".join(map(_written, _addresses(info)))
    ports = " ".join(map(str, _ports(info)))
    return f"PROXY {info.protocol} {addresses} {ports}\r\n".encode("ascii")


def _written(address: _Address) -> str:
    if unmapped(address) is address:
        return str(address)
    # In groups, for not every receiver may know the notation that ends as IPv4.
    return address.packed.hex(":", 2)


# Version 2, section 2.2.

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_HEAD = Struct("!12sBBH")
_LOCAL, _PROXY = 0x20, 0x21
_NOTHING, _UNIX = Struct(""), Struct("108s108s")
_INET, _INET6 = Struct("!4s4sHH"), Struct("!16s16sHH")
#: The protocol and the layout of its addresses, by the octet for both.
_PROTOCOLS = {
    0x00: (UNKNOWN, _NOTHING),
    0x11: ("TCP4", _INET),
    0x12: ("UDP4", _INET),
    0x21: ("TCP6", _INET6),
    0x22: ("UDP6", _INET6),
    0x31: ("UNIX", _UNIX),
    0x32: ("UNIX_DGRAM", _UNIX),
}
_CODES = {name: (code, layout) for code, (name, layout) in _PROTOCOLS.items()}


def _endOfBlock(held: bytearray) -> int | None:
    isProxied = held[12:13] == bytes([_PROXY])
    layout = _protocol(held[13])[1] if isProxied and len(held) > 13 else _NOTHING
    if len(held) < _HEAD.size:
        return None
    length = int.from_bytes(held[14:16], "big")
    if length < layout.size:
        raise ProxyError("shorter than its addresses")
    end = _HEAD.size + length
    if end > PROXY_HEADER:
        raise ProxyError(f"longer than {PROXY_HEADER} octets")
    return end if len(held) >= end else None


def _protocol(code: int) -> tuple[str, Struct]:
    family, transport = divmod(code, 16)
    if family > 3 or transport > 2:
        raise ProxyError(f"unassigned protocol: {code:#04x}")
    # Where one of both is unspecified, so is the other for us.
    return _PROTOCOLS.get(code, _PROTOCOLS[0x00])


def _parseBlock(header: bytes) -> ProxyInfo:
    _, command, code, _ = _HEAD.unpack_from(header)
    if command == _LOCAL:
        return ProxyInfo(2, UNKNOWN, isLocal=True)
    protocol, layout = _protocol(code)
    if layout is _NOTHING:
        # Like that of LOCAL, the rest is skipped: where fields begin in it, only the
        # addresses would tell, which may be there or not.
        return ProxyInfo(2, UNKNOWN)
    start = _HEAD.size + layout.size
    tlvs = parseTLVs(header, start)
    if header != withChecksum(header, start):
        raise ProxyError("the checksum is wrong")
    source, destination, *ports = layout.unpack_from(header, _HEAD.size)
    if layout is _UNIX:
        paths = _parsePath(source), _parsePath(destination)
        return ProxyInfo(2, protocol, paths[0], None, paths[1], None, tlvs)
    return _inet(
        2, protocol, [ip_address(source), ip_address(destination)], ports, tlvs
    )


def printV2(info: ProxyInfo) -> bytes:
    """
    The header of version 2.  Where C{tlvs} has a checksum, whatever its value is, the
    header gets its own.  With C{"UNKNOWN"} there are no C{tlvs}.

    @raise ValueError: the protocol is not one of version 2; an address or a port is
        missing, or not one of the protocol; a type is not one octet; it is too long
    """
    if info.isLocal:
        return _HEAD.pack(_SIGNATURE, _LOCAL, 0, 0)
    if info.protocol not in _CODES:
        raise ValueError(f"not a protocol of version 2: {info.protocol!r}")
    code, layout = _CODES[info.protocol]
    if layout is _NOTHING:
        return _HEAD.pack(_SIGNATURE, _PROXY, code, 0)
    place = {CRC32C: bytes(4)} if CRC32C in info.tlvs else {}
    block = _printEnds(info, layout) + printTLVs({**info.tlvs, **place})
    if _HEAD.size + len(block) > PROXY_HEADER:
        raise ValueError(f"longer than {PROXY_HEADER} octets")
    head = _HEAD.pack(_SIGNATURE, _PROXY, code, len(block))
    return withChecksum(head + block, len(head) + layout.size)


def _printEnds(info: ProxyInfo, layout: Struct) -> bytes:
    if layout is _UNIX:
        paths = info.sourceAddress, info.destinationAddress
        return layout.pack(*map(_printPath, paths))
    addresses = [address.packed for address in _addresses(info)]
    return layout.pack(*addresses, *_ports(info))


def _parsePath(octets: bytes) -> str:
    # An abstract name begins with a NUL, and may have others.
    isAbstract = octets.startswith(b"\0")
    path = octets.rstrip(b"\0") if isAbstract else octets.partition(b"\0")[0]
    return path.decode("utf-8", "surrogateescape")


def _printPath(path: str | None) -> bytes:
    octets = (path or "").encode("utf-8", "surrogateescape")
    if len(octets) > _UNIX.size // 2 or _parsePath(octets) != path:
        raise ValueError(f"not the path of a socket: {path!r}")
    return octets


_BEGINNINGS = (
    *(b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN ", b"PROXY UNKNOWN\r\n"),
    *(_SIGNATURE + bytes([command]) for command in (_LOCAL, _PROXY)),
)


# The addresses of both versions.


def _inet(
    version: int,
    protocol: str,
    addresses: Sequence[_Address],
    ports: Sequence[int],
    tlvs: Mapping[int, bytes] = _NO_TLVS,
) -> ProxyInfo:
    source, destination = (str(unmapped(address)) for address in addresses)
    return ProxyInfo(version, protocol, source, ports[0], destination, ports[1], tlvs)


def _addresses(info: ProxyInfo) -> list[_Address]:
    ends = info.sourceAddress, info.destinationAddress
    return [_address(end, version=int(info.protocol[-1])) for end in ends]


def _address(text: str | None, version: int) -> _Address:
    if text is None or "%" in text:
        raise ValueError(f"not an address of this protocol: {text!r}")
    address = ip_address(text)
    if address.version < version:
        return IPv6Address(f"::ffff:{address}")
    if address.version > version:
        raise ValueError(f"not an address of this protocol: {text!r}")
    return address


def _ports(info: ProxyInfo) -> list[int]:
    return [_port(port) for port in (info.sourcePort, info.destinationPort)]


def _port(port: int | None) -> int:
    if port is None or not 0 <= port <= 0xFFFF:
        raise ValueError(f"not a port: {port}")
    return port
