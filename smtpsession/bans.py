# -*- test-case-name: tests.test_bans -*-
"""
Who has failed to log in so often that he is not let in for a while.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from smtpsession.limits import BANS, Limits


@define
class _Record:
    failures: float
    time: float
    bannedUntil: float


class Bans:
    """
    Counts the failed logins of each network, and forgets them with time.

    Half of what is counted is forgotten in a C{banTime}.  No more than `BANS` networks
    are known; the one that has not failed for the longest time goes first.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """
        @param seconds: gives the time
        """
        self._seconds = seconds
        # The one that has failed last is the last.
        self._records: dict[str, _Record] = {}

    def failed(self, network: str, limits: Limits) -> None:
        """
        Count one failed login more.

        @param limits: of the server where that was
        """
        now = self._seconds()
        record = self._records.pop(network, None) or _Record(0, now, 0)
        # A clock may be set back.
        age = max(0, now - record.time)
        record.failures *= 0.5 ** (age / limits.banTime)
        record.failures += 1
        record.time = now
        if record.failures > limits.authFailuresPerAddress:
            record.bannedUntil = now + limits.banTime
        self._records[network] = record
        if len(self._records) > BANS:
            del self._records[next(iter(self._records))]

    def isBanned(self, network: str) -> bool:
        """Whether it has to wait."""
        record = self._records.get(network)
        return record is not None and self._seconds() < record.bannedUntil
