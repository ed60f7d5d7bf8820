# -*- test-case-name: tests.test_tlvs -*-
"""
The type-length-value fields of the PROXY protocol, version 2: parse and print.

The sections named here are those of HAProxy's C{doc/proxy-protocol.txt}.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from struct import error as StructError

from attrs import frozen

from smtpsession._crc32c import crc32c
from smtpsession._grammar import CONTROL, UTF_8_CONTROL
from smtpsession.errors import ProxyError
from smtpsession.model import Model

# Section 2.2.
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL, NETNS = 1, 2, 3, 4, 5, 0x20, 0x30
# Those within SSL, section 2.2.6.
SSL_VERSION, SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG = range(0x21, 0x26)

_ONCE = {
    *(ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL, NETNS),
    *(SSL_VERSION, SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG),
}
_HEAD = Struct("!BH")
_SSL_HEAD = Struct("!BI")
_CLIENT_SSL, _CLIENT_CERT_CONN, _CLIENT_CERT_SESS = 1, 2, 4
_SSL_TEXTS = [
    # type, field of ProxyTLS, encoding
    (SSL_VERSION, "version", "ascii"),
    (SSL_CN, "commonName", "utf-8"),
    (SSL_CIPHER, "cipher", "ascii"),
    (SSL_SIG_ALG, "signatureAlgorithm", "ascii"),
    (SSL_KEY_ALG, "keyAlgorithm", "ascii"),
]


@frozen
class ProxyTLS(Model):
    """
    The TLS between the client and the proxy, section 2.2.6.

    @ivar secure: the client used TLS
    @ivar clientCertificateConnection: it gave a certificate on this connection
    @ivar clientCertificateSession: it gave one at least once in this TLS session
    @ivar verified: it gave one, and the proxy has verified it
    @ivar version: as the proxy calls it, C{"TLSv1.3"}
    @ivar commonName: of the client's certificate
    @ivar cipher: C{"ECDHE-RSA-AES128-GCM-SHA256"}
    @ivar signatureAlgorithm: that the proxy's certificate is signed with,
        C{"RSA-SHA256"}
    @ivar keyAlgorithm: of the proxy's certificate, C{"RSA2048"}
    """

    secure: bool
    clientCertificateConnection: bool = False
    clientCertificateSession: bool = False
    verified: bool = False
    version: str | None = None
    commonName: str | None = None
    cipher: str | None = None
    signatureAlgorithm: str | None = None
    keyAlgorithm: str | None = None


def parseTLVs(octets: bytes, start: int = 0) -> dict[int, bytes]:
    """
    Read the fields that fill the octets from C{start} on, but for the padding.

    The specification is silent on a type that is repeated.  Of those it names there
    cannot be two: they would contradict each other, and each reader would believe
    another.  Of any other type the first is kept.

    @return: the values by type
    @raise ProxyError: a field is cut off, or repeated and must not be
    """
    return {kind: octets[place] for kind, place in _places(octets, start).items()}


def printTLVs(tlvs: Mapping[int, bytes]) -> bytes:
    """
    The inverse of `parseTLVs`.

    @raise ValueError: a type is not one octet, or a value has more than 65,535
    """
    try:
        return b"".join(_HEAD.pack(k, len(v)) + v for k, v in tlvs.items())
    except StructError as error:
        raise ValueError(f"not a field: {error}") from error


def withChecksum(header: bytes, start: int) -> bytes:
    """
    The same header with the right value in its CRC32C field, if it has one: section
    2.2.3.

    @param header: all of it, for that is what the checksum is of
    @param start: where its fields begin
    """
    place = _places(header, start).get(CRC32C)
    if place is None:
        return header
    before, value, behind = header[: place.start], header[place], header[place.stop :]
    checksum = crc32c(before + bytes(len(value)) + behind)
    return before + checksum.to_bytes(4, "big") + behind


def _places(octets: bytes, start: int) -> dict[int, slice]:
    """Where the value of each type is."""
    places: dict[int, slice] = {}
    while start < len(octets):
        if start + _HEAD.size > len(octets):
            raise ProxyError("a field is cut off")
        kind, length = _HEAD.unpack_from(octets, start)
        place = slice(start + _HEAD.size, start + _HEAD.size + length)
        if place.stop > len(octets):
            raise ProxyError("a field is cut off")
        if kind in _ONCE and kind in places:
            raise ProxyError(f"a field is repeated: {kind:#04x}")
        if kind != NOOP:
            places.setdefault(kind, place)
        start = place.stop
    return places


def parseTLS(value: bytes) -> ProxyTLS:
    """
    Read the value of an SSL field.

    @raise ProxyError: it or a field in it is cut off, or a field in it is repeated
    """
    if len(value) < _SSL_HEAD.size:
        raise ProxyError("a field is cut off")
    client, verify = _SSL_HEAD.unpack_from(value)
    tlvs = parseTLVs(value, _SSL_HEAD.size)
    texts = {
        name: parseText(tlvs.get(kind, b""), encoding)
        for kind, name, encoding in _SSL_TEXTS
    }
    return ProxyTLS(
        secure=bool(client & _CLIENT_SSL),
        clientCertificateConnection=bool(client & _CLIENT_CERT_CONN),
        clientCertificateSession=bool(client & _CLIENT_CERT_SESS),
        # Where there was no certificate the section wants anything but 0, but proxies
        # send OpenSSL's result, and with nothing to verify that is 0.
        verified=verify == 0 and bool(client & (_CLIENT_CERT_CONN | _CLIENT_CERT_SESS)),
        **texts,
    )


def printTLS(tls: ProxyTLS) -> bytes:
    """The inverse of `parseTLS`."""
    client = (
        _CLIENT_SSL * tls.secure
        | _CLIENT_CERT_CONN * tls.clientCertificateConnection
        | _CLIENT_CERT_SESS * tls.clientCertificateSession
    )
    texts = ((kind, getattr(tls, name), enc) for kind, name, enc in _SSL_TEXTS)
    tlvs = {kind: text.encode(enc) for kind, text, enc in texts if text is not None}
    return _SSL_HEAD.pack(client, not tls.verified) + printTLVs(tlvs)


def parseText(value: bytes, encoding: str = "ascii") -> str | None:
    """
    The text of a value; None where there is none, or it is not of this encoding, or it
    has control characters, which could end a line of a log.
    """
    if not value or CONTROL.search(value) or UTF_8_CONTROL.search(value):
        return None
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        return None
