"""
Tests of smtpsession.ledger: what servers count together, and how late they are.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPServerFactory
from smtpsession.admission import Admission
from smtpsession.ledger import BEAT, Ledger
from smtpsession.limits import Limits


class LedgerTests(SynchronousTestCase):
    """Ledger."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ledger = Ledger(self.clock.seconds)

    def test_together(self) -> None:
        """Failed logins are counted for all servers, connections for each."""
        limits = Limits(clientsPerAddress=1, authFailuresPerAddress=1)
        one, other = (Admission(limits, self.ledger) for _ in range(2))
        for each in (one, other):
            self.assertIsNone(each.enter("192.0.2.1"))
            each.failedLogin("192.0.2.1")
            each.leave("192.0.2.1")
        for each in (one, other):
            passed = each.enter("192.0.2.1")
            assert passed is not None
            self.assertEqual(passed.limit, "auth-failures-per-address")

    def test_held(self) -> None:
        """So is what they hold."""
        self.ledger.addHolder(lambda: 60)
        self.ledger.addHolder(lambda: 41)
        for limit, expected in ((100, "buffered-octets"), (101, None)):
            limits = Limits(bufferedOctets=limit)
            self.assertEqual(Admission(limits, self.ledger).overload(), expected)

    def test_lag(self) -> None:
        """
        How late the reactor is shows while it is, and until it was in time once more.
        """
        self.ledger.start(self.clock)
        for _ in range(3):
            self.clock.advance(BEAT)
            self.assertEqual(self.ledger.lag, 0)
        self.clock.rightNow += BEAT + 2
        self.assertEqual(self.ledger.lag, 2)
        self.clock.advance(0)
        self.assertEqual(self.ledger.lag, 2)
        self.clock.advance(BEAT)
        self.assertEqual(self.ledger.lag, 0)
        self.ledger.stop()

    def test_listening(self) -> None:
        """It is looked at while one of the servers listens, and not longer."""
        for _ in range(2):
            self.ledger.start(self.clock)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.ledger.stop()
        self.clock.rightNow += 10
        self.assertEqual(self.ledger.lag, 10 - BEAT)
        self.ledger.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.ledger.lag, 0)

    def test_factory(self) -> None:
        """A factory that listens has it looked at."""
        factory = SMTPServerFactory(reactor=self.clock, ledger=self.ledger)
        factory.doStart()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
