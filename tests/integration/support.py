"""
What the tests with real sockets and processes share.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase

from smtpsession import (
    ServerOptions,
    SMTPAddress,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
    watch,
)
from smtpsession.stream import MessageStream
from tests.integration.programs import Program, find

#: For everything that a test waits for, in seconds.
PATIENCE = 60

LOCAL = "tcp:0:interface=127.0.0.1"

#: 8-bit text, octets that are not UTF-8, and lines that begin with dots.
MESSAGE = (
    "From: alice@example.com\r\n"
    "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
    "Message-Id: <1@example.com>\r\n"
    "Subject: Grüße\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
    "Grüße aus Köln\r\n"
    ".\r\n"
    "..\r\n"
    ".x\r\n"
).encode() + b"\xff\xfe\r\n\r\n.\r\n"


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

    def makeFolder(self) -> Path:
        """
        A folder for this test.  A program that gives up its privileges still reaches
        what it has there, which is not so in one of trial's own.
        """
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o711)
        return folder

    def startProgram(
        self,
        path: str | None,
        *arguments: str,
        make: Callable[[], Program] = Program,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Program:
        """
        Start a program of other authors until the end of the test.

        timeout(1) gives it a group of its own and ends it in time, even when this
        process does not live to do it.

        @param environment: additions to this process's own
        @param options: for C{spawnProcess}
        """
        timeout = find("timeout")
        assert path is not None and timeout is not None
        process = make()
        reactor.spawnProcess(
            process,
            timeout,
            ["timeout", "--kill-after=5", str(PATIENCE), path, *arguments],
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            **options,
        )
        self.addCleanup(process.kill)
        return process

    async def runProgram(
        self, path: str | None, *arguments: str, given: bytes = b"", **options: Any
    ) -> str:
        """Run a program that has to succeed, and give its output."""
        process = self.startProgram(
            path, *arguments, make=lambda: Program(given), **options
        )
        status = await process.ended
        self.assertEqual(status, 0, process.output)
        return process.output

    def assertHandedOn(self, content: bytes, message: bytes) -> None:
        """The content is this message behind the trace of a server."""
        trace, rest = content[: -len(message)], content[-len(message) :]
        self.assertEqual(rest, message)
        self.assertRegex(trace, rb"\AReceived: [^\r\n]*(\r\n\t[^\r\n]*)*\r\n\Z")


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


class Service(Program):
    """A child process that runs the service."""

    @property
    def listening(self) -> Deferred[int]:
        """Fires with the port, when it is known from the output."""
        found = self.said(r"listening on IPv4Address\(.*port=([0-9]+)\)")
        return found.addCallback(lambda match: int(match[1]))

    @property
    def workers(self) -> list[int]:
        """The processes of its workers."""
        parent = self.transport.pid
        path = Path(f"/proc/{parent}/task/{parent}/children")
        return [int(each) for each in path.read_text().split()]

    def kill(self) -> Deferred[int] | None:
        """End it if it has not ended, without asking."""
        if not self._alive:
            return None
        self.transport.signalProcess(signal.SIGKILL)
        return self.ended


class KeepingServer(SMTPServerFactory):
    """
    Keeps what it accepts, and refuses C{no@...}.  It has a resolver that nobody may
    ask, for all clients here are of this machine.

    @ivar messages: sessions and contents
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(resolver=object(), **arguments)  # type: ignore[arg-type]
        self.messages: list[tuple[dict[str, Any], bytes]] = []

    async def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> None:
        if address.localPart == "no":
            raise SMTPError(550, "No such recipient", "5.1.1")

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        content = await stream.read()
        self.messages.append((session.asDict(), content))
        return f"{len(content)} octets"
