# -*- test-case-name: tests.test_selftest -*-
"""
What a server says, taken as it comes.

Whatever it is, it is kept: a server that is tested may say what no server should.
"""

from __future__ import annotations

import re

from attrs import field, frozen, mutable

#: RFC 5321, section 4.2: C{textstring}; and 4.5.3.1.5: 512 octets with the CRLF.
_PROPER = re.compile(rb"[2-5][0-9]{2}(?:[ -][\t -~]*)?")
_LONGEST = 512 - len("\r\n")
_LAST = re.compile(rb"[0-9]{3}(?!-)")


@frozen
class Answer:
    """
    One reply.

    @ivar lines: without their line ends; the last one begins with three digits
    """

    lines: tuple[bytes, ...]

    @property
    def code(self) -> int:
        return int(self.lines[-1][:3])

    @property
    def isPositive(self) -> bool:
        return 200 <= self.code < 400

    def __str__(self) -> str:
        return shown(self.lines[-1])


@mutable
class Heard:
    """
    All that was heard.

    @ivar answers: the replies that are whole
    @ivar isClosed: whether the server has closed the connection
    """

    answers: list[Answer] = field(factory=list)
    isClosed: bool = False
    _lines: list[bytes] = field(factory=list)
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> None:
        """Take what has arrived.  A line ends with LF here, so that none is lost."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._lines.append(line.removesuffix(b"\r"))
            if _LAST.match(line):
                self.answers.append(Answer(tuple(self._lines)))
                self._lines = []

    @property
    def codes(self) -> list[int]:
        return [each.code for each in self.answers]

    @property
    def saidGoodbye(self) -> bool:
        """Whether QUIT has had its reply."""
        return bool(self.answers) and self.answers[-1].code == 221

    @property
    def improper(self) -> bytes | None:
        """A line that is none of a reply, if there is one."""
        lines = [line for each in self.answers for line in each.lines]
        for line in (*lines, *self._lines, self._rest):
            if line and (len(line) > _LONGEST or _PROPER.fullmatch(line) is None):
                return line
        return None


def shown(octets: bytes, room: int = 300) -> str:
    """Octets as Python writes them, so that a terminal is safe from them."""
    text = repr(octets[:room])[2:-1]
    return text if len(octets) <= room else f"{text}... ({len(octets)} octets)"
