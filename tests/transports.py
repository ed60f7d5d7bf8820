"""
A client in memory whose transport can begin TLS, or rather says that it has.

What TLS itself does is tested with real sockets.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import TLS1_3_VERSION, VERIFY_NONE
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted
from twisted.internet.testing import StringTransport

from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions

#: What stands for certificates, where no TLS is done with them.


class Certificates:
    """What a transport is given to begin TLS with, which it does not here."""

    def serverConnectionForTLS(self, protocol: object) -> object:
        raise NotImplementedError


CERTIFICATES = Certificates()

EHLO = "EHLO client.example.com"
READY_FOR_TLS = "220 2.0.0 Ready to start TLS"


class Handle:
    """What a connection of pyOpenSSL would say."""

    def get_cipher_name(self) -> str:
        return "TLS_AES_256_GCM_SHA384"

    def get_protocol_version_name(self) -> str:
        return "TLSv1.3"

    def get_protocol_version(self) -> int:
        return TLS1_3_VERSION

    def export_keying_material(self, *arguments: object) -> bytes:
        return b"exported"

    def get_certificate(self, **arguments: object) -> None:
        return None

    def get_servername(self) -> bytes:
        return b"MX.example.org"

    def get_verify_mode(self) -> int:
        return VERIFY_NONE


class Engine:
    """
    What the octets go to once TLS has begun.

    @ivar received: those that came
    """

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, chunk: bytes) -> None:
        self.received += chunk


class TLSTransport(StringTransport):
    """
    A transport that can begin TLS.

    @ivar contexts: what C{startTLS} was given, each time
    @ivar aborted: how often C{abortConnection} was called
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.contexts: list[object] = []
        self.aborted = 0
        self.protocol: Any = None

    def startTLS(self, context: object) -> None:
        self.contexts.append(context)
        self.protocol = Engine()

    def getHandle(self) -> Handle:
        return Handle()

    def abortConnection(self) -> None:
        self.aborted += 1
        super().abortConnection()


class TLSClient(MemoryClient):
    """
    A client whose transport is a `TLSTransport`.
    """

    transport: TLSTransport

    def __init__(
        self,
        server: MemoryServer,
        host: str = "192.0.2.1",
        transport: type[TLSTransport] = TLSTransport,
    ) -> None:
        address = IPv4Address("TCP", host, 49152)
        self.transport = transport(
            hostAddress=IPv4Address("TCP", "192.0.2.25", 25), peerAddress=address
        )
        self.protocol = server.factory.buildProtocol(address)
        self.protocol.makeConnection(self.transport)

    @property
    def inTLS(self) -> bool:
        """Whether the server has begun TLS, be the handshake done or not."""
        return bool(self.transport.contexts)

    @property
    def aborted(self) -> bool:
        """Whether the server has let go of the connection, with nothing more said."""
        return bool(self.transport.aborted)

    def shakeHands(self) -> list[str]:
        """The handshake is done; what the server says then."""
        self.protocol.handshakeCompleted()
        return self.hear()

    def abort(self) -> None:
        """The connection is gone as the server has wanted."""
        self.leave(ConnectionAborted())


def tlsServer(tls: str = "starttls", **arguments: Any) -> MemoryServer:
    """A server that has certificates."""
    changes = arguments.pop("changes", {})
    options = memoryOptions(certificates=CERTIFICATES, tls=tls, **changes)
    return MemoryServer(options=options, **arguments)


def inHandshake(server: MemoryServer) -> TLSClient:
    """A client that has said STARTTLS, and was told to go on."""
    client = TLSClient(server)
    client.say(EHLO)
    assert client.say("STARTTLS") == [READY_FOR_TLS]
    return client


def secured(server: MemoryServer) -> TLSClient:
    """A client whose handshake is done, after STARTTLS."""
    client = inHandshake(server)
    assert client.shakeHands() == []
    return client
