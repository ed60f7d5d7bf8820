"""
The ESMTP server of twisted.mail, discarding.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import ServerFactory
from twisted.internet.ssl import PrivateCertificate
from twisted.mail.interfaces import IMessageSMTP
from twisted.mail.smtp import ESMTP, Address, User
from zope.interface import implementer

from benchmarks.servers import Setup, readSetup
from benchmarks.servers._reactor import serve


@implementer(IMessageSMTP)
class DiscardedMessage:
    """Forgets every line as it comes."""

    def lineReceived(self, line: bytes) -> None:
        pass

    def eomReceived(self) -> Deferred[bytes]:
        return succeed(b"discarded")

    def connectionLost(self) -> None:
        pass


class DiscardingESMTP(ESMTP):
    """Accepts every sender and every recipient, and adds no header."""

    def validateFrom(
        self, helo: tuple[bytes | None, bytes], origin: Address
    ) -> Address:
        return origin

    def validateTo(self, user: User) -> Callable[[], DiscardedMessage]:
        return DiscardedMessage

    def receivedHeader(
        self,
        helo: tuple[bytes | None, bytes],
        origin: Address,
        recipients: list[User],
    ) -> bytes:
        return b""


class DiscardingFactory(ServerFactory[DiscardingESMTP]):
    """Its connections begin in clear, and offer STARTTLS if there is a context."""

    noisy = False

    def __init__(self, context: Any) -> None:
        self._context = context

    def buildProtocol(self, addr: Any) -> DiscardingESMTP:
        protocol = DiscardingESMTP(contextFactory=self._context)
        protocol.factory = self
        return protocol


def makeContext(setup: Setup) -> Any:
    if setup.tls == "none":
        return None
    pem = Path(setup.certificate).read_bytes()
    return PrivateCertificate.loadPEM(pem).options()


if __name__ == "__main__":
    setup = readSetup()
    context = makeContext(setup)
    if setup.tls == "implicit":
        serve(DiscardingFactory(None), setup, context)
    else:
        serve(DiscardingFactory(context), setup)
