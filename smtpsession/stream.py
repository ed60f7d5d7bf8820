# -*- test-case-name: tests.test_stream -*-
"""
The message as a callback reads it, with backpressure.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from smtpsession.errors import (
    DeliveryStopped,
    HeaderTooLarge,
    MessageDiscarded,
    MessageError,
    MessageRefused,
    MessageTooLarge,
)
from smtpsession.limits import Limits

T = TypeVar("T")


class MessageStream:
    """
    A message while it arrives, its transparency dots removed.

    It has one reader at a time and is read once, in one of three ways: C{async for
    chunk in stream}, C{await stream.read()} or C{await stream.deliverTo(consumer)}.
    All fail in the same way: with `MessageTooLarge` or `BareNewline` when the message
    cannot be accepted, with `MessageAborted` when the client has gone.  Who saw the
    stream end has seen the message whole.

    While nobody reads, it holds at most C{limits.streamBuffer} octets and one read of
    the transport; then the client has to wait.

    @ivar byteLength: how many octets have come so far
    @ivar sizeExceeded: whether these are more than C{limits.messageSize}
    @ivar refusal: why the message cannot be accepted, whatever the application says
    """

    def __init__(
        self, limits: Limits, pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        """
        @param pause: called when enough is held
        @param resume: called when there is room again
        """
        self.byteLength = 0
        self.sizeExceeded = False
        self.refusal: MessageRefused | None = None
        self._failure: MessageError | None = None
        self._limits = limits
        self._pause, self._resume = pause, resume
        self._paused = False
        # One piece for all that is held: what an object costs besides its octets is not
        # counted, and a client could send one octet at a time.
        self._held: bytes | bytearray = b""
        self._ended = False
        self._isRead = False
        self._waiting: Deferred[None] | None = None

    # What a callback may call.

    def __aiter__(self) -> MessageStream:
        return self

    async def __anext__(self) -> bytes:
        if self._isRead:
            self._requireNoReader()
        while not self._held:
            if self._isOver():
                raise StopAsyncIteration
            await self._arrival()
        return self._take()

    def read(self, limit: int | None = None) -> Deferred[bytes]:
        """
        The rest of the message, all at once.

        @param limit: how many octets to take at the most; by default what a message
            may have
        @return: fails with `MessageTooLarge` when there are more
        """
        return self._readBy(self._read(limit))

    def deliverTo(self, consumer: Any) -> Deferred[int]:
        """
        Write the rest of the message to a consumer, as fast as that takes it.

        @param consumer: an C{IConsumer}, or anything with C{write(bytes)}
        @return: fires with the number of octets written when the last one is
        """
        return self._readBy(self._deliver(consumer))

    def headers(self) -> Deferred[EmailMessage]:
        """
        The header section, parsed, as soon as it is there.  It stays in the stream:
        what is read afterwards begins with it.

        @return: fails with `HeaderTooLarge`, and so does the stream, when the section
            with its empty line does not fit into C{limits.streamBuffer} octets
        """
        return self._readBy(self._readHeaders())

    def precede(self, octets: bytes) -> None:
        """
        Have these read before what has come and was not read.  They are none of the
        message's, and count nowhere.
        """
        if self._failure is None:
            self._held = octets + self._held

    # What the protocol calls.

    def feed(self, chunk: bytes, isLast: bool = False) -> None:
        """
        The message goes on.

        @param isLast: with this chunk the message is whole
        """
        self.byteLength += len(chunk)
        if self.byteLength > self._limits.messageSize and not self.sizeExceeded:
            self.sizeExceeded = True
            self.fail(MessageTooLarge(self._limits.messageSize))
        if chunk and self._failure is None:
            self._hold(chunk)
        self._ended = isLast
        if chunk or isLast:
            self._wake()
        isFull = len(self._held) >= self._limits.streamBuffer
        if isFull and not (self._paused or isLast):
            self._paused = True
            self._pause()

    def fail(self, failure: MessageError) -> None:
        """The message will not be whole, or cannot be accepted."""
        if isinstance(failure, MessageRefused):
            # Of several reasons the size is told, however the message came in pieces.
            if self.refusal is None or isinstance(failure, MessageTooLarge):
                self.refusal = failure
        if not self._ended:
            self._break(failure)

    def discard(self) -> None:
        """
        The callback has answered: what is left is counted and dropped.  Who still
        reads must not take what there is for the whole message.
        """
        if self._held or not self._ended:
            self._break(MessageDiscarded())

    def _break(self, failure: MessageError) -> None:
        if self._failure is None:
            self._failure = failure
            self._drop()
            self._wake()

    # What is held.

    @property
    def octetsHeld(self) -> int:
        """How many octets have come and were not read."""
        return len(self._held)

    def _hold(self, chunk: bytes) -> None:
        if not self._held:
            self._held = chunk
            return
        if isinstance(self._held, bytes):
            self._held = bytearray(self._held)
        self._held += chunk

    def _take(self) -> bytes:
        chunk = bytes(self._held)
        self._drop()
        return chunk

    def _drop(self) -> None:
        self._held = b""
        if self._paused:
            self._paused = False
            self._resume()

    # Who waits.

    def _isOver(self) -> bool:
        if self._failure is not None:
            raise self._failure
        return self._ended

    def _requireNoReader(self) -> None:
        if self._isRead:
            raise RuntimeError("a MessageStream has one reader at a time")

    def _readBy(self, reader: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Let this reader have the stream until it is done."""
        return Deferred.fromCoroutine(self._exclusively(reader))

    async def _exclusively(self, reader: Coroutine[Any, Any, T]) -> T:
        try:
            self._requireNoReader()
        except RuntimeError:
            reader.close()
            raise
        self._isRead = True
        try:
            return await reader
        finally:
            self._isRead = False

    async def _next(self) -> bytes | None:
        """The next piece, or None at the end of the message."""
        while not self._held:
            if self._isOver():
                return None
            await self._arrival()
        return self._take()

    def _arrival(self) -> Deferred[None]:
        """Fires when a chunk, the end or a failure has come."""
        if self._waiting is not None:
            raise RuntimeError("a MessageStream has one reader at a time")
        self._waiting = Deferred(self._stopWaiting)
        return self._waiting

    def _stopWaiting(self, cancelled: Deferred[None]) -> None:
        self._waiting = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    # The three ways to read, and the header section.

    async def _read(self, limit: int | None) -> bytes:
        chunks, size = [], 0
        while (chunk := await self._next()) is not None:
            chunks.append(chunk)
            size += len(chunk)
            if limit is not None and size > limit:
                raise MessageTooLarge(limit)
        return b"".join(chunks)

    async def _deliver(self, consumer: Any) -> int:
        pace = _Pace()
        registers = IConsumer.providedBy(consumer)
        if registers:
            consumer.registerProducer(pace, True)
        written = 0
        try:
            while (chunk := await self._next()) is not None:
                consumer.write(chunk)
                written += len(chunk)
                await pace.ready()
            # It may have stopped while the message's end was on its way.
            await pace.ready()
        finally:
            if registers:
                consumer.unregisterProducer()
        return written

    async def _readHeaders(self) -> EmailMessage:
        searched = 0
        while (end := _headerEnd(self._held, searched)) is None and not self._isOver():
            if len(self._held) >= self._limits.streamBuffer:
                self.fail(HeaderTooLarge())
            else:
                searched = len(self._held)
                await self._arrival()
        size = len(self._held) + 1 if end is None else end + len("\r\n")
        if size > self._limits.streamBuffer:
            # It has come in larger pieces than the limit is.
            self.fail(HeaderTooLarge())
            raise HeaderTooLarge()
        return BytesHeaderParser(policy=default).parsebytes(bytes(self._held[:end]))


def _headerEnd(held: bytes | bytearray, searched: int) -> int | None:
    """Where the header section ends, if it does, and not before C{searched - 3}."""
    if held.startswith(b"\r\n"):
        return 0
    found = held.find(b"\r\n\r\n", max(searched - 3, 0))
    return None if found < 0 else found + 2


@implementer(IPushProducer)
class _Pace:
    """What a consumer is told to pause and resume."""

    def __init__(self) -> None:
        self._stopped = False
        self._resumption: Deferred[None] | None = None

    async def ready(self) -> None:
        """Return when the consumer takes more."""
        if self._resumption is not None:
            await self._resumption
        if self._stopped:
            raise DeliveryStopped()

    def pauseProducing(self) -> None:
        if self._resumption is None:
            self._resumption = Deferred()

    def resumeProducing(self) -> None:
        resumption, self._resumption = self._resumption, None
        if resumption is not None:
            resumption.callback(None)

    def stopProducing(self) -> None:
        self._stopped = True
        self.resumeProducing()
