"""
Programs of other authors: where they are, and a process that ends.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from glob import glob
from itertools import islice
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

#: Where C{.ci/run} has unpacked packages of Debian that nobody would install only for
#: a test.
UNPACKED = os.environ.get("SMTPSESSION_PROGRAMS", "")

_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/lib/postfix/sbin")


def find(name: str) -> str | None:
    """The path of a program, the unpacked one first."""
    places = [f"{UNPACKED}{folder}" for folder in _FOLDERS] if UNPACKED else []
    places += [os.environ.get("PATH", os.defpath), *_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(places))


def findLibrary(name: str) -> str | None:
    """The path of a shared library, the unpacked one first."""
    for root in (UNPACKED, ""):
        for path in glob(f"{root}/usr/lib/*/{name}") + glob(f"{root}/usr/lib/{name}"):
            return path
    return None


def missing(*names: str) -> str | None:
    """Why the tests with these programs are skipped, or None where all are there."""
    absent = [name for name in (*names, "timeout") if find(name) is None]
    return f"{', '.join(absent)}: not installed" if absent else None


class Program(ProcessProtocol):
    """
    A process in a group of its own, of which nothing is left when it has ended.

    @ivar ended: fires with the exit status, negative for a signal
    """

    transport: Any

    def __init__(self, given: bytes = b"") -> None:
        """
        @param given: its standard input
        """
        self.ended: Deferred[int] = Deferred()
        self._given = given
        self._output = b""
        self._alive = True
        self._awaited: list[tuple[str, int, Deferred[re.Match[str]]]] = []

    @property
    def output(self) -> str:
        """What it has written to its standard output and error output so far."""
        return self._output.decode("utf-8", "replace")

    def said(self, pattern: str, times: int = 1) -> Deferred[re.Match[str]]:
        """
        Fires as soon as the output has this, so many times; fails where the program
        ends without.
        """
        waiting: Deferred[re.Match[str]] = Deferred()
        self._awaited.append((pattern, times, waiting))
        self._look()
        return waiting

    def terminate(self) -> Deferred[int]:
        """Ask it to end, as an operating system does."""
        self.transport.signalProcess(signal.SIGTERM)
        return self.ended

    def kill(self) -> Deferred[int] | None:
        """End it if it has not ended."""
        # What timeout(1) runs gets the same signal, and a stronger one later.
        return self.terminate() if self._alive else None

    def connectionMade(self) -> None:
        self._group = self.transport.pid
        self.transport.write(self._given)
        self.transport.closeStdin()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._output += data
        self._look()

    def processExited(self, reason: Failure) -> None:
        # What it left behind may hold its output, so that it would not end.
        killGroup(self._group)

    def processEnded(self, reason: Failure) -> None:
        self._alive = False
        awaited, self._awaited = self._awaited, []
        for pattern, _, waiting in awaited:
            waiting.errback(
                AssertionError(f"it ended without {pattern!r}: {self.output}")
            )
        status: Any = reason.value
        if reason.check(ProcessDone):
            self.ended.callback(0)
        elif status.signal is not None:
            self.ended.callback(-status.signal)
        else:
            self.ended.callback(status.exitCode)

    def _look(self) -> None:
        """Tell those who wait for what the output has now."""
        awaited, self._awaited = self._awaited, []
        for pattern, times, waiting in awaited:
            found = [*islice(re.finditer(pattern, self.output), times)]
            if len(found) == times:
                waiting.callback(found[-1])
            else:
                self._awaited.append((pattern, times, waiting))


def killGroup(group: int) -> None:
    """End every process of a group that there still is."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def isRunning(pid: int) -> bool:
    """Whether a process is there, and not only waits for someone to hear of it."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False
