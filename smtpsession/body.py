# -*- test-case-name: tests.test_body -*-
"""
The message as DATA and BDAT carry it: where it ends, and which octets are its own.

What DATA carries has dots that are not the message's, RFC 5321, section 4.5.2.  Only
CRLF.CRLF ends it: whatever else looks like that, LF.LF, LF.CRLF, CR.CR, is what
smuggles a second message past a server that reads it otherwise (CVE-2023-51764 and its
family).  What BDAT carries is counted, RFC 3030, section 2.

Whole chunks are searched, never single lines, so that the cost is that of a few passes
of C code over the message.
"""

from __future__ import annotations

import re
from io import IncrementalNewlineDecoder

_CRLF = b"\r\n"
_STUFFED = b"\r\n."
_END = b"\r\n.\r\n"
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class DotDecoder:
    """
    Takes a message out of a byte stream and its transparency dots out of the message.

    However the same octets are cut into chunks, the payloads joined are the same.
    """

    def __init__(self) -> None:
        # What may be the beginning of the end.  If it begins with a CRLF, that has been
        # handed out: it ends a line of the message in any case.  We start as if just
        # behind one, so that an empty message, and one whose first line begins with a
        # dot, are no special cases.
        self._tail = _CRLF

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        """
        Take what has arrived; not after the message's end.

        @return: the payload, and what came behind the message's end: None until the end
            has come
        """
        start = len(_CRLF) if self._tail.startswith(_CRLF) else 0
        octets = self._tail + chunk if self._tail else chunk
        # Most chunks have no line that begins with a dot, those of an attachment not
        # even a dot, and after that a search from behind is the quickest way to know.
        # Of those that have such a line, most have only the end, and nothing before it.
        first = octets.rfind(_STUFFED) if b"." in octets else -1
        if first >= 0 and octets.rfind(_STUFFED, 0, first) >= 0:
            first = octets.find(_STUFFED)
        end = octets.find(_END, first) if first >= 0 else -1
        if end >= 0:
            stop, rest = end + len(_CRLF), octets[end + len(_END) :]
        else:
            cut = len(octets) - _beginningOfEnd(octets)
            self._tail, rest = octets[cut:], None
            stop = cut + (len(_CRLF) if self._tail.startswith(_CRLF) else 0)
        if first != end:
            return octets[:stop].replace(_STUFFED, _CRLF)[start:], rest
        return octets[start:stop], rest


class ChunkDecoder:
    """
    Takes one chunk of a message, in the sense of BDAT, out of a byte stream.
    """

    def __init__(self, size: int) -> None:
        """
        @param size: how many octets the chunk has
        """
        self._missing = size

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        """
        Take what has arrived; not after the last octet.  A chunk of no octets ends with
        the first call, which may be with C{b""}.

        @return: the payload, and what came behind it: None until all of it has come
        """
        missing = self._missing
        if len(chunk) < missing:
            self._missing = missing - len(chunk)
            return chunk, None
        return chunk[:missing], chunk[missing:]


class LineEnds:
    """
    Knows whether the lines of a message end as they must, RFC 5321, section 2.3.8.

    It sees the whole message, in however many chunks of BDAT that came: a CR may be the
    last octet of one and its LF the first of the next.

    @ivar bareNewline: whether a CR or LF was seen that is not part of a CRLF
    """

    def __init__(self, normalize: bool = False) -> None:
        """
        @param normalize: whether each bare CR or LF becomes CRLF
        """
        self.bareNewline = False
        self._normalize = normalize
        # Translates nothing; it is the quickest way to know the kinds of line ends.
        self._kinds = IncrementalNewlineDecoder(None, translate=False)
        # A CR at the end, whose LF may come.
        self._held = b""

    def feed(self, payload: bytes) -> bytes:
        """
        Take what comes next of the message.

        @return: the same, but for a CR at its end, which waits for what follows it
        """
        if self._held:
            payload, self._held = self._held + payload, b""
        if payload.endswith(b"\r"):
            payload, self._held = payload[:-1], b"\r"
        return self._checked(payload)

    def finish(self) -> bytes:
        """
        The message is whole.

        @return: what was still held of it
        """
        held, self._held = self._held, b""
        return self._checked(held) if held else held

    def _checked(self, payload: bytes) -> bytes:
        """The payload as it goes on, which does not end between a CR and its LF."""
        self._kinds.decode(payload.decode("latin-1"), final=True)
        self.bareNewline = self._kinds.newlines not in (None, "\r\n")
        if self._normalize and self.bareNewline:
            payload = _BARE.sub(_CRLF, payload)
        return payload


def _beginningOfEnd(octets: bytes) -> int:
    """How many octets at the end may be the first ones of CRLF.CRLF."""
    for size in (4, 3, 2, 1):
        if octets.endswith(_END[:size]):
            return size
    return 0
