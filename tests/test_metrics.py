"""
Tests of smtpsession.metrics and smtpsession.monitor: what is counted, and who is told.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError, SMTPAddress, SMTPError, SMTPSession
from smtpsession.config import Config, ListenerTable, MetricsTable, RouteTable
from smtpsession.goals import (
    CommandTable,
    DiscardTable,
    HTTPTable,
    MaildirTable,
    PythonTable,
    SMTPTable,
    nameOf,
)
from smtpsession.metrics import Metrics
from smtpsession.monitor import MonitorSite
from smtpsession.service import MailService
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c
from tests.logins import ACCEPTED, EHLO, FAILED, PLAIN, WRONG, exchange, login
from tests.test_watcher import secure

ENDPOINT = "tcp:9100:interface=127.0.0.1"


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Each value, by its name and those of its labels."""
    return {
        (each.name.removeprefix("smtpsession_"), *each.labels.values()): each.value
        for family in text_string_to_metric_families(text.decode("utf-8"))
        for each in family.samples
    }


def ask(site: MonitorSite, path: str) -> tuple[int, bytes]:
    """Ask a monitor: the status, and the text."""
    transport = StringTransport()
    protocol = site.buildProtocol(None)
    protocol.makeConnection(transport)
    protocol.dataReceived(f"GET {path} HTTP/1.0\r\n\r\n".encode("ascii"))
    head, _, body = transport.value().partition(b"\r\n\r\n")
    return int(head.split()[1]), body


