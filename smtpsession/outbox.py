# -*- test-case-name: tests.test_outbox -*-
"""
Replies on their way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.protocols.tls import TLSMemoryBIOProtocol


class Queue(Protocol):
    """
    What is sent when the connection takes it.
    """

    def write(self, octets: bytes) -> object:
        """Put octets at its end."""


class TLSQueue:
    """
    That of a connection with TLS, but for the buffer that Twisted has in front of it:
    for those who write little at a time, which an `Outbox` does not.  Behind it each
    reply would wait for another turn of the reactor.  Nobody else may write.
    """

    def __init__(self, tls: TLSMemoryBIOProtocol) -> None:
        self._tls = tls

    def write(self, octets: bytes) -> None:
        """Encrypt it, and put it at the end of the queue below."""
        TLSMemoryBIOProtocol.write(self._tls, octets)


def queueOf(transport: Any) -> Queue:
    """The queue of a transport, of which TLS may be a part, or which may be that."""
    for each in (transport, getattr(transport, "protocol", None)):
        if isinstance(each, TLSMemoryBIOProtocol):
            return TLSQueue(each)
    return transport  # type: ignore[no-any-return]


class Outbox:
    """
    Gathers the replies to a batch of commands, to be written at once.
    """

    __slots__ = "add", "_queue", "_sendNow", "_replies"

    def __init__(
        self,
        queue: Queue,
        sendNow: Callable[[bytes], int] | None = None,
    ) -> None:
        """
        @param queue: that of the transport
        @param sendNow: hands octets to the socket, past that queue; returns how many it
            took, or raises C{OSError}.  It saves the reactor two system calls and a
            turn.  Nobody else may write.
        """
        self._queue = queue
        self._sendNow = sendNow
        self._replies: list[bytes] = []
        #: Called with one reply more.
        self.add = self._replies.append

    def flush(self) -> None:
        """Write what was added."""
        if not self._replies:
            return
        octets = b"".join(self._replies)
        self._replies.clear()
        if self._sendNow is not None:
            try:
                sent = self._sendNow(octets)
            except OSError:
                # If it was more than a full buffer, the transport will find out too.
                sent = 0
            if sent == len(octets):
                return
            # From now on everything goes through the queue, which keeps the order.
            self._sendNow = None
            octets = octets[sent:]
        self._queue.write(octets)
