# -*- test-case-name: tests.test_sharedledger -*-
"""
What the servers of several processes count together.

The processes share a piece of memory.  Each has a page of it that only it writes, and
reads those of all: so there is nothing to lock, and what a process has counted is gone
when its page is cleared, however it ended.

For each network there are two places, which a keyed hash gives.  Its connections are
counted in both, and the lesser count is taken for theirs: others add to it only where
they share both.  Its failed logins are kept in one of the two under a mark of the
network, and so are nobody else's; where both are taken, those that are oldest are
forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from mmap import mmap
from tempfile import TemporaryFile
from typing import Any

from smtpsession.ledger import Counts, Ledger
from smtpsession.limits import Limits

#: How many places each table has.
_PLACES = 8192
#: Of how many networks a process remembers where they are counted.
_KNOWN = 1024
#: What there is of failed logins: whose they are, how many, when the last was, and
#: until when whoever it was has to wait.
_FAILURE = 4
# In a page, in numbers of eight octets: what is held, the mark of the configuration
# that was adopted last, the failures, and for each server its connections, in all and
# by network.
_HELD, _ADOPTED, _FAILURES = 0, 1, 2
_SERVERS = _FAILURES + 2 * _PLACES * _FAILURE
_SERVER = 1 + 2 * _PLACES

#: The numbers of one process.
Page = Any


def openMemory(processes: int, servers: int) -> int:
    """
    Make the memory for so many processes, each with so many servers.

    @return: its descriptor, to be inherited and to be closed
    @raise OSError: there is none
    """
    size = 8 * processes * _lengthOf(servers)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("smtpsession")
    else:
        with TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, size)
    return descriptor


def pagesIn(descriptor: int, servers: int) -> Sequence[Page]:
    """The page of each process, where each has so many servers."""
    numbers = memoryview(mmap(descriptor, os.fstat(descriptor).st_size)).cast("d")
    length = _lengthOf(servers)
    return [numbers[start : start + length] for start in range(0, len(numbers), length)]


def clear(page: Page) -> None:
    """
    The process that wrote this has ended; who failed to log in there is known on, and
    what it had adopted.
    """
    page[_HELD] = 0
    rest = page[_SERVERS:]
    rest[:] = memoryview(bytes(rest.nbytes)).cast("d")


def adoptedIn(page: Page) -> int:
    """The mark of the configuration that the process has adopted last."""
    return int(page[_ADOPTED])


def _lengthOf(servers: int) -> int:
    return _SERVERS + servers * _SERVER


class SharedLedger(Ledger):
    """
    That of one of the processes.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        pages: Sequence[Page],
        place: int,
        secret: bytes,
    ) -> None:
        """
        @param seconds: gives the time, the same to all processes
        @param place: which page is its own
        @param secret: what the hash is keyed with, the same in all processes
        """
        super().__init__(seconds)
        self._pages, self._own = pages, pages[place]
        # A connection is counted, looked for among those who wait, and counted off.
        self._digest = lru_cache(_KNOWN)(partial(_digest, secret[:64]))
        self._servers = 0
        clear(self._own)

    def newCounts(self) -> Counts:
        """For the connections of a server, in the order of the servers."""
        start = _SERVERS + self._servers * _SERVER
        self._servers += 1
        return SharedCounts(self, self._pages, self._own, start)

    def placesOf(self, network: str) -> tuple[int, int]:
        """Those of a network: one in each table."""
        one, other, _ = self._digest(network)
        return one, other

    def adopted(self, mark: int) -> None:
        """The process goes on with the configuration of this mark."""
        self._own[_ADOPTED] = mark

    def _sum(self, own: int) -> int:
        self._own[_HELD] = own
        return int(sum(page[_HELD] for page in self._pages))

    def _tell(self) -> None:
        self.held()

    def failed(self, network: str, limits: Limits) -> None:
        """Count one failed login more from there."""
        now, own = self.seconds(), self._own
        *numbers, mark = self._digest(network)
        places = [_FAILURES + _FAILURE * each for each in numbers]

        def left(page: Page) -> float:
            place = _placeOf(page, places, mark)
            if place is None:
                return 0.0
            # A clock may be set back.
            age = max(0, now - page[place + 2])
            return float(page[place + 1] * 0.5 ** (age / limits.banTime))

        before = left(own)
        place = _placeOf(own, places, mark)
        if place is None:
            # That of the two that was used least lately.
            place = min(places, key=lambda each: own[each + 2])
            own[place + 3] = 0
        own[place], own[place + 1], own[place + 2] = mark, before + 1, now
        if sum(map(left, self._pages)) > limits.authFailuresPerAddress:
            own[place + 3] = now + limits.banTime

    def isBanned(self, network: str) -> bool:
        """Whether whoever is there has to wait."""
        now = self.seconds()
        *numbers, mark = self._digest(network)
        places = [_FAILURES + _FAILURE * each for each in numbers]
        for page in self._pages:
            place = _placeOf(page, places, mark)
            if place is not None and now < page[place + 3]:
                return True
        return False


def _digest(secret: bytes, network: str) -> tuple[int, int, int]:
    """The places of a network, and its mark."""
    digest = blake2b(network.encode(), digest_size=14, key=secret).digest()
    one, other, mark = digest[:4], digest[4:8], digest[8:]
    return (
        int.from_bytes(one, "big") % _PLACES,
        int.from_bytes(other, "big") % _PLACES + _PLACES,
        int.from_bytes(mark, "big"),
    )


def _placeOf(page: Page, places: Sequence[int], mark: int) -> int | None:
    """Which of the places has what is of this mark."""
    return next((each for each in places if page[each] == mark), None)


class SharedCounts:
    """
    The connections of a server that serves in several processes.
    """

    def __init__(
        self, ledger: SharedLedger, pages: Sequence[Page], own: Page, start: int
    ) -> None:
        """
        @param start: where in each page its numbers are
        """
        self._ledger, self._pages, self._own = ledger, pages, own
        self._start = start

    def add(self, network: str, number: int) -> None:
        """Count so many more, from there."""
        self._own[self._start] += number
        for place in self._ledger.placesOf(network):
            self._own[self._start + 1 + place] += number

    def total(self) -> int:
        """How many there are."""
        return self._sum(self._start)

    def of(self, network: str) -> int:
        """How many there are from there."""
        places = self._ledger.placesOf(network)
        return min(self._sum(self._start + 1 + each) for each in places)

    def _sum(self, place: int) -> int:
        return int(sum([page[place] for page in self._pages]))
