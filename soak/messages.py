"""
Messages that can be told from each other, and from a part of one.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

_NUMBER = re.compile(rb"^X-Number: (\d+)$", re.MULTILINE)


class TornError(Exception):
    """A file is not one of the messages, whole."""


def makeMessage(number: int) -> bytes:
    """A message of about 1 KiB with lines that begin with dots, in LF."""
    random = Random(number)
    lines = [random.choice(_words()) * random.randint(0, 8) for _ in range(40)]
    head = b"Subject: one of many\nX-Number: %d\n\n" % number
    return head + b"\n".join(lines) + b"\nEnd of %d.\n" % number


def onTheWire(message: bytes) -> bytes:
    """As DATA has it: dots doubled, and CRLF.CRLF behind."""
    lines = message.removesuffix(b"\n").split(b"\n")
    dotted = (b"." + line if line.startswith(b".") else line for line in lines)
    return b"\r\n".join(dotted) + b"\r\n.\r\n"


def numberOf(content: bytes) -> int:
    """
    Which message a file is.

    @raise TornError: it is none, or not all of it
    """
    found = _NUMBER.search(content)
    if found is None or not content.endswith(makeMessage(int(found[1]))):
        raise TornError(content[-200:])
    return int(found[1])


@cache
def _words() -> tuple[bytes, ...]:
    return (b".", b"..word ", b"word ", b"A longer word, ", b"\xc3\xa4\xc3\xb6")
