# -*- test-case-name: tests.test_body -*-
"""
The message as DATA carries it: where it ends, and which dots are not its own.

RFC 5321, section 4.5.2.  Only CRLF.CRLF ends a message: whatever else looks like it,
LF.LF, LF.CRLF, CR.CR, is what smuggles a second message past a server that reads it
otherwise (CVE-2023-51764 and its family).  Whole chunks are searched, never single
lines, so that the cost is that of a few passes of C code over the message.
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

    def __init__(self, normalize: bool = False) -> None:
        """
        @param normalize: whether each bare CR or LF becomes CRLF in the payload
        """
        self._normalize = normalize
        # Translates nothing; it is the quickest way to know the kinds of line ends.
        self._lineEnds = IncrementalNewlineDecoder(None, translate=False)
        # What may be the beginning of the end.  If it begins with a CRLF, that has been
        # handed out: it ends a line of the message in any case.  We start as if just
        # behind one, so that an empty message, and one whose first line begins with a
        # dot, are no special cases.
        self._tail = _CRLF

    @property
    def bareNewline(self) -> bool:
        """Whether a CR or LF was seen that is not part of a CRLF."""
        return self._lineEnds.newlines not in (None, "\r\n")

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        """
        Take what has arrived; not after the message's end.

        @return: the payload, and what came behind the message's end: None until the end
            has come
        """
        known = len(_CRLF) if self._tail.startswith(_CRLF) else 0
        octets = self._tail + chunk if self._tail else chunk
        # Most chunks have no line that begins with a dot, and a search from behind is
        # the quickest way to know.
        hasDots = octets.rfind(_STUFFED) >= 0
        end = octets.find(_END) if hasDots else -1
        if end >= 0:
            wire, rest = octets[: end + len(_CRLF)], octets[end + len(_END) :]
        else:
            cut = len(octets) - _beginningOfEnd(octets)
            self._tail, rest = octets[cut:], None
            wire = octets[: cut + (2 if self._tail.startswith(_CRLF) else 0)]
        return self._payload(wire, hasDots)[known:], rest

    def _payload(self, wire: bytes, hasDots: bool) -> bytes:
        """
        What these octets mean, which do not end between a CR and its LF.
        """
        payload = wire.replace(_STUFFED, _CRLF) if hasDots else wire
        self._lineEnds.decode(payload.decode("latin-1"), final=True)
        if self._normalize and self.bareNewline:
            payload = _BARE.sub(_CRLF, payload)
        return payload


def _beginningOfEnd(octets: bytes) -> int:
    """How many octets at the end may be the first ones of CRLF.CRLF."""
    for size in (4, 3, 2, 1):
        if octets.endswith(_END[:size]):
            return size
    return 0
