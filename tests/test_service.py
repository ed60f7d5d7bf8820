"""
Tests of smtpsession.service: the server that twistd runs, in memory.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, eventAsText, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery import maildir as module
from smtpsession.delivery.maildir import Maildir
from smtpsession.service import MaildirServer, MailService
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c


class MaildirServerTests(SynchronousTestCase):
    """MaildirServer: every recipient, one Maildir."""

    def setUp(self) -> None:
        self.patch(module, "deferToThread", maybeDeferred)
        self.maildir = Maildir(self.mktemp(), "mx.example.org", Clock())
        self.maildir.create()

    def server(self, **options: Any) -> MemoryServer:
        return MemoryServer(
            partial(MaildirServer, self.maildir), options=memoryOptions(**options)
        )

    def files(self) -> list[Path]:
        return [each for each in self.maildir.path.rglob("*") if each.is_file()]

    def test_accepted(self) -> None:
        """
        A message for anybody is accepted and in the Maildir; the reply has its name.
        """
        client = c.inMessage(self.server())
        [reply] = client.say("Subject: Hello", "", "Hello.", ".")
        self.assertEqual(reply, f"250 2.0.0 Delivered as {client.session.id}.0")
        [file] = self.files()
        self.assertEqual(file.parent.name, "new")
        self.assertIn(f"{client.session.id}.0", file.name)
        self.assertTrue(file.read_bytes().endswith(b"Subject: Hello\n\nHello.\n"))

    def test_severalMessages(self) -> None:
        """
        Several messages of one connection are several files.
        """
        client = c.ready(self.server())
        for _ in range(3):
            client.say(c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        self.assertEqual(len(self.files()), 3)

    def test_lmtp(self) -> None:
        """
        Under LMTP it is one file, and a reply for each recipient.
        """
        client = c.inMessage(self.server(protocol="lmtp"), 2)
        name = f"{client.session.id}.0"
        self.assertEqual(
            client.say("Hello.", "."), [f"250 2.0.0 Delivered as {name}"] * 2
        )
        [file] = self.files()
        self.assertIn(b" with LMTP id ", file.read_bytes())

    def test_log(self) -> None:
        """
        There is one log line for each message: who, for whom, how large, where.
        """
        client = c.inMessage(self.server(), 2)
        with capturedLogs() as events:
            client.say("Hello.", ".")
        [line] = map(formatEvent, events)
        [file] = self.files()
        for word in (
            f"{client.session.id}.0",
            "192.0.2.1",
            "<alice@example.com>",
            "<bob@example.org>, <bob@example.org>",
            "8 octets",
            str(file),
        ):
            self.assertIn(word, line)

    def test_refusedMessage(self) -> None:
        """
        A message that cannot be accepted leaves no file.
        """
        client = c.inMessage(self.server(messageSize=100))
        heard = client.say("x" * 200, ".")
        self.assertEqual(heard, ["552 5.3.4 Message exceeds the limit of 100 octets"])
        self.assertEqual(self.files(), [])

    def test_bareNewline(self) -> None:
        """
        Nor does one that turns out to have a bare newline in its last line.
        """
        client = c.inMessage(self.server())
        client.say("Hello.")
        client.write(b"a\nb\r\n.\r\n")
        self.assertEqual(client.hear(), ["550 5.6.0 Bare CR or LF in message"])
        self.assertEqual(self.files(), [])

    def test_clientGone(self) -> None:
        """
        Nor does one whose client goes away.
        """
        client = c.inMessage(self.server())
        client.say("Hello.")
        client.leave()
        self.assertEqual(self.files(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_diskFull(self) -> None:
        """
        A full disk is 452 for the client, and the reason is in the log.
        """

        def fsync(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.patch(os, "fsync", fsync)
        client = c.inMessage(self.server())
        with capturedLogs() as events:
            heard = client.say("Hello.", ".")
        self.assertEqual(heard, ["452 4.3.1 Insufficient system storage"])
        self.assertEqual(self.files(), [])
        self.assertIn("No space left", "\n".join(map(eventAsText, events)))
        self.flushLoggedErrors()

    def test_diskBroken(self) -> None:
        """
        Any other trouble with the disk is 451, with a traceback in the log.
        """

        def fsync(descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        self.patch(os, "fsync", fsync)
        client = c.inMessage(self.server())
        self.assertEqual(client.say("Hello.", "."), [c.LOCAL_ERROR])
        self.assertEqual(self.files(), [])
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_refusalIsLogged(self) -> None:
        """
        What is refused is logged with the command, its control characters escaped.
        """
        client = c.ready(self.server())
        with capturedLogs() as events:
            client.write(b"VRFY \x1b[2J\r\n")
        [line] = map(formatEvent, events)
        self.assertIn("VRFY", line)
        self.assertIn("192.0.2.1", line)
        self.assertNotIn("\x1b", line)


class MailServiceTests(SynchronousTestCase):
    """MailService: listeners that start and stop."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.maildir = Maildir(self.mktemp(), "mx.example.org", self.reactor)
        self.path = self.maildir.path
        self.factory = MaildirServer(
            self.maildir, options=memoryOptions(), reactor=self.reactor
        )

    def serviceOn(self, *listeners: str) -> MailService:
        endpoints = {each: serverFromString(self.reactor, each) for each in listeners}
        return MailService(endpoints, self.maildir, self.factory)

    def test_listeners(self) -> None:
        """
        It listens on each endpoint when it starts, and not before.
        """
        service = self.serviceOn("tcp:2525:interface=127.0.0.1", "tcp:2526")
        self.assertEqual(self.reactor.tcpServers, [])
        service.startService()
        ports = [(port, interface) for port, _, _, interface in self.reactor.tcpServers]
        self.assertEqual(ports, [(2525, "127.0.0.1"), (2526, "")])

    def test_stop(self) -> None:
        """
        It stops when it is told to.
        """
        service = self.serviceOn("tcp:2525")
        service.startService()
        self.successResultOf(maybeDeferred(service.stopService))
        self.assertFalse(service.running)

    def test_startLines(self) -> None:
        """
        At the start it says where it listens and where mail goes.
        """
        with capturedLogs() as events:
            self.factory.doStart()
            self.serviceOn("tcp:2525:interface=127.0.0.1").startService()
        lines = "\n".join(str(formatEvent(event)) for event in events)
        self.assertIn(str(self.path), lines)
        self.assertIn("listening on", lines)

    def test_onceForAllListeners(self) -> None:
        """
        Where mail goes is said once, however many listeners there are.
        """
        with capturedLogs() as events:
            self.factory.doStart()
            self.factory.doStart()
        self.assertEqual(len(events), 1)
        self.factory.doStop()
        self.factory.doStop()

    def test_badEndpoint(self) -> None:
        """
        What is no endpoint is a ValueError, before anything starts.
        """
        self.assertRaises(ValueError, self.serviceOn, "carrier-pigeon:1")

    def test_portInUse(self) -> None:
        """
        A service that cannot have its port does not start.
        """

        def listenTCP(*ignored: Any, **alsoIgnored: Any) -> None:
            raise CannotListenError(
                "127.0.0.1", 2525, OSError(errno.EADDRINUSE, "in use")
            )

        self.patch(self.reactor, "listenTCP", listenTCP)
        service = self.serviceOn("tcp:2525")
        error = self.assertRaises(SystemExit, service.startService)
        self.assertIn("cannot listen on tcp:2525", str(error))
