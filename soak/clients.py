"""
The clients: good ones, slow ones, and those that are suddenly gone.

Each is a function that is run in a thread until there are no messages left.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Mapping
from random import Random
from threading import Lock

from benchmarks.client import Client, LoadError, groupReplies, makeGroup
from benchmarks.servers import HOST
from soak.messages import makeMessage, onTheWire

#: How many messages a good client brings on a connection.
_EACH = 50
#: How long slow ones wait, in seconds.
_PAUSE = 0.02
_PIECE = 64
#: SO_LINGER: not to say farewell, so that the server sees a reset.
_RESET = struct.pack("ii", 1, 0)


class Ledger:
    """
    Which messages there are to be, and which the server has taken.

    @ivar accepted: those that got a 250
    @ivar failures: what clients have seen that they should not have
    """

    def __init__(self, messages: int) -> None:
        """
        @param messages: how many the good clients bring
        """
        self.accepted: set[int] = set()
        self.failures: list[str] = []
        self._left = messages
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
        for start in range(0, len(octets), _PIECE):
            client.send(octets[start : start + _PIECE])
            time.sleep(_PAUSE)
        client.expect(b"250")
        ledger.accept(number)
        client.quit()


def slowReader(port: int, ledger: Ledger, random: Random) -> None:
    """Asks for more replies than the kernel holds, and then takes them slowly."""
    with socket.create_connection((HOST, port), 60) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0.1)
        asked = 0
        try:
            for _ in range(200):
                asked += client.send(b"HELP\r\n" * 100)
        except TimeoutError:
            pass
        client.settimeout(60)
        end = time.monotonic() + 2
        while time.monotonic() < end and client.recv(2048):
            time.sleep(_PAUSE)


def vanishing(port: int, ledger: Ledger, random: Random) -> None:
    """Is gone in the middle of a command, of a message, or of the reply to it."""
    number = ledger.take(isCounted=False)
    octets = makeGroup(number, 1) + onTheWire(makeMessage(number))
    end = random.choice([random.randrange(len(octets)), len(octets)])
    with socket.create_connection((HOST, port), 60) as client:
        if random.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.recv(200)
        client.sendall(b"EHLO client.example.org\r\n" + octets[:end])
        time.sleep(random.random() * _PAUSE)


#: How many threads of each there are.
KINDS: Mapping[Callable[[int, Ledger, Random], None], int] = {
    good: 6,
    slowWriter: 4,
    slowReader: 2,
    vanishing: 2,
}


def bring(
    kind: Callable[[int, Ledger, Random], None], port: int, ledger: Ledger, seed: int
) -> None:
    """Be clients of a kind, one after the other, until there is nothing to bring."""
    random = Random(seed)
    while not (ledger.isDone or ledger.failures):
        try:
            kind(port, ledger, random)
        except (LoadError, OSError) as error:
            ledger.failures.append(f"{kind.__name__}: {error!r}")
