"""
Who may read a message stream: one at a time, and nobody once the callback has answered.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from smtpsession.errors import MessageDiscarded, MessageTooLarge
from smtpsession.stream import MessageStream
from tests.streams import WAYS, StreamTestCase, finish


class OneReaderTests(StreamTestCase):
    """A stream has one reader at a time."""

    MESSAGE = b"Subject: x\r\n\r\nHello.\r\n"

    def test_everyPair(self) -> None:
        """
        Whoever reads while another waits fails at once, and the other gets what it
        would have got.
        """
        for first in WAYS:
            for second in WAYS:
                expected = self.resultOf(first)
                stream = self.streamOf()
                reading = first(stream)
                self.failureResultOf(second(stream), RuntimeError)
                self.arrive(stream)
                self.assertEqual(str(self.successResultOf(reading)), expected)

    def resultOf(self, read: Any) -> str:
        """What a reader gets that is alone."""
        stream = self.streamOf()
        reading = read(stream)
        self.arrive(stream)
        return str(self.successResultOf(reading))

    def arrive(self, stream: MessageStream) -> None:
        """The message arrives in two pieces."""
        stream.feed(self.MESSAGE[:3])
        stream.feed(self.MESSAGE[3:])
        finish(stream)

    def test_nothingIsLost(self) -> None:
        """
        What a refused reader would have read is in what the others read, the first and
        those that come after it.
        """
        for second in WAYS:
            stream = self.streamOf()
            header = stream.headers()
            stream.feed(self.MESSAGE[:5])
            self.failureResultOf(second(stream), RuntimeError)
            stream.feed(self.MESSAGE[5:])
            finish(stream)
            self.assertEqual(self.successResultOf(header)["Subject"], "x")
            self.assertEqual(self.successResultOf(stream.read()), self.MESSAGE)

    def test_betweenTwoChunks(self) -> None:
        """
        A loop that is not waiting now is refused too, while another reader is not done.
        """
        reading = self.stream.read()
        self.stream.feed(b"one")
        self.failureResultOf(self.next(), RuntimeError)
        self.stream.feed(b"two")
        self.failureResultOf(self.next(), RuntimeError)
        finish(self.stream)
        self.assertEqual(self.successResultOf(reading), b"onetwo")

    def test_oneAfterTheOther(self) -> None:
        """
        One that is done, has failed or was cancelled leaves the stream to the next.
        """
        self.stream.feed(self.MESSAGE)
        self.successResultOf(self.stream.headers())
        self.failureResultOf(self.stream.read(limit=1), MessageTooLarge)
        reading = self.stream.read()
        reading.cancel()
        self.failureResultOf(reading, CancelledError)
        self.stream.feed(b"More.\r\n")
        finish(self.stream)
        self.assertEqual(self.successResultOf(self.stream.read()), b"More.\r\n")


class DiscardTests(StreamTestCase):
    """The callback has answered, and somebody reads on."""

    def test_waiting(self) -> None:
        """
        A reader that waits for the rest fails with MessageDiscarded.
        """
        for read in WAYS:
            stream = self.streamOf()
            reading = read(stream)
            stream.discard()
            self.failureResultOf(reading, MessageDiscarded)

    def test_neverACleanEnd(self) -> None:
        """
        Nobody takes a part for the whole message, neither when more comes nor at its
        end.
        """
        chunks, end = self.collect()
        self.stream.feed(b"one")
        self.stream.discard()
        self.failureResultOf(end, MessageDiscarded)
        self.stream.feed(b"two")
        finish(self.stream)
        self.assertEqual(chunks, [b"one"])
        for read in WAYS:
            self.failureResultOf(read(self.stream), MessageDiscarded)

    def test_wholeButUnread(self) -> None:
        """
        So it is with a message that had come whole and was not read to its end.
        """
        for read in WAYS:
            stream = self.streamOf()
            stream.feed(b"whole")
            finish(stream)
            stream.discard()
            self.failureResultOf(read(stream), MessageDiscarded)

    def test_readAll(self) -> None:
        """
        Who had read all sees the end as before.
        """
        self.stream.feed(b"whole")
        finish(self.stream)
        chunks, end = self.collect()
        self.stream.discard()
        self.successResultOf(end)
        self.assertEqual(chunks, [b"whole"])
        self.failureResultOf(self.next(), StopAsyncIteration)
        self.assertEqual(self.successResultOf(self.stream.read()), b"")

    def test_isNoRefusal(self) -> None:
        """
        To discard a message is not to refuse it, but its size counts on.
        """
        stream = self.streamOf(messageSize=10)
        stream.discard()
        self.assertIsNone(stream.refusal)
        stream.feed(b"x" * 11)
        self.assertIsInstance(stream.refusal, MessageTooLarge)
        self.failureResultOf(stream.read(), MessageDiscarded)
