"""
Floods of logins, from one address and from many.

Each function makes so many attempts, and returns which replies they got, and how
many of each.
"""

from __future__ import annotations

import base64
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from os import urandom
from typing import BinaryIO

from soak.clients import RESET
from soak.floods import connect
from soak.service import USER

#: How many attempts somebody makes on a connection, if he is let.
_EACH = 10
#: From how many addresses it comes, and on how many connections at a time: fewer than
#: there may be from one address, and more than can be hashed and wait for that.
_ONE, _MANY = (1, 40), (250, 100)
_HELLO = b"EHLO client.example.org"
_NAME = USER.encode("ascii")
_PLAIN = b"AUTH PLAIN " + base64.b64encode(b"\0%b\0wrong" % _NAME)
#: Seconds in which the hash has begun, and until one who was refused comes back.
_GONE_AFTER, _BACK_AFTER = 0.05, 0.2
_CLOSED = "closed"

#: Sends a line, and gives the last line of the reply.
_Say = Callable[[bytes], bytes]


def _plain(say: _Say) -> bytes:
    return say(_PLAIN)


def _scram(say: _Say) -> bytes:
    """An exchange to its end, with a proof that is none (RFC 5802, section 3)."""
    reply = _beginScram(say)
    if not reply.startswith(b"334 "):
        return reply
    nonce, _, _ = base64.b64decode(reply[4:]).partition(b",")
    proof = base64.b64encode(urandom(32))
    return say(base64.b64encode(b"c=biws,%b,p=%b" % (nonce, proof)))


def _scramBegun(say: _Say) -> bytes:
    """An exchange that is broken off when the server has had its work."""
    reply = _beginScram(say)
    return say(b"*") if reply.startswith(b"334 ") else reply


def _beginScram(say: _Say) -> bytes:
    first = base64.b64encode(b"n,,n=%b,r=abcdefgh" % _NAME)
    return say(b"AUTH SCRAM-SHA-256 " + first)


def _on(attempt: Callable[[_Say], bytes], connection: socket.socket) -> Iterator[str]:
    """The replies to attempts on a connection, until the server ends it."""
    with connection.makefile("rb") as replies:
        say = partial(_say, connection, replies)
        reply = _replyFrom(replies)
        if reply.startswith(b"220 "):
            say(_HELLO)
            for _ in range(_EACH):
                reply = attempt(say)
                if _isEnd(reply):
                    break
                yield _shown(reply)
        if _isEnd(reply):
            yield _shown(reply)


def _onAndGone(connection: socket.socket) -> Iterator[str]:
    """An attempt by somebody who resets the connection while his password is hashed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    with connection.makefile("rb") as replies:
        reply = _replyFrom(replies)
        if reply.startswith(b"220 "):
            _say(connection, replies, _HELLO)
            connection.sendall(_PLAIN + b"\r\n")
            time.sleep(_GONE_AFTER)
            reply = b"gone"
        else:
            time.sleep(_BACK_AFTER)
        yield _shown(reply)


def _say(connection: socket.socket, replies: BinaryIO, line: bytes) -> bytes:
    connection.sendall(line + b"\r\n")
    return _replyFrom(replies)


def _replyFrom(replies: BinaryIO) -> bytes:
    line = replies.readline()
    while line[3:4] == b"-":
        line = replies.readline()
    return line


def _isEnd(reply: bytes) -> bool:
    return not reply or reply.startswith(b"421 ")


def _shown(reply: bytes) -> str:
    return reply.decode("ascii", "replace").rstrip() or _CLOSED


def _flood(
    come: Callable[[socket.socket], Iterator[str]],
    extent: tuple[int, int],
    port: int,
    count: int,
) -> str:
    """
    Make so many attempts.

    @param come: makes some on a connection, and gives the replies
    @param extent: from how many addresses, and on how many connections at a time
    """
    sources, most = extent
    # So that each makes several.
    threads = min(most, count // 10)

    def bring(number: int) -> Counter[str]:
        said = Counter[str]()
        while said.total() < count // threads:
            source = f"127.1.0.{number % sources + 1}"
            number += threads
            with connect(port, source) as connection:
                had = said.total()
                with suppress(OSError):
                    said.update(come(connection))
                # It has been reset.
                said[_CLOSED] += said.total() == had
        return said

    with ThreadPoolExecutor(threads) as pool:
        said = sum(pool.map(bring, range(threads)), Counter[str]())
    return "; ".join(
        f"{number:,} times {reply}" for reply, number in sorted(said.items())
    )


plainFromOne = partial(_flood, partial(_on, _plain), _ONE)
plainFromMany = partial(_flood, partial(_on, _plain), _MANY)
goneFromOne = partial(_flood, _onAndGone, _ONE)
scramFromOne = partial(_flood, partial(_on, _scram), _ONE)
scramFromMany = partial(_flood, partial(_on, _scram), _MANY)
scramBegunFromOne = partial(_flood, partial(_on, _scramBegun), _ONE)
