# -*- test-case-name: tests.test_outbox -*-
"""
Replies on their way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Queue(Protocol):
    """
    What is sent when the connection takes it.
    """

    def write(self, octets: bytes) -> object:
        """Put octets at its end."""


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
