"""
What the servers on Twisted share: how they are listened with, and what they log.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorCore, IReactorSSL, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.logger import globalLogBeginner, textFileLogObserver

from benchmarks.servers import BACKLOG, HOST, Setup


def serve(factory: ServerFactory[Any], setup: Setup, context: Any = None) -> None:
    """
    Listen with C{factory} until the process is killed.

    @param context: for TLS from the start, where the factory does not do it
    """
    # Without an observer Twisted keeps the events in memory, which no service does.
    log = open(f"{setup.folder}/log", "a", encoding="utf-8")
    observer = textFileLogObserver(log)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    if context is None:
        tcp = cast(IReactorTCP, reactor)
        tcp.listenTCP(setup.port, factory, backlog=BACKLOG, interface=HOST)
    else:
        ssl = cast(IReactorSSL, reactor)
        ssl.listenSSL(setup.port, factory, context, BACKLOG, HOST)
    cast(IReactorCore, reactor).run()
