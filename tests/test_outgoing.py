"""
Tests of smtpsession.delivery.outgoing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from twisted.internet.defer import Deferred

from smtpsession import BareNewline, MessageAborted, MessageTooLarge
from smtpsession.body import DotDecoder
from smtpsession.delivery.client import Client
from smtpsession.delivery.outgoing import DotEncoder, sendChunks, sendData
from smtpsession.delivery.relaying import NextHopLost, Offers
from smtpsession.replies import Reply
from tests.cases import TableTestCase, cuts
from tests.nexthops import Hop, HopTestCase
from tests.strategies import chunked, dottedOctets
from tests.streams import finish
from tests.test_maildir import newStream

MESSAGES = [
    ("empty", b"", b".\r\n"),
    ("a line", b"a\r\n", b"a\r\n.\r\n"),
    ("a line without an end", b"a", b"a\r\n.\r\n"),
    ("a dot", b".", b"..\r\n.\r\n"),
    ("a dot in front", b".a\r\n", b"..a\r\n.\r\n"),
    ("a dot alone", b".\r\n", b"..\r\n.\r\n"),
    ("an end within", b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
    ("two dots", b"a\r\n..\r\n", b"a\r\n...\r\n.\r\n"),
    ("a dot elsewhere", b"a.b\r\nc.\r\n", b"a.b\r\nc.\r\n.\r\n"),
    ("empty lines", b"\r\n\r\n", b"\r\n\r\n.\r\n"),
    ("only dots", b"\r\n.\r\n.\r\n.", b"\r\n..\r\n..\r\n..\r\n.\r\n"),
]


def encode(chunks: list[bytes]) -> bytes:
    encoder = DotEncoder()
    return b"".join(map(encoder.feed, chunks)) + encoder.finish()


class DotEncoderTests(TableTestCase):
    """A message as DATA carries it."""

    def test_messages(self) -> None:
        """However it is cut, its lines get their dots."""
        for name, message, expected in MESSAGES:
            for how, chunks in cuts(message):
                self.assertEqual(encode(chunks), expected, f"{name}, {how}")

    def test_inverse(self) -> None:
        """Who takes the dots out has the message, with an end to its last line."""
        for name, message, encoded in MESSAGES:
            payload, rest = DotDecoder().feed(encoded)
            self.assertEqual(rest, b"", name)
            self.assertEqual(payload, _ended(message), name)

    @given(chunked(dottedOctets))
    def test_anyMessage(self, whole):
        """So it is for any message of a stream, and nothing ends it early."""
        _, chunks = whole
        # No chunk of a stream ends between a CR and its LF, nor has one without other.
        chunks = [each.replace(b"\r", b"").replace(b"\n", b"\r\n") for each in chunks]
        payload, rest = DotDecoder().feed(encode(chunks) + b"QUIT\r\n")
        self.assertEqual((payload, rest), (_ended(b"".join(chunks)), b"QUIT\r\n"))


def _ended(message: bytes) -> bytes:
    """A message as a server has it that has got it by DATA."""
    return message if not message or message.endswith(b"\r\n") else message + b"\r\n"


class SendingTestCase(HopTestCase):
    """A message on its way."""

    send: Any = staticmethod(sendData)

    def setUp(self) -> None:
        super().setUp()
        self.client = Client(self.clock, 10)
        self.client.offers = Offers({"8BITMIME": ()})
        self.endpoint.hops.append(Hop(self.client))
        self.stream = newStream(messageSize=100_000)

    def start(self, trace: bytes = b"Trace: x\r\n", count: int = 1) -> Deferred[Any]:
        return self.begin(self.send(self.client, self.stream, trace, count, 20))

    def begun(self, **arguments: Any) -> Deferred[Any]:
        """The message may come."""
        sending = self.start(**arguments)
        self.assertEqual(self.hop.hear(), b"DATA\r\n")
        self.hop.say("354 Go on")
        return sending


class DataTests(SendingTestCase):
    """By DATA."""

    def test_message(self) -> None:
        """
        The trace goes in front, then the message as it comes, then the end, and then
        the reply is waited for.
        """
        sending = self.begun()
        self.assertEqual(self.hop.hear(), b"Trace: x\r\n")
        self.stream.feed(b"Subject: x\r\n\r\n")
        self.assertEqual(self.hop.hear(), b"Subject: x\r\n\r\n")
        self.stream.feed(b".\r\nHello")
        self.assertEqual(self.hop.hear(), b"..\r\nHello")
        finish(self.stream)
        self.assertEqual(self.hop.hear(), b"\r\n.\r\n")
        self.assertNoResult(sending)
        self.hop.say("250 2.0.0 Q1")
        self.assertEqual(self.successResultOf(sending), [Reply(250, "Q1", "2.0.0")])
        self.assertTrue(self.client.isUsable)

    def test_several(self) -> None:
        """LMTP has several replies."""
        sending = self.begun(count=2)
        finish(self.stream)
        self.hop.say("250 a", "550 b")
        replies = self.successResultOf(sending)
        self.assertEqual(replies, [Reply(250, "a"), Reply(550, "b")])

    def test_refused(self) -> None:
        """DATA is refused, and no octet of the message is sent."""
        sending = self.start()
        self.hop.hear()
        self.stream.feed(b"Hello")
        self.hop.say("451 4.3.0 Not now")
        self.assertEqual(self.told(sending), "451 4.3.0 Not now")
        self.assertEqual(self.hop.hear(), b"")

    def test_notAsked(self) -> None:
        """So it is where the next hop says that it has it already."""
        sending = self.start()
        self.hop.hear()
        self.hop.say("250 OK")
        self.failureResultOf(sending, NextHopLost)
        self.assertEqual(self.hop.hear(), b"")

    def test_notWhole(self) -> None:
        """A message that does not come whole is not ended."""
        for error in (MessageAborted(), MessageTooLarge(1), BareNewline()):
            self.stream = newStream()
            sending = self.begun()
            self.stream.feed(b"Hello\r\n")
            self.hop.hear()
            self.stream.fail(error)
            self.failureResultOf(sending, type(error))
            self.assertEqual(self.hop.hear(), b"")
            self.assertIsNone(self.hop.transport.producer)

    def test_slowReply(self) -> None:
        """The last reply has its own time."""
        sending = self.begun()
        finish(self.stream)
        self.clock.advance(19)
        self.assertNoResult(sending)
        self.clock.advance(1)
        self.failureResultOf(sending, NextHopLost)

    def test_slowClient(self) -> None:
        """How long our client takes is not for us to say."""
        sending = self.begun()
        self.clock.advance(1000)
        self.assertNoResult(sending)
        finish(self.stream)
        self.hop.say("250 OK")
        self.successResultOf(sending)


class EarlyEndTests(SendingTestCase):
    """The next hop does not wait for the end."""

    def test_lost(self) -> None:
        """It leaves in the middle."""
        sending = self.begun()
        self.hop.leave()
        self.stream.feed(b"Hello\r\n")
        self.failureResultOf(sending, NextHopLost)

    def test_refused(self) -> None:
        """It says in the middle that it takes no more, for good or not."""
        for said, told in (
            ("552 5.3.4 Too much", "552 5.3.4 Too much"),
            ("421 4.3.2 Closing", "451 4.3.2 Closing"),
            ("250 OK", "451 4.4.2 Connection to the next hop lost"),
        ):
            self.client = Client(self.clock, 10)
            self.endpoint.hops.append(Hop(self.client))
            self.stream = newStream()
            sending = self.begun()
            self.stream.feed(b"Hello\r\n")
            self.hop.hear()
            self.hop.say(said)
            self.stream.feed(b"Hello\r\n")
            self.assertEqual(self.told(sending), told)
            self.assertTrue(self.hop.isDropped)
            self.assertEqual(self.hop.hear(), b"")

    def test_beforeTheEnd(self) -> None:
        """So it is where nothing but the end is missing."""
        sending = self.begun()
        self.hop.hear()
        self.hop.say("250 OK")
        finish(self.stream)
        self.failureResultOf(sending, NextHopLost)
        self.assertEqual(self.hop.hear(), b"")

    def test_stopped(self) -> None:
        """The transport knows before us that the connection is gone."""
        sending = self.begun()
        self.hop.producer.stopProducing()
        self.hop.hear()
        self.stream.feed(b"Hello\r\n")
        self.failureResultOf(sending, NextHopLost)
        self.assertEqual(self.hop.hear(), b"Hello\r\n")
        self.assertTrue(self.hop.isDropped)


class PaceTests(SendingTestCase):
    """No more is taken from our client than the next hop takes."""

    def test_pause(self) -> None:
        """The stream is not read while the connection is full."""
        sending = self.begun()
        self.hop.hear()
        self.assertTrue(self.hop.transport.streaming)
        producer = self.hop.producer
        producer.pauseProducing()
        self.stream.feed(b"one\r\n")
        self.assertEqual(self.hop.hear(), b"one\r\n")
        self.stream.feed(b"two\r\n")
        self.assertEqual(self.hop.hear(), b"")
        producer.resumeProducing()
        self.assertEqual(self.hop.hear(), b"two\r\n")
        finish(self.stream)
        self.hop.say("250 OK")
        self.successResultOf(sending)

    def test_tooLong(self) -> None:
        """A connection that stays full is given up."""
        sending = self.begun()
        self.hop.producer.pauseProducing()
        self.stream.feed(b"one\r\n")
        self.clock.advance(20)
        self.failureResultOf(sending, NextHopLost)
        self.assertTrue(self.hop.isDropped)

    def test_resumed(self) -> None:
        """One that goes on in time is not."""
        sending = self.begun()
        for _ in range(3):
            self.hop.producer.pauseProducing()
            self.clock.advance(19)
            self.hop.producer.resumeProducing()
        finish(self.stream)
        self.hop.say("250 OK")
        self.successResultOf(sending)


class EightBitTests(SendingTestCase):
    """Octets beyond ASCII."""

    MESSAGE = "Grüße\r\n".encode()

    def test_offered(self) -> None:
        """They go to who takes them, declared or not."""
        self.begun()
        self.hop.hear()
        self.stream.feed(self.MESSAGE)
        self.assertEqual(self.hop.hear(), self.MESSAGE)

    def test_notOffered(self) -> None:
        """They do not go to who has not said so: nobody here converts them."""
        self.client.offers = Offers({})
        sending = self.begun()
        self.stream.feed(b"Hello\r\n")
        self.hop.hear()
        self.stream.feed(self.MESSAGE)
        self.assertEqual(
            self.told(sending), "554 5.6.3 Next hop does not take this body type"
        )
        self.assertEqual(self.hop.hear(), b"")

    def test_trace(self) -> None:
        """So it is with those of the trace: what follows is not sent by itself."""
        self.client.offers = Offers({})
        sending = self.begun(trace=self.MESSAGE)
        self.stream.feed(b"Hello\r\n", isLast=True)
        self.assertEqual(
            self.told(sending), "554 5.6.3 Next hop does not take this body type"
        )
        self.assertEqual(self.hop.hear(), b"")


class ChunkTests(SendingTestCase):
    """By BDAT."""

    send = staticmethod(sendChunks)

    def test_message(self) -> None:
        """
        A chunk goes when the one before it was answered, the trace with the first of
        them, and the last one is empty.
        """
        sending = self.start()
        self.assertEqual(self.hop.hear(), b"")
        self.stream.feed(b"\r.\n")
        self.assertEqual(self.hop.hear(), b"BDAT 13\r\nTrace: x\r\n\r.\n")
        self.stream.feed(b"two")
        self.assertEqual(self.hop.hear(), b"")
        self.hop.say("250 OK")
        self.assertEqual(self.hop.hear(), b"BDAT 3\r\ntwo")
        finish(self.stream)
        self.hop.say("250 OK")
        self.assertEqual(self.hop.hear(), b"BDAT 0 LAST\r\n")
        self.hop.say("250 Q1")
        self.assertEqual(self.successResultOf(sending), [Reply(250, "Q1")])

    def test_empty(self) -> None:
        """A message of no octets has its trace."""
        sending = self.start(count=2)
        finish(self.stream)
        self.assertEqual(self.hop.hear(), b"BDAT 10 LAST\r\nTrace: x\r\n")
        self.hop.say("250 a", "250 b")
        self.assertEqual(len(self.successResultOf(sending)), 2)

    def test_refused(self) -> None:
        """One chunk that is refused is the end of it."""
        sending = self.start()
        self.stream.feed(b"one")
        self.hop.hear()
        self.hop.say("552 5.3.4 Too much")
        self.assertEqual(self.told(sending), "552 5.3.4 Too much")
        self.stream.feed(b"two")
        self.assertEqual(self.hop.hear(), b"")

    def test_notWhole(self) -> None:
        """A message that does not come whole has no last chunk."""
        sending = self.start()
        self.stream.feed(b"one")
        self.hop.hear()
        self.hop.say("250 OK")
        self.stream.fail(MessageAborted())
        self.failureResultOf(sending, MessageAborted)
        self.assertEqual(self.hop.hear(), b"")

    def test_slow(self) -> None:
        """Each chunk has the time of a message."""
        sending = self.start()
        self.stream.feed(b"one")
        self.clock.advance(20)
        self.failureResultOf(sending, NextHopLost)
