"""
Tests of smtpsession.delivery.patience.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery.patience import Patience


class PatienceTests(SynchronousTestCase):
    """Ten seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[str] = []
        self.patience = Patience(self.clock, 10, lambda: self.told.append("exhausted"))

    def test_exhausted(self) -> None:
        """
        It is exhausted once, after so many seconds.
        """
        self.patience.begin()
        self.clock.advance(9)
        self.assertFalse(self.patience.isExhausted)
        self.clock.advance(1)
        self.assertTrue(self.patience.isExhausted)
        self.patience.end()
        self.clock.advance(100)
        self.assertEqual(self.told, ["exhausted"])

    def test_ended(self) -> None:
        """
        Nothing counts before it has begun, or after it has ended.
        """
        self.clock.advance(100)
        self.patience.begin()
        self.clock.advance(9)
        self.patience.end()
        self.patience.end()
        self.clock.advance(100)
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_again(self) -> None:
        """
        Each time it counts from the beginning.
        """
        for _ in range(5):
            self.patience.begin()
            self.clock.advance(9)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(1)
        self.assertEqual(self.told, ["exhausted"])

    def test_silent(self) -> None:
        """
        Nobody has to be told.
        """
        patience = Patience(self.clock, 10)
        patience.begin()
        self.clock.advance(10)
        self.assertTrue(patience.isExhausted)
