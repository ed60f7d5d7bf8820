# -*- test-case-name: tests.test_protocol -*-
"""
What the log may have of a command line: no secret, and not too much.
"""

from __future__ import annotations

from collections.abc import Callable

#: How many octets, at the most.
_LOGGED = 80


def shown(line: bytes, knows: Callable[[bytes], bool]) -> bytes:
    """
    @param line: what the client has sent
    @param knows: whether there is such a verb
    """
    if line[:4].upper() == b"AUTH":
        return b"AUTH ..."
    if not knows(line.partition(b" ")[0]):
        # It may be a response from a client that did not wait to hear that its AUTH is
        # refused, or an AUTH with a typing error.
        return b"%d octets" % len(line)
    return line[:_LOGGED]
