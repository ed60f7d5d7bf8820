"""
Tests of smtpsession.delivery.tee: one message to several destinations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    Limits,
    MessageAborted,
    MessageStream,
    SMTPAddress,
    SMTPEnvelope,
    SMTPSession,
)
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.tee import deliverToAll

LIMITS = Limits(streamBuffer=10)


class Slow(Destination):
    """Reads a piece when it is told to."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.failed: Exception | None = None
        self.turn: Deferred[None] = Deferred()

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> str:
        try:
            await self.turn
            async for chunk in stream:
                self.chunks.append(chunk)
                self.turn = Deferred()
                await self.turn
        except Exception as error:
            self.failed = error
            raise
        return "done"


class Early(Destination):
    """Answers before it has read anything."""

    async def deliver(self, *ignored: Any) -> str:
        return "enough"


class Miscounting(Destination):
    """Has an outcome too many."""

    async def deliver(self, *ignored: Any) -> list[str]:
        return ["one", "another"]


class Plain(Destination):
    """Is not async, and fails."""

    def deliver(self, *ignored: Any) -> Any:
        raise ValueError("private")


class TeeTests(SynchronousTestCase):
    """deliverToAll."""

    def setUp(self) -> None:
        self.paused = 0
        self.stream = MessageStream(LIMITS, self.pause, self.resume)
        addresses = [SMTPAddress(f"{each}@example.org") for each in "ab"]
        self.session = SMTPSession(envelope=SMTPEnvelope(rcptTo=addresses))

    def pause(self) -> None:
        self.paused += 1

    def resume(self) -> None:
        self.paused -= 1

    def begin(self, *destinations: Destination) -> Deferred[Any]:
        shares = {each: [place] for place, each in enumerate(destinations)}
        delivery = deliverToAll(shares, self.stream, self.session, LIMITS)
        return Deferred.fromCoroutine(delivery)

    def test_pace(self) -> None:
        """The slowest sets the pace: the client waits for it."""
        slow, slower = Slow(), Slow()
        result = self.begin(slow, slower)
        self.stream.feed(b"x" * 10)
        slow.turn.callback(None)
        self.assertEqual((slow.chunks, slower.chunks), ([b"x" * 10], []))
        self.stream.feed(b"y" * 10)
        self.assertEqual(self.paused, 1)
        slow.turn.callback(None)
        self.assertEqual(slow.chunks, [b"x" * 10])
        slower.turn.callback(None)
        self.assertEqual(self.paused, 0)
        self.stream.feed(b"", isLast=True)
        for _ in range(3):
            for each in (slow, slower):
                if not each.turn.called:
                    each.turn.callback(None)
        self.assertEqual(self.successResultOf(result), ["done", "done"])
        self.assertEqual(b"".join(slower.chunks), b"x" * 10 + b"y" * 10)

    def test_early(self) -> None:
        """Who answers before the end does not hold up the others."""
        slow = Slow()
        result = self.begin(Early(), slow)
        slow.turn.callback(None)
        for _ in range(5):
            self.stream.feed(b"x" * 20)
            slow.turn.callback(None)
        self.stream.feed(b"", isLast=True)
        self.assertEqual(self.successResultOf(result), ["enough", "done"])

    def test_mistaken(self) -> None:
        """
        What is wrong with one of them is told its recipients only: the others have the
        message, and would get it again.
        """
        for each in (Miscounting(), Plain()):
            self.stream = MessageStream(LIMITS, self.pause, self.resume)
            result = self.begin(Early(), each)
            self.stream.feed(b"", isLast=True)
            good, bad = self.successResultOf(result)
            self.assertEqual((good, bad.reply.code), ("enough", 451))
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_aborted(self) -> None:
        """None of them sees the end of a message that has none."""
        one, another = Slow(), Slow()
        result = self.begin(one, another)
        one.turn.callback(None)
        self.stream.feed(b"x")
        one.turn.callback(None)
        self.stream.fail(MessageAborted())
        another.turn.callback(None)
        self.failureResultOf(result, MessageAborted)
        self.assertIsInstance(one.failed, MessageAborted)
        self.assertIsNotNone(another.failed)

    def test_cancelled(self) -> None:
        """When the client goes, what they wait for is cancelled."""
        one, another = Slow(), Slow()
        result = self.begin(one, another)
        result.addErrback(lambda failure: None)
        self.stream.feed(b"", isLast=True)
        result.cancel()
        self.assertIsNotNone(one.failed)
        self.assertIsNotNone(another.failed)
