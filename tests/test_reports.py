"""
Tests of smtpsession.reports: what a worker tells its supervisor of its metrics.
"""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.metrics import Metrics
from smtpsession.reports import Report, Reporter, decode, encode, reportOf
from smtpsession.testing import MemoryServer
from tests import conversations as c

CONNECTIONS = ("smtpsession_connections", ("smtpsession_connections_total", ()))
HELO = (
    "smtpsession_callback_seconds",
    ("smtpsession_callback_seconds_count", (("callback", "onHelo"),)),
)


def valueIn(report: Report, metric: str, key: Any) -> float:
    """The value of one series."""
    return report[metric][key]


class LineTests(SynchronousTestCase):
    """encode and decode."""

    def test_inverse(self) -> None:
        """A report comes out of its line as it was, and is one line."""
        metrics = Metrics()
        c.ready(MemoryServer(watcher=metrics)).say(c.MAIL, "RCPT TO:nobody")
        metrics.delivered('maildir "Grüße"\n', 1.5)
        report = reportOf(metrics.collect())
        line = encode(report)
        self.assertEqual(decode(line), report)
        self.assertEqual(line.index(b"\n"), len(line) - 1)
        self.assertEqual(valueIn(report, *HELO), 1)


class ReporterTests(SynchronousTestCase):
    """Reporter."""

    def setUp(self) -> None:
        self.end, descriptor = os.pipe()
        self.addCleanup(os.close, descriptor)
        os.set_blocking(self.end, False)
        self.isOpen = True
        self.addCleanup(self.close)
        os.set_inheritable(descriptor, True)
        self.descriptor = descriptor
        self.metrics = Metrics()
        self.clock = Clock()
        self.reporter = Reporter(self.metrics, descriptor, self.clock)
        self.server = MemoryServer(watcher=self.metrics)
        self.rest = b""

    def close(self) -> None:
        if self.isOpen:
            os.close(self.end)
        self.isOpen = False

    def read(self) -> bytes:
        try:
            return os.read(self.end, 1_000_000)
        except BlockingIOError:
            return b""

    def reports(self) -> list[Report]:
        """What has come since this was called last."""
        *lines, self.rest = (self.rest + self.read()).split(b"\n")
        return [decode(each) for each in lines]

    def fill(self) -> None:
        """Have more to say than the pipe takes."""
        for number in range(100):
            self.metrics.delivered(f"maildir {number}", 0)

    def counts(self) -> list[float]:
        """How many connections each new report has."""
        return [valueIn(each, *CONNECTIONS) for each in self.reports()]

    def test_eachSecond(self) -> None:
        """The first comes at once, the next each second."""
        self.assertEqual(self.counts(), [])
        self.reporter.start()
        self.assertEqual(self.counts(), [0])
        self.server.connect()
        self.clock.advance(0.9)
        self.assertEqual(self.counts(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.counts(), [1])

    def test_busy(self) -> None:
        """
        A supervisor that does not read gets the rest of one report when it does, and
        then one that is new; nothing is kept for it meanwhile.
        """
        self.fill()
        self.reporter.start()
        for _ in range(9):
            self.server.connect()
            self.clock.advance(1)
        found: list[float] = []
        for _ in range(40):
            found += self.counts()
            self.clock.advance(1)
        self.assertEqual(found[0], 0)
        self.assertEqual({*found[1:]}, {9})

    def test_nobody(self) -> None:
        """Where the supervisor has gone, it does not matter."""
        self.close()
        self.reporter.start()
        self.clock.advance(1)
        self.successResultOf(Deferred.fromCoroutine(self.reporter.stop()))

    def test_notInherited(self) -> None:
        """What the worker starts cannot hold the pipe open when it has ended."""
        self.assertFalse(os.get_inheritable(self.descriptor))

    def test_last(self) -> None:
        """The last tells what has happened until then, and then it is over."""
        self.reporter.start()
        self.server.connect()
        self.successResultOf(Deferred.fromCoroutine(self.reporter.stop()))
        self.assertEqual(self.counts(), [0, 1])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lastBehindOther(self) -> None:
        """It comes behind what the supervisor did not take before."""
        self.fill()
        self.reporter.start()
        self.server.connect()
        stopped = Deferred.fromCoroutine(self.reporter.stop())
        self.assertNoResult(stopped)
        found: list[float] = []
        for _ in range(19):
            found += self.counts()
            self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual([*found, *self.counts()], [0, 1])

    def test_lastInTime(self) -> None:
        """A supervisor that never reads does not keep the worker for long."""
        self.fill()
        self.reporter.start()
        stopped = Deferred.fromCoroutine(self.reporter.stop())
        self.clock.pump([0.1] * 19)
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)

    def test_failed(self) -> None:
        """Where the metrics cannot be had, that is logged, and the worker goes on."""
        with patch.object(self.metrics, "collect", side_effect=RuntimeError("no")):
            with capturedLogs() as events:
                self.reporter.start()
        self.assertEqual([each["log_format"] for each in events], ["no more reports"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
