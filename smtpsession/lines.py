# -*- test-case-name: tests.test_lines -*-
"""
Command lines out of octets.
"""

from __future__ import annotations

from attrs import field, frozen

#: How much of a line that is too long is kept: more than the longest verb has.
VERB = 64


class LineSplitter:
    """
    Cuts a byte stream at each CRLF, in linear time and bounded memory.

    A line ends with CRLF and with nothing else: a CR or LF alone stays in its line.
    A line over the limit is not kept: its octets are dropped as they come, and when its
    CRLF is there it is handed out as an `Overlong`, so that the lines after it are what
    the client meant them to be.

    @ivar limit: the octets of the longest line, CRLF included; it may change between
        two lines
    """

    # One for each connection, most of which are idle: see L{smtpsession.connection}.
    __slots__ = "limit", "_beginning", "_octets", "_start", "_searched", "_skipping"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._beginning = b""
        self._octets = b""
        self._start = 0
        self._searched = 0
        self._skipping = False

    def feed(self, chunk: bytes) -> None:
        """Take what has arrived."""
        self._octets = self._octets + chunk if self._octets else chunk

    def nextLine(self) -> bytes | Overlong | None:
        """
        The next line without its CRLF, `Overlong`, or None where none is complete.
        """
        octets, start = self._octets, self._start
        end = octets.find(b"\r\n", self._searched)
        if end < 0:
            self._keepTail()
            return None
        self._start = self._searched = end + 2
        if self._skipping:
            self._skipping = False
            beginning, self._beginning = self._beginning, b""
            return Overlong(beginning)
        if end + 2 - start > self.limit:
            return Overlong(octets[start : start + VERB])
        return octets[start:end]

    def takeRest(self) -> bytes:
        """All that was fed and not handed out: for whoever reads something else."""
        rest = self._octets[self._start :]
        self.clear()
        return rest

    def clear(self) -> None:
        """Forget what was fed and not handed out."""
        self._octets = self._beginning = b""
        self._start = self._searched = 0
        self._skipping = False

    def _keepTail(self) -> None:
        """Let go of what is handed out, and of a line that is too long already."""
        if self._start == len(self._octets):
            self._octets = b""
            self._start = self._searched = 0
            return
        tail = self._octets[self._start :]
        if not self._skipping and len(tail) >= self.limit:
            self._skipping = True
            self._beginning = tail[:VERB]
        if self._skipping:
            tail = tail[-1:]
        self._octets = tail
        self._start = 0
        # The CR of a CRLF may be here, and its LF not yet.
        self._searched = max(len(tail) - 1, 0)


@frozen
class Overlong:
    """
    A line that was too long to keep; of them one is as good as another.

    @ivar beginning: its first octets
    """

    beginning: bytes = field(default=b"", eq=False)
