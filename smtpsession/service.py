# -*- test-case-name: tests.test_service -*-
"""
The service: listeners, and the servers behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import Logger

from smtpsession.addresses import SMTPAddress
from smtpsession.assembly import Assembly, Monitor, assemble
from smtpsession.config import Config, requireSame
from smtpsession.delivery.destination import Destination
from smtpsession.errors import ConfigError
from smtpsession.eventfile import EventFile
from smtpsession.goals import DestinationTable
from smtpsession.ledger import Ledger
from smtpsession.logfile import logFileOf
from smtpsession.listening import ListeningService
from smtpsession.notify import notify, notifyReloading
from smtpsession.retirement import Retirement
from smtpsession.router import RoutingServer
from smtpsession.sasl.exchange import SECRET
from smtpsession.session import SMTPSession
from smtpsession.signals import heed


class MailService(MultiService):
    """
    Everything that a configuration asks for.

    It starts whole or not at all, goes on with the old settings where new ones are bad,
    and ends when its clients have had their answers.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        folder: Path,
        reactor: Any,
        reread: Callable[[], Config] | None = None,
        scramSecret: bytes = SECRET,
        counting: Monitor | None = None,
        place: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """
        @param folder: what relative paths are relative to
        @param reread: reads the configuration anew, for SIGHUP; raises `ConfigError`
        @param scramSecret: as in `ServerOptions`
        @param counting: the monitor, in place of what the configuration says
        @param place: which one this is, of several workers
        @param ledger: where it counts its clients, if others count theirs there too
        @raise ConfigError: something cannot be made
        """
        super().__init__()
        self._scramSecret = scramSecret
        self._config, self._folder, self._reactor = config, folder, reactor
        self._reread = reread
        self._assembly = self._assemble(config, counting=counting)
        self._events = _eventFile(config)
        self._logged = {} if place is None else {"worker": place}
        self._logFile = logFileOf(config.log, self._logged)
        accounts, monitor = self._assembly.accounts, self._assembly.monitor
        self._ledger = ledger or Ledger(reactor.seconds)
        self.servers = [
            RoutingServer(
                self._assembly.routes,
                delivered=self._delivered,
                onAuth=None if accounts is None else accounts.onAuth,
                options=listener.options,
                reactor=reactor,
                watcher=None if monitor is None else monitor.metrics,
                ledger=self._ledger,
            )
            for listener in self._assembly.listeners
        ]
        self._retirement = Retirement(reactor, self._isUsed)
        for listener, server in zip(
            self._assembly.listeners, self.servers, strict=True
        ):
            child = ListeningService(listener.name, listener.endpoint, server)
            child.setServiceParent(self)
        # Not a child: it goes on until everything else has ended.
        self._monitor = None if monitor is None else self._newMonitor(monitor)

    def _newMonitor(self, monitor: Monitor) -> ListeningService | None:
        monitor.metrics.askForHeld(
            lambda: sum(each.octetsHeld for each in self.servers)
        )
        if monitor.endpoint is None:
            return None
        # Not before: without the extra it cannot be imported.
        from smtpsession.monitor import MonitorSite

        site = MonitorSite(monitor.metrics.text, self._ailment, self._reactor)
        return ListeningService("metrics.endpoint", monitor.endpoint, site)

    def _ailment(self) -> str | None:
        return None if self.running else "stopping"

    def privilegedStartService(self) -> None:
        """
        Open the ports.

        @raise SystemExit: one of them cannot be had
        """
        if self._logFile is not None:
            self._logFile.start()
        super().privilegedStartService()
        if self._monitor is not None:
            self._monitor.privilegedStartService()

    def startService(self) -> None:
        """
        Make ready the destinations, by now as the user that the process goes on as, and
        start.

        @raise SystemExit: that cannot be done
        """
        try:
            if self._logFile is not None:
                self._logFile.start()
                self._logFile.open()
            if self._events is not None:
                self._events.open()
            for each in self._assembly.destinations.values():
                each.start()
            if self._assembly.accounts is not None:
                self._assembly.accounts.start()
        except OSError as error:
            what = f"{error.filename}: {error.strerror}"
            raise SystemExit(f"cannot use {what}") from None
        super().startService()
        self._ledger.adopted(self._config.mark)
        if self._monitor is not None:
            self._monitor.startService()
        # Not now: the reactor puts its own handlers in place when it begins to run.
        self._reactor.callWhenRunning(self._ready)

    def _assemble(
        self,
        config: Config,
        known: Mapping[DestinationTable, Destination] | None = None,
        counting: Monitor | None = None,
    ) -> Assembly:
        return assemble(
            config, self._folder, self._reactor, known, self._scramSecret, counting
        )

    async def _stop(self, listeners: object) -> None:
        notify("STOPPING=1")
        self._log.info(
            "stopping: no new connections, clients may end what they began",
            event="stopping",
        )
        await maybeDeferred(lambda: listeners)
        timeout = self._config.stopTimeout
        await gatherResults([each.drain(timeout) for each in self.servers])
        for destination in self._assembly.destinations.values():
            await destination.stop()
        await self._retirement.stop()
        if self._assembly.accounts is not None:
            await self._assembly.accounts.stop()
        if self._events is not None:
            self._events.close()
        if self._monitor is not None:
            await maybeDeferred(self._monitor.stopService)
        if self._logFile is not None:
            self._logFile.close()

    def stopService(self) -> Deferred[None]:
        """
        @return: fires when the clients have gone, or have had their time
        """
        return Deferred.fromCoroutine(self._stop(super().stopService()))

    def reload(self) -> None:
        """
        Read everything anew: certificates, routes, limits.  Connections go on as they
        began, but for the routes, which are new for their next recipient.  If anything
        is wrong, that is logged, and nothing changes.
        """
        if self._reread is None or not self.running:
            return
        notifyReloading()
        try:
            self._adopt(self._reread())
        except (ConfigError, OSError) as error:
            self._log.error("not reloaded: {error}", event="not-reloaded", error=error)
        except Exception:
            self._log.failure("not reloaded", event="not-reloaded")
        else:
            self._log.info("reloaded", event="reloaded")
        notify("READY=1")

    def _adopt(self, config: Config) -> None:
        before = self._assembly
        after = self._assemble(config, before.destinations, before.monitor)
        requireSame(self._config, config)
        events, logFile = _eventFile(config), logFileOf(config.log, self._logged)
        with ExitStack() as undoing:
            for file in (events, logFile):
                if file is not None:
                    file.open()
                    undoing.callback(file.close)
            for table, destination in after.destinations.items():
                if table not in before.destinations:
                    destination.start()
                    undoing.callback(self._retirement.end, destination)
            if after.accounts is not None:
                after.accounts.start()
            undoing.pop_all()
        # From here on nothing can fail.
        for old in (self._events, self._logFile):
            if old is not None:
                old.close()
        if logFile is not None:
            logFile.start()
        self._config, self._assembly = config, after
        self._ledger.adopted(config.mark)
        self._events, self._logFile = events, logFile
        for server, listener in zip(self.servers, after.listeners, strict=True):
            server.routes = after.routes
            server.adopt(listener.options)
            if after.accounts is not None:
                server.onAuth = after.accounts.onAuth  # type: ignore[method-assign]
        if before.accounts is not None:
            # Whoever is being logged in by them is told to try again.
            before.accounts.stop()
        for table, destination in before.destinations.items():
            if table not in after.destinations:
                self._retirement.add(destination, config.stopTimeout)

    def _isUsed(self, destination: Destination) -> bool:
        return any(each.isUsing(destination) for each in self.servers)

    def _ready(self) -> None:
        heed(self._reactor, self.reload)
        notify("READY=1")

    def _delivered(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress], size: int
    ) -> None:
        if self._events is None:
            return
        try:
            self._events.message(session, recipients, size)
        except Exception:
            # It may be the disk, or a session that cannot be written down.  The message
            # is where it has to be, and the client is to know that.
            self._log.failure("no event for a message", event="event-not-written")


def _eventFile(config: Config) -> EventFile | None:
    return None if config.events is None else EventFile(config.events)
