"""
What the servers on Twisted share: a factory is listened on and announced.
"""

from __future__ import annotations

import sys
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IReactorCore, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from benchmarks.servers import HOST, announce


def serve(factory: ServerFactory[Any]) -> None:
    """Listen with C{factory} until the process is killed."""
    logWarnings()
    port = cast(IReactorTCP, reactor).listenTCP(0, factory, interface=HOST)
    announce(cast(IPv4Address, port.getHost()).port)
    cast(IReactorCore, reactor).run()


def logWarnings() -> None:
    """
    Write warnings and worse to standard error, as the C{logging} module does.

    Without an observer Twisted keeps the events in memory, which no service does.
    """
    observer = FilteringLogObserver(
        textFileLogObserver(sys.stderr),
        [LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)],
    )
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
