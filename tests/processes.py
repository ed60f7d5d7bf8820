"""
Programs in memory: a reactor that starts them, and what a test has them do.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class FakeProcess:
    """
    A process, as its protocol sees it.

    @ivar given: what it has on its standard input
    @ivar inputClosed: whether that has come to its end
    @ivar isFull: whether the pipe is, so that the end has to wait
    @ivar told: what it has on its other descriptors
    @ivar closed: those of them that were closed
    @ivar signals: those that it got
    @ivar producer: who writes to it
    @ivar pid: its number, which no process has
    """

    pid = 2**22 + 1

    def __init__(self, protocol: Any, call: dict[str, Any]) -> None:
        self.protocol, self.call = protocol, call
        self.given = b""
        self.inputClosed = False
        self.isFull = False
        self.told: dict[int, bytes] = {}
        self.closed: set[int] = set()
        self.lost = False
        self.signals: list[str] = []
        self.producer: Any = None
        self.alive = True

    # What the protocol calls.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, octets: bytes) -> None:
        assert not self.inputClosed
        self.given += octets

    def closeStdin(self) -> None:
        if not self.inputClosed and not self.isFull:
            self.protocol.childConnectionLost(0)
        self.inputClosed = True

    def writeToChild(self, descriptor: int, octets: bytes) -> None:
        # Twisted has no such pipe any more.
        assert descriptor not in self.closed
        self.told[descriptor] = self.told.get(descriptor, b"") + octets

    def closeChildFD(self, descriptor: int) -> None:
        self.closed.add(descriptor)

    def loseConnection(self) -> None:
        self.lost = True

    def signalProcess(self, name: str) -> None:
        if not self.alive:
            raise ProcessExitedAlready()
        self.signals.append(name)

    # What a test calls.

    def complain(self, octets: bytes) -> None:
        self.protocol.childDataReceived(2, octets)

    def exit(self, status: int = 0, signal: int | None = None) -> None:
        """Exit, while something has its output open."""
        self.alive = False
        self.reason = Failure(
            ProcessTerminated(None if signal else status, signal)
            if status or signal
            else ProcessDone(0)
        )
        self.protocol.processExited(self.reason)

    def end(self, status: int = 0, signal: int | None = None) -> None:
        """Exit, and have nothing open."""
        self.exit(status, signal)
        self.protocol.processEnded(self.reason)


class ProcessClock(Clock):
    """
    A reactor that has the time and starts processes.

    @ivar processes: those that it has started
    """

    def __init__(self) -> None:
        super().__init__()
        self.advance(1_000_000_000)
        self.processes: list[FakeProcess] = []

    def spawnProcess(
        self, protocol: Any, executable: str, args: Any, **call: Any
    ) -> FakeProcess:
        process = FakeProcess(
            protocol, {"executable": executable, "args": args, **call}
        )
        self.processes.append(process)
        protocol.makeConnection(process)
        return process
