"""
Tests of smtpsession.stream: a message stream by itself.

Its header section is in test_headers, how it writes to a consumer in test_delivery, and
who may read it in test_readers; how it holds up a connection is in test_backpressure.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from smtpsession.errors import (
    BareNewline,
    MessageAborted,
    MessageDiscarded,
    MessageTooLarge,
)
from tests.streams import WAYS, StreamTestCase, finish


class IterationTests(StreamTestCase):
    """C{async for chunk in stream}."""

    def test_asItArrives(self) -> None:
        """
        Chunks are handed out when they arrive, and the loop ends with the message.
        """
        chunks, end = self.collect()
        self.stream.feed(b"one\r\n")
        self.assertEqual(chunks, [b"one\r\n"])
        self.stream.feed(b"two\r\n")
        self.assertEqual(chunks, [b"one\r\n", b"two\r\n"])
        self.assertNoResult(end)
        finish(self.stream)
        self.successResultOf(end)

    def test_whatIsThere(self) -> None:
        """
        What arrived before anybody reads is there, and nothing of it is lost.
        """
        for _ in range(3):
            self.stream.feed(b"x" * 300)
        finish(self.stream)
        chunks, end = self.collect()
        self.successResultOf(end)
        self.assertEqual(b"".join(chunks), b"x" * 900)

    def test_empty(self) -> None:
        """
        An empty message has no chunks.
        """
        finish(self.stream)
        chunks, end = self.collect()
        self.successResultOf(end)
        self.assertEqual(chunks, [])

    def test_noEmptyChunks(self) -> None:
        """
        No chunk is empty.
        """
        chunks, _ = self.collect()
        self.stream.feed(b"")
        self.assertEqual(chunks, [])

    def test_precede(self) -> None:
        """
        Octets may be put in front of what was not read, and are not counted.
        """
        self.stream.feed(b"abc")
        self.stream.feed(b"def")
        self.stream.precede(b"> ")
        self.assertEqual(self.stream.byteLength, 6)
        finish(self.stream)
        self.assertEqual(self.successResultOf(self.stream.read()), b"> abcdef")

    def test_precedeNothing(self) -> None:
        """
        In front of an empty message too; not where nothing can be read any more.
        """
        self.stream.precede(b"> ")
        finish(self.stream)
        self.assertEqual(self.successResultOf(self.stream.read()), b"> ")
        failed = self.streamOf()
        failed.fail(MessageAborted())
        failed.precede(b"> ")
        self.failureResultOf(failed.read(), MessageAborted)

    def test_again(self) -> None:
        """
        After its end the stream stays at its end.
        """
        finish(self.stream)
        for _ in range(2):
            chunks, end = self.collect()
            self.successResultOf(end)
            self.assertEqual(chunks, [])

    def test_cancelled(self) -> None:
        """
        A reader that is cancelled loses nothing for the next one.
        """
        first = self.next()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.stream.feed(b"kept")
        self.assertEqual(self.successResultOf(self.next()), b"kept")


class FailureTests(StreamTestCase):
    """Why reading fails."""

    def test_everyWay(self) -> None:
        """
        Every way to read fails with the failure of the stream, when it comes and when
        it was there before.
        """
        for failure in (MessageAborted(), MessageTooLarge(5), BareNewline()):
            for read in WAYS:
                stream = self.streamOf()
                reading = read(stream)
                stream.fail(failure)
                self.failureResultOf(reading, type(failure))
                self.failureResultOf(read(stream), type(failure))

    def test_heldIsDropped(self) -> None:
        """
        What has not been read is dropped with the failure.
        """
        self.stream.feed(b"x")
        self.stream.fail(MessageAborted())
        self.failureResultOf(self.next(), MessageAborted)

    def test_afterTheEnd(self) -> None:
        """
        A message that has come whole cannot fail any more.
        """
        self.stream.feed(b"whole")
        finish(self.stream)
        self.stream.fail(MessageAborted())
        self.assertEqual(self.successResultOf(self.stream.read()), b"whole")

    def test_theFirst(self) -> None:
        """
        The first failure stays.
        """
        self.stream.fail(BareNewline())
        self.stream.fail(MessageAborted())
        self.failureResultOf(self.next(), BareNewline)

    def test_refusal(self) -> None:
        """
        A message that must be refused has a refusal, one whose client went away does
        not.
        """
        self.assertIsNone(self.stream.refusal)
        for failure, refused in ((BareNewline(), True), (MessageAborted(), False)):
            stream = self.streamOf()
            stream.fail(failure)
            self.assertEqual(stream.refusal is not None, refused)


class SizeTests(StreamTestCase):
    """byteLength and sizeExceeded."""

    def test_byteLength(self) -> None:
        """
        byteLength counts what has come, read or not.
        """
        self.assertEqual(self.stream.byteLength, 0)
        self.stream.feed(b"x" * 300)
        self.next()
        self.stream.feed(b"y" * 30)
        self.assertEqual(self.stream.byteLength, 330)

    def test_sizeExceeded(self) -> None:
        """
        Over the limit the stream says so and reading fails with MessageTooLarge.
        """
        stream = self.streamOf(messageSize=10)
        stream.feed(b"x" * 10)
        self.assertFalse(stream.sizeExceeded)
        reading = stream.read()
        stream.feed(b"x")
        self.assertTrue(stream.sizeExceeded)
        failure = self.failureResultOf(reading, MessageTooLarge)
        self.assertEqual(failure.value.limit, 10)
        self.assertEqual(failure.value.reply.code, 552)

    def test_countsOn(self) -> None:
        """
        byteLength goes on counting over the limit, and nothing is held.
        """
        stream = self.streamOf(messageSize=10, streamBuffer=100)
        for _ in range(1000):
            stream.feed(b"x" * 1000)
        self.assertEqual(stream.byteLength, 1_000_000)
        self.assertEqual(self.paces, [])


class ReadTests(StreamTestCase):
    """C{stream.read()}."""

    def test_whole(self) -> None:
        """
        read gives the whole message, once it is there.
        """
        reading = self.stream.read()
        self.stream.feed(b"one\r\n")
        self.stream.feed(b"two\r\n")
        self.assertNoResult(reading)
        finish(self.stream)
        self.assertEqual(self.successResultOf(reading), b"one\r\ntwo\r\n")

    def test_rest(self) -> None:
        """
        After some chunks were taken, it gives the rest.
        """
        self.stream.feed(b"one\r\n")
        self.next()
        self.stream.feed(b"two\r\n")
        finish(self.stream)
        self.assertEqual(self.successResultOf(self.stream.read()), b"two\r\n")

    def test_limit(self) -> None:
        """
        read takes as much as it is told to take at the most, and fails beyond.
        """
        self.stream.feed(b"12345")
        finish(self.stream)
        self.assertEqual(self.successResultOf(self.stream.read(limit=5)), b"12345")
        stream = self.streamOf()
        reading = stream.read(limit=4)
        stream.feed(b"12345")
        self.failureResultOf(reading, MessageTooLarge)

    def test_limitIsNoRefusal(self) -> None:
        """
        A limit of the reader's own does not make the message unacceptable.
        """
        self.stream.feed(b"12345")
        self.failureResultOf(self.stream.read(limit=4), MessageTooLarge)
        self.assertIsNone(self.stream.refusal)

    def test_noPause(self) -> None:
        """
        While somebody reads, nobody is paused for long.
        """
        self.stream.read()
        self.stream.feed(b"x" * 5000)
        self.assertIn(self.paces, ([], ["pause", "resume"]))


class BackpressureTests(StreamTestCase):
    """When the stream asks for a pause, and when to go on."""

    def test_pause(self) -> None:
        """
        It asks for a pause once, when it holds what it may.
        """
        self.stream.feed(b"x" * 999)
        self.assertEqual(self.paces, [])
        self.stream.feed(b"x")
        self.stream.feed(b"x")
        self.assertEqual(self.paces, ["pause"])

    def test_resume(self) -> None:
        """
        It goes on when that is read, in one piece whatever the pieces were.
        """
        self.stream.feed(b"x" * 5000)
        self.stream.feed(b"y" * 5000)
        self.assertEqual(self.paces, ["pause"])
        piece = self.successResultOf(self.next())
        self.assertEqual(piece, b"x" * 5000 + b"y" * 5000)
        self.assertEqual(self.paces, ["pause", "resume"])

    def test_discard(self) -> None:
        """
        When nobody will read any more, it goes on and holds nothing.
        """
        self.stream.feed(b"x" * 1000)
        self.stream.discard()
        self.stream.feed(b"x" * 5000)
        self.assertEqual(self.paces, ["pause", "resume"])
        self.assertEqual(self.stream.byteLength, 6000)

    def test_failure(self) -> None:
        """
        A failure lets it go on.
        """
        self.stream.feed(b"x" * 1000)
        self.stream.fail(MessageAborted())
        self.assertEqual(self.paces, ["pause", "resume"])

    def test_smallChunks(self) -> None:
        """
        A message that comes octet by octet is held in few pieces.
        """
        for _ in range(900):
            self.stream.feed(b"x")
        finish(self.stream)
        chunks, _ = self.collect()
        self.assertEqual(b"".join(chunks), b"x" * 900)
        self.assertLess(len(chunks), 5)

    def test_discardedBeforeItWasRead(self) -> None:
        """
        When the callback answers, a message that has come whole and was not read is
        gone: who then reads is told so, and sees no empty one.
        """
        self.stream.feed(b"Hello.\r\n", isLast=True)
        self.stream.discard()
        self.failureResultOf(self.stream.read(), MessageDiscarded)

    def test_discardedAfterItWasRead(self) -> None:
        """
        Who has read it to its end may look again.
        """
        self.stream.feed(b"Hello.\r\n", isLast=True)
        self.assertEqual(self.successResultOf(self.stream.read()), b"Hello.\r\n")
        self.stream.discard()
        self.assertEqual(self.successResultOf(self.stream.read()), b"")
