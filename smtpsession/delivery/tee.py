# -*- test-case-name: tests.test_tee -*-
"""
One message to several destinations at once.

Each reads a stream of its own.  The slowest sets the pace, and none of them can hold
more of the message than a `MessageStream` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpsession.callbacks import MessageResult
from smtpsession.delivery.destination import DeliveryResult, Destination
from smtpsession.errors import MessageError, SMTPError
from smtpsession.limits import Limits
from smtpsession.replies import LOCAL_ERROR
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream

_log = Logger()


async def deliverToAll(
    shares: Mapping[Destination, Sequence[int]],
    stream: MessageStream,
    session: SMTPSession,
    limits: Limits,
) -> list[MessageResult]:
    """
    Deliver a message to each of these.

    @param shares: which of the recipients each has, by their places in the envelope
    @return: what each recipient is told, in their order
    @raise MessageError: the message did not come whole; then no destination has it
    """
    recipients = session.envelope.rcptTo
    told: list[MessageResult] = [None] * len(recipients)
    branches = [
        _Branch(each, [recipients[place] for place in shares[each]], session, limits)
        for each in shares
    ]
    try:
        await _feed(stream, branches)
        for branch, places in zip(branches, shares.values(), strict=True):
            result = await branch.result
            for index, place in enumerate(places):
                isList = isinstance(result, (list, tuple))
                told[place] = result[index] if isList else result
    finally:
        for branch in branches:
            branch.result.addErrback(lambda failure: None)
            branch.result.cancel()
    return told


async def _feed(stream: MessageStream, branches: Sequence[_Branch]) -> None:
    try:
        async for chunk in stream:
            for branch in branches:
                branch.stream.feed(chunk)
            for branch in branches:
                await branch.hasRoom()
        for branch in branches:
            branch.stream.feed(b"", isLast=True)
    except MessageError as error:
        for branch in branches:
            branch.stream.fail(error)
        raise


class _Branch:
    """
    A destination at work.

    @ivar stream: what it reads
    @ivar result: fires with what its recipients are told, and fails only if it is
        cancelled
    """

    def __init__(
        self,
        destination: Destination,
        recipients: Sequence[Any],
        session: SMTPSession,
        limits: Limits,
    ) -> None:
        self.stream = MessageStream(limits, self._pause, self._resume)
        self._room: Deferred[None] | None = None
        self._session = session
        delivery = self._deliver(destination, recipients)
        self.result: Deferred[Any] = Deferred.fromCoroutine(delivery)
        self.result.addErrback(self._objection)
        self.result.addBoth(self._discard)

    async def _deliver(
        self, destination: Destination, recipients: Sequence[Any]
    ) -> DeliveryResult:
        result = await destination.deliver(self.stream, self._session, recipients)
        if isinstance(result, (list, tuple)) and len(result) != len(recipients):
            raise ValueError(f"{len(result)} outcomes for {len(recipients)} recipients")
        return result

    async def hasRoom(self) -> None:
        """Return when its stream takes more."""
        if self._room is not None:
            await self._room

    def _pause(self) -> None:
        self._room = Deferred()

    def _resume(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)

    def _discard(self, result: DeliveryResult) -> DeliveryResult:
        self.stream.discard()
        return result

    def _objection(self, failure: Failure) -> SMTPError:
        if isinstance(failure.value, SMTPError):
            return failure.value
        failure.trap(Exception)
        if failure.check(CancelledError):
            failure.raiseException()
        if not failure.check(MessageError):
            _log.failure(
                "{session.id} [{session.remoteAddress}] a delivery failed",
                failure,
                event="delivery-failed",
                session=self._session,
            )
        return SMTPError.saying(LOCAL_ERROR)
