"""
Tests of smtpsession.signals.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.signals import heed, postpone


class Reactor:
    """What a reactor has to do with signals."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.stopped = 0

    def callFromThread(self, function: Callable[[], object]) -> None:
        self.calls.append(function)

    def stop(self) -> None:
        self.stopped += 1

    def turn(self) -> None:
        """Do what a handler has asked for."""
        calls, self.calls = self.calls, []
        for each in calls:
            each()


class HeedTests(SynchronousTestCase):
    """heed."""

    def setUp(self) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, each, signal.getsignal(each))
        self.reloads: list[bool] = []
        self.reactor = Reactor()
        heed(self.reactor, lambda: self.reloads.append(True))

    def test_hangUp(self) -> None:
        """SIGHUP reloads, each time, in the reactor's own turn."""
        for count in (1, 2):
            signal.raise_signal(signal.SIGHUP)
            self.assertEqual(len(self.reloads), count - 1)
            self.reactor.turn()
            self.assertEqual(len(self.reloads), count)
        self.assertEqual(self.reactor.stopped, 0)

    def test_postponed(self) -> None:
        """A signal that comes too early waits."""
        postpone()
        signal.raise_signal(signal.SIGHUP)
        self.reactor.turn()
        self.assertEqual(self.reloads, [])
        heed(self.reactor, lambda: self.reloads.append(True))
        self.reactor.turn()
        self.assertEqual(self.reloads, [True])

    def test_stop(self) -> None:
        """Of SIGTERM and SIGINT the first stops, and the log says so of the others."""
        signal.raise_signal(signal.SIGINT)
        self.reactor.turn()
        self.assertEqual(self.reactor.stopped, 1)
        with capturedLogs() as events:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            self.reactor.turn()
        self.assertEqual(self.reactor.stopped, 1)
        self.assertEqual(
            [formatEvent(each) for each in events], 2 * ["stopping already"]
        )
