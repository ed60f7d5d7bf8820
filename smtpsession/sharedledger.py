# -*- test-case-name: tests.test_sharedledger -*-
"""
What the servers of several processes count together.

The processes share a piece of memory.  Each has a page of it that only it writes, and
reads those of all: so there is nothing to lock, and what a process has counted is gone
when its page is cleared, however it ended.  Networks are counted in two tables, in a
place of each that a keyed hash gives.  The lesser of the two is their number: that
others share both places of one is so unlikely that it does not matter, and is nothing
that they can bring about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from mmap import mmap
from tempfile import TemporaryFile
from typing import Any

from smtpsession.ledger import Counts, Ledger
from smtpsession.limits import Limits

#: How many places each table has.
_PLACES = 8192
#: What there is of each failed login: how many, when the last was, and until when
#: whoever it was has to wait.
_FAILURE = 3
# In a page, in numbers of eight octets: what is held, the failures, and for each server
# its connections, in all and by network.
_HELD, _FAILURES = 0, 1
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


def pagesIn(descriptor: int, processes: int) -> Sequence[Page]:
    """The page of each process."""
    numbers = memoryview(mmap(descriptor, os.fstat(descriptor).st_size)).cast("d")
    length = len(numbers) // processes
    return [numbers[place * length :][:length] for place in range(processes)]


def clear(page: Page) -> None:
    """The process that wrote this has ended; who failed to log in there is known on."""
    page[_HELD] = 0
    rest = page[_SERVERS:]
    rest[:] = memoryview(bytes(rest.nbytes)).cast("d")


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
        self._secret = secret[:64]
        self._servers = 0
        clear(self._own)

    def newCounts(self) -> Counts:
        """For the connections of a server, in the order of the servers."""
        start = _SERVERS + self._servers * _SERVER
        self._servers += 1
        return SharedCounts(self, self._pages, self._own, start)

    def placesOf(self, network: str) -> tuple[int, int]:
        """Those of a network: one in each table."""
        digest = blake2b(network.encode(), digest_size=8, key=self._secret).digest()
        one, other = digest[:4], digest[4:]
        return (
            int.from_bytes(one, "big") % _PLACES,
            int.from_bytes(other, "big") % _PLACES + _PLACES,
        )

    def _sum(self, own: int) -> int:
        self._own[_HELD] = own
        return int(sum(page[_HELD] for page in self._pages))

    def _tell(self) -> None:
        self.held()

    def failed(self, network: str, limits: Limits) -> None:
        """Count one failed login more from there."""
        now, own = self.seconds(), self._own
        places = [_FAILURES + _FAILURE * place for place in self.placesOf(network)]

        def left(page: Page, place: int) -> float:
            return float(
                page[place] * 0.5 ** ((now - page[place + 1]) / limits.banTime)
            )

        for place in places:
            own[place], own[place + 1] = left(own, place) + 1, now
        failures = min(sum(left(page, each) for page in self._pages) for each in places)
        if failures > limits.authFailuresPerAddress:
            for place in places:
                own[place + 2] = now + limits.banTime

    def isBanned(self, network: str) -> bool:
        """Whether whoever is there has to wait."""
        now = self.seconds()
        return all(
            any(now < page[_FAILURES + _FAILURE * each + 2] for page in self._pages)
            for each in self.placesOf(network)
        )


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
        return int(sum(page[place] for page in self._pages))
