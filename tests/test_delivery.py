"""
How a message stream writes to a consumer.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from smtpsession.errors import DeliveryStopped, MessageAborted
from tests.streams import Collector, StreamTestCase, finish


@implementer(IConsumer)
class Consumer(Collector):
    """A consumer that tells its producer what the test wants."""

    producer: Any = None
    events: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.events = []

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer
        self.events.append("registered")

    def unregisterProducer(self) -> None:
        self.producer = None
        self.events.append("unregistered")


class DeliveryTests(StreamTestCase):
    """C{stream.deliverTo(consumer)}."""

    def test_write(self) -> None:
        """
        Anything with write is a consumer, and gets each chunk as it comes.
        """
        collector = Collector()
        delivery = self.stream.deliverTo(collector)
        self.stream.feed(b"one")
        self.assertEqual(collector.chunks, [b"one"])
        self.stream.feed(b"two")
        self.assertNoResult(delivery)
        finish(self.stream)
        self.assertEqual(self.successResultOf(delivery), 6)
        self.assertEqual(collector.chunks, [b"one", b"two"])

    def test_consumer(self) -> None:
        """
        An IConsumer has the stream as its producer until the end.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        self.assertEqual(consumer.events, ["registered"])
        self.stream.feed(b"one")
        finish(self.stream)
        self.assertEqual(self.successResultOf(delivery), 3)
        self.assertEqual(consumer.events, ["registered", "unregistered"])

    def test_pace(self) -> None:
        """
        A consumer that pauses is not written to, and in the end pauses the client.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        consumer.producer.pauseProducing()
        for _ in range(5):
            self.stream.feed(b"x" * 500)
        self.assertEqual(len(consumer.chunks), 1)
        self.assertEqual(self.paces, ["pause"])
        consumer.producer.resumeProducing()
        self.assertEqual(b"".join(consumer.chunks), b"x" * 2500)
        self.assertEqual(self.paces, ["pause", "resume"])
        finish(self.stream)
        self.assertEqual(self.successResultOf(delivery), 2500)

    def test_pausedTwice(self) -> None:
        """
        Pausing twice or resuming without a pause does no harm.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        consumer.producer.resumeProducing()
        consumer.producer.pauseProducing()
        consumer.producer.pauseProducing()
        self.stream.feed(b"x")
        finish(self.stream)
        self.assertNoResult(delivery)
        consumer.producer.resumeProducing()
        self.assertEqual(self.successResultOf(delivery), 1)

    def test_stopped(self) -> None:
        """
        A consumer that stops its producer ends the delivery with DeliveryStopped.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        consumer.producer.stopProducing()
        self.stream.feed(b"x")
        self.failureResultOf(delivery, DeliveryStopped)
        self.assertEqual(consumer.events, ["registered", "unregistered"])

    def test_stoppedWhilePaused(self) -> None:
        """
        So does one that had paused it.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        consumer.producer.pauseProducing()
        self.stream.feed(b"x")
        consumer.producer.stopProducing()
        self.failureResultOf(delivery, DeliveryStopped)

    def test_stoppedBeforeTheEnd(self) -> None:
        """
        So does one that stops it after the last piece, when the message's end is still
        to come, and also where it had paused it.
        """
        for calls in (["stopProducing"], ["pauseProducing", "stopProducing"]):
            stream, consumer = self.streamOf(), Consumer()
            delivery = stream.deliverTo(consumer)
            stream.feed(b"all")
            for call in calls:
                getattr(consumer.producer, call)()
            finish(stream)
            self.failureResultOf(delivery, DeliveryStopped)
            self.assertEqual(consumer.events, ["registered", "unregistered"])

    def test_pausedBeforeTheEnd(self) -> None:
        """
        One that pauses then is waited for, and nothing is wrong.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        self.stream.feed(b"all")
        consumer.producer.pauseProducing()
        finish(self.stream)
        self.assertNoResult(delivery)
        consumer.producer.resumeProducing()
        self.assertEqual(self.successResultOf(delivery), 3)

    def test_aborted(self) -> None:
        """
        When the client goes away, the consumer gets rid of its producer.
        """
        consumer = Consumer()
        delivery = self.stream.deliverTo(consumer)
        self.stream.feed(b"x")
        self.stream.fail(MessageAborted())
        self.failureResultOf(delivery, MessageAborted)
        self.assertEqual(consumer.events, ["registered", "unregistered"])

    def test_brokenConsumer(self) -> None:
        """
        What write raises comes out of the delivery.
        """

        class Broken(Collector):
            def write(self, chunk: bytes) -> None:
                raise OSError("disk full")

        delivery = self.stream.deliverTo(Broken())
        self.stream.feed(b"x")
        self.failureResultOf(delivery, OSError)

    def test_rest(self) -> None:
        """
        After headers(), the delivery begins with the header section.
        """
        collector = Collector()
        self.stream.feed(b"Subject: x\r\n\r\nHello.\r\n")
        finish(self.stream)
        self.successResultOf(self.stream.headers())
        self.successResultOf(self.stream.deliverTo(collector))
        self.assertEqual(b"".join(collector.chunks), b"Subject: x\r\n\r\nHello.\r\n")
