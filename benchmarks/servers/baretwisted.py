"""
A bare server on Twisted, which sends past the queue of the transport as we do.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol, ServerFactory

from benchmarks.servers import readSetup
from benchmarks.servers._bare import BYE, GREETING, BareConversation
from benchmarks.servers._reactor import serve


class BareProtocol(Protocol):
    """One connection."""

    transport: Any

    def connectionMade(self) -> None:
        self._conversation = BareConversation()
        self.transport.setTcpNoDelay(True)
        self._send = self.transport.getHandle().send
        self._send(GREETING)

    def dataReceived(self, data: bytes) -> None:
        said = self._conversation.feed(data)
        if said:
            self._send(said)
        if said.endswith(BYE):
            self.transport.loseConnection()


class BareFactory(ServerFactory[BareProtocol]):
    """Of these."""

    protocol = BareProtocol
    noisy = False


if __name__ == "__main__":
    serve(BareFactory(), readSetup())
