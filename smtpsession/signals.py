# -*- test-case-name: tests.test_signals -*-
"""
The signals that the service heeds.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import Logger

_log = Logger()


_HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def postpone() -> None:
    """
    Have signals wait until C{heed}: they would end a process that begins.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)


@contextmanager
def reloadPostponed() -> Iterator[None]:
    """
    Have SIGHUP wait in a process that is begun meanwhile, until C{heed}: it would end
    one that has not come to C{postpone}.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def heed(reactor: Any, reload: Callable[[], object]) -> None:
    """
    SIGHUP has everything read anew.  SIGTERM and SIGINT stop the reactor, the first of
    them: who is impatient gets no second stop, which would be an error of its own.

    To be called when the reactor runs, for it puts its own handlers in place when it
    begins to.

    @param reactor: has C{callFromThread}, which a handler needs as a thread does
    @param reload: called for SIGHUP
    """
    isStopping = False

    def stop() -> None:
        nonlocal isStopping
        if isStopping:
            _log.info("stopping already", event="stopping-already")
            return
        isStopping = True
        reactor.stop()

    # SIGTERM too: by the reactor's own handler the process would end as if killed.
    for number, act in (
        (signal.SIGTERM, stop),
        (signal.SIGINT, stop),
        (signal.SIGHUP, reload),
    ):
        # The function is bound now: it is another one the next time.
        signal.signal(number, lambda *_, act=act: reactor.callFromThread(act))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
