"""
Tests of smtpsession.supervisor and smtpsession.worker: several processes.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError
from smtpsession.config import (
    Config,
    ListenerTable,
    LogTable,
    MetricsTable,
    markOf,
)
from smtpsession.kinds import INHERITED
from smtpsession.sharedledger import SharedLedger, pagesIn
from smtpsession.supervisor import (
    CONFIG,
    DOMAIN,
    LEDGER,
    PLACE,
    RELOAD,
    SECRET,
    Supervisor,
)
from smtpsession.worker import ownConfig


class Process:
    """A process that does what the test says."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.signals: list[str] = []
        protocol.makeConnection(self)

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def end(self, status: int = 0) -> None:
        """It ends by itself."""
        reason = ProcessDone(0) if status == 0 else ProcessTerminated(status)
        self.protocol.processEnded(Failure(reason))


class Port:
    """A port that is open."""

    addressFamily = 2

    def __init__(self, number: int, factory: Any) -> None:
        self.number, self.factory = number, factory
        self.isReading = self.isOpen = True

    def fileno(self) -> int:
        return 100 + self.number

    def getHost(self) -> str:
        return f"port {self.number}"

    def stopReading(self) -> None:
        self.isReading = False

    def stopListening(self) -> None:
        self.isOpen = False


class ProcessReactor(MemoryReactorClock):
    """A reactor that keeps what it was asked to begin."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []
        self.spawned: list[dict[str, Any]] = []
        self.ports: list[Port] = []

    def spawnProcess(
        self, protocol: Any, executable: str, args: Any, **more: Any
    ) -> Any:
        self.spawned.append({"args": args, **more})
        self.processes.append(Process(protocol))
        return self.processes[-1]

    def listenTCP(
        self, port: int, factory: Any, backlog: int = 50, interface: str = ""
    ) -> Any:
        self.ports.append(Port(port, factory))
        return self.ports[-1]


class SupervisorTests(SynchronousTestCase):
    """Supervisor."""

    def setUp(self) -> None:
        self.reactor = ProcessReactor()
        self.file = Path(self.mktemp()).absolute()
        tables = [ListenerTable(endpoint=f"tcp:{number}") for number in (25, 587)]
        self.config = Config(listener=tuple(tables), workers=2, stopTimeout=5)
        self.next: Config | None = self.config
        self.supervisor = Supervisor(
            self.config, self.file, self.reactor, self.reread, b"salt"
        )
        self.supervisor.privilegedStartService()
        self.supervisor.startService()

    def reread(self) -> Config:
        if self.next is None:
            raise ConfigError(["mail.toml: nothing"])
        return self.next

    def test_begins(self) -> None:
        """
        It opens the ports, reads nothing from them, and gives them to each worker.
        """
        self.assertEqual([port.number for port in self.reactor.ports], [25, 587])
        self.assertFalse(any(port.isReading for port in self.reactor.ports))
        self.assertEqual(len(self.reactor.spawned), 2)
        for place, spawned in enumerate(self.reactor.spawned):
            self.assertEqual(
                spawned["args"][1:], ["-m", "smtpsession.worker", str(self.file)]
            )
            descriptors = dict(spawned["childFDs"])
            memory = descriptors.pop(5)
            self.assertEqual(descriptors, {0: "w", 1: "r", 2: "r", 3: 125, 4: 687})
            self.assertEqual(len(pagesIn(memory, 2)), 2)
            environment = spawned["env"]
            self.assertEqual(environment[LEDGER], "5")
            self.assertEqual(environment[PLACE], str(place))
            self.assertEqual(environment[DOMAIN], "INET,INET")
            self.assertEqual(environment[SECRET], b"salt".hex())
            self.assertNotIn("NOTIFY_SOCKET", environment)

    def test_forgotten(self) -> None:
        """The clients of a worker that has ended are not counted any more."""
        pages = pagesIn(self.reactor.spawned[0]["childFDs"][5], 2)
        counts = [
            SharedLedger(self.reactor.seconds, pages, place, b"salt").newCounts()
            for place in range(2)
        ]
        for each in counts:
            each.add("192.0.2.1", 1)
        self.assertEqual(counts[1].total(), 2)
        self.reactor.processes[0].end(1)
        self.assertEqual(counts[1].total(), 1)

    def test_replaced(self) -> None:
        """
        A worker that ends is replaced: later and later, and soon if it has lasted.
        """
        first = self.reactor.processes[0]
        with capturedLogs() as events:
            first.end(1)
        self.assertIn("worker 0 has ended", str(formatEvent(events[0])))
        for delay in (1, 2, 4, 8, 16, 32, 60, 60):
            count = len(self.reactor.processes)
            self.reactor.advance(delay - 0.5)
            self.assertEqual(len(self.reactor.processes), count)
            self.reactor.advance(0.5)
            self.assertEqual(len(self.reactor.processes), count + 1)
            self.reactor.processes[-1].end(1)
        self.reactor.advance(60)
        count = len(self.reactor.processes)
        self.reactor.advance(60)
        self.reactor.processes[-1].end(0)
        self.reactor.advance(1)
        self.assertEqual(len(self.reactor.processes), count + 1)
        self.assertEqual(self.reactor.spawned[-1]["env"][PLACE], "0")

    def refuse(self, *ignored: Any, **more: Any) -> Any:
        """What a system says that wants no other process."""
        raise PermissionError(13, "Permission denied", "python")

    def test_reloadWhileBeginning(self) -> None:
        """
        A process begins with SIGHUP blocked: it would end one that has not come to
        heed it.  We go on as before, even where it cannot be begun.
        """
        blocked: list[bool] = []

        def isBlocked() -> bool:
            return signal.SIGHUP in signal.pthread_sigmask(signal.SIG_BLOCK, ())

        def spawnProcess(*ignored: Any, **more: Any) -> Any:
            blocked.append(isBlocked())
            raise OSError(11, "Resource temporarily unavailable")

        reactor = ProcessReactor()
        self.patch(reactor, "spawnProcess", spawnProcess)
        another = Supervisor(self.config, self.file, reactor, self.reread, b"salt")
        another.privilegedStartService()
        self.assertRaises(SystemExit, another.startService)
        self.assertEqual(blocked, [True])
        self.assertFalse(isBlocked())

    def test_cannotBegin(self) -> None:
        """
        It does not start if its workers cannot.
        """
        reactor = ProcessReactor()
        self.patch(reactor, "spawnProcess", self.refuse)
        another = Supervisor(self.config, self.file, reactor, self.reread, b"salt")
        another.privilegedStartService()
        error = self.assertRaises(SystemExit, another.startService)
        self.assertIn("cannot begin a worker: [Errno 13]", str(error))

    def test_cannotBeginAnother(self) -> None:
        """
        Where a worker cannot be replaced now, it is later.
        """
        spawn = self.reactor.spawnProcess
        self.patch(self.reactor, "spawnProcess", self.refuse)
        self.reactor.processes[0].end()
        self.reactor.advance(1)
        self.patch(self.reactor, "spawnProcess", spawn)
        self.assertEqual(len(self.reactor.processes), 2)
        self.reactor.advance(2)
        self.assertEqual(len(self.reactor.processes), 3)
        self.assertEqual(self.reactor.spawned[-1]["env"][PLACE], "0")

    def test_log(self) -> None:
        """
        What a worker logs is logged, a line at a time.
        """
        worker = self.reactor.processes[1].protocol
        with capturedLogs() as events:
            worker.outReceived(b"one\ntw")
            worker.outReceived(b"o\n")
        self.assertEqual([formatEvent(each) for each in events], ["one", "two"])
        self.assertEqual([each["place"] for each in events], [1, 1])

    def test_reload(self) -> None:
        """
        The workers read anew what is good, and never hear of what is bad.
        """
        self.supervisor.reload()
        self.assertEqual(
            [each.signals for each in self.reactor.processes], [["HUP"]] * 2
        )
        self.next = None
        with capturedLogs() as events:
            self.supervisor.reload()
        self.assertIn("not reloaded: mail.toml", str(formatEvent(events[0])))
        self.assertEqual(
            [each.signals for each in self.reactor.processes], [["HUP"]] * 2
        )

    def test_stays(self) -> None:
        """
        Neither the number of workers nor where they listen can change.
        """
        tables = (ListenerTable(endpoint="tcp:26"),)
        for change in ({"workers": 3}, {"listener": tables}):
            self.next = evolve(self.config, **change)
            with capturedLogs() as events:
                self.supervisor.reload()
            said = "".join(str(formatEvent(each)) for each in events)
            self.assertIn("as long as the service runs", said)
        self.assertEqual([each.signals for each in self.reactor.processes], [[], []])

    def test_lastGood(self) -> None:
        """
        A worker that begins later has the configuration that was last good.
        """
        for text, isGood in (("a", True), ("b", False), ("c\r\n", True)):
            self.file.write_bytes(text.encode())
            self.next = self.config if isGood else None
            self.supervisor.reload()
        self.adopt(1, "c\r\n")
        self.file.write_text("d", "utf-8")
        self.reactor.processes[0].end()
        self.reactor.advance(1)
        environment = self.reactor.spawned[-1]["env"]
        self.assertEqual((environment[CONFIG], environment[RELOAD]), ("c\r\n", ""))

    def test_refused(self) -> None:
        """
        One that only looks good is for nobody who begins later, but to be tried.
        """
        self.file.write_text("a", "utf-8")
        self.supervisor.reload()
        self.adopt(1, "a")
        for text in ("b", "c"):
            self.file.write_text(text, "utf-8")
            self.supervisor.reload()
            self.reactor.processes[-1].end()
            self.reactor.advance(10)
            environment = self.reactor.spawned[-1]["env"]
            self.assertEqual((environment[CONFIG], environment[RELOAD]), ("a", "yes"))

    def adopt(self, place: int, text: str) -> None:
        """A worker goes on with this configuration."""
        pages = pagesIn(self.reactor.spawned[0]["childFDs"][5], 2)
        ledger = SharedLedger(self.reactor.seconds, pages, place, b"salt")
        ledger.adopted(markOf(text.encode()))

    def test_logStays(self) -> None:
        """
        A log of its own, of which each worker has to know, cannot come later.
        """
        self.next = evolve(self.config, log=LogTable(file=self.file))
        with capturedLogs() as events:
            self.supervisor.reload()
        said = [str(formatEvent(each)) for each in events]
        self.assertTrue(any("log.file: " in each for each in said))
        self.assertEqual([each.signals for each in self.reactor.processes], [[], []])

    def test_stop(self) -> None:
        """
        It stops when the workers have, and then closes the ports.
        """
        one, other = self.reactor.processes
        stopped = maybeDeferred(self.supervisor.stopService)
        self.assertEqual((one.signals, other.signals), (["TERM"], ["TERM"]))
        one.end()
        self.assertNoResult(stopped)
        self.assertTrue(all(port.isOpen for port in self.reactor.ports))
        other.end()
        self.successResultOf(stopped)
        self.assertFalse(any(port.isOpen for port in self.reactor.ports))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(len(self.reactor.processes), 2)

    def test_stopInTime(self) -> None:
        """
        Who does not stop is killed, and who has ended is not begun again.
        """
        one, other = self.reactor.processes
        other.end(1)
        stopped = maybeDeferred(self.supervisor.stopService)
        self.reactor.advance(19)
        self.assertEqual(one.signals, ["TERM"])
        self.reactor.advance(1)
        self.assertEqual(one.signals, ["TERM", "KILL"])
        one.end(9)
        self.successResultOf(stopped)
        self.reactor.advance(100)
        self.assertEqual(len(self.reactor.processes), 2)

    def test_lateSignal(self) -> None:
        """
        A signal to a process that has just ended is lost.
        """

        def signalProcess(name: str) -> None:
            raise ProcessExitedAlready()

        self.patch(self.reactor.processes[0], "signalProcess", signalProcess)
        self.supervisor.reload()
        self.assertEqual(self.reactor.processes[1].signals, ["HUP"])

    def test_badConfig(self) -> None:
        """
        What cannot be made is said before anything begins.
        """
        bad = Config(listener=(ListenerTable(endpoint="pigeon:1"),), workers=2)
        self.assertRaises(
            ConfigError, Supervisor, bad, self.file, self.reactor, self.reread, b""
        )


class OwnConfigTests(SynchronousTestCase):
    """What a worker does of a configuration."""

    def test_sockets(self) -> None:
        """
        It listens on what it was given, by the names that the file has, and not where
        monitors ask.
        """
        tables = (ListenerTable(name="in", endpoint="tcp:25"), ListenerTable())
        metrics = MetricsTable(endpoint="tcp:9100")
        config = Config(listener=tables, metrics=metrics, workers=2)
        own = ownConfig(config, ["INET", "UNIX"])
        self.assertIsNone(own.metrics.endpoint)
        first, second = own.listener
        self.assertEqual((first.name, first.endpoint), ("in", f"{INHERITED}INET:3"))
        self.assertEqual(second.name, ListenerTable().endpoint)
        self.assertEqual(second.endpoint, f"{INHERITED}UNIX:4")
        self.assertRaises(ConfigError, ownConfig, config, ["INET"])
