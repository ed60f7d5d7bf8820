# -*- test-case-name: tests.test_bodies -*-
"""
A message as the body of an HTTP request.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.internet.task import Cooperator
from twisted.python.failure import Failure
from twisted.web.client import FileBodyProducer
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer
from zope.interface import implementer

from smtpsession.delivery.patience import Patience
from smtpsession.stream import MessageStream


class Body:
    """
    What a request has for a body.

    @ivar isWhole: all of it has been written
    @ivar failure: why not all of it will be, or None
    @ivar finished: fires when nothing more will be written, in whatever way that ends
    """

    def __init__(self) -> None:
        self.isWhole = False
        self.failure: BaseException | None = None
        self.finished: Deferred[None] = Deferred()

    def _conclude(self, result: Any) -> Any:
        if isinstance(result, Failure):
            self.failure = result.value
        else:
            self.isWhole = True
        return result

    def _finish(self, result: Any = None) -> Any:
        if not self.finished.called:
            self.finished.callback(None)
        return result

    def stopProducing(self) -> None:
        """Nothing more is wanted."""
        raise NotImplementedError


@implementer(IBodyProducer, IConsumer)
class StreamBody(Body):
    """
    A message as it arrives, in chunks, and as fast as the server takes it.

    When the message does not come whole, the request fails without its last chunk, so
    that the server does not take what it has for all of it.

    @ivar length: not known
    """

    length = UNKNOWN_LENGTH

    _consumer: IConsumer
    _delivery: Deferred[int] | None = None

    def __init__(self, stream: MessageStream, trace: bytes, patience: Patience) -> None:
        """
        @param trace: what goes in front of the message
        @param patience: with the server; it has begun
        """
        super().__init__()
        self._stream, self._trace, self._patience = stream, trace, patience
        self._producer: Any = None
        self._isPaused = self._isStopped = False

    # What the request calls, and its transport.

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        self._patience.end()
        self._consumer = consumer
        consumer.write(self._trace)
        self._delivery = delivery = self._stream.deliverTo(self)
        produced: Deferred[None] = Deferred(lambda ignored: delivery.cancel())
        delivery.addBoth(self._conclude).addBoth(self._report, produced)
        delivery.addBoth(self._finish)
        return produced

    def pauseProducing(self) -> None:
        self._isPaused = True
        if not self.finished.called:
            self._patience.begin()
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self._isPaused = False
        if self._producer is not None:
            self._patience.end()
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._isStopped = True
        if self._delivery is not None:
            self._delivery.cancel()

    def _report(self, result: Any, produced: Deferred[None]) -> None:
        if self.isWhole:
            self._patience.begin()
        # Who has stopped it must not be told that it has.
        if not self._isStopped:
            produced.callback(result if self.failure is not None else None)

    # What the stream calls.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer
        if self._isPaused:
            # While TLS shakes hands, there was no room for the trace.
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self._producer = None

    def write(self, chunk: bytes) -> None:
        self._consumer.write(chunk)


class FileBody(Body, FileBodyProducer):
    """
    A message that has come whole, and whose length is known.
    """

    def __init__(self, file: BinaryIO, clock: IReactorTime) -> None:
        """
        @param file: read from where it stands, and closed afterwards
        """
        Body.__init__(self)
        cooperator = Cooperator(scheduler=lambda step: clock.callLater(0, step))
        FileBodyProducer.__init__(self, file, cooperator)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        produced: Deferred[None] = FileBodyProducer.startProducing(self, consumer)
        return produced.addBoth(self._conclude).addBoth(self._finish)

    def stopProducing(self) -> None:
        FileBodyProducer.stopProducing(self)
        self._finish()
