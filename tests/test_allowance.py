"""
Tests of smtpsession.allowance: what a client may still do, and what the log says of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.allowance import Allowance
from smtpsession.options import ServerOptions
from smtpsession.session import SMTPSession
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.logins import EHLO, WRONG, serverWith

HELO, MAIL, RCPT = (
    "HELO client.example.com",
    "MAIL FROM:<alice@example.com>",
    "RCPT TO:<bob@example.org>",
)
OTHER = "RCPT TO:<bob@example.net>"


#: What is limited, what a client does, and what it is told last.
PASSED = [
    ({"clients": 1}, "clients", None, "421"),
    ({"clientsPerAddress": 1}, "clients-per-address", None, "421"),
    ({"errors": 1}, "errors", ["X", "X"], "421"),
    ({"transactions": 1}, "transactions", [HELO, MAIL, "RSET", MAIL], "421"),
    ({"recipients": 1}, "recipients", [HELO, MAIL, RCPT, RCPT], "452"),
    ({"recipientDomains": 1}, "recipient-domains", [HELO, MAIL, RCPT, OTHER], "452"),
    ({"messageSize": 1}, "message-size", [HELO, MAIL, RCPT, "DATA", "xy", "."], "552"),
    ({"commandTimeout": 5}, "command-timeout", [HELO, 5], "421"),
    ({"dataTimeout": 5}, "data-timeout", [HELO, MAIL, RCPT, "DATA", "x", 5], "421"),
]


class PassedTests(SynchronousTestCase):
    """Limits that are passed."""

    def ended(self, client: MemoryClient) -> dict[str, Any]:
        """What the log says when the client has gone."""
        with capturedLogs() as events:
            client.leave()
        [ended] = [each for each in events if each.get("event") == "session-ended"]
        return ended

    def test_said(self) -> None:
        """Which limit it was, the line about the end of the session says."""
        for limits, limit, said, code in PASSED:
            server = MemoryServer(options=memoryOptions(**limits))
            if said is None:
                server.connect()
            client = server.connect()
            heard = client.hear()
            steps: Any = said or ()
            for each in steps:
                if isinstance(each, int):
                    server.clock.advance(each)
                    heard = client.hear()
                else:
                    heard = client.say(each)
            self.assertEqual(heard[-1][:3], code, limit)
            ended = self.ended(client)
            self.assertEqual(ended["limit"], limit)
            self.assertTrue(formatEvent(ended).endswith(f", over {limit}"))

    def test_overload(self) -> None:
        """What all hold together, told to who comes and to who is there."""
        waiting = Deferred[None]()

        async def onData(stream: Any, session: Any) -> None:
            await waiting

        server = MemoryServer(onData=onData, options=memoryOptions(bufferedOctets=5))
        one, other = server.connect(), server.connect()
        other.say(HELO)
        one.say(HELO, MAIL, RCPT, "DATA", "Hello.")
        server.clock.advance(0.1)
        self.assertEqual(other.say(MAIL)[0][:3], "451")
        late = server.connect()
        for client in (other, late):
            self.assertEqual(self.ended(client)["limit"], "buffered-octets")
        waiting.callback(None)

    def test_lag(self) -> None:
        """The same of a server that is late."""
        server = MemoryServer(options=memoryOptions(loopLag=5))
        server.factory.startFactory()
        self.addCleanup(server.factory.stopFactory)
        client = server.connect()
        client.say(HELO)
        server.clock.rightNow += 7
        client.say(MAIL)
        for each in (client, server.connect()):
            self.assertEqual(self.ended(each)["limit"], "loop-lag")

    def test_handshake(self) -> None:
        """A proxy that says nothing of its client."""
        options = memoryOptions(proxyProtocol=["192.0.2.1"], handshakeTimeout=5)
        server = MemoryServer(options=options)
        client = server.connect()
        server.clock.advance(5)
        self.assertEqual(self.ended(client)["limit"], "handshake-timeout")

    def test_closing(self) -> None:
        """Who does not take what was said to him last."""
        server = MemoryServer(options=memoryOptions(closingTimeout=5))
        client = server.connect()
        client.say("QUIT")
        server.clock.advance(5)
        self.assertEqual(self.ended(client)["limit"], "closing-timeout")

    def test_behindProxy(self) -> None:
        """A limit for proxies that does not hold for the client is none of its."""
        options = memoryOptions(proxyProtocol=["192.0.2.1"], clients=1)
        server = MemoryServer(options=options)
        first = server.connect()
        client = server.connect()
        first.leave()
        client.write(b"PROXY TCP4 198.51.100.1 192.0.2.9 1000 25\r\n")
        self.assertEqual(client.hear()[0][:3], "220")
        self.assertEqual(self.ended(client)["limit"], None)

    def test_rate(self) -> None:
        """A message that comes, but too slowly, is told from one that does not."""
        options = memoryOptions(dataTimeout=5, minimumDataRate=100)
        server = MemoryServer(options=options)
        client = server.connect()
        client.say(HELO, MAIL, RCPT, "DATA")
        while not client.closed:
            client.write(b"x")
            server.clock.advance(1)
        self.assertEqual(self.ended(client)["limit"], "minimum-data-rate")

    def test_logins(self) -> None:
        """Failed logins, of the connection and of the address."""
        server = serverWith(authFailures=0, authFailuresPerAddress=1)
        for limit in ("auth-failures", "auth-failures", "auth-failures-per-address"):
            client = server.connect()
            client.hear()
            if not client.closed:
                client.say(EHLO)
                client.say(WRONG)
            self.assertTrue(client.closed)
            self.assertEqual(self.ended(client)["limit"], limit)

    def test_none(self) -> None:
        """Of who stays within the limits it says how many messages there were."""
        client = MemoryServer().connect()
        for _ in range(2):
            client.say(HELO, MAIL, RCPT, "DATA")
            client.say(".")
        client.say("QUIT")
        ended = self.ended(client)
        self.assertEqual((ended["messages"], ended["limit"]), (2, None))
        self.assertTrue(formatEvent(ended).endswith("ended, messages: 2"))


class AllowanceTests(SynchronousTestCase):
    """Allowance."""

    def test_nobodyElse(self) -> None:
        """Without a house nobody else counts."""
        allowance = Allowance(SMTPSession(), ServerOptions())
        self.assertIsNone(allowance.enter("192.0.2.1"))
        self.assertIsNone(allowance.transaction())
        self.assertIsNone(allowance.failedLogin())
        allowance.leave()
        self.assertIsNone(allowance.passed)
