"""
A client and a server with TLS, and memory instead of a network between them.
"""

from __future__ import annotations

import ssl
from typing import Any, cast

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.SSL import Connection, Context, WantReadError
from twisted.protocols.tls import TLSMemoryBIOProtocol

from smtpsession.certificates import CertificateStore
from tests.certificates import Identity, server

#: More than what is ever on its way.
_MUCH = 2**18

#: More turns than any handshake takes.
_TURNS = 10


class StandardConnection:
    """
    A client of the standard library, with what is needed of pyOpenSSL's interface.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        servername: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context.wrap_bio(
            self._in, self._out, server_hostname=servername, session=session
        )

    def do_handshake(self) -> None:
        self._try(self.ssl.do_handshake)

    def recv(self, size: int) -> bytes:
        return cast(bytes, self._try(self.ssl.read, size))

    def send(self, octets: bytes) -> int:
        return cast(int, self._try(self.ssl.write, octets))

    def bio_read(self, size: int) -> bytes:
        octets = self._out.read(size)
        if not octets:
            raise WantReadError()
        return octets

    def bio_write(self, octets: bytes) -> int:
        return self._in.write(octets)

    def _try(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except ssl.SSLWantReadError:
            raise WantReadError() from None


class Joined:
    """
    A client and a server that hear each other.

    @ivar client: the client's connection
    @ivar server: the server's
    """

    def __init__(
        self, client: Connection | StandardConnection, server: Connection
    ) -> None:
        self.client = client
        self.server = server
        server.set_accept_state()

    def shakeHands(self) -> None:
        """
        Have both do their parts of the handshake, to its end.

        @raise OpenSSL.SSL.Error: the server does not go on
        @raise ssl.SSLError: the client of the standard library does not go on
        """
        for _ in range(_TURNS):
            if all([self._step(self.client), self._step(self.server)]):
                break
        else:
            raise AssertionError("the handshake does not end")
        # Sessions of TLS 1.3 come behind the handshake.
        self.say(b"220")
        self.hear(b"QUIT")

    def _step(self, connection: Connection | StandardConnection) -> bool:
        try:
            connection.do_handshake()
        except WantReadError:
            return False
        finally:
            self.exchange()
        return True

    def exchange(self) -> None:
        """Hand over what either has written."""
        pairs: list[tuple[Any, Any]] = [
            (self.client, self.server),
            (self.server, self.client),
        ]
        for source, target in pairs:
            try:
                target.bio_write(source.bio_read(_MUCH))
            except WantReadError:
                pass

    def say(self, octets: bytes) -> None:
        """The server says something, and the client hears it."""
        self.server.send(octets)
        self.exchange()
        assert self.client.recv(_MUCH) == octets

    def hear(self, octets: bytes) -> None:
        """The client says something, and the server hears it."""
        self.client.send(octets)
        self.exchange()
        assert self.server.recv(_MUCH) == octets


def storeOf(identity: Identity | None = None, **arguments: Any) -> CertificateStore:
    """A store whose default certificate is this one, or some."""
    return CertificateStore((identity or server("default.example")).pem, **arguments)


def serverOf(store: CertificateStore) -> Connection:
    """The connection that the next client gets."""
    return store.serverConnectionForTLS(cast(TLSMemoryBIOProtocol, None))


def join(
    store: CertificateStore,
    context: Context | ssl.SSLContext | None = None,
    servername: bytes | None = None,
    session: ssl.SSLSession | None = None,
) -> Joined:
    """
    A client and the server of this store, with their handshake to come.

    @param context: the client's
    @param servername: what it asks for, which is any octets for a context of pyOpenSSL
    @param session: what it resumes, for a context of the standard library
    """
    client: Connection | StandardConnection
    if isinstance(context, ssl.SSLContext):
        name = None if servername is None else servername.decode("ascii")
        client = StandardConnection(context, name, session)
    else:
        client = Connection(clientContext() if context is None else context)
        client.set_connect_state()
        if servername is not None:
            client.set_tlsext_host_name(servername)
    return Joined(client, serverOf(store))


def shakeHands(
    store: CertificateStore,
    context: Context | ssl.SSLContext | None = None,
    servername: bytes | None = None,
    session: ssl.SSLSession | None = None,
) -> Joined:
    """The same as `join`, with the handshake done."""
    joined = join(store, context, servername, session)
    joined.shakeHands()
    return joined


def clientContext(
    version: int | None = None,
    identity: Identity | None = None,
    ciphers: bytes | None = None,
) -> Context:
    """
    A client of pyOpenSSL that does not care who the server is.

    @param version: the only one that it knows
    @param identity: its certificate
    """
    context = Context(SSL.TLS_CLIENT_METHOD)
    if version is not None:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
    if ciphers is not None:
        context.set_cipher_list(ciphers)
    if identity is not None:
        context.use_certificate(identity.certificate)
        context.use_privatekey(identity.key)
        for each in identity.chain:
            context.add_extra_chain_cert(each)
    return context


def standardContext(
    version: ssl.TLSVersion, certificateFile: str | None = None
) -> ssl.SSLContext:
    """
    A client of the standard library that does not care who the server is.

    @param version: the only one that it knows
    @param certificateFile: where its certificate and key are
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    if certificateFile is not None:
        context.load_cert_chain(certificateFile)
    return context


def presented(joined: Joined) -> x509.Certificate:
    """The certificate that a client of pyOpenSSL has seen."""
    assert isinstance(joined.client, Connection)
    certificate = joined.client.get_peer_certificate(as_cryptography=True)
    assert certificate is not None
    return certificate
