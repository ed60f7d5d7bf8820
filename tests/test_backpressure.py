"""
Who is paused when: a client that is faster than the application, and one that does not
take its replies.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import HeaderTooLarge, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c


class MessageTests(SynchronousTestCase):
    """A message that nobody reads does not fill the memory."""

    def setUp(self) -> None:
        self.question = c.Question()
        options = memoryOptions(streamBuffer=1000)
        self.server = MemoryServer(onData=self.question, options=options)
        self.client = c.inMessage(self.server)

    @property
    def stream(self) -> MessageStream:
        """What the message that has begun to come is read from."""
        [(stream, _)] = self.question.asked
        assert isinstance(stream, MessageStream)
        return stream

    def test_pause(self) -> None:
        """
        The client is paused when the stream holds as much as it may, not before.
        """
        self.client.write(b"x" * 999)
        self.assertFalse(self.client.paused)
        self.client.write(b"x")
        self.assertTrue(self.client.paused)

    def test_resume(self) -> None:
        """
        It goes on when that has been read.
        """
        self.client.write(b"x" * 1000)
        self.successResultOf(Deferred.fromCoroutine(self.stream.__anext__()))
        self.assertFalse(self.client.paused)

    def test_whatCameMeanwhile(self) -> None:
        """
        What arrives in spite of the pause is kept for later, in order.
        """
        self.client.write(b"a" * 1000)
        self.client.write(b"b" * 1000)
        self.client.write(b"c" * 10 + b"\r\n.\r\nNOOP\r\n")
        reading = self.stream.read()
        expected = b"a" * 1000 + b"b" * 1000 + b"c" * 10 + b"\r\n"
        self.assertEqual(self.successResultOf(reading), expected)
        self.question.answers[0].callback(None)
        self.assertEqual(self.client.hear(), [c.ACCEPTED, c.OK])

    def test_reader(self) -> None:
        """
        A client whose message is read as it comes is never paused.
        """
        self.client.write(b"x")
        self.stream.read()
        for _ in range(50):
            self.client.write(b"x" * 1000)
            self.assertFalse(self.client.paused)

    def test_overTheLimit(self) -> None:
        """
        A message that is too large anyway is not held, and so pauses nobody.
        """
        options = memoryOptions(streamBuffer=1000, messageSize=10)
        client = c.inMessage(MemoryServer(onData=self.question, options=options))
        client.write(b"x" * 2000)
        self.assertFalse(client.paused)

    def test_slowReader(self) -> None:
        """
        A reader that takes one piece at a time gets the whole message, the client
        paused in between.
        """
        turns: list[Deferred[None]] = []

        async def onData(stream: MessageStream, session: SMTPSession) -> str:
            size = 0
            async for chunk in stream:
                size += len(chunk)
                turn: Deferred[None] = Deferred()
                turns.append(turn)
                await turn
            return f"{size} octets"

        options = memoryOptions(streamBuffer=1000)
        client = c.inMessage(MemoryServer(onData=onData, options=options))
        for _ in range(10):
            client.write(b"x" * 998 + b"\r\n")
        client.write(b".\r\n")
        self.assertTrue(client.paused)
        for number in range(100):
            if number == len(turns):
                break
            turns[number].callback(None)
        self.assertEqual(client.hear(), ["250 2.0.0 10000 octets"])
        self.assertFalse(client.paused)

    def test_headerTooLargeWhilePaused(self) -> None:
        """
        A callback that asks for the header of a message whose header section alone
        fills the stream is told HeaderTooLarge at once, although the rest of the
        message has already arrived.
        """
        self.client.write(b"X: " + b"x" * 1000)
        self.client.write(b"x" * 1000 + b"\r\n\r\n.\r\n")
        self.failureResultOf(self.stream.headers(), HeaderTooLarge)
        self.question.answers[0].callback(None)
        self.assertEqual(self.client.hear(), ["552 5.3.4 Header section too large"])


class ReplyTests(SynchronousTestCase):
    """A client that does not take its replies is not listened to."""

    def setUp(self) -> None:
        self.server = MemoryServer()
        self.client = c.ready(self.server)
        self.producer: Any = self.client.transport.producer

    def test_streaming(self) -> None:
        """
        The protocol is registered with the transport as a push producer.
        """
        self.assertIs(self.producer, self.client.protocol)
        self.assertTrue(self.client.transport.streaming)

    def test_pause(self) -> None:
        """
        When too many replies wait to be taken, commands are not looked at.
        """
        self.producer.pauseProducing()
        self.assertTrue(self.client.paused)
        self.assertEqual(self.client.say("NOOP", "NOOP"), [])

    def test_resume(self) -> None:
        """
        When the client has taken them, it goes on.
        """
        self.producer.pauseProducing()
        self.client.say("NOOP", "NOOP")
        self.producer.resumeProducing()
        self.assertEqual(self.client.hear(), [c.OK, c.OK])
        self.assertFalse(self.client.paused)

    def test_inTheMiddleOfABatch(self) -> None:
        """
        A transport that is full after a write stops what comes next.
        """
        written: list[bytes] = []

        def write(octets: bytes) -> None:
            written.append(octets)
            self.producer.pauseProducing()

        self.patch(self.client.transport, "write", write)
        self.client.write(b"NOOP\r\n")
        self.client.write(b"NOOP\r\n")
        self.assertEqual(len(written), 1)

    def test_manyAtOnce(self) -> None:
        """
        Of many commands that come at once no more are answered than are taken, and
        what waits to be taken counts.
        """
        written: list[bytes] = []

        def write(octets: bytes) -> None:
            written.append(octets)
            self.producer.pauseProducing()

        self.patch(self.client.transport, "write", write)
        self.client.write(b"NOOP\r\n" * 10_000)
        self.assertEqual(len(written), 1)
        self.assertLessEqual(written[0].count(b"\n"), 100)
        self.assertEqual(self.server.factory.octetsHeld, 65_536)

    def test_turns(self) -> None:
        """
        After a thousand commands others have a turn, and then it goes on.
        """
        self.client.write(b"NOOP\r\n" * 2500)
        # A clock that is advanced gives all the turns that are due.
        for expected in (1000, 1500):
            heard = self.client.hear()
            self.assertEqual(heard, [c.OK] * expected)
            self.server.clock.advance(0)
        self.assertEqual(self.client.hear(), [])
        self.assertFalse(self.client.paused)

    def test_gone(self) -> None:
        """
        What a client has asked that is gone, and was paused, is not kept.
        """
        self.producer.pauseProducing()
        self.client.write(b"HELP\r\n" * 5000)
        self.client.leave()
        self.assertEqual(self.client.protocol.lines.takeRest(), b"")

    def test_withAnOpenQuestion(self) -> None:
        """
        With a question open besides, it takes both to go on, in either order.
        """
        for answerFirst in (True, False):
            question = c.Question()
            client = c.withSender(MemoryServer(onRcptTo=question))
            client.say(c.RCPT, "NOOP")
            producer: Any = client.transport.producer
            producer.pauseProducing()
            if answerFirst:
                question.answers[0].callback(None)
                self.assertEqual(client.hear(), [c.RECIPIENT_OK])
                producer.resumeProducing()
                self.assertEqual(client.hear(), [c.OK])
            else:
                producer.resumeProducing()
                self.assertTrue(client.paused)
                question.answers[0].callback(None)
                self.assertEqual(client.hear(), [c.RECIPIENT_OK, c.OK])
            self.assertFalse(client.paused)

    def test_never(self) -> None:
        """
        A client that never takes them is disconnected after the command time-out.
        """
        self.producer.pauseProducing()
        self.server.clock.advance(300)
        self.assertTrue(self.client.closed)
        self.server.clock.advance(30)
        self.assertTrue(self.client.transport.disconnected)

    def test_goneAfterwards(self) -> None:
        """
        A client that goes away while it is paused leaves nothing behind.
        """
        self.producer.pauseProducing()
        self.client.leave()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
