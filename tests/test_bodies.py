"""
Tests of smtpsession.delivery.bodies.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface.verify import verifyObject

from smtpsession import MessageAborted
from smtpsession.delivery.bodies import FileBody, StreamBody
from smtpsession.delivery.patience import Patience
from tests.deliveries import newStream
from tests.streams import Collector, finish


class StreamBodyTests(SynchronousTestCase):
    """A message that arrives, for a server that has ten seconds each time."""

    def setUp(self) -> None:
        self.paces: list[str] = []
        self.stream = newStream(
            pause=lambda: self.paces.append("pause"),
            resume=lambda: self.paces.append("resume"),
            streamBuffer=1000,
        )
        self.clock = Clock()
        self.patience = Patience(self.clock, 10)
        self.patience.begin()
        self.body = StreamBody(self.stream, b"trace\r\n", self.patience)
        self.consumer: Any = Collector()

    def written(self) -> bytes:
        return b"".join(self.consumer.chunks)

    def assertTurn(self, isServers: bool) -> None:
        """It is the server's turn, or that of the client."""
        self.assertEqual(len(self.clock.getDelayedCalls()), int(isServers))

    def test_interface(self) -> None:
        """
        It is what a request wants for a body.
        """
        verifyObject(IBodyProducer, self.body)
        self.assertEqual(self.body.length, UNKNOWN_LENGTH)

    def test_whole(self) -> None:
        """
        The trace comes first and then the message, as it arrives.
        """
        produced = self.body.startProducing(self.consumer)
        self.assertEqual(self.written(), b"trace\r\n")
        self.stream.feed(b"one")
        self.assertEqual(self.written(), b"trace\r\none")
        self.assertFalse(self.body.isWhole)
        self.assertNoResult(produced)
        self.assertNoResult(self.body.finished)
        finish(self.stream)
        self.successResultOf(produced)
        self.successResultOf(self.body.finished)
        self.assertTrue(self.body.isWhole)
        self.assertIsNone(self.body.failure)

    def test_atOnce(self) -> None:
        """
        A message may be there already.
        """
        self.stream.feed(b"all", isLast=True)
        self.successResultOf(self.body.startProducing(self.consumer))
        self.assertEqual(self.written(), b"trace\r\nall")

    def test_pace(self) -> None:
        """
        A server that does not read makes the client wait.
        """
        self.body.startProducing(self.consumer)
        self.body.pauseProducing()
        for _ in range(5):
            self.stream.feed(b"x" * 500)
        self.assertEqual(self.paces, ["pause"])
        self.body.resumeProducing()
        self.assertEqual(self.paces, ["pause", "resume"])
        self.assertEqual(self.written(), b"trace\r\n" + b"x" * 2500)

    def test_pausedAtOnce(self) -> None:
        """
        There may be no room from the first octet on.
        """

        class Full(Collector):
            def write(consumer, chunk: bytes) -> None:
                super().write(chunk)
                if len(consumer.chunks) == 1:
                    self.body.pauseProducing()

        self.consumer = Full()
        self.body.startProducing(self.consumer)
        self.stream.feed(b"one")
        self.stream.feed(b"two")
        # One piece is on its way before the pace is looked at.
        self.assertEqual(self.written(), b"trace\r\none")
        self.assertTurn(True)
        self.body.resumeProducing()
        self.assertEqual(self.written(), b"trace\r\nonetwo")

    def test_turns(self) -> None:
        """
        The server's time is counted until it wants the body, while it does not take
        it, and after its end.
        """
        self.assertTurn(True)
        self.body.startProducing(self.consumer)
        self.assertTurn(False)
        self.body.pauseProducing()
        self.assertTurn(True)
        self.body.resumeProducing()
        self.assertTurn(False)
        finish(self.stream)
        self.assertTurn(True)
        self.patience.end()
        self.body.pauseProducing()
        self.body.resumeProducing()
        self.assertTurn(False)

    def test_failed(self) -> None:
        """
        A message that does not come whole fails the request.
        """
        produced = self.body.startProducing(self.consumer)
        failure = MessageAborted()
        self.stream.fail(failure)
        self.failureResultOf(produced, MessageAborted)
        self.successResultOf(self.body.finished)
        self.assertIs(self.body.failure, failure)
        self.assertFalse(self.body.isWhole)
        self.assertTurn(False)

    def test_cancelled(self) -> None:
        """
        So it does where the request is cancelled.
        """
        produced = self.body.startProducing(self.consumer)
        produced.cancel()
        self.failureResultOf(produced, CancelledError)
        self.successResultOf(self.body.finished)
        self.stream.feed(b"more")
        self.assertEqual(self.written(), b"trace\r\n")

    def test_stopped(self) -> None:
        """
        Who stops it is told nothing more.
        """
        produced = self.body.startProducing(self.consumer)
        self.body.stopProducing()
        self.body.stopProducing()
        self.stream.feed(b"more", isLast=True)
        self.assertNoResult(produced)
        self.successResultOf(self.body.finished)
        self.assertFalse(self.body.isWhole)

    def test_stoppedBefore(self) -> None:
        """
        It can be stopped before it has begun.
        """
        self.body.stopProducing()


class FileBodyTests(SynchronousTestCase):
    """A message in a file."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.file = BytesIO(b"x" * 100_000)
        self.body = FileBody(self.file, self.clock)
        self.consumer: Any = Collector()

    def test_whole(self) -> None:
        """
        Its length is known, and it is sent piece by piece, as the server takes it.
        """

        class Slow(Collector):
            def write(consumer, chunk: bytes) -> None:
                super().write(chunk)
                self.body.pauseProducing()

        verifyObject(IBodyProducer, self.body)
        self.assertEqual(self.body.length, 100_000)
        self.consumer = Slow()
        produced = self.body.startProducing(self.consumer)
        for pieces in (1, 2):
            self.clock.advance(0)
            self.assertEqual(len(self.consumer.chunks), pieces)
            self.assertFalse(self.body.isWhole)
            self.assertNoResult(produced)
            self.body.resumeProducing()
        self.clock.advance(0)
        self.successResultOf(produced)
        self.successResultOf(self.body.finished)
        self.assertTrue(self.body.isWhole)
        self.assertEqual(b"".join(self.consumer.chunks), b"x" * 100_000)

    def test_stopped(self) -> None:
        """
        It may be stopped.
        """
        produced = self.body.startProducing(self.consumer)
        self.body.stopProducing()
        self.clock.advance(0)
        self.assertNoResult(produced)
        self.successResultOf(self.body.finished)
        self.assertFalse(self.body.isWhole)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failed(self) -> None:
        """
        A file that cannot be read fails the request.
        """
        produced = self.body.startProducing(self.consumer)
        self.file.close()
        self.clock.advance(0)
        self.failureResultOf(produced, ValueError)
        self.assertIsInstance(self.body.failure, ValueError)
        self.successResultOf(self.body.finished)
