"""
Tests of smtpsession.lingering: how to close on a client that still sends.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.lingering import Lingering, mayBeSending


class Transport:
    """A transport that keeps what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def loseWriteConnection(self) -> None:
        self.done.append("half closed")

    def abortConnection(self) -> None:
        self.done.append("aborted")


class LingeringTests(SynchronousTestCase):
    """Lingering."""

    def setUp(self) -> None:
        self.clock, self.transport = Clock(), Transport()
        self.lingering = Lingering(self.transport, self.clock)

    def test_half(self) -> None:
        """Our half is closed at once, and the client may close its own."""
        self.assertEqual(self.transport.done, ["half closed"])
        self.lingering.received(100_000)
        self.lingering.cancel()
        self.clock.advance(10)
        self.assertEqual(self.transport.done, ["half closed"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_late(self) -> None:
        """Who does not is not waited for."""
        self.clock.advance(2)
        self.assertEqual(self.transport.done, ["half closed", "aborted"])
        self.lingering.cancel()

    def test_flood(self) -> None:
        """Nor is all read that somebody sends."""
        for _ in range(64):
            self.assertEqual(self.transport.done, ["half closed"])
            self.lingering.received(65_536)
        self.assertEqual(self.transport.done, ["half closed", "aborted"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_others(self) -> None:
        """Only a TCP connection in clear is closed by halves."""
        self.assertFalse(mayBeSending(StringTransport(), isInTheMiddle=True))
