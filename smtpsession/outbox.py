# -*- test-case-name: tests.test_outbox -*-
"""
Replies on their way out.
"""

from __future__ import annotations

from collections.abc import Callable


class Outbox:
    """
    Gathers the replies to a batch of commands, to be written at once.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        sendNow: Callable[[bytes], int] | None = None,
    ) -> None:
        """
        @param write: puts octets into the queue of the transport
        @param sendNow: hands octets to the socket, past that queue; returns how many it
            took, or raises C{OSError}.  It saves the reactor two system calls and a
            turn.  Nobody else may write.
        """
        self._write = write
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
        self._write(octets)
