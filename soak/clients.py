"""
The clients: good ones, slow ones, and those that are suddenly gone.

Each is a function that is run in a thread until there are no messages left.
"""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from threading import Lock
from typing import NamedTuple

from benchmarks.bodies import MIB
from benchmarks.client import Client, LoadError, groupReplies, makeGroup
from benchmarks.servers import HOST
from soak.messages import makeMessage, onTheWire

#: How many messages a good client brings on a connection.
_EACH = 50
#: How long slow ones wait, in seconds, and how many octets they send at a time at most.
_PAUSE, _PIECE = 0.02, 64
#: More octets of commands than the kernel holds for both sides.
_UNANSWERED = 64 * MIB
#: SO_LINGER: not to say farewell, so that the server sees a reset.
RESET = struct.pack("ii", 1, 0)


class Ledger:
    """
    Which messages there are to be, and which the server has taken.

    @ivar wanted: how many the good clients bring
    @ivar accepted: those that got a 250
    @ivar failures: what clients have seen that they should not have
    @ivar visits: how many clients of each kind have done what they came for
    """

    def __init__(self, messages: int) -> None:
        """
        @param messages: how many the good clients bring
        """
        self.accepted: set[int] = set()
        self.failures: list[str] = []
        self.visits: Counter[str] = Counter()
        self.wanted = self._left = messages
        self._next = 0
        self._lock = Lock()

    @property
    def isDone(self) -> bool:
        """Whether the good clients have nothing more to bring."""
        return self._left <= 0

    def take(self, isCounted: bool) -> int:
        """
        The number of another message.

        @param isCounted: whether it is one of those that there are to be
        """
        with self._lock:
            self._left -= isCounted
            self._next += 1
            return self._next

    def accept(self, number: int) -> None:
        """It got a 250."""
        with self._lock:
            self.accepted.add(number)

    def leave(self, kind: str) -> None:
        """A client of this kind has done what it came for."""
        with self._lock:
            self.visits[kind] += 1


def good(port: int, ledger: Ledger, random: Random) -> None:
    """Brings message after message."""
    with Client(port) as client:
        client.open()
        for _ in range(_EACH):
            if ledger.isDone:
                break
            number = ledger.take(isCounted=True)
            client.deliver(
                makeGroup(number, 1), groupReplies(1), onTheWire(makeMessage(number))
            )
            ledger.accept(number)
        client.quit()


def slowWriter(port: int, ledger: Ledger, random: Random) -> None:
    """Brings a message a few octets at a time."""
    with Client(port) as client:
        client.open()
        number = ledger.take(isCounted=False)
        client.send(makeGroup(number, 1))
        client.expect(*groupReplies(1))
        octets = onTheWire(makeMessage(number))
        while octets:
            size = random.randint(1, _PIECE)
            client.send(octets[:size])
            octets = octets[size:]
            time.sleep(_PAUSE)
        client.expect(b"250")
        ledger.accept(number)
        client.quit()


def slowReader(port: int, ledger: Ledger, random: Random) -> None:
    """
    Asks for more replies than the kernel holds, takes them slowly, and leaves most.

    @raise LoadError: the server has read all that, with nobody to take its replies
    """
    with socket.socket() as client:
        # What it takes is settled when it connects.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((HOST, port))
        client.settimeout(0.5)
        if not _isPaused(client):
            raise LoadError("all commands are read, and none of the replies")
        client.settimeout(60)
        end = time.monotonic() + 2
        while time.monotonic() < end and client.recv(2048):
            time.sleep(_PAUSE)


def _isPaused(client: socket.socket) -> bool:
    """Whether the server stops reading commands while nobody takes its replies."""
    left = _UNANSWERED
    try:
        while left > 0:
            left -= client.send(b"HELP\r\n" * 1000)
    except TimeoutError:
        return True
    return False


def vanishing(port: int, ledger: Ledger, random: Random) -> None:
    """Is gone in the middle of a command, of a message, or of the reply to it."""
    number = ledger.take(isCounted=False)
    group, message = makeGroup(number, 1), onTheWire(makeMessage(number))
    end = random.choice(
        [
            random.randrange(len(group)),
            len(group) + random.randrange(len(message)),
            len(group) + len(message),
        ]
    )
    with socket.create_connection((HOST, port), 60) as client:
        if random.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.recv(200)
        client.sendall(b"EHLO client.example.org\r\n" + (group + message)[:end])
        time.sleep(random.random() * _PAUSE)


class Kind(NamedTuple):
    """
    @ivar come: what a client of it does, until it goes
    @ivar threads: how many there are at a time
    """

    name: str
    come: Callable[[int, Ledger, Random], None]
    threads: int


KINDS = (
    Kind("good clients", good, 6),
    Kind("slow writers", slowWriter, 4),
    Kind("slow readers", slowReader, 2),
    Kind("clients that vanish", vanishing, 2),
)


def bring(kind: Kind, port: int, ledger: Ledger, seed: int) -> None:
    """Be clients of a kind, one after the other, until there is nothing to bring."""
    random = Random(seed)
    while not (ledger.isDone or ledger.failures):
        try:
            kind.come(port, ledger, random)
        except (LoadError, OSError) as error:
            ledger.failures.append(f"{kind.name}: {error!r}")
        else:
            ledger.leave(kind.name)
