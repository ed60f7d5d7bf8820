# -*- test-case-name: tests.test_program -*-
"""
A program that reads a message, and how it is made to end.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.delivery.lineends import LineEnds
from smtpsession.delivery.patience import Patience
from smtpsession.errors import SMTPSessionError

#: How much is kept of what a program writes to its error output, in octets.
MAX_COMPLAINT = 1000
#: For how many seconds the output of a program is waited for that has ended: what it
#: has left in the background may hold it open.
LINGERING = 1.0
#: The descriptor by which a program is told that the message is whole, and the word.
WHOLENESS, WHOLE = 3, b"whole\n"
#: What it has, as C{spawnProcess} wants it.
DESCRIPTORS: dict[int, Any] = {0: "w", 1: "r", 2: "r", WHOLENESS: "w"}


class Overdue(SMTPSessionError):
    """A program takes nothing of its message for too long, or does not end."""


@implementer(IConsumer, IPushProducer)
class Program(ProcessProtocol):
    """
    A process, as the consumer of a message.

    Between the stream and the pipe it is a producer as well, so that it knows for how
    long the pipe has been full.

    When this process is killed, the system closes the pipe, and that looks as the end
    of a message does.  So there is another one, in which it says that it was the end.

    @ivar status: fires with the exit status, None for a signal; fails with `Overdue`
    @ivar ended: fires after that, when there is nothing left to wait for
    """

    _process: Any

    def __init__(
        self,
        clock: IReactorTime,
        timeout: float,
        grace: float,
        lines: LineEnds,
        leadsGroup: bool = False,
    ) -> None:
        """
        @param timeout: for how many seconds it may take nothing of the message, and how
            many it may have after the message's end
        @param grace: how many seconds are between SIGTERM and SIGKILL
        @param lines: of the message that it gets
        @param leadsGroup: whether it has a process group of its own, all of which is
            to end when it has to
        """
        self.status: Deferred[int | None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self._clock, self._grace = clock, grace
        self._patience = Patience(clock, timeout, self._giveUp)
        self._lines = lines
        self._leadsGroup = leadsGroup
        self._group: int | None = None
        self._producer: Any = None
        self._output = b""
        self._result: int | None = None
        self._isRunning, self._isEnding = True, False
        self._isWhole = False
        # Of the descriptors that are written to.
        self._open = {0, WHOLENESS}
        # What is done next to have it gone.
        self._next: IDelayedCall | None = None

    @property
    def complaint(self) -> str:
        """The beginning of what it has written to its error output, on one line."""
        text = self._output.decode("utf-8", "replace")
        return "".join(each if each.isprintable() else " " for each in text).strip()

    def end(self) -> None:
        """
        Whatever it does, its result does not matter any more.  Its input is left open,
        so that it does not take what it has for the whole message.
        """
        self.status.addErrback(lambda failure: None)
        self._terminate()

    def _terminate(self) -> None:
        self._patience.end()
        if self._isRunning and not self._isEnding:
            self._isEnding = True
            self._signal("TERM")
            self._next = self._clock.callLater(self._grace, self._kill)

    def _kill(self) -> None:
        self._signal("KILL")
        if not self._isRunning:
            self._leave()

    def _signal(self, name: str) -> None:
        try:
            self._process.signalProcess(name)
        except ProcessExitedAlready:
            pass
        self._signalGroup(name)

    def _signalGroup(self, name: str) -> None:
        """
        Its number is not given to another one while somebody is in the group; who comes
        too late finds none, but for one among all the numbers there are.
        """
        if self._group is None:
            return
        try:
            os.killpg(self._group, getattr(signal, f"SIG{name}"))
        except (ProcessLookupError, PermissionError):
            # There is nobody in it, or not yet; or nobody who is ours to signal.
            pass

    # What the message is written to.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer
        if self._isRunning:
            self._process.registerProducer(self, streaming)
        else:
            producer.stopProducing()

    def unregisterProducer(self) -> None:
        self._producer = None
        self._process.unregisterProducer()

    def write(self, chunk: bytes) -> None:
        self._process.write(self._lines.convert(chunk))

    def finish(self) -> None:
        """The message is whole."""
        self._isWhole = True
        self._process.write(self._lines.finish())
        self._process.closeStdin()
        self._tellWhole()
        if self._isRunning:
            self._wait()

    def _tellWhole(self) -> None:
        # Not before all is written: who is told so would not miss the rest.
        if self._isWhole and self._open == {WHOLENESS}:
            self._open.clear()
            self._process.writeToChild(WHOLENESS, WHOLE)
            self._process.closeChildFD(WHOLENESS)

    # What the pipe says.

    def pauseProducing(self) -> None:
        self._wait()
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self._patience.end()
        if self._producer is not None:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._patience.end()
        if self._producer is not None:
            self._producer.stopProducing()

    def _wait(self) -> None:
        if not self._isEnding:
            self._patience.begin()

    def _giveUp(self) -> None:
        self._settle(Failure(Overdue()))
        self._terminate()
        self.stopProducing()

    # What the process says.

    def makeConnection(self, process: Any) -> None:
        self._process = process
        if self._leadsGroup:
            self._group = process.pid

    def childConnectionLost(self, childFD: int) -> None:
        super().childConnectionLost(childFD)
        self._open.discard(childFD)
        self._tellWhole()

    def errReceived(self, data: bytes) -> None:
        self._output = (self._output + data)[:MAX_COMPLAINT]

    def processExited(self, reason: Failure) -> None:
        self._isRunning = False
        error: Any = reason.value
        self._result = 0 if reason.check(ProcessDone) else error.exitCode
        self.stopProducing()
        self._open.clear()
        self._process.closeChildFD(WHOLENESS)
        if self._group is not None and self._next is not None and self._next.active():
            # Those that it has started have been told to end, and have their time.
            return
        _cancel(self._next)
        self._next = self._clock.callLater(LINGERING, self._leave)

    def _leave(self) -> None:
        self._process.loseConnection()
        self._conclude()

    def processEnded(self, reason: Failure) -> None:
        _cancel(self._next)
        if self._isEnding:
            # Who has closed its output may be there still.
            self._signalGroup("KILL")
        self._conclude()

    def _conclude(self) -> None:
        self._settle(self._result)
        if not self.ended.called:
            self.ended.callback(None)

    def _settle(self, outcome: int | None | Failure) -> None:
        if not self.status.called:
            self.status.callback(outcome)


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
