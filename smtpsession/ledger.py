# -*- test-case-name: tests.test_ledger -*-
"""
What the servers of a process count together, and how late the reactor is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from smtpsession.bans import Bans
from smtpsession.limits import Limits

#: How often, in seconds, the reactor is to show that it is in time.
BEAT = 1.0


class Counts(Protocol):
    """
    How many connections a server has.
    """

    def add(self, network: str, number: int) -> None:
        """Count so many more, from there."""

    def total(self) -> int:
        """How many there are."""

    def of(self, network: str) -> int:
        """How many there are from there."""


class OwnCounts:
    """
    Those of a server that serves in this process only.

    @ivar byNetwork: of those that have some
    """

    def __init__(self) -> None:
        self._total = 0
        self.byNetwork: Counter[str] = Counter()

    def add(self, network: str, number: int) -> None:
        """Count so many more, from there."""
        self._total += number
        self.byNetwork[network] += number
        if not self.byNetwork[network]:
            del self.byNetwork[network]

    def total(self) -> int:
        """How many there are."""
        return self._total

    def of(self, network: str) -> int:
        """How many there are from there."""
        return self.byNetwork[network]


class Ledger:
    """
    Of all servers that share it.

    @ivar seconds: gives the time
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """
        @param seconds: gives the time
        """
        self.seconds = seconds
        self._bans = Bans(seconds)
        self._holders: list[Callable[[], int]] = []
        self._listening = 0
        self._late, self._due = 0.0, 0.0
        self._beat: IDelayedCall | None = None

    def newCounts(self) -> Counts:
        """For the connections of a server, in the order of the servers."""
        return OwnCounts()

    def addHolder(self, octetsHeld: Callable[[], int]) -> None:
        """
        @param octetsHeld: how many octets of messages the connections of a server hold
        """
        self._holders.append(octetsHeld)

    def held(self) -> int:
        """How many octets all connections hold."""
        return self._sum(sum(count() for count in self._holders))

    def _sum(self, own: int) -> int:
        """With what those of other processes hold."""
        return own

    def _tell(self) -> None:
        """Other processes may want to know what the connections of this one hold."""

    def adopted(self, mark: int) -> None:
        """The process goes on with the configuration of this mark."""

    def failed(self, network: str, limits: Limits) -> None:
        """Count one failed login more from there."""
        self._bans.failed(network, limits)

    def isBanned(self, network: str) -> bool:
        """Whether whoever is there has to wait."""
        return self._bans.isBanned(network)

    def start(self, clock: IReactorTime) -> None:
        """One server more listens."""
        self._listening += 1
        if self._listening == 1:
            self._await(clock)

    def stop(self) -> None:
        """One server less listens."""
        self._listening -= 1
        if not self._listening and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    @property
    def lag(self) -> float:
        """By how many seconds the reactor comes too late to what it has to do."""
        if self._beat is None:
            return 0.0
        return max(self._late, self.seconds() - self._due)

    def _await(self, clock: IReactorTime) -> None:
        self._late, self._due = 0.0, self.seconds() + BEAT

        def beat() -> None:
            now = self.seconds()
            self._late, self._due = now - self._due, now + BEAT
            self._beat = clock.callLater(BEAT, beat)
            self._tell()

        self._beat = clock.callLater(BEAT, beat)