class MetricsTests(SynchronousTestCase):
    """Metrics, as a watcher."""

    def setUp(self) -> None:
        self.metrics = Metrics()

    def server(self, **arguments: Any) -> MemoryServer:
        return MemoryServer(watcher=self.metrics, **arguments)

    def assertCounted(self, *name: str, value: float) -> None:
        self.assertEqual(samples(self.metrics.text()).get(name), value, name)

    def test_nothing(self) -> None:
        """Before anything has happened, what can be said is zero."""
        self.assertCounted("connections_total", value=0)
        self.assertCounted("connections_open", value=0)
        self.assertCounted("messages_total", "accepted", value=0)
        self.assertCounted("messages_total", "refused", value=0)

    def test_dialogue(self) -> None:
        """Connections, replies and messages are counted, be they good or bad."""
        server = self.server()
        client = c.ready(server)
        c.greeted(server).leave()
        client.say(c.MAIL, "RCPT TO:nobody", c.RCPT, "DATA", "Hello.", ".")
        client.say(c.MAIL, c.RCPT, "DATA")
        client.write(b"a\nb\r\n.\r\n")
        client.say("NONSENSE", "QUIT")
        self.assertCounted("connections_total", value=2)
        self.assertCounted("connections_open", value=1)
        self.assertCounted("replies_total", "220", value=2)
        self.assertCounted("replies_total", "354", value=2)
        self.assertCounted("replies_total", "500", value=1)
        self.assertCounted("messages_total", "accepted", value=1)
        self.assertCounted("messages_total", "refused", value=1)
        self.assertCounted("message_octets_total", value=13)
        self.assertCounted("callback_seconds_count", "onRcptTo", value=2)
        client.leave()
        self.assertCounted("connections_open", value=0)

    def test_transactions(self) -> None:
        """A transaction counts when its MAIL is accepted, whatever becomes of it."""

        async def onMailFrom(address: SMTPAddress, session: SMTPSession) -> None:
            if address.localPart == "mallory":
                raise SMTPError(550, "No")

        client = c.greeted(self.server(onMailFrom=onMailFrom))
        self.assertCounted("transactions_total", value=0)
        client.say(c.HELO, c.MAIL, c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        self.assertCounted("transactions_total", value=1)
        client.say(c.MAIL, "RSET", "MAIL FROM:nobody", "NOOP", c.MAIL)
        self.assertCounted("transactions_total", value=3)
        client.say("RSET", "MAIL FROM:<mallory@example.com>", "NOOP", "RSET")
        self.assertCounted("transactions_total", value=3)

    def test_unheard(self) -> None:
        """One whose client has left before it knew has not begun, and is forgotten."""
        question = c.Question()
        client = c.ready(self.server(onMailFrom=question))
        client.say(c.MAIL)
        client.leave()
        self.assertCounted("transactions_total", value=0)
        self.assertFalse(self.metrics._beginning)

    def test_slow(self) -> None:
        """A callback's time is that of the server's clock."""
        question = c.Question()
        server = self.server(onMailFrom=question)
        c.ready(server).say(c.MAIL)
        server.clock.advance(0.75)
        question.answers[0].callback(None)
        self.assertCounted("callback_seconds_sum", "onMailFrom", value=0.75)
        self.assertCounted("callback_seconds_bucket", "onMailFrom", "0.5", value=0)
        self.assertCounted("callback_seconds_bucket", "onMailFrom", "1.0", value=1)

    def test_logins(self) -> None:
        """Logins are counted as the client was told how they ended."""
        options = memoryOptions(
            auth="optional",
            allowInsecureAuth=True,
            mechanisms=["PLAIN", "SCRAM-SHA-256"],
        )
        server = self.server(onAuth=login, options=options)
        client = c.greeted(server)
        client.say(EHLO)
        self.assertEqual(client.say("AUTH NONSENSE", WRONG)[1:], [FAILED])
        scram = exchange(client, "SCRAM-SHA-256", password="other")
        self.assertEqual(scram, [FAILED])
        self.assertEqual(client.say(PLAIN), [ACCEPTED])
        self.assertCounted("logins_total", "PLAIN", "failed", value=1)
        self.assertCounted("logins_total", "PLAIN", "succeeded", value=1)
        self.assertCounted("logins_total", "SCRAM-SHA-256", "failed", value=1)
        self.assertNotIn(b"NONSENSE", self.metrics.text())

    def test_secured(self) -> None:
        """TLS is counted by its version."""
        secure(c.greeted(self.server()))
        self.assertCounted("tls_handshakes_total", "TLSv1.3", value=1)

    def test_held(self) -> None:
        """What waits for a callback is there while it waits."""
        server = self.server(onData=c.Question())
        self.metrics.askForHeld(lambda: server.factory.octetsHeld)
        client = c.inMessage(server)
        self.assertCounted("held_octets", value=0)
        client.say("Hello.")
        self.assertCounted("held_octets", value=8)
        client.leave()
        self.assertCounted("held_octets", value=0)

    def test_labels(self) -> None:
        """No value of a label is a client's."""
        client = c.greeted(self.server())
        client.say("HELO sesame", "SESAME", "MAIL FROM:<sesame@example.org>")
        client.say("AUTH SESAME", "RCPT TO:<sesame@example.org>", "QUIT sesame")
        self.assertNotIn(b"sesame", self.metrics.text().lower())

    def test_names(self) -> None:
        """A destination is called by its kind and where it is."""
        for table, name in (
            (DiscardTable(), "discard"),
            (MaildirTable(path="mail"), "maildir mail"),
            (SMTPTable(endpoint="tcp:a:25"), "smtp tcp:a:25"),
            (CommandTable(command=("/bin/cat", "-")), "command /bin/cat"),
            (PythonTable(factory="a:b"), "python a:b"),
            (HTTPTable(url="https://a/in"), "http https://a/in"),
            (HTTPTable(url="http://[::1]:80/?b=c"), "http http://[::1]:80/"),
        ):
            self.assertEqual(nameOf(table), name)


class MonitorTests(SynchronousTestCase):
    """The service with a table [metrics]."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def config(self, endpoint: str | None = ENDPOINT) -> Config:
        route = RouteTable(recipients=("*",), destination=DiscardTable())
        return Config(
            hostname="mx.example.org",
            listener=(ListenerTable(endpoint="tcp:2525"),),
            metrics=MetricsTable(endpoint=endpoint),
            route=(route,),
        )

    def service(self, **keys: Any) -> MailService:
        self.next = self.config(**keys)
        return MailService(self.next, Path("."), self.reactor, lambda: self.next)

    def connect(self, service: MailService) -> MemoryClient:
        [factory] = service.servers
        factory.adopt(memoryOptions())
        return MemoryServer(lambda **_: factory).connect()

    def get(self, path: str) -> tuple[int, bytes]:
        servers = self.reactor.tcpServers
        [site] = [each[1] for each in servers if each[0] == 9100]
        assert isinstance(site, MonitorSite)
        return ask(site, path)

    def test_none(self) -> None:
        """Without an endpoint nothing is there, and nothing is measured."""
        service = self.service(endpoint=None)
        service.startService()
        self.assertEqual([each[0] for each in self.reactor.tcpServers], [2525])
        self.assertIsNone(service.servers[0]._watcher)

    def test_metrics(self) -> None:
        """The metrics have what the service did, with its destinations."""
        service = self.service()
        service.startService()
        client = self.connect(service)
        client.say(c.HELO, c.MAIL, c.RCPT, "DATA", "Hello.", ".")
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        found = samples(text)
        self.assertEqual(found["messages_total", "accepted"], 1)
        self.assertEqual(found["delivery_seconds_count", "discard"], 1)

    def test_paths(self) -> None:
        """There is nothing else."""
        self.service().startService()
        for path in ("/", "/other", "/metrics/", "/health/x", "/metrics/../x"):
            self.assertEqual(self.get(path)[0], 404, path)

    def test_health(self) -> None:
        """It is well while it runs, and not while it waits for the last clients."""
        service = self.service()
        service.startService()
        client = self.connect(service)
        client.say(c.HELO, c.MAIL)
        self.assertEqual(self.get("/health"), (200, b"ok\n"))
        stopped = service.stopService()
        self.assertEqual(self.get("/health"), (503, b"stopping\n"))
        self.assertEqual(self.get("/metrics")[0], 200)
        self.assertNoResult(stopped)
        client.leave()
        self.successResultOf(stopped)

    def test_reload(self) -> None:
        """After a reload it goes on counting; its endpoint cannot change."""
        service = self.service()
        service.startService()
        self.connect(service)
        route = RouteTable(recipients=("*",), destination=MaildirTable())
        self.next = Config(
            listener=self.next.listener, metrics=self.next.metrics, route=(route,)
        )
        before = service._assembly.monitor
        service._adopt(self.next)
        self.assertIs(service._assembly.monitor, before)
        self.assertEqual(samples(self.get("/metrics")[1])["connections_total",], 1)
        for endpoint in (None, "tcp:9101"):
            self.assertRaises(ConfigError, service._adopt, self.config(endpoint))

    def test_badEndpoint(self) -> None:
        """What is no endpoint is an error, with the name of the key."""
        error = self.assertRaises(ConfigError, self.service, endpoint="pigeon:1")
        [problem] = error.problems
        self.assertTrue(problem.startswith("metrics.endpoint: "), problem)

    def test_missing(self) -> None:
        """Without the package that it needs, the error says what brings it."""
        with patch.dict(sys.modules, {"prometheus_client": None}):
            del sys.modules["smtpsession.metrics"]
            error = self.assertRaises(ConfigError, self.service)
        [problem] = error.problems
        self.assertEqual(
            problem,
            "metrics.endpoint: 'tcp:9100:interface=127.0.0.1', but expected nothing, "
            "as an extra is missing (prometheus_client is missing: "
            "pip install 'smtpsession[metrics]')",
        )
