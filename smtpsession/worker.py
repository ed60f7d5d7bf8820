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
from twisted.logger import FileLogObserver, LogEvent, eventAsText, globalLogBeginner

from smtpsession.assembly import INHERITED, Monitor
from smtpsession.config import Config, MetricsTable
from smtpsession.configfile import load
from smtpsession.errors import ConfigError
from smtpsession.service import MailService
from smtpsession.signals import postpone
from smtpsession.supervisor import (
    DOMAIN,
    FIRST_SOCKET,
    PLACE,
    REPORTS,
    SECRET,
    shareOf,
)


def ownConfig(config: Config, place: int, domains: list[str]) -> Config:
    """
    What of a configuration a worker does: on the sockets that it was given, and with
    its share of the limits.

    @raise ConfigError: there are not as many sockets as listeners
    """
    if len(domains) != len(config.listener):
        raise ConfigError(["listeners cannot change while they are in use"])
    listeners = tuple(
        evolve(
            listener,
            name=listener.name or listener.endpoint,
            endpoint=f"{INHERITED}{domain}:{number}",
            limits=shareOf(listener.limits, config.workers, place),
        )
        for number, (listener, domain) in enumerate(
            zip(config.listener, domains, strict=True), FIRST_SOCKET
        )
    )
    # Whoever asks for metrics asks the supervisor.
    return evolve(config, listener=listeners, metrics=MetricsTable())


def main(file: Path, environment: Mapping[str, str], reactor: Any) -> None:
    """Serve until the supervisor wants it to end."""
    # What is read now may be old when a signal would come.
    postpone()
    place, domains = int(environment[PLACE]), environment[DOMAIN].split(",")
    started = load(file)

    def reread() -> Config:
        config = load(file)
        if [each.endpoint for each in config.listener] != [
            each.endpoint for each in started.listener
        ]:
            raise ConfigError(["listeners cannot change while they are in use"])
        return ownConfig(evolve(config, workers=started.workers), place, domains)

    secret = bytes.fromhex(environment[SECRET])
    counting = reporter = None
    if REPORTS in environment:
        # Not before: without the extra it cannot be imported.
        from smtpsession.metrics import Metrics
        from smtpsession.reports import Reporter

        counting = Monitor(None, Metrics())
        reporter = Reporter(counting.metrics, int(environment[REPORTS]), reactor)
        reactor.callWhenRunning(reporter.start)
    service = MailService(
        reread(), file.parent, reactor, reread, secret, counting, place
    )
    service.privilegedStartService()
    service.startService()

    async def stop() -> None:
        await service.stopService()
        if reporter is not None:
            await reporter.stop()

    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(stop())
    )
    reactor.run()


def _untimed(event: LogEvent) -> str:
    # The supervisor says when.  No line but the first begins as an event does.
    text = eventAsText(event, includeTimestamp=False)
    return text.replace("\n", "\n\t") + "\n"


def _logTo(output: TextIO) -> None:
    observer = FileLogObserver(output, _untimed)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


if __name__ == "__main__":
    from twisted.internet import reactor as theReactor

    _logTo(sys.stdout)
    try:
        main(Path(sys.argv[1]), {**os.environ}, theReactor)
    except ConfigError as problem:
        sys.exit(str(problem))
