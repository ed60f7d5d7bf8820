# -*- test-case-name: tests.test_supervisor -*-
"""
A process that a supervisor has begun: C{python -m smtpsession.worker FILE}.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ReactorNotRunning
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    eventAsText,
    globalLogBeginner,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.assembly import Monitor
from smtpsession.config import WHILE_IN_USE, Config, MetricsTable, requireSame
from smtpsession.configfile import load, parse
from smtpsession.errors import ConfigError
from smtpsession.examination import examine
from smtpsession.kinds import INHERITED
from smtpsession.service import MailService
from smtpsession.problems import Problem
from smtpsession.sharedledger import SharedLedger, pagesIn
from smtpsession.signals import postpone
from smtpsession.supervisor import (
    CONFIG,
    DOMAIN,
    LEDGER,
    PLACE,
    RELOAD,
    REPORTS,
    SECRET,
    requireSameLog,
)
from smtpsession.workerprocess import FIRST_SOCKET


def ownConfig(config: Config, domains: list[str]) -> Config:
    """
    What of a configuration a worker does, on the sockets that it was given.

    @raise ConfigError: there are not as many sockets as listeners
    """
    if len(domains) != len(config.listener):
        text = f"{len(config.listener)} of them, but expected {len(domains)}"
        config.refuse([Problem(("listener",), f"{text}, {WHILE_IN_USE}")])
    listeners = tuple(
        evolve(
            listener,
            name=listener.name or listener.endpoint,
            endpoint=f"{INHERITED}{domain}:{number}",
        )
        for number, (listener, domain) in enumerate(
            zip(config.listener, domains, strict=True), FIRST_SOCKET
        )
    )
    # Whoever asks for metrics asks the supervisor.
    return evolve(config, listener=listeners, metrics=MetricsTable(), workers=1)


def main(
    file: Path, environment: Mapping[str, str], reactor: Any, repeated: ILogObserver
) -> None:
    """
    Serve until the supervisor wants it to end.

    @param repeated: what it logs to until it has a log of its own, for the supervisor
        to log once more
    """
    # What is read now may be old when a signal would come.
    postpone()
    place, domains = int(environment[PLACE]), environment[DOMAIN].split(",")
    text = environment.get(CONFIG, "")
    started = parse(text.encode("utf-8"), file) if text else load(file)

    def reread() -> Config:
        return own(examine(file, reactor))

    def own(config: Config) -> Config:
        requireSameLog(started, config)
        requireSame(started, config)
        return ownConfig(config, domains)

    secret = bytes.fromhex(environment[SECRET])
    counting = reporter = None
    if REPORTS in environment:
        # Not before: without the extra it cannot be imported.
        from smtpsession.metrics import Metrics
        from smtpsession.reports import Reporter

        counting = Monitor(None, Metrics())
        reporter = Reporter(counting.metrics, int(environment[REPORTS]), reactor)
        reactor.callWhenRunning(reporter.start)
    pages = pagesIn(int(environment[LEDGER]), len(domains))
    ledger = SharedLedger(reactor.seconds, pages, place, secret)
    service = MailService(
        own(started), file.parent, reactor, reread, secret, counting, place, ledger
    )
    service.privilegedStartService()
    service.startService()
    if environment.get(RELOAD):
        reactor.callWhenRunning(service.reload)
    if started.log.file is not None:
        globalLogPublisher.removeObserver(repeated)

    async def stop() -> None:
        await service.stopService()
        if reporter is not None:
            await reporter.stop()

    reactor.addReader(Lifeline(reactor))
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(stop())
    )
    reactor.run()


@implementer(IReadDescriptor)
class Lifeline:
    """
    The standard input, of which the supervisor has the other end.  When that is gone,
    in whatever way, nobody would stop the worker any more.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def fileno(self) -> int:
        """Of the standard input."""
        return 0

    def logPrefix(self) -> str:
        """How the reactor calls it."""
        return "supervisor"

    def doRead(self) -> Failure | None:
        """Nothing is ever said: it is the end."""
        return None if os.read(0, 1) else Failure(ConnectionDone())

    def connectionLost(self, reason: Failure) -> None:
        """The end, as the reactor saw it."""
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            # It was told to stop before.
            pass


def _untimed(event: LogEvent) -> str:
    # The supervisor says when.  No line but the first begins as an event does.
    text = eventAsText(event, includeTimestamp=False)
    return text.replace("\n", "\n\t") + "\n"


def _logTo(output: TextIO) -> ILogObserver:
    observer = FileLogObserver(output, _untimed)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    return observer


if __name__ == "__main__":
    from twisted.internet import reactor as theReactor

    toSupervisor = _logTo(sys.stdout)
    try:
        main(Path(sys.argv[1]), {**os.environ}, theReactor, toSupervisor)
    except ConfigError as problem:
        sys.exit(str(problem))
