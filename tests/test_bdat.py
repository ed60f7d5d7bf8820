"""
Tests of smtpsession.chunking: messages by BDAT, RFC 3030.

What is said to whom is in the transcripts; here is what becomes of the message.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    MessageAborted,
    MessageStream,
    SMTPEnvelope,
    SMTPError,
    SMTPSession,
)
from smtpsession.results import BadResult
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.conversations import BYE, LOCAL_ERROR, OK, Question, withRecipients
from tests.strategies import chunked

OPENING = (
    b"EHLO c.example.com\r\n"
    b"MAIL FROM:<a@example.com>%b\r\nRCPT TO:<b@example.org>\r\n"
)
NO_MORE = "503 5.5.1 MAIL first"


def chunksOf(pieces: list[bytes]) -> bytes:
    """A message in these parts, the last one of them LAST."""
    heads = [b"BDAT %d\r\n" % len(each) for each in pieces[:-1]]
    heads.append(b"BDAT %d LAST\r\n" % len(pieces[-1]))
    return b"".join(head + piece for head, piece in zip(heads, pieces, strict=True))


def received(octets: list[bytes], **options: Any) -> tuple[list[str], list[bytes]]:
    """What a server says at last to all of this, and the messages that it accepts."""
    server = MemoryServer(options=memoryOptions(**options))
    client = server.connect()
    for chunk in octets:
        client.write(chunk)
    return client.hear()[-1:], [message.content for message in server.messages]


def heard(octets: list[bytes]) -> list[str]:
    """All that a server says to this."""
    client = MemoryServer().connect()
    for chunk in octets:
        client.write(chunk)
    return client.hear()


texts = st.lists(
    st.sampled_from([b"\r\n", b".\r\n", b"a", b"\r", b"\n", b"..", b"\r\n.\r\n"]),
    max_size=12,
).map(b"".join)


class SplittingTests(SynchronousTestCase):
    """A message is the same, however it is cut."""

    @given(chunked(texts), st.data())
    def test_anyCut(self, both, data):
        """By parts of any size, in pieces of any size, it is what it is in one part."""
        content, pieces = both
        for body, bareNewlines in (
            (b"", "refuse"),
            (b"", "normalize"),
            (b" BODY=BINARYMIME", "refuse"),
        ):
            options = {"bareNewlines": bareNewlines}
            opening = OPENING % body
            expected = received([opening + chunksOf([content])], **options)
            parted = opening + chunksOf(pieces)
            self.assertEqual(received([parted], **options)[1], expected[1])
            _, network = data.draw(chunked(st.just(parted)))
            self.assertEqual(received(network, **options)[1], expected[1])
            if body:
                self.assertEqual(expected[1], [content])

    @given(chunked(texts), st.data())
    def test_replies(self, both, data):
        """Each part has its reply, and what is said before and behind is the same."""
        content, pieces = both
        opening, closing = OPENING % b" BODY=BINARYMIME", b"NOOP\r\nQUIT\r\n"
        whole = opening + chunksOf([content]) + closing
        parted = opening + chunksOf(pieces) + closing
        _, network = data.draw(chunked(st.just(parted)))
        expected = heard([whole])
        for octets in ([parted], network, [b"%c" % octet for octet in parted]):
            said = heard(octets)
            parts = [line for line in said if line.endswith(" octets received")]
            self.assertEqual(
                parts,
                [f"250 2.0.0 {len(each)} octets received" for each in pieces[:-1]],
            )
            self.assertEqual([line for line in said if line not in parts], expected)

    @given(texts)
    def test_asByData(self, content):
        """What DATA would take for a message BDAT takes too, and nothing else."""
        content += b"\r\n"
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        opening = OPENING % b""
        byData = received([opening + b"DATA\r\n" + stuffed + b".\r\n"])
        self.assertEqual(received([opening + chunksOf([content])]), byData)


class CallbackTests(SynchronousTestCase):
    """What the application sees of it."""

    def setUp(self) -> None:
        self.events: list[str] = []

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        self.events.append("called")
        try:
            content = await stream.read()
        except (MessageAborted, CancelledError) as error:
            self.events.append(type(error).__name__)
            raise
        self.events.append(content.decode("ascii"))
        return "taken"

    def connect(self, onData: Any = None, **options: Any) -> MemoryClient:
        server = MemoryServer(
            onData=onData or self.onData, options=memoryOptions(**options)
        )
        client = server.connect()
        client.write(OPENING % b"")
        client.hear()
        return client

    def bdat(self, client: MemoryClient, octets: bytes, last: bytes = b"") -> list[str]:
        client.write(b"BDAT %d%b\r\n%b" % (len(octets), last, octets))
        return client.hear()

    def test_once(self) -> None:
        """It is called once, with the first part, and sees the message whole."""
        client = self.connect()
        self.bdat(client, b"a")
        self.bdat(client, b"b")
        self.assertEqual(self.events, ["called"])
        self.assertEqual(self.bdat(client, b"\r\n", b" LAST"), ["250 2.0.0 taken"])
        self.assertEqual(self.events, ["called", "ab\r\n"])
        self.assertEqual(client.session.transaction, 1)

    def test_vanished(self) -> None:
        """From a client that goes away there is no message, whole parts or not."""
        for octets in (b"BDAT 3\r\nabc", b"BDAT 3\r\nab", b"BDAT 3 LAST\r\nab"):
            self.events = []
            client = self.connect()
            client.write(octets)
            client.leave()
            self.assertEqual(self.events, ["called", "MessageAborted"], octets)

    def test_dropped(self) -> None:
        """With RSET there is none either, and the next one is not taken for it."""
        client = self.connect()
        self.bdat(client, b"abc")
        self.assertEqual(client.say("RSET"), ["250 2.0.0 OK"])
        self.assertEqual(self.events, ["called", "MessageAborted"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_droppedByReading(self) -> None:
        """
        A callback whose reading lets the server go on to RSET is cancelled in what it
        waits for then, as any other.
        """
        gate: Deferred[None] = Deferred()
        cancelled: list[object] = []

        async def store(stream: MessageStream, session: SMTPSession) -> None:
            await gate
            async for _ in stream:
                await Deferred(cancelled.append)

        client = self.connect(store, streamBuffer=1000)
        client.write(b"BDAT 1000\r\n" + b"x" * 1000 + b"RSET\r\n")
        self.assertEqual(client.hear(), ["250 2.0.0 1000 octets received"])
        gate.callback(None)
        self.assertEqual(client.hear(), [OK])
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_hungUp(self) -> None:
        """Nor with QUIT, nor where the server hangs up; and that is known at once."""
        for line, reply in (
            ("QUIT", BYE),
            ("BDAT", "421 4.5.0 Cannot tell where the next command begins"),
        ):
            self.events = []
            client = self.connect()
            self.bdat(client, b"abc")
            self.assertEqual(client.say(line), [reply])
            self.assertEqual(self.events, ["called", "MessageAborted"], line)
            self.assertTrue(client.closed)
            client.leave()
            self.assertEqual(self.events, ["called", "MessageAborted"], line)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_answerAfterReset(self) -> None:
        """What a callback answers to a message that was dropped interests nobody."""
        question = Question()
        client = self.connect(question)
        self.bdat(client, b"abc")
        client.say("RSET")
        self.assertEqual(self.bdat(client, b"x"), [NO_MORE])
        client.write((OPENING % b"")[20:])
        client.hear()
        self.bdat(client, b"x")
        self.assertEqual(len(question.asked), 2)
        self.assertEqual(self.bdat(client, b"", b" LAST"), [])
        question.answers[1].callback("the second")
        self.assertEqual(client.hear(), ["250 2.0.0 the second"])

    def test_refusedBetween(self) -> None:
        """
        Who refuses before the end is heard after the next part, not after all; with
        that the transaction is over, and counts.
        """

        def refuse(stream: MessageStream, session: SMTPSession) -> None:
            raise SMTPError(554, "No such mail", "5.7.1")

        client = self.connect(refuse)
        self.assertEqual(self.bdat(client, b"QUIT\r\n"), ["554 5.7.1 No such mail"])
        self.assertEqual(client.session.transaction, 1)
        self.assertEqual(client.session.envelope, SMTPEnvelope())
        self.assertEqual(self.bdat(client, b"QUIT\r\n", b" LAST"), [NO_MORE])
        self.assertEqual(client.session.transaction, 1)

    def test_acceptedBetween(self) -> None:
        """Who accepts before the end is heard after it."""
        client = self.connect(lambda stream, session: "early")
        self.assertEqual(self.bdat(client, b"abc"), ["250 2.0.0 3 octets received"])
        self.assertEqual(self.bdat(client, b"", b" LAST"), ["250 2.0.0 early"])

    def test_late(self) -> None:
        """After the last part the client waits for the answer; commands wait too."""
        answer: Deferred[str] = Deferred()
        client = self.connect(lambda stream, session: answer)
        self.assertEqual(self.bdat(client, b"abc"), ["250 2.0.0 3 octets received"])
        client.write(b"BDAT 0 LAST\r\nNOOP\r\n")
        self.assertEqual(client.hear(), [])
        answer.callback("late")
        self.assertEqual(client.hear(), ["250 2.0.0 late", "250 2.0.0 OK"])

    def test_backpressure(self) -> None:
        """While nobody reads, no more than the stream's buffer is taken."""
        streams: list[MessageStream] = []

        def hold(stream: MessageStream, session: SMTPSession) -> Deferred[None]:
            streams.append(stream)
            return Deferred()

        client = self.connect(hold, streamBuffer=1000)
        client.write(b"BDAT 100000 LAST\r\n" + b"x" * 1000)
        self.assertTrue(client.paused)
        self.assertEqual(streams[0].byteLength, 1000)
        self.assertNoResult(reading := streams[0].read())
        self.assertFalse(client.paused)
        client.leave()
        self.failureResultOf(reading, MessageAborted)

    def test_largePart(self) -> None:
        """Of a part of a megabyte no more is held than the buffer and one read."""
        streams: list[MessageStream] = []

        def hold(stream: MessageStream, session: SMTPSession) -> Deferred[None]:
            streams.append(stream)
            return Deferred()

        client = self.connect(hold, streamBuffer=100_000)
        client.write(b"BDAT 1048576 LAST\r\n")
        for _ in range(16):
            if client.paused:
                break
            client.write(b"x" * 65_536)
        self.assertEqual(streams[0].byteLength, 2 * 65_536)
        client.leave()

    def test_raising(self) -> None:
        """An error of the application is logged and told as 451, and nothing else."""

        def raiseAtOnce(stream: MessageStream, session: SMTPSession) -> None:
            raise RuntimeError("a secret")

        async def raiseAtTheEnd(stream: MessageStream, session: SMTPSession) -> None:
            await stream.read()
            raise RuntimeError("a secret")

        for onData, first, last in (
            (raiseAtOnce, LOCAL_ERROR, NO_MORE),
            (raiseAtTheEnd, "250 2.0.0 1 octets received", LOCAL_ERROR),
        ):
            client = self.connect(onData)
            self.assertEqual(self.bdat(client, b"x"), [first])
            self.assertEqual(self.bdat(client, b"", b" LAST"), [last])
            self.assertEqual(client.say("NOOP"), [OK])
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_wrongResult(self) -> None:
        """An answer that is none is noticed when the message is whole."""
        client = self.connect(lambda stream, session: object())
        self.assertEqual(self.bdat(client, b"x"), ["250 2.0.0 1 octets received"])
        self.assertEqual(self.bdat(client, b"", b" LAST"), [LOCAL_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(BadResult)), 1)

    def test_raisingWhenDropped(self) -> None:
        """Who raises when its message is dropped does no harm to the next one."""

        def cancelled(answer: Deferred[Any]) -> None:
            raise RuntimeError("in the canceller")

        question = Question(cancelled)
        client = self.connect(question)
        self.bdat(client, b"abc")
        self.assertEqual(client.say("RSET"), [OK])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        client.write((OPENING % b"")[20:])
        client.hear()
        self.assertEqual(self.bdat(client, b"x", b" LAST"), [])
        question.answers[1].callback("the second")
        self.assertEqual(client.hear(), ["250 2.0.0 the second"])

    def test_timeouts(self) -> None:
        """Within a part the time is that of a message, between two of a command."""
        for octets, timeout, reply in (
            (b"BDAT 9\r\nabc", 600, "421 4.4.2 Waited too long for the message"),
            (b"BDAT 3\r\nabc", 300, "421 4.4.2 Waited too long for a command"),
        ):
            client = self.connect()
            client.write(octets)
            client.hear()
            clock: Any = client.protocol.clock
            clock.advance(timeout - 1)
            self.assertEqual(client.hear(), [])
            clock.advance(1)
            self.assertEqual(client.hear(), [reply])

    def test_lmtp(self) -> None:
        """Under LMTP the last part has a reply for each recipient, others have one."""
        server = MemoryServer(options=memoryOptions(protocol="lmtp"))
        client = withRecipients(server, count=2)
        self.assertEqual(self.bdat(client, b"a"), ["250 2.0.0 1 octets received"])
        heard = self.bdat(client, b"\r\n", b" LAST")
        self.assertEqual(heard, ["250 2.6.0 Message accepted"] * 2)
        [message] = server.messages
        self.assertEqual(message.content, b"a\r\n")
