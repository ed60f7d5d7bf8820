# -*- test-case-name: tests.test_router -*-
"""
Which recipients are taken, and where their messages go.

A message has one destination.  Under SMTP it gets one reply, and if a part of its
recipients had it and another had not, that reply would be a lie to some of them: so who
would go elsewhere than the first recipient is told 452 4.5.3, for which a client begins
another transaction (RFC 5321, section 4.5.3.1.10).  Under LMTP each has its own reply,
and the message goes to all the destinations at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from email.errors import FirstHeaderLineIsContinuationDefect
from email.message import EmailMessage
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from smtpsession.addresses import SMTPAddress
from smtpsession.callbacks import MessageResult
from smtpsession.delivery.destination import DeliveryResult, Destination
from smtpsession.delivery.tee import deliverToAll
from smtpsession.errors import SMTPError
from smtpsession.factory import SMTPServerFactory
from smtpsession.patterns import compilePatterns
from smtpsession.printable import printable
from smtpsession.replies import ANOTHER_ROUTE, MAIL_LOOP, RELAYING_DENIED, Reply
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import messageId

Delivered = Callable[[SMTPSession, Sequence[SMTPAddress], int], object]

#: How many servers a message may have passed: RFC 5321, section 6.3 wants to allow 100.
HOPS = 100


@frozen
class Route:
    """
    Where the messages for some recipients go.

    @ivar recipients: shell patterns of whole addresses
    @ivar destination: where to
    @ivar authenticated: whether it is only for clients that have logged in

    @raise ValueError: a pattern can mean nobody
    """

    recipients: Sequence[str]
    destination: Destination
    authenticated: bool = False
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, eq=False, repr=False)

    @_patterns.default
    def _compilePatterns(self) -> tuple[re.Pattern[str], ...]:
        return compilePatterns(self.recipients)

    def takes(self, address: SMTPAddress, session: SMTPSession) -> bool:
        """Whether this recipient of this client is meant."""
        if self.authenticated and session.user is None:
            return False
        text = address.localPart
        text = f"{text}@{address.domain}" if address.domain else text.lower()
        return any(each.match(text) for each in self._patterns)


@define(eq=False)
class _Transaction:
    """
    What has been accepted in a transaction.

    @ivar envelope: by which it is known; the library makes a new one for each
    @ivar destinations: of its recipients, in their order
    @ivar asked: all that have been asked about a recipient, be it refused or not
    """

    envelope: SMTPEnvelope
    destinations: list[Destination] = field(factory=list)
    asked: set[Destination] = field(factory=set)

    def shares(self, recipients: Sequence[SMTPAddress]) -> dict[Destination, list[int]]:
        """The recipients of each destination, by their places."""
        places: dict[Destination, list[int]] = {}
        for place, _ in enumerate(recipients):
            places.setdefault(self.destinations[place], []).append(place)
        return places


class RoutingServer(SMTPServerFactory):
    """
    Accepts the recipients for whom there is a route.

    @ivar routes: the first that takes a recipient has it; may be replaced at any time
    """

    _log = Logger()

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        delivered: Delivered | None = None,
        **arguments: Any,
    ) -> None:
        """
        @param delivered: called with each message that is accepted: its session, who
            gets it, and its size in octets
        @param arguments: those of `SMTPServerFactory`
        """
        super().__init__(**arguments)
        self.routes = routes
        self._delivered = delivered
        self._open: dict[SMTPSession, _Transaction] = {}

    def isUsing(self, destination: Destination) -> bool:
        """Whether a transaction has asked it, and is not known to have ended."""
        return any(destination in each.asked for each in self._open.values())

    async def onHelo(self, hostname: str, session: SMTPSession) -> None:
        """The client begins anew."""
        await self._forget(session)

    async def onMailFrom(self, address: SMTPAddress, session: SMTPSession) -> None:
        """Nobody tells of RSET; what came before it ends here at the latest."""
        await self._forget(session)

    async def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> None:
        """
        @raise SMTPError: 550, there is no route; 452, it is another one than that of
            the first recipient; or what the destination has against it
        """
        route = next(
            (each for each in self.routes if each.takes(address, session)), None
        )
        if route is None:
            raise SMTPError.saying(RELAYING_DENIED)
        transaction = await self._transactionOf(session)
        destination, accepted = route.destination, transaction.destinations
        isLMTP = self.options.protocol == "lmtp"
        if accepted and destination is not accepted[0] and not isLMTP:
            raise SMTPError.saying(ANOTHER_ROUTE)
        transaction.asked.add(destination)
        await destination.accept(address, session)
        accepted.append(destination)

    async def onData(
        self, stream: MessageStream, session: SMTPSession
    ) -> DeliveryResult:
        """Returns when the message is where it has to be."""
        try:
            headers = await stream.headers()
            # Not by their values, which would be parsed: of some a client can have
            # that take a hundred times as long as the rest of the message.
            if sum(name.lower() == "received" for name in headers.keys()) > HOPS:
                raise SMTPError.saying(MAIL_LOOP)
            if _beginsFolded(headers):
                # Behind our trace it would go on in the last line of that, as if we had
                # said it.  It ends the header section, which it is no part of.
                stream.precede(b"\r\n")
            result = await self._deliver(stream, session)
        except Exception:
            await self._forget(session)
            raise
        del self._open[session]
        self._report(session, stream, result)
        return result if self.options.protocol == "lmtp" else _oneOf(result)

    async def _deliver(
        self, stream: MessageStream, session: SMTPSession
    ) -> DeliveryResult:
        recipients = session.envelope.rcptTo
        transaction = self._open[session]
        shares = transaction.shares(recipients)
        for each in transaction.asked.difference(shares):
            transaction.asked.discard(each)
            await self._haveForget(each, session)
        if len(shares) > 1:
            return await deliverToAll(shares, stream, session, self.options)
        [destination] = shares
        return await destination.deliver(stream, session, recipients)

    async def onClose(self, session: SMTPSession) -> None:
        """The client has gone."""
        await self._forget(session)

    async def _transactionOf(self, session: SMTPSession) -> _Transaction:
        transaction = self._open.get(session)
        if transaction is None or transaction.envelope is not session.envelope:
            await self._forget(session)
            transaction = self._open[session] = _Transaction(session.envelope)
        return transaction

    async def _forget(self, session: SMTPSession) -> None:
        transaction = self._open.pop(session, None)
        if transaction is not None:
            for each in transaction.asked:
                await self._haveForget(each, session)

    async def _haveForget(self, destination: Destination, session: SMTPSession) -> None:
        try:
            await destination.forget(session)
        except Exception as error:
            # The others have to hear of it, and the client of something else.  Who has
            # gone does not wait for it, which is no failure.
            if not isinstance(error, CancelledError):
                self._log.failure(
                    "{session.id} [{session.remoteAddress}] a destination cannot "
                    "forget a transaction",
                    event="forget-failed",
                    session=session,
                )

    def _report(
        self, session: SMTPSession, stream: MessageStream, result: DeliveryResult
    ) -> None:
        recipients = session.envelope.rcptTo
        if isinstance(result, (list, tuple)):
            pairs = zip(recipients, result, strict=True)
            recipients = [each for each, told in pairs if not _isRefusal(told)]
        elif _isRefusal(result):
            recipients = []
        if not recipients:
            return
        self._log.info(
            "{id} [{session.remoteAddress}] message from {sender} to {recipients}, "
            "{size} octets",
            event="message-accepted",
            id=messageId(session),
            session=session,
            envelope=session.envelope,
            sender=printable(f"<{session.envelope.mailFrom}>"),
            recipients=printable(", ".join(f"<{each}>" for each in recipients)),
            size=stream.byteLength,
        )
        if self._delivered is not None:
            self._delivered(session, recipients, stream.byteLength)


def _beginsFolded(headers: EmailMessage) -> bool:
    """Whether the first line of a message is one that goes on with the line before."""
    return any(
        isinstance(each, FirstHeaderLineIsContinuationDefect)
        for each in headers.defects
    )


def _oneOf(result: DeliveryResult) -> MessageResult:
    """
    The one reply of SMTP for what may be outcomes for several recipients.

    Nobody who is refused may be lost by a 250.  A temporary refusal is told before a
    permanent one: it has the client come again, and whoever has got the message then
    gets it twice, while the other would be returned as not delivered to anybody.
    """
    if result is None or isinstance(result, (str, Reply, SMTPError)):
        return result
    told = result[-1]
    for each in result:
        if _isRefusal(each):
            told = each
            if _replyOf(each).code < 500:
                break
    return told


def _replyOf(refusal: Any) -> Reply:
    reply: Reply = refusal if isinstance(refusal, Reply) else refusal.reply
    return reply


def _isRefusal(told: object) -> bool:
    return isinstance(told, SMTPError) or (
        isinstance(told, Reply) and not told.isPositive
    )
