"""
Tests of smtpsession.supervisor: the metrics and the health of several workers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError, SMTPSession
from smtpsession.config import Config, ListenerTable, MetricsTable
from smtpsession.metrics import Metrics
from smtpsession.reports import encode, reportOf
from smtpsession.supervisor import REPORTS, Supervisor
from tests.test_metrics import ask, samples
from tests.test_supervisor import Port, Process, ProcessReactor

#: The pipe for reports, behind the one socket for mail.
PIPE = 5


class MonitorTests(SynchronousTestCase):
    """Supervisor, with a table [metrics]."""

    def setUp(self) -> None:
        self.reactor = ProcessReactor()
        self.config = self.next = Config(
            listener=(ListenerTable(endpoint="tcp:25"),),
            metrics=MetricsTable(endpoint="tcp:9100"),
            workers=2,
        )
        self.supervisor = self.begin(self.config, self.reactor)
        self.supervisor.startService()
        self.one, self.other = self.reactor.processes

    def begin(self, config: Config, reactor: ProcessReactor) -> Supervisor:
        """One that has its ports."""
        file = Path(self.mktemp()).absolute()
        supervisor = Supervisor(config, file, reactor, lambda: self.next, b"salt")
        supervisor.privilegedStartService()
        return supervisor

    def get(self, path: str) -> tuple[int, bytes]:
        [port] = [each for each in self.reactor.ports if each.number == 9100]
        self.assertTrue(port.isReading and port.isOpen)
        return ask(port.factory, path)

    def assertCounted(self, *name: str, value: float) -> None:
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(samples(text).get(name), value, name)

    def report(self, *processes: Process) -> None:
        """Have workers report that they have had a connection each."""
        metrics = Metrics()
        metrics.connected(SMTPSession())
        line = encode(reportOf(metrics.collect()))
        for each in processes:
            each.protocol.childDataReceived(PIPE, line[:10])
            each.protocol.childDataReceived(PIPE, line[10:])

    def test_begins(self) -> None:
        """
        Each worker has a pipe behind its sockets, and knows it; the port for metrics
        is not for them.
        """
        for spawned in self.reactor.spawned:
            self.assertEqual(spawned["childFDs"][PIPE], "r")
            self.assertEqual(spawned["env"][REPORTS], str(PIPE))

    def test_notWanted(self) -> None:
        """Without the table there is no pipe, whatever the environment says."""
        self.patch(os, "environ", {**os.environ, REPORTS: "9"})
        reactor = ProcessReactor()
        self.begin(evolve(self.config, metrics=MetricsTable()), reactor).startService()
        self.assertEqual([each.number for each in reactor.ports], [25])
        for spawned in reactor.spawned:
            self.assertNotIn(PIPE, spawned["childFDs"])
            self.assertNotIn(REPORTS, spawned["env"])

    def test_sum(self) -> None:
        """What both have reported is told as one, and what they log is not."""
        self.report(self.one, self.other)
        self.one.protocol.childDataReceived(1, b"one\n")
        self.assertCounted("connections_total", value=2)
        self.assertCounted("workers", value=2)
        self.assertCounted("workers_alive", value=2)
        self.assertCounted("worker_restarts_total", value=0)

    def test_killed(self) -> None:
        """
        What one that is killed has counted stays, but for half a report; another one
        begins, and is counted when it serves.
        """
        self.report(self.one, self.other)
        self.one.protocol.childDataReceived(PIPE, b'{"smtpsession_connections":[[')
        self.one.end(9)
        self.assertCounted("connections_total", value=2)
        self.assertCounted("connections_open", value=1)
        self.assertCounted("workers_alive", value=1)
        self.assertCounted("worker_restarts_total", value=0)
        self.reactor.advance(1)
        self.assertCounted("worker_restarts_total", value=1)
        self.assertCounted("workers_alive", value=1)
        self.report(self.reactor.processes[-1])
        self.assertCounted("connections_total", value=3)
        self.assertCounted("connections_open", value=2)
        self.assertCounted("workers_alive", value=2)
        self.reactor.processes[-1].end(9)
        self.assertCounted("connections_total", value=3)

    def test_hangs(self) -> None:
        """
        One that does not report any more keeps nobody waiting; its counts stay, and it
        is taken for dead after a while.
        """
        self.report(self.one, self.other)
        self.reactor.advance(15)
        self.report(self.other)
        self.assertCounted("workers_alive", value=2)
        self.reactor.advance(0.1)
        self.assertCounted("workers_alive", value=1)
        self.assertCounted("connections_total", value=2)
        self.assertEqual(self.get("/health"), (200, b"ok\n"))
        self.reactor.advance(15)
        self.assertEqual(self.get("/health"), (503, b"no worker serves\n"))
        self.report(self.one)
        self.assertEqual(self.get("/health"), (200, b"ok\n"))

    def test_health(self) -> None:
        """The service is well while a worker serves."""
        self.assertEqual(self.get("/health"), (503, b"no worker serves\n"))
        self.report(self.one)
        self.assertEqual(self.get("/health"), (200, b"ok\n"))
        self.one.end(9)
        self.assertEqual(self.get("/health"), (503, b"no worker serves\n"))

    def test_stop(self) -> None:
        """
        It answers until the last worker has ended, with what those that have ended
        told last, and is not well.
        """
        self.report(self.one, self.other)
        stopped = maybeDeferred(self.supervisor.stopService)
        self.assertEqual(self.get("/health"), (503, b"stopping\n"))
        self.one.end()
        self.assertCounted("connections_total", value=2)
        self.assertNoResult(stopped)
        self.other.end()
        self.successResultOf(stopped)
        self.assertFalse(any(port.isOpen for port in self.reactor.ports))

    def test_unreadable(self) -> None:
        """What cannot be read is logged, and the worker is replaced all the same."""
        self.one.protocol.childDataReceived(PIPE, b"{}{}\n")
        self.one.end(9)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.reactor.advance(1)
        self.assertEqual(len(self.reactor.processes), 3)
        self.report(self.reactor.processes[-1])
        self.assertCounted("connections_total", value=1)

    def test_reload(self) -> None:
        """The endpoint cannot change, and a worker never hears that it should."""
        self.report(self.one)
        self.supervisor.reload()
        self.assertEqual(self.one.signals, ["HUP"])
        for endpoint in (None, "tcp:9101"):
            self.next = evolve(self.config, metrics=MetricsTable(endpoint=endpoint))
            with capturedLogs() as events:
                self.supervisor.reload()
            self.assertIn("metrics.endpoint: ", str(formatEvent(events[0])))
        self.assertEqual(self.one.signals, ["HUP"])
        self.assertCounted("connections_total", value=1)

    def test_portInUse(self) -> None:
        """A port that cannot be had is said before anything begins."""
        reactor = ProcessReactor()

        def listenTCP(port: int, factory: Any, *more: Any, **others: Any) -> Any:
            if port == 9100:
                raise CannotListenError("", port, OSError(98, "in use"))
            return Port(port, factory)

        self.patch(reactor, "listenTCP", listenTCP)
        with self.assertRaises(SystemExit) as caught:
            self.begin(self.config, reactor)
        self.assertIn("cannot listen on metrics.endpoint", str(caught.exception))
        self.assertEqual(reactor.spawned, [])

    def test_badEndpoint(self) -> None:
        """What is no endpoint is an error, with the name of the key."""
        bad = evolve(self.config, metrics=MetricsTable(endpoint="pigeon:1"))
        error = self.assertRaises(ConfigError, self.begin, bad, self.reactor)
        [problem] = error.problems
        self.assertTrue(problem.startswith("metrics.endpoint: "), problem)
