"""
Tests of smtpsession.retirement: destinations that no route leads to any more.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery.destination import Destination
from smtpsession.retirement import Retirement


class Stopping(Destination):
    """A destination that says that it was stopped."""

    def __init__(self, error: Exception | None = None) -> None:
        self.stops = 0
        self._error = error

    async def stop(self) -> None:
        self.stops += 1
        if self._error is not None:
            raise self._error


class RetirementTests(SynchronousTestCase):
    """Retirement."""

    def setUp(self) -> None:
        self.clock, self.used = Clock(), set[Destination]()
        self.retirement = Retirement(self.clock, lambda each: each in self.used)
        self.one = Stopping()

    def test_unused(self) -> None:
        """Who has nothing to do ends at once."""
        self.retirement.add(self.one, 30)
        self.assertEqual(self.one.stops, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_used(self) -> None:
        """Who has may end it."""
        self.used.add(self.one)
        self.retirement.add(self.one, 30)
        self.clock.pump([1] * 10)
        self.assertEqual(self.one.stops, 0)
        self.used.clear()
        self.clock.advance(1)
        self.assertEqual(self.one.stops, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_patience(self) -> None:
        """But not for ever."""
        self.used.add(self.one)
        self.retirement.add(self.one, 3.25)
        self.clock.pump([0.25] * 12)
        self.assertEqual(self.one.stops, 0)
        self.clock.advance(0.25)
        self.assertEqual(self.one.stops, 1)

    def test_stop(self) -> None:
        """With the service all end, each once."""
        self.used.add(self.one)
        self.retirement.add(self.one, 30)
        self.successResultOf(Deferred.fromCoroutine(self.retirement.stop()))
        self.assertEqual(self.one.stops, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_error(self) -> None:
        """What one of them raises is logged."""
        self.retirement.add(Stopping(ValueError("not now")), 30)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
