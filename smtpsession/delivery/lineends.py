# -*- test-case-name: tests.test_lineends -*-
"""
The ends of lines, as a destination wants them.
"""

from __future__ import annotations


class LineEnds:
    """
    The CRLF of a message as they are, or as LF, however its octets are cut.  A CR or
    LF that stands alone remains.
    """

    def __init__(self, style: str) -> None:
        """
        @param style: C{"crlf"} or C{"lf"}
        @raise ValueError: it is neither
        """
        if style not in ("crlf", "lf"):
            raise ValueError(f'line ends are "lf" or "crlf", and not {style!r}')
        self._isUnix = style == "lf"
        self._tail = b""

    def convert(self, chunk: bytes) -> bytes:
        """What can be said of the message so far."""
        if not self._isUnix:
            return chunk
        octets = self._tail + chunk
        self._tail = b"\r" if octets.endswith(b"\r") else b""
        if self._tail:
            octets = octets[:-1]
        return octets.replace(b"\r\n", b"\n")

    def finish(self) -> bytes:
        """What is left at its end."""
        tail, self._tail = self._tail, b""
        return tail
