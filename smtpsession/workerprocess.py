# -*- test-case-name: tests.test_supervisor -*-
"""
One of the processes that serve the same ports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpsession.logfile import REPEATED

#: The first of the sockets that a worker is given.
FIRST_SOCKET = 3
#: For how many seconds a worker that says nothing is taken for one that serves.  It has
#: a report each second, but for when it is held up, by a disk for example.
SILENCE = 15.0

# How long, in seconds, until a worker that has ended is replaced: longer each time that
# one does not last.
_SOONEST, _LATEST, _LASTING = 1.0, 60.0, 60.0


class Keeper(Protocol):
    """
    What a worker needs of its supervisor.
    """

    def spawn(self, protocol: ProcessProtocol, place: int) -> Any:
        """
        Start a process that is the worker at this place.

        @raise OSError: the system does not want another
        """

    def restarted(self) -> None:
        """Another process begins where one had ended."""

    def reported(self, place: int, line: bytes) -> None:
        """The worker at this place has told its metrics."""

    def ended(self, place: int) -> None:
        """The process at this place has ended."""

    def seconds(self) -> float:
        """The time."""

    def callLater(self, seconds: float, act: Callable[[], None]) -> IDelayedCall:
        """On the clock that says that."""


class Worker(ProcessProtocol):
    """
    One place among the workers, and the process that has it.
    """

    _log = Logger()

    def __init__(self, supervisor: Keeper, place: int) -> None:
        """
        @param supervisor: who is told what becomes of it
        @param place: which one of the workers, from 0
        """
        self._supervisor = supervisor
        self._place = place
        self._delay = _SOONEST
        self._since = 0.0
        self._held = self._reporting = b""
        # When it last reported, if it has.
        self._heard: float | None = None
        self._isAlive = False
        self._process: Any = None
        self._restart: IDelayedCall | None = None
        self._stopped: Deferred[None] | None = None

    def start(self) -> None:
        """
        Begin a process.

        @raise OSError: the system does not want another
        """
        self._reporting, self._heard = b"", None
        self._since = self._supervisor.seconds()
        self._process = self._supervisor.spawn(self, self._place)
        self._isAlive = True

    def _startAnother(self) -> None:
        self._restart = None
        self._supervisor.restarted()
        try:
            self.start()
        except OSError:
            self.processEnded(Failure())

    @property
    def isServing(self) -> bool:
        """Whether there is a process, and it has lately reported that it serves."""
        if self._heard is None or not self._isAlive:
            return False
        return self._supervisor.seconds() - self._heard <= SILENCE

    def signal(self, name: str) -> None:
        """Send the process a signal, if there is one."""
        if not self._isAlive:
            return
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            pass

    def stop(self, patience: float) -> Deferred[None]:
        """
        Ask the process to stop, and do not begin another.

        @param patience: after so many seconds it is killed
        """
        stopped = self._stopped = Deferred[None]()
        if self._restart is not None:
            self._restart.cancel()
        if not self._isAlive:
            stopped.callback(None)
            return stopped
        self.signal("TERM")
        late = self._supervisor.callLater(patience, lambda: self.signal("KILL"))

        def end(ignored: None) -> None:
            if late.active():
                late.cancel()

        return stopped.addCallback(end)

    def outReceived(self, data: bytes) -> None:
        """What it logs is ours to log."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self._log.info("{line}", event=REPEATED, line=text, place=self._place)

    errReceived = outReceived

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """What it logs, or a report of its metrics, or a part of one."""
        if childFD < FIRST_SOCKET:
            super().childDataReceived(childFD, data)
            return
        *lines, self._reporting = (self._reporting + data).split(b"\n")
        for line in lines:
            self._heard = self._supervisor.seconds()
            self._supervisor.reported(self._place, line)

    def processEnded(self, reason: Failure) -> None:
        """Begin another, soon if this one has lasted, and else later and later."""
        self._isAlive = False
        self._supervisor.ended(self._place)
        if self._stopped is not None:
            self._stopped.callback(None)
            return
        if self._supervisor.seconds() - self._since >= _LASTING:
            self._delay = _SOONEST
        self._log.error(
            "worker {place} has ended, another begins in {delay} seconds: {why}",
            event="worker-ended",
            place=self._place,
            delay=self._delay,
            why=reason.getErrorMessage(),
        )
        self._restart = self._supervisor.callLater(self._delay, self._startAnother)
        self._delay = min(2 * self._delay, _LATEST)
