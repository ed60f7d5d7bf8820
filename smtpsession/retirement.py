# -*- test-case-name: tests.test_retirement -*-
"""
Destinations that no route leads to any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpsession.delivery.destination import Destination

#: How often, in seconds, to look whether one is still used.
_INTERVAL = 0.5


class Retirement:
    """
    Lets each of them end the transactions that it has, and then stops it.
    """

    _log = Logger()

    def __init__(self, clock: Any, isUsed: Callable[[Destination], bool]) -> None:
        """
        @param isUsed: whether a transaction has it
        """
        self._clock = clock
        self._isUsed = isUsed
        self._waiting: dict[Destination, IDelayedCall] = {}

    def add(self, destination: Destination, patience: float) -> None:
        """
        @param patience: for how many seconds its transactions may go on
        """
        self._look(destination, self._clock.seconds() + patience)

    def _look(self, destination: Destination, end: float) -> None:
        self._waiting.pop(destination, None)
        left = end - self._clock.seconds()
        if left > 0 and self._isUsed(destination):
            self._waiting[destination] = self._clock.callLater(
                min(left, _INTERVAL), self._look, destination, end
            )
        else:
            self.end(destination)

    def end(self, destination: Destination) -> None:
        """Stop one at once."""
        Deferred.fromCoroutine(destination.stop()).addErrback(self._notStopped)

    async def stop(self) -> None:
        """Stop those that are left."""
        while self._waiting:
            destination, call = self._waiting.popitem()
            call.cancel()
            await destination.stop()

    def _notStopped(self, failure: Failure) -> None:
        self._log.failure(
            "a destination has not stopped", failure, event="destination-not-stopped"
        )
