# -*- test-case-name: tests.test_replylines -*-
"""
Replies out of octets, as a client reads them.

RFC 5321, section 4.2: the lines of one reply have the same code, and a hyphen behind it
in all but the last.
"""

from __future__ import annotations

import re

from smtpsession.lines import LineSplitter, Overlong
from smtpsession.replies import EnhancedCode, Reply

#: The longest line, its CRLF included.  RFC 5321, section 4.5.3.1.5 has 512; there are
#: servers that do not count.
LINE = 1000
#: The most lines of one reply.
LINES = 100

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |\Z)")


class ReplyDecoder:
    """
    Cuts a byte stream into replies, in bounded memory.

    However the same octets are cut into chunks, the replies are the same.
    """

    def __init__(self) -> None:
        self._lines = LineSplitter(LINE)
        self._code = b""
        self._texts: list[bytes] = []
        # Octets of the line that has not ended.
        self._pending = 0

    @property
    def isMidway(self) -> bool:
        """Whether a reply has begun that has not ended."""
        return bool(self._pending or self._texts)

    def feed(self, chunk: bytes) -> list[Reply]:
        """
        Take what has arrived.

        @return: the replies that are whole by now
        @raise ValueError: this is not a server of SMTP or LMTP, or one that says too
            much; nothing may be fed after that
        """
        replies = []
        self._pending += len(chunk)
        self._lines.feed(chunk)
        while (line := self._lines.nextLine()) is not None:
            if isinstance(line, Overlong):
                raise ValueError(f"a reply line of more than {LINE} octets")
            self._pending -= len(line) + len("\r\n")
            if self._take(line):
                replies.append(_reply(self._code, self._texts))
                self._code, self._texts = b"", []
        return replies

    def _take(self, line: bytes) -> bool:
        """Whether the reply ends with this line."""
        found = _REPLY_LINE.fullmatch(line)
        if found is None or self._code not in (b"", found[1]):
            raise ValueError(f"not a reply line: {line!r}")
        if len(self._texts) == LINES:
            raise ValueError(f"a reply of more than {LINES} lines")
        self._code = found[1]
        self._texts.append(found[3] or b"")
        return found[2] != b"-"


def _reply(code: bytes, octets: list[bytes]) -> Reply:
    """
    The reply, without the enhanced code in its text: RFC 2034, section 4.  One that
    contradicts the code is not better than none.
    """
    # What is not ASCII goes on as a question mark in any case.
    texts = [each.decode("ascii", "replace") for each in octets]
    found = _ENHANCED.match(texts[0])
    if found is None or not found[1].startswith(chr(code[0])):
        return Reply(int(code), "\n".join(texts))
    prefix = found[1]
    return Reply(
        int(code),
        "\n".join(_without(prefix, each) for each in texts),
        EnhancedCode(*map(int, prefix.split("."))),
    )


def _without(prefix: str, text: str) -> str:
    return text[len(prefix) + 1 :] if text.startswith(prefix) else text
