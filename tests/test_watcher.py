"""
Tests of smtpsession.watcher: what an observer is told of a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Reply, SMTPError, SMTPSession, TLSCipherInfo, Watcher
from smtpsession.testing import MemoryClient, MemoryServer
from smtpsession.tls import TLSFacts, applyTLS
from smtpsession.watcher import timed
from tests import conversations as c

FACTS = TLSFacts(TLSCipherInfo("AES", None, "TLSv1.3"), None, None, {})


def secure(client: MemoryClient) -> None:
    """Let it be as if a handshake had been done on this connection."""
    applyTLS(client.session, FACTS)
    client.protocol.secured(FACTS)


class Diary(Watcher):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def connected(self, session: SMTPSession) -> None:
        self.entries.append("connected")

    def secured(self, session: SMTPSession) -> None:
        self.entries.append(("secured", session.secure))

    def answered(self, callback: str, arguments: Sequence[Any], seconds: float) -> None:
        assert isinstance(arguments[-1], SMTPSession)
        self.entries.append((callback, seconds))

    def received(
        self, octets: int, replies: Sequence[Reply], session: SMTPSession
    ) -> None:
        self.entries.append((octets, [each.code for each in replies]))

    def said(self, reply: Reply, session: SMTPSession) -> None:
        self.entries.append(reply.code)

    def closed(self, session: SMTPSession) -> None:
        self.entries.append("closed")


class WatcherTests(SynchronousTestCase):
    """What a watcher is told, and when."""

    def setUp(self) -> None:
        self.diary = Diary()

    def server(self, **arguments: Any) -> MemoryServer:
        return MemoryServer(watcher=self.diary, **arguments)

    def news(self) -> list[Any]:
        """What is new in the diary."""
        entries, self.diary.entries = self.diary.entries, []
        return entries

    def test_dialogue(self) -> None:
        """It hears of everything in its order, of each answer before the reply."""
        client = self.server().connect()
        self.assertEqual(self.news(), ["connected", ("onConnect", 0), 220])
        client.say(c.HELO, c.MAIL, c.RCPT, "NONSENSE")
        asked = [("onHelo", 0), 250, ("onMailFrom", 0), 250, ("onRcptTo", 0), 250]
        self.assertEqual(self.news(), [*asked, 500])
        client.say("DATA", "Hello.", ".")
        self.assertEqual(self.news(), [354, ("onData", 0), (8, [250]), 250])
        client.say("QUIT")
        client.leave()
        self.assertEqual(self.news(), [221, ("onClose", 0), "closed"])

    def test_refusedMessage(self) -> None:
        """A message that came whole and is refused was received all the same."""

        async def onData(stream: Any, session: SMTPSession) -> None:
            raise SMTPError(554, "No")

        client = c.inMessage(self.server(onData=onData))
        self.news()
        client.say("Hello.", ".")
        self.assertEqual(self.news(), [("onData", 0), (8, [554]), 554])

    def test_chunks(self) -> None:
        """A message in several chunks is received once, with its last."""
        client = c.ready(self.server())
        client.say("EHLO client.example.com", c.MAIL, c.RCPT)
        self.news()
        client.write(b"BDAT 4\r\na\r\nb")
        self.assertEqual(self.news(), [250])
        client.write(b"BDAT 2 LAST\r\n\r\n")
        self.assertEqual(self.news(), [("onData", 0), (6, [250]), 250])

    def test_slow(self) -> None:
        """A late answer took as long as it did, and is told before the reply."""
        question = c.Question()
        server = self.server(onRcptTo=question)
        client = c.withSender(server)
        self.news()
        client.say(c.RCPT)
        server.clock.advance(1.5)
        self.assertEqual(self.news(), [])
        question.answers[0].callback(None)
        self.assertEqual(self.news(), [("onRcptTo", 1.5), 250])

    def test_cancelled(self) -> None:
        """So did one that was cancelled, for the client has gone."""
        question = c.Question()
        server = self.server(onRcptTo=question)
        client = c.withSender(server)
        client.say(c.RCPT)
        self.news()
        server.clock.advance(2)
        client.leave()
        self.assertEqual(self.news(), [("onRcptTo", 2), ("onClose", 0), "closed"])

    def test_secured(self) -> None:
        """It hears of TLS when the session knows of it."""
        client = c.greeted(self.server())
        self.news()
        secure(client)
        self.assertEqual(self.news(), [("secured", True), ("onSecure", 0)])

    def test_nobody(self) -> None:
        """Where nobody watches, the callbacks are called as they are."""
        server = MemoryServer()
        self.assertIs(server.connect().protocol._callbacks, server.factory)

    def test_nothing(self) -> None:
        """A watcher that overrides nothing is no hindrance."""
        client = c.greeted(MemoryServer(watcher=Watcher()))
        secure(client)
        client.say(c.HELO, c.MAIL, c.RCPT, "DATA")
        self.assertEqual(client.say("Hello.", "."), [c.ACCEPTED])
        client.leave()


class TimedTests(SynchronousTestCase):
    """timed."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[Any] = []

    def timed(self, ask: Any) -> Any:
        return timed(ask, self.clock, lambda *told: self.told.append(told))

    def test_answers(self) -> None:
        """The answer stays what it is, in every way that there is to give it."""

        async def coroutine(value: int) -> int:
            return value

        self.assertEqual(self.timed(lambda value: value)(1), 1)
        self.assertEqual(self.successResultOf(self.timed(succeed)(1)), 1)
        answer = Deferred.fromCoroutine(self.timed(coroutine)(1))
        self.assertEqual(self.successResultOf(answer), 1)
        self.assertEqual(self.told, [((1,), 0)] * 3)

    def test_errors(self) -> None:
        """So does an error."""

        def ask() -> None:
            raise SMTPError(550, "No")

        async def coroutine() -> None:
            ask()

        self.assertRaises(SMTPError, self.timed(ask))
        answer = Deferred.fromCoroutine(self.timed(coroutine)())
        self.failureResultOf(answer, SMTPError)
        self.assertEqual(self.told, [((), 0)] * 2)

    def test_clockSetBack(self) -> None:
        """No answer takes less than no time."""
        answer: Deferred[None] = Deferred()
        self.timed(lambda: answer)()
        self.clock.rightNow -= 10
        answer.callback(None)
        self.assertEqual(self.told, [((), 0)])
