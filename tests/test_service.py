"""
Tests of smtpsession.service: the server that twistd runs, in memory.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, eventAsText, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError, Limits
from smtpsession.config import Config, ListenerTable, LogTable, RouteTable
from smtpsession.delivery import maildir as module
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.folders import Folders
from smtpsession.goals import MaildirTable, PythonTable
from smtpsession.kinds import Options
from smtpsession.router import Route, RoutingServer
from smtpsession.service import MailService
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c

GOING_DOWN = "421 4.3.2 Service is going down, try again later"


class Coloured(Destination):
    """One of somebody else."""

    made: list[Coloured] = []

    def __init__(self, colour: str) -> None:
        self.colour, self.isStopped = colour, False
        self.made.append(self)

    async def deliver(self, stream: Any, session: Any, recipients: Any) -> str:
        await stream.read()
        return self.colour

    async def stop(self) -> None:
        self.isStopped = True


class SinkTests(SynchronousTestCase):
    """What is there without a file: every recipient, one Maildir."""

    def setUp(self) -> None:
        self.patch(module, "deferToThread", maybeDeferred)
        self.path = Path(self.mktemp())
        self.folders = Folders(self.path, "mx.example.org", Clock())
        self.folders.start()

    def server(self, **options: Any) -> MemoryServer:
        routes = [Route(["*"], self.folders)]
        return MemoryServer(
            partial(RoutingServer, routes), options=memoryOptions(**options)
        )

    def files(self) -> list[Path]:
        return [each for each in self.path.rglob("*") if each.is_file()]

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
        There is one log line for each message: who, for whom, how large.
        """
        client = c.inMessage(self.server(), 2)
        with capturedLogs() as events:
            client.say("Hello.", ".")
        [line] = map(formatEvent, events)
        for word in (
            f"{client.session.id}.0",
            "192.0.2.1",
            "<alice@example.com>",
            "<bob@example.org>, <bob@example.org>",
            "8 octets",
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
        self.patch(module, "deferToThread", maybeDeferred)
        self.reactor = MemoryReactorClock()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.next = self.config()

    def config(self, *listeners: str, **keys: Any) -> Config:
        """A configuration with these endpoints, and a Maildir for everybody."""
        tables = tuple(ListenerTable(endpoint=each) for each in listeners)
        route = (RouteTable(recipients=("*",)),)
        given = {"hostname": "mx.example.org", "route": route, **keys}
        return Config(listener=tables or (ListenerTable(),), **given)

    def service(self, *listeners: str, **keys: Any) -> MailService:
        config = self.config(*listeners, **keys)
        return MailService(config, self.folder, self.reactor, lambda: self.next)

    def connect(self, service: MailService, place: int = 0) -> MemoryClient:
        """A client of one of its listeners."""
        factory = service.servers[place]
        factory.adopt(evolve(factory.options, reverseLookup=False))
        client = MemoryServer(lambda **_: factory).connect()
        client.hear()
        return client

    def log(self, act: Callable[[], object]) -> str:
        """What is logged meanwhile."""
        with capturedLogs() as events:
            act()
        return "\n".join(str(formatEvent(event)) for event in events)

    def test_listeners(self) -> None:
        """
        It listens on each endpoint when it starts, and not before.
        """
        service = self.service("tcp:2525:interface=127.0.0.1", "tcp:2526")
        self.assertEqual(self.reactor.tcpServers, [])
        service.startService()
        ports = [(port, interface) for port, _, _, interface in self.reactor.tcpServers]
        self.assertEqual(ports, [(2525, "127.0.0.1"), (2526, "")])

    def test_startLines(self) -> None:
        """
        At the start it says where it listens and where mail goes, once.
        """
        service = self.service("tcp:2525:interface=127.0.0.1", "tcp:2526")
        lines = self.log(service.startService)
        self.assertEqual(lines.count(str(self.folder / "maildir")), 1)
        self.assertEqual(lines.count("listening on"), 2)

    def test_badEndpoint(self) -> None:
        """
        What is no endpoint is an error before anything starts; so is everything else
        that cannot be made, all at once.
        """
        error = self.assertRaises(
            ConfigError, self.service, "carrier-pigeon:1", "tcp:port"
        )
        self.assertEqual(
            [each.partition(": ")[0] for each in error.problems],
            ["listener[0].endpoint", "listener[1].endpoint"],
        )

    def test_portInUse(self) -> None:
        """
        A service that cannot have its port does not start.
        """

        def listenTCP(*ignored: Any, **alsoIgnored: Any) -> None:
            raise CannotListenError(
                "127.0.0.1", 2525, OSError(errno.EADDRINUSE, "in use")
            )

        self.patch(self.reactor, "listenTCP", listenTCP)
        error = self.assertRaises(SystemExit, self.service("tcp:2525").startService)
        self.assertIn("cannot listen on tcp:2525", str(error))

    def test_noFolder(self) -> None:
        """
        Nor does one that could not deliver.
        """
        (self.folder / "maildir").write_bytes(b"")
        error = self.assertRaises(SystemExit, self.service().startService)
        self.assertIn(f"cannot use {self.folder / 'maildir'}", str(error))

    def test_stop(self) -> None:
        """
        When it stops, an idle client is told 421, and one in a transaction may end it.
        """
        service = self.service()
        service.startService()
        idle, busy = self.connect(service), self.connect(service)
        busy.say(c.HELO, c.MAIL, c.RCPT)
        stopped = service.stopService()
        self.assertEqual(idle.hear(), [GOING_DOWN])
        self.assertTrue(idle.closed)
        idle.leave()
        self.assertEqual(busy.hear(), [])
        self.assertNoResult(stopped)
        busy.say("DATA")
        [reply, farewell] = busy.say("Hello.", ".")
        self.assertEqual((reply[:3], farewell), ("250", GOING_DOWN))
        busy.leave()
        self.successResultOf(stopped)
        self.assertFalse(service.running)

    def test_stopInTime(self) -> None:
        """
        Who does not end it is told to go after a while.
        """
        service = self.service(stopTimeout=5)
        service.startService()
        busy = self.connect(service)
        busy.say(c.HELO, c.MAIL, c.RCPT, "DATA", "Hello.")
        stopped = service.stopService()
        self.reactor.advance(4)
        self.assertFalse(busy.closed)
        self.reactor.advance(1)
        self.assertEqual(busy.hear(), [GOING_DOWN])
        busy.leave()
        self.successResultOf(stopped)
        self.assertEqual([*(self.folder / "maildir" / "new").iterdir()], [])

    def test_reload(self) -> None:
        """
        New routes are for the next recipient, new limits for the next connection; the
        connections that there are go on.
        """
        service = self.service()
        service.startService()
        client = self.connect(service)
        client.say(c.HELO, c.MAIL)
        path = MaildirTable(path="other")
        route = RouteTable(recipients=("*@example.org",), destination=path)
        limits = Limits(recipients=1)
        self.next = self.config(route=(route,), limits=limits)
        self.next = evolve(self.next, listener=(ListenerTable(limits=limits),))
        self.assertIn("reloaded", self.log(service.reload))
        self.assertEqual(
            client.say("RCPT TO:<eve@example.com>", c.RCPT, c.RCPT),
            ["550 5.7.1 Relaying denied", c.RECIPIENT_OK, c.RECIPIENT_OK],
        )
        client.say("DATA", "Hello.", ".")
        self.assertEqual(len([*(self.folder / "other" / "new").iterdir()]), 1)
        client = self.connect(service)
        client.say(c.HELO, c.MAIL)
        self.assertEqual(
            client.say(c.RCPT, c.RCPT),
            [c.RECIPIENT_OK, "452 4.5.3 Too many recipients"],
        )

    def test_badReload(self) -> None:
        """
        Where the new settings are bad, the old ones stay, and the log says why.
        """
        service = self.service()
        service.startService()
        routes = service.servers[0].routes

        def raising() -> Config:
            raise ConfigError(["mail.toml: hostnam: unknown key"])

        service._reread = raising
        self.assertIn("not reloaded: mail.toml: hostnam", self.log(service.reload))
        service._reread = lambda: self.next
        self.next = self.config("tcp:2527")
        self.assertIn(
            "listener[0].endpoint: 'tcp:2527', but expected ", self.log(service.reload)
        )
        (self.folder / "file").write_bytes(b"")
        table = MaildirTable(path="file")
        self.next = self.config(
            route=(RouteTable(recipients=("*",), destination=table),)
        )
        self.assertIn("not reloaded", self.log(service.reload))
        self.assertIs(service.servers[0].routes, routes)

    def test_nothingIsLeft(self) -> None:
        """Of new settings that are bad nothing stays that had begun."""
        service = self.service()
        service.startService()
        (self.folder / "file").write_bytes(b"")
        calls = self.reactor.getDelayedCalls()
        tables = [MaildirTable(path=path) for path in ("good", "file")]
        self.next = self.config(
            route=[RouteTable(recipients=("*",), destination=each) for each in tables]
        )
        self.assertIn("not reloaded", self.log(service.reload))
        self.assertTrue((self.folder / "good").is_dir())
        self.assertEqual(self.reactor.getDelayedCalls(), calls)

    def test_oldDestinations(self) -> None:
        """
        Who has recipients of a destination that goes may end the transaction with it;
        one that is the same in the new settings stays, be it asked for anew.
        """

        def asking(colour: str) -> Config:
            table = PythonTable(
                factory=f"{__name__}:Coloured", options=Options({"colour": colour})
            )
            route = RouteTable(recipients=("*",), destination=table)
            return self.config(route=(route,))

        made = list[Coloured]()
        self.patch(Coloured, "made", made)
        self.next = asking("red")
        service = MailService(self.next, self.folder, self.reactor, lambda: self.next)
        service.startService()
        self.next = asking("red")
        self.assertIn("reloaded", self.log(service.reload))
        [red] = made
        one, other = self.connect(service), self.connect(service)
        for client in (one, other):
            client.say(c.HELO, c.MAIL, c.RCPT)
        self.next = asking("blue")
        self.assertIn("reloaded", self.log(service.reload))
        self.assertEqual(one.say("DATA", "Hello.", ".")[-1], "250 2.0.0 red")
        self.reactor.pump([1] * 10)
        self.assertFalse(red.isStopped)
        other.leave()
        self.reactor.advance(1)
        self.assertTrue(red.isStopped)
        self.assertEqual(
            one.say(c.MAIL, c.RCPT, "DATA", "Hello.", ".")[-1], "250 2.0.0 blue"
        )
        self.assertFalse(made[1].isStopped)
        one.leave()
        self.successResultOf(service.stopService())
        self.assertTrue(made[1].isStopped)

    def test_events(self) -> None:
        """
        A message that was accepted is a JSON object on a line of its own.
        """
        path = self.folder / "events.jsonl"
        service = self.service(events=path)
        service.startService()
        client = self.connect(service)
        client.say(c.HELO)
        for _ in range(2):
            client.say(c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        client.say(c.MAIL, c.RCPT, "DATA", "a\nb", ".")
        first, second = map(json.loads, path.read_text("ascii").splitlines())
        self.assertEqual(first["event"], "message")
        self.assertEqual(first["recipients"], ["bob@example.org"])
        self.assertEqual(first["size"], 8)
        self.assertEqual(first["session"]["remoteAddress"], "192.0.2.1")
        self.assertNotEqual(first["id"], second["id"])
        path.rename(self.folder / "rotated")
        self.next = self.config(events=path)
        service.reload()
        client.say(c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        self.assertEqual(len(path.read_text("ascii").splitlines()), 1)
        self.next = self.config(events=self.folder / "other")
        service.reload()
        client.say(c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        self.assertEqual(len((self.folder / "other").read_text().splitlines()), 1)
        client.leave()
        self.successResultOf(service.stopService())

    def logged(self, name: str) -> list[str]:
        """The events in a log of JSON."""
        text = (self.folder / name).read_text("ascii")
        return [json.loads(line)["event"] for line in text.splitlines()]

    def test_logFile(self) -> None:
        """
        The log of its own has the start, the messages and the end, and a reload opens
        it anew, or another one.
        """
        table = LogTable(file=self.folder / "log", format="json")
        service = self.service(log=table)
        service.startService()
        client = self.connect(service)
        client.say(c.HELO, c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        # In memory the listener is no port, and so is not told of.
        self.assertEqual(self.logged("log")[0], "maildir")
        self.assertEqual(self.logged("log")[-1], "message-accepted")
        (self.folder / "log").rename(self.folder / "rotated")
        count = len(self.logged("rotated"))
        self.next = self.config(log=table)
        service.reload()
        self.assertEqual(self.logged("log"), ["reloaded"])
        self.assertEqual(len(self.logged("rotated")), count)
        self.next = self.config(log=evolve(table, file=self.folder / "other"))
        service.reload()
        client.leave()
        self.successResultOf(service.stopService())
        self.assertEqual(self.logged("log"), ["reloaded"])
        self.assertEqual(
            self.logged("other"), ["reloaded", "session-ended", "stopping"]
        )
        self.log(service.reload)
        self.assertEqual(
            self.logged("other"), ["reloaded", "session-ended", "stopping"]
        )

    def test_badLogFile(self) -> None:
        """
        Without its log it does not start; of a bad reload the old one tells.
        """
        missing = LogTable(file=self.folder / "nowhere" / "log", format="json")
        self.assertRaises(SystemExit, self.service(log=missing).startService)
        good = LogTable(file=self.folder / "log", format="json")
        service = self.service(log=good)
        service.startService()
        self.next = self.config(log=missing)
        service.reload()
        # Where what comes behind the log is bad, the new one is not begun.
        (self.folder / "file").write_bytes(b"")
        table = MaildirTable(path="file")
        route = (RouteTable(recipients=("*",), destination=table),)
        another = LogTable(file=self.folder / "another", format="json")
        self.next = self.config(log=another, route=route)
        service.reload()
        self.assertEqual(self.logged("log")[-2:], ["not-reloaded", "not-reloaded"])
        self.assertEqual(self.logged("another"), [])
        self.successResultOf(service.stopService())

    def test_noRoomForEvents(self) -> None:
        """
        A message that was delivered is accepted, though nobody can be told of it.
        """
        service = self.service(events=Path("/dev/full"))
        service.startService()
        client = self.connect(service)
        client.say(c.HELO, c.MAIL, c.RCPT, "DATA")
        [reply] = client.say("Hello.", ".")
        self.assertEqual(reply[:3], "250")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_eventThatCannotBe(self) -> None:
        """
        So is one of whose session no event can be made.
        """
        service = self.service(events=self.folder / "events.jsonl")
        service.startService()
        client = self.connect(service)
        client.session.state["state"] = client.session.state
        client.say(c.HELO, c.MAIL, c.RCPT, "DATA")
        [reply] = client.say("Hello.", ".")
        self.assertEqual("250", reply[:3])
        self.assertEqual(len(self.flushLoggedErrors(RecursionError)), 1)
