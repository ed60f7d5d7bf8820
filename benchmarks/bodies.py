"""
What messages consist of, as it is sent: dots doubled, and a dot at the end.
"""

from __future__ import annotations

import random
from functools import cache

KIB = 1024
MIB = 1024 * KIB

LINE_LENGTH = 76
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
HEADER = b"From: sender@example.org\r\nSubject: %s\r\n\r\n"
END = b".\r\n"

#: A short line that begins with a dot, which is doubled.
DOTTED = b"..dots\r\n"


@cache
def makeBody(size: int) -> bytes:
    """
    A message of C{size} octets, in which no line begins with a dot.

    Its lines are those of an attachment in Base64; they are the same in every run.  The
    subject fills up what whole lines leave over.
    """
    count, left = divmod(size - len(HEADER % b""), LINE_LENGTH + len("\r\n"))
    source = random.Random(size)
    lines = ("".join(source.choices(BASE64, k=LINE_LENGTH)) for _ in range(count))
    text = "".join(line + "\r\n" for line in lines)
    return HEADER % (b"x" * left) + text.encode("ascii") + END


@cache
def makeDots(size: int) -> bytes:
    """A message of C{size} octets on the wire, in which every line has its dot."""
    header = HEADER % b"dots"
    return header + DOTTED * ((size - len(header)) // len(DOTTED)) + END
