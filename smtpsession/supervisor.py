# -*- test-case-name: tests.test_supervisor -*-
"""
Several processes that serve the same ports, and the one that looks after them.

The supervisor opens the ports, and its workers inherit them: each accepts from the same
sockets, and the kernel lets one of them have each connection.  It serves nobody itself,
so that a fault in serving cannot end it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNIX
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpsession.assembly import Monitor, assemble
from smtpsession.config import WHILE_IN_USE, Config, markOf, requireSame
from smtpsession.errors import ConfigError
from smtpsession.listening import ListeningService
from smtpsession.logfile import LogFile, logFileOf
from smtpsession.notify import notify, notifyReloading
from smtpsession.problems import Problem, shown
from smtpsession.sharedledger import Page, adoptedIn, clear, openMemory, pagesIn
from smtpsession.signals import heed, reloadPostponed
from smtpsession.workerprocess import FIRST_SOCKET, Worker

if TYPE_CHECKING:
    from smtpsession.totals import Totals

DOMAINS = {AF_INET: "INET", AF_INET6: "INET6", AF_UNIX: "UNIX"}

#: What the environment says to a worker: which one it is, the domains of its sockets,
#: what salts are made of, the descriptor that it is to report its metrics to, if
#: anybody wants to know them, the configuration that was last found to be good, whether
#: the file has another that is to be tried, and the descriptor of the memory in which
#: all count their clients.
PLACE, DOMAIN, SECRET, REPORTS, CONFIG, RELOAD, LEDGER = (
    "SMTPSESSION_WORKER",
    "SMTPSESSION_DOMAINS",
    "SMTPSESSION_SECRET",
    "SMTPSESSION_REPORTS",
    "SMTPSESSION_CONFIG",
    "SMTPSESSION_RELOAD",
    "SMTPSESSION_LEDGER",
)
# Linux takes 128 KiB for one variable.
_ENVIRONMENT = 100_000
# How much longer than they have said workers may take to stop.
_GRACE = 15.0


def requireSameLog(before: Config, after: Config) -> None:
    """
    Workers that have a log of their own tell us nothing for ours.

    @raise ConfigError: it would come or go
    """
    old, new = before.log.file, after.log.file
    if (old is None) != (new is None):
        expected = f"{shown(old)}, {WHILE_IN_USE}"
        after.refuse([Problem.misfit(("log", "file"), new, expected)])


class Supervisor(Service):
    """
    Keeps C{config.workers} processes at work.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        file: Path,
        reactor: Any,
        reread: Callable[[], Config],
        secret: bytes,
    ) -> None:
        """
        @param file: the configuration, for the workers to read; absolute
        @param reread: reads it anew, for SIGHUP; raises `ConfigError`
        @param secret: what the salts of users that there are not are made of
        @raise ConfigError: something cannot be made
        """
        self._config, self._file, self._reactor = config, file, reactor
        self._reread = reread
        self._secret = secret
        # For workers that begin later: by then the file can be another, or bad.  What
        # only looks good may still be refused by them.
        self._text = self._latest = _textOf(file)
        # Not used here: what is wrong with it is to be said once, and by now.
        assembly = assemble(config, file.parent, reactor)
        self._endpoints = [(each.name, each.endpoint) for each in assembly.listeners]
        self._monitor: ListeningService | None = None
        self._totals: Totals | None = None
        if assembly.monitor is not None:
            self._monitor = self._newMonitor(assembly.monitor)
        self._logFile = logFileOf(config.log)
        self._ports: list[Any] = []
        self._memory: int | None = None
        self._pages: Sequence[Page] = ()
        self._workers = [Worker(self, place) for place in range(config.workers)]

    def _newMonitor(self, monitor: Monitor) -> ListeningService:
        # Not before: without the extra they cannot be imported.
        from smtpsession.monitor import MonitorSite
        from smtpsession.totals import Totals

        assert monitor.endpoint is not None, "it is the configuration's"
        self._totals = Totals(monitor.metrics, self._config.workers, self._countAlive)
        site = MonitorSite(self._totals.text, self._ailment, self._reactor)
        return ListeningService("metrics.endpoint", monitor.endpoint, site)

    def _countAlive(self) -> int:
        return sum(each.isServing for each in self._workers)

    def _ailment(self) -> str | None:
        if not self.running:
            return "stopping"
        return None if self._countAlive() else "no worker serves"

    def privilegedStartService(self) -> None:
        """
        Open the ports.

        @raise SystemExit: one cannot be had
        """
        if self._logFile is not None:
            self._logFile.start()
        for name, endpoint in self._endpoints:
            endpoint.listen(_Nobody()).addCallbacks(
                self._opened, _giveUp, (), {}, (name,)
            )
        if self._monitor is not None:
            self._monitor.privilegedStartService()

    def _opened(self, port: IListeningPort) -> None:
        # Who accepts is a worker.
        port.stopReading()  # type: ignore[attr-defined]
        self._ports.append(port)
        address = port.getHost()
        self._log.info("listening on {address}", event="listening", address=address)

    def startService(self) -> None:
        """
        Start the workers.

        @raise SystemExit: one cannot be begun, or the log cannot be opened
        """
        if self._logFile is not None:
            try:
                self._logFile.open()
            except OSError as error:
                what = f"{error.filename}: {error.strerror}"
                raise SystemExit(f"cannot log to {what}") from None
        super().startService()
        try:
            workers, servers = self._config.workers, len(self._ports)
            self._memory = openMemory(workers, servers)
            self._pages = pagesIn(self._memory, servers)
            for each in self._workers:
                each.start()
        except OSError as error:
            raise SystemExit(f"cannot begin a worker: {error}") from None
        if self._monitor is not None:
            self._monitor.startService()
        self._reactor.callWhenRunning(self._ready)

    def stopService(self) -> Deferred[None]:
        """
        Let the workers stop as they do.

        @return: fires when none is left
        """
        super().stopService()
        notify("STOPPING=1")
        patience = self._config.stopTimeout + _GRACE
        stopped = gatherResults([each.stop(patience) for each in self._workers])
        return stopped.addCallback(self._close)

    def _close(self, ignored: object) -> Deferred[Any]:
        self._logTo(None)
        if self._memory is not None:
            os.close(self._memory)
        closed = [maybeDeferred(each.stopListening) for each in self._ports]
        if self._monitor is not None:
            closed.append(maybeDeferred(self._monitor.stopService))
        return gatherResults(closed).addCallback(lambda _: None)

    def reload(self) -> None:
        """Have the workers read everything anew, if it is good."""
        if not self.running:
            return
        notifyReloading()
        try:
            config, text = self._reread(), _textOf(self._file)
            assemble(config, self._file.parent, self._reactor)
            requireSame(self._config, config)
            requireSameLog(self._config, config)
            self._logTo(logFileOf(config.log))
        except (ConfigError, OSError) as error:
            self._log.error("not reloaded: {error}", event="not-reloaded", error=error)
        except Exception:
            self._log.failure("not reloaded", event="not-reloaded")
        else:
            self._learnGood()
            self._config, self._latest = config, text
            for each in self._workers:
                each.signal("HUP")
        notify("READY=1")

    def _learnGood(self) -> None:
        """What one of those who use it has adopted is good."""
        if markOf(self._latest.encode("utf-8")) in map(adoptedIn, self._pages):
            self._text = self._latest

    def _logTo(self, logFile: LogFile | None) -> None:
        if logFile is not None:
            logFile.open()
            logFile.start()
        if self._logFile is not None:
            self._logFile.close()
        self._logFile = logFile

    def _ready(self) -> None:
        heed(self._reactor, self.reload)
        notify("READY=1")

    def spawn(self, protocol: ProcessProtocol, place: int) -> Any:
        """Start a process that is the worker at this place."""
        sockets = {
            FIRST_SOCKET + number: port.fileno()
            for number, port in enumerate(self._ports)
        }
        assert self._memory is not None, "made before the workers"
        descriptors: dict[int, int | str] = {0: "w", 1: "r", 2: "r", **sockets}
        descriptors[self._ledger] = self._memory
        if self._totals is not None:
            descriptors[self._reports] = "r"
        arguments = [sys.executable, "-m", "smtpsession.worker", str(self._file)]
        with reloadPostponed():
            return self._reactor.spawnProcess(
                protocol,
                sys.executable,
                arguments,
                env=self._environment(place),
                childFDs=descriptors,
            )

    @property
    def _ledger(self) -> int:
        """The descriptor that a worker has for the memory: behind its sockets."""
        return FIRST_SOCKET + len(self._ports)

    @property
    def _reports(self) -> int:
        """The descriptor that a worker has for its reports: behind that."""
        return self._ledger + 1

    def reported(self, place: int, line: bytes) -> None:
        """The worker at this place has told its metrics."""
        if self._totals is not None:
            self._totals.reported(place, line)

    def ended(self, place: int) -> None:
        """The process at this place has ended."""
        clear(self._pages[place])
        if self._totals is not None:
            try:
                self._totals.ended(place)
            except Exception:
                # Of another version, perhaps.  The service is not to suffer.
                self._log.failure(
                    "what worker {place} has counted is lost",
                    event="worker-counts-lost",
                    place=place,
                )

    def restarted(self) -> None:
        """Another process has begun where one had ended."""
        if self._totals is not None:
            self._totals.restarted()

    def _environment(self, place: int) -> Mapping[str, str]:
        self._learnGood()
        domains = [DOMAINS[port.addressFamily] for port in self._ports]
        inherited = {
            name: value
            for name, value in os.environ.items()
            # It is us whom systemd hears, and whom it gave sockets.
            if name not in ("NOTIFY_SOCKET", REPORTS) and not name.startswith("LISTEN_")
        }
        if self._totals is not None:
            inherited[REPORTS] = str(self._reports)
        return {
            **inherited,
            PLACE: str(place),
            DOMAIN: ",".join(domains),
            SECRET: self._secret.hex(),
            CONFIG: self._text,
            # Otherwise nobody has adopted it yet, or all have refused it.
            RELOAD: "" if self._text == self._latest else "yes",
            LEDGER: str(self._ledger),
        }

    def callLater(self, seconds: float, act: Callable[[], None]) -> IDelayedCall:
        """On the clock of the service."""
        later: IDelayedCall = self._reactor.callLater(seconds, act)
        return later

    def seconds(self) -> float:
        """The time of that clock."""
        now: float = self._reactor.seconds()
        return now


class _Nobody(Factory):
    """Serves nobody: the workers do."""

    noisy = False


def _textOf(file: Path) -> str:
    """The configuration, or nothing where it does not fit into the environment."""
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text.encode("utf-8")) < _ENVIRONMENT else ""


def _giveUp(failure: Failure, name: str) -> None:
    raise SystemExit(f"cannot listen on {name}: {failure.getErrorMessage()}")
