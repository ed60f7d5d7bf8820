"""
What the tests with real sockets and processes share.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from smtpsession import ServerOptions, SMTPServerFactory, SMTPSession, watch

#: For everything that a test waits for, in seconds.
PATIENCE = 60

LOCAL = "tcp:0:interface=127.0.0.1"


def localOptions(**changes: Any) -> ServerOptions:
    """Options of a server for these tests."""
    return ServerOptions(hostname="mx.example.org", **changes)


class NetworkTestCase(TestCase):
    """A test case whose servers and processes are gone when it ends."""

    timeout = PATIENCE

    async def listen(self, factory: SMTPServerFactory, endpoint: str = LOCAL) -> Any:
        """Start a server until the end of the test, and give its port."""
        port = await serverFromString(reactor, endpoint).listen(factory)
        self.addCleanup(port.stopListening)
        return port

    def socketPath(self) -> str:
        """A path for a UNIX socket, for which trial's own can be too long."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        return os.path.join(folder, "socket")

    def spawn(self, *arguments: str, folder: str) -> Service:
        """
        Start Python with these arguments, in this folder, until the end of the test.
        """
        process = Service()
        environment = {
            **os.environ,
            # Where this process has its packages from, the other one has too.
            "PYTHONPATH": os.pathsep.join(os.path.abspath(each) for each in sys.path),
            "PYTHONUNBUFFERED": "1",
        }
        reactor.spawnProcess(
            process,
            sys.executable,
            [sys.executable, *arguments],
            env=environment,
            path=folder,
        )
        self.addCleanup(process.kill)
        return process


class PendingTestCase(NetworkTestCase):
    """A test case in which a callback does not answer, and the client leaves."""

    def setUp(self) -> None:
        self.patch(watch, "PRESENCE_INTERVAL", 0.02)
        self.events: list[str] = []
        self.asked: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def onClose(self, session: SMTPSession) -> None:
        self.events.append("closed")
        self.closed.callback(None)

    async def waitForever(self, *ignored: Any) -> None:
        """A callback that does not answer."""
        self.asked.callback(None)
        try:
            await Deferred()
        except CancelledError:
            self.events.append("cancelled")
            raise


class Service(ProcessProtocol):
    """
    A child process that runs the service.

    @ivar listening: fires with the port, when it is known from the output
    @ivar ended: fires with the exit status, negative for a signal
    """

    transport: Any

    def __init__(self) -> None:
        self.listening: Deferred[int] = Deferred()
        self.ended: Deferred[int] = Deferred()
        self._output = b""
        self._alive = True

    @property
    def output(self) -> str:
        """What it has written to its standard output and error output so far."""
        return self._output.decode("utf-8", "replace")

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._output += data
        found = re.search(r"listening on IPv4Address\(.*port=([0-9]+)\)", self.output)
        if found is not None and not self.listening.called:
            self.listening.callback(int(found[1]))

    def processEnded(self, reason: Failure) -> None:
        self._alive = False
        status: Any = reason.value
        if reason.check(ProcessDone):
            self.ended.callback(0)
        elif status.signal is not None:
            self.ended.callback(-status.signal)
        else:
            self.ended.callback(status.exitCode)
        if not self.listening.called:
            self.listening.errback(RuntimeError(f"it did not start: {self.output}"))
            # Nobody needs to wait for it.
            self.listening.addErrback(lambda failure: None)

    def terminate(self) -> Deferred[int]:
        """Ask it to end, as an operating system does."""
        self.transport.signalProcess(signal.SIGTERM)
        return self.ended

    def kill(self) -> Deferred[int] | None:
        """End it if it has not ended."""
        if not self._alive:
            return None
        self.transport.signalProcess("KILL")
        return self.ended
