"""
Message streams by themselves, fed by a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.options import ServerOptions
from smtpsession.stream import MessageStream


def finish(stream: MessageStream) -> None:
    """The message has come to its end."""
    stream.feed(b"", isLast=True)


class StreamTestCase(SynchronousTestCase):
    """A stream that holds 1000 octets, for messages of up to 100000."""

    def setUp(self) -> None:
        self.paces: list[str] = []
        self.stream = self.streamOf(streamBuffer=1000, messageSize=100_000)

    def streamOf(self, **options: Any) -> MessageStream:
        return MessageStream(
            ServerOptions(hostname="mx.example.org", **options),
            lambda: self.paces.append("pause"),
            lambda: self.paces.append("resume"),
        )

    def next(self) -> Deferred[bytes]:
        """A Deferred of the next chunk."""
        return Deferred.fromCoroutine(self.stream.__anext__())

    def collect(self) -> tuple[list[bytes], Deferred[None]]:
        """Chunks as an C{async for} gets them, and a Deferred of its end."""
        chunks: list[bytes] = []

        async def collect() -> None:
            async for chunk in self.stream:
                chunks.append(chunk)

        return chunks, Deferred.fromCoroutine(collect())


class Collector:
    """Something with C{write}."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)


#: The ways to read, each giving a Deferred.
WAYS: list[Callable[[MessageStream], Deferred[Any]]] = [
    lambda stream: Deferred.fromCoroutine(stream.__anext__()),
    lambda stream: stream.read(),
    lambda stream: stream.headers(),
    lambda stream: stream.deliverTo(Collector()),
]
