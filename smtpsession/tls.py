# -*- test-case-name: tests.test_tls -*-
"""
What the library knows of a connection with TLS, once its handshake is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate
from OpenSSL.SSL import TLS1_3_VERSION, VERIFY_PEER, Connection

from smtpsession.addresses import isDomain
from smtpsession.ciphers import standardName
from smtpsession.session import SMTPSession, TLSCipherInfo

_TLS_EXPORTER, _TLS_SERVER_END_POINT = "tls-exporter", "tls-server-end-point"


class JudgedConnection(Connection):
    """
    A connection that goes on whatever its client's certificate is worth.

    @ivar verified: whether the certificate has passed every check so far; None before
        the first
    """

    verified: bool | None = None

    @staticmethod
    def judge(
        connection: Connection, certificate: Any, error: int, depth: int, passed: int
    ) -> bool:
        """
        Note how a check has ended.  This is for C{Context.set_verify}, which wants to
        know whether to go on in spite of it.
        """
        assert isinstance(connection, JudgedConnection), "made by its policy"
        connection.verified = bool(passed) and connection.verified is not False
        return True


class ChannelBindings(Mapping[str, bytes]):
    """
    What ties an authentication to this connection and no other, by the type of the
    binding (RFC 5056).  Few servers offer what wants it, so that nothing is computed
    before the first look.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getitem__(self, kind: str) -> bytes:
        return self._bindings[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)

    @cached_property
    def _bindings(self) -> dict[str, bytes]:
        found = {
            _TLS_EXPORTER: _exporter(self._connection),
            _TLS_SERVER_END_POINT: _serverEndPoint(self._connection),
        }
        return {kind: octets for kind, octets in found.items() if octets is not None}


@frozen
class TLSFacts:
    """
    What is known of a connection.

    @ivar cipher: the protocol and the cipher
    @ivar servername: the host that the client asked for (SNI, RFC 6066, section 3), in
        lower case; None where it named none, or what is not the name of a host
    @ivar peerCertificate: the client's, None where it had none that was verified
    @ivar channelBindings: by type, C{"tls-exporter"} and C{"tls-server-end-point"}, as
        far as they are defined; to be looked at while the connection lasts
    """

    cipher: TLSCipherInfo
    servername: str | None
    peerCertificate: Certificate | None
    # What the exporter gave belongs into no log.
    channelBindings: Mapping[str, bytes] = field(repr=False)


def factsOf(connection: Connection) -> TLSFacts:
    """
    What is known of a server's connection.

    A client's certificate counts as verified where the connection was to verify it and
    the handshake is done; only of a `JudgedConnection` it is known that it may have
    gone on nevertheless.

    @raise ValueError: its handshake is not done
    """
    cipher = cipherOf(connection)
    if cipher is None:
        raise ValueError("the handshake is not done")
    return TLSFacts(
        cipher,
        hostName(connection.get_servername()),
        _peerCertificate(connection),
        ChannelBindings(connection),
    )


def applyTLS(session: SMTPSession, facts: TLSFacts) -> None:
    """Fill in what is known of the TLS of a connection."""
    session.secure = True
    session.tlsOptions = facts.cipher
    session.servername = facts.servername
    session.peerCertificate = facts.peerCertificate


def cipherOf(connection: Any) -> TLSCipherInfo | None:
    """
    What an OpenSSL connection uses, once its handshake is done.

    @param connection: an C{OpenSSL.SSL.Connection}
    """
    name = connection.get_cipher_name()
    if name is None:
        return None
    version = connection.get_protocol_version_name()
    return TLSCipherInfo(name, standardName(name), version)


def hostName(servername: bytes | None) -> str | None:
    """
    The host that a client asked for, in lower case.

    @param servername: as the client gave it, which may be anything
    @return: None where that is not the name of a host; an IP address is none (RFC 6066,
        section 3)
    """
    if servername is None:
        return None
    name = servername.decode("ascii", "replace").lower()
    isAddress = name.rpartition(".")[2].isdigit()
    return name if isDomain(name) and not isAddress else None


def _peerCertificate(connection: Connection) -> Certificate | None:
    if not connection.get_verify_mode() & VERIFY_PEER:
        return None
    if isinstance(connection, JudgedConnection) and not connection.verified:
        return None
    try:
        return connection.get_peer_certificate(as_cryptography=True)
    except ValueError:
        # What OpenSSL can read and cryptography cannot is of no use to anybody.
        return None


def _exporter(connection: Connection) -> bytes | None:
    """
    RFC 9266, section 2.  With TLS 1.2 it would only be safe together with the extended
    master secret, and pyOpenSSL does not tell whether that is in use.
    """
    if connection.get_protocol_version() != TLS1_3_VERSION:
        return None
    return connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")


def _serverEndPoint(connection: Connection) -> bytes | None:
    """
    RFC 5929, section 4.1: a hash of the server's certificate, by the hash function of
    its signature.  Where it has none of its own, as with Ed25519, there is no binding.
    """
    certificate = connection.get_certificate(as_cryptography=True)
    if certificate is None:
        return None
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None
    if algorithm.name in ("md5", "sha1"):
        algorithm = SHA256()
    return certificate.fingerprint(algorithm)
