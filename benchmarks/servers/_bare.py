"""
What the bare servers say: as little as a client needs to get rid of its messages.

Nothing is checked, kept or limited, and nobody is asked.  So they show what a server in
Python, and one on Twisted, can hardly go below on this machine.
"""

from __future__ import annotations

GREETING = b"220 localhost ESMTP\r\n"
BYE = b"221 2.0.0 Bye\r\n"
_HELLO = b"250-localhost\r\n250 PIPELINING\r\n"
_GO_AHEAD = b"354 Go ahead\r\n"
_OK = b"250 2.0.0 OK\r\n"
_END = b"\r\n.\r\n"


class BareConversation:
    """
    One client's, who is trusted to wait for the reply to DATA.
    """

    def __init__(self) -> None:
        self._line = b""
        #: The last octets of the message that comes, None where none does.
        self._tail: bytes | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The replies to what has arrived."""
        if self._tail is None:
            return self._answer(chunk)
        # The end may have come in two pieces.
        start = (self._tail + chunk[: len(_END) - 1]).find(_END) - len(self._tail)
        if start < -len(self._tail):
            start = chunk.find(_END)
            if start < 0:
                self._tail = (self._tail + chunk[1 - len(_END) :])[1 - len(_END) :]
                return b""
        self._tail = None
        return _OK + self._answer(chunk[start + len(_END) :])

    def _answer(self, chunk: bytes) -> bytes:
        *lines, self._line = (self._line + chunk).split(b"\r\n")
        return b"".join(map(self._reply, lines))

    def _reply(self, line: bytes) -> bytes:
        if line == b"DATA":
            self._tail = b"\r\n"
            return _GO_AHEAD
        if line == b"QUIT":
            return BYE
        return _HELLO if line.startswith(b"EHLO ") else _OK
