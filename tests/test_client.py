"""
Tests of smtpsession.delivery.client.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost

from smtpsession.delivery.client import Client
from smtpsession.delivery.relaying import NextHopLost, Offers
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply
from tests.nexthops import Hop, HopTestCase

LOST = "451 4.4.2 Connection to the next hop lost"


class Producer:
    """Counts how often it is told to stop."""

    def __init__(self) -> None:
        self.stops = 0

    def stopProducing(self) -> None:
        self.stops += 1


class ClientTestCase(HopTestCase):
    """A client with a connection."""

    def setUp(self) -> None:
        super().setUp()
        self.client = Client(self.clock, 10)
        self.endpoint.hops.append(Hop(self.client))

    def ask(self, command: bytes = b"NOOP", *arguments: Any) -> Deferred[Reply]:
        return self.begin(self.client.ask(command, *arguments))

    def assertLost(self, told: str = LOST) -> None:
        """The connection is closed, and every question is answered with that."""
        self.assertTrue(self.hop.isDropped)
        self.assertFalse(self.client.isUsable)
        self.hop.hear()
        asked = self.ask()
        self.assertEqual(self.told(asked), told)
        self.assertEqual(self.hop.hear(), b"")


class QuestionTests(ClientTestCase):
    """A command and its reply."""

    def test_reply(self) -> None:
        """A reply is the answer to the command before it."""
        asked = self.ask(b"NOOP")
        self.assertEqual(self.hop.hear(), b"NOOP\r\n")
        self.assertFalse(self.client.isUsable)
        self.assertNoResult(asked)
        self.hop.say("250-2.0.0 a", "250 2.0.0 b")
        self.assertEqual(self.successResultOf(asked), Reply(250, "a\nb", "2.0.0"))
        self.assertTrue(self.client.isUsable)

    def test_pieces(self) -> None:
        """A reply may come in any pieces."""
        asked = self.ask()
        for octet in b"250 OK\r\n":
            self.assertNoResult(asked)
            self.client.dataReceived(bytes([octet]))
        self.assertEqual(self.successResultOf(asked), Reply(250, "OK"))
        self.assertTrue(self.client.isUsable)

    def test_refused(self) -> None:
        """A refusal is an error, and the connection is as good as before."""
        asked = self.ask()
        self.hop.say("550 5.1.1 No such user")
        self.assertEqual(self.told(asked), "550 5.1.1 No such user")
        self.assertTrue(self.client.isUsable)

    def test_several(self) -> None:
        """Several replies may be asked for, and each may be any."""
        asked = self.begin(self.client.replies(3))
        self.hop.say("250 a", "550 b")
        self.assertNoResult(asked)
        self.hop.say("250 c")
        self.assertEqual(
            self.successResultOf(asked),
            [Reply(250, "a"), Reply(550, "b"), Reply(250, "c")],
        )

    def test_unexpected(self) -> None:
        """A reply of another category makes the connection useless."""
        asked = self.ask(b"DATA", 3)
        self.hop.say("250 OK")
        self.assertEqual(self.told(asked), LOST)
        self.assertLost()

    def test_closing(self) -> None:
        """After 421 nothing is sent any more."""
        asked = self.ask()
        self.hop.say("421 4.3.2 Bye")
        self.failureResultOf(asked, NextHopLost)
        self.assertLost("451 4.3.2 Bye")


class LossTests(ClientTestCase):
    """How a connection becomes useless."""

    def test_closed(self) -> None:
        """The next hop closes it, while somebody waits."""
        asked = self.ask()
        self.hop.leave(ConnectionLost("reset"))
        self.successResultOf(self.client.gone)
        error = self.failureResultOf(asked).value
        self.assertEqual(str(error.reply), LOST)
        self.assertIsInstance(error.__cause__, ConnectionLost)
        self.assertIn("reset", str(error.__cause__))

    def test_closedIdle(self) -> None:
        """So it does while nobody waits."""
        self.hop.leave()
        self.assertEqual(self.told(self.ask()), LOST)

    def test_slow(self) -> None:
        """No reply comes in time."""
        asked = self.ask()
        self.client.dataReceived(b"250 O")
        self.clock.advance(9.9)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        self.assertEqual(self.told(asked), LOST)
        self.assertLost()

    def test_ownTime(self) -> None:
        """A question may have a time of its own."""
        asked = self.begin(self.client.ask(b"NOOP", timeout=30))
        self.clock.advance(29)
        self.assertNoResult(asked)
        self.clock.advance(1)
        self.failureResultOf(asked, NextHopLost)

    def test_eachInTime(self) -> None:
        """Of several replies each has its time."""
        asked = self.begin(self.client.replies(2))
        self.clock.advance(9)
        self.hop.say("250 a")
        self.clock.advance(9)
        self.assertNoResult(asked)
        self.clock.advance(1)
        self.failureResultOf(asked, NextHopLost)

    def test_noise(self) -> None:
        """What is no reply ends it."""
        asked = self.ask()
        self.hop.say("HTTP/1.1 400 Bad Request")
        self.assertEqual(self.told(asked), LOST)
        self.assertLost()

    def test_cancelled(self) -> None:
        """Nobody waits any more: the reply would be taken for another."""
        asked = self.ask()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertLost()

    def test_dropped(self) -> None:
        """It is dropped once, and what comes then is not looked at."""
        self.client.drop()
        self.client.drop()
        self.hop.say("250 OK")
        self.assertLost()


class OutOfTurnTests(ClientTestCase):
    """Replies that nobody has asked for."""

    def test_idle(self) -> None:
        """One is the end."""
        self.hop.say("250 OK")
        self.assertLost()

    def test_farewell(self) -> None:
        """What it says when it closes, our client is told by the next question."""
        self.hop.say("421 4.4.2 Idle for too long")
        self.assertLost("451 4.4.2 Idle for too long")

    def test_permanent(self) -> None:
        """Of what nobody has asked nothing is refused for good."""
        self.hop.say("554 5.0.0 Go away")
        self.assertLost()

    def test_second(self) -> None:
        """Of two replies to one command the first counts, and the next none."""
        asked = self.ask()
        self.hop.say("250 first", "250 second")
        self.assertEqual(self.successResultOf(asked), Reply(250, "first"))
        self.assertLost()

    def test_beginning(self) -> None:
        """So it is with the beginning of a second one."""
        asked = self.ask()
        self.client.dataReceived(b"250 first\r\n25")
        self.assertEqual(self.successResultOf(asked), Reply(250, "first"))
        self.assertLost()

    def test_noneForTheNext(self) -> None:
        """Whoever goes on at once does not get it either."""

        async def goOn() -> None:
            await self.client.ask(b"MAIL")
            await self.client.ask(b"RCPT")

        asked = self.begin(goOn())
        self.assertEqual(self.hop.hear(), b"MAIL\r\n")
        self.hop.say("250 first", "250 second")
        self.assertEqual(self.told(asked), LOST)
        self.assertEqual(self.hop.hear(), b"")

    def test_inMessage(self) -> None:
        """One that refuses a message in its middle stops it, and says why."""
        producer: Any = Producer()
        self.client.registerProducer(producer)
        self.assertIs(self.hop.transport.producer, producer)
        self.hop.say("552 5.3.4 Too much")
        self.assertEqual(producer.stops, 1)
        self.client.unregisterProducer()
        self.assertIsNone(self.hop.transport.producer)
        self.assertLost("552 5.3.4 Too much")


class ProducerTests(ClientTestCase):
    """Who sends a message."""

    def test_late(self) -> None:
        """Where the connection is useless it is told to stop at once."""
        producer: Any = Producer()
        self.client.drop()
        self.client.registerProducer(producer)
        self.client.unregisterProducer()
        self.assertEqual(producer.stops, 1)
        self.assertIsNone(self.hop.transport.producer)

    def test_progress(self) -> None:
        """Who takes no more in time is given up."""
        self.client.expectProgress(20)
        self.clock.advance(19)
        self.client.expectProgress(None)
        self.clock.advance(19)
        self.client.expectProgress(20)
        self.clock.advance(19)
        self.assertTrue(self.client.isUsable)
        self.clock.advance(1)
        self.assertLost()


class TLSTests(ClientTestCase):
    """STARTTLS."""

    def start(self) -> Deferred[None]:
        return self.begin(self.client.startTLS("creator"))

    def test_handshake(self) -> None:
        """It is secure when the handshake is done, and nothing is known any more."""
        self.client.offers = Offers({"AUTH": ("PLAIN",)})
        started = self.start()
        self.assertEqual(self.hop.transport.creators, ["creator"])
        self.assertNoResult(started)
        self.assertFalse(self.client.isSecure)
        self.client.handshakeCompleted()
        self.successResultOf(started)
        self.assertTrue(self.client.isSecure)
        self.assertEqual(self.client.offers, Offers({}))
        self.assertTrue(self.client.isUsable)

    def test_slow(self) -> None:
        """The handshake has its time too."""
        started = self.start()
        self.clock.advance(10)
        self.failureResultOf(started, NextHopLost)
        self.client.handshakeCompleted()
        self.assertFalse(self.client.isSecure)

    def test_failed(self) -> None:
        """What it fails with is the cause."""
        started = self.start()
        self.hop.leave(ConnectionLost("bad certificate"))
        error = self.failureResultOf(started, NextHopLost).value
        self.assertIn("bad certificate", str(error.__cause__))

    def test_injected(self) -> None:
        """Nothing may come in clear behind the reply to STARTTLS."""
        for injected in (b"250 injected\r\n", b"25"):
            client = Client(self.clock, 10)
            self.endpoint.hops.append(Hop(client))

            async def secure(client: Client = client) -> None:
                await client.ask(b"STARTTLS")
                await client.startTLS("creator")

            secured = self.begin(secure())
            client.dataReceived(b"220 Go on\r\n" + injected)
            self.failureResultOf(secured, NextHopLost)
            self.assertEqual(self.hop.transport.creators, [])
            self.assertTrue(self.hop.isDropped)


class QuitTests(ClientTestCase):
    """Taking leave."""

    def test_quit(self) -> None:
        """QUIT is said, and the connection closed after the answer, whatever it is."""
        for answer in ("221 Bye", "500 What?", "421 Bye"):
            self.endpoint.hops.append(Hop(Client(self.clock, 10)))
            quitting = self.begin(self.hop.client.quit(5))
            self.assertEqual(self.hop.hear(), b"QUIT\r\n")
            self.assertFalse(self.hop.isDropped)
            self.hop.say(answer)
            self.successResultOf(quitting)
            self.assertTrue(self.hop.isDropped)

    def test_slow(self) -> None:
        """It is not waited for long."""
        quitting = self.begin(self.client.quit(5))
        self.clock.advance(5)
        self.successResultOf(quitting)
        self.assertLost()

    def test_busy(self) -> None:
        """Where somebody waits for something else there is no farewell."""
        asked = self.ask()
        self.hop.hear()
        self.successResultOf(self.begin(self.client.quit(5)))
        self.failureResultOf(asked, SMTPError)
        self.assertEqual(self.hop.hear(), b"")
        self.assertLost()
