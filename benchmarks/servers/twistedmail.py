"""
The ESMTP server of twisted.mail, discarding.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import ServerFactory
from twisted.mail.interfaces import IMessageSMTP
from twisted.mail.smtp import ESMTP, Address, User
from zope.interface import implementer

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


if __name__ == "__main__":
    factory: ServerFactory[DiscardingESMTP] = ServerFactory()
    factory.protocol = DiscardingESMTP
    serve(factory)
