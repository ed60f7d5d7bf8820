# -*- test-case-name: tests.test_nexthop -*-
"""
Delivery to a next hop, by SMTP or LMTP, inside of our client's transaction.

Nothing is accepted that the next hop has not: each recipient is when it has accepted
that one, and the message when it has said so after the end.  If it turns out only then
that our client has not heard the last reply, the message may come twice, RFC 1047; it
is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.client import Client
from smtpsession.delivery.destination import DeliveryResult, Destination
from smtpsession.delivery.forwarding import xforwardCommands
from smtpsession.delivery.opening import Opener, Terms
from smtpsession.delivery.outgoing import sendChunks, sendData
from smtpsession.delivery.pool import Pool
from smtpsession.delivery.relaying import (
    MISCONFIGURED,
    NextHopLost,
    Offers,
    mailCommand,
    outcome,
    rcptCommand,
)
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import received


@define(eq=False)
class _Transaction:
    """
    The next hop's part of a transaction of our client.

    @ivar session: whose it is
    @ivar envelope: the session's, as long as the transaction lasts
    @ivar client: where MAIL has been accepted, None before
    @ivar failure: why that could not be done, which the next recipient need not try
    @ivar recipients: those that the next hop has accepted
    """

    session: SMTPSession
    envelope: SMTPEnvelope
    client: Client | None = None
    failure: Reply | None = None
    recipients: list[SMTPAddress] = field(factory=list)


class NextHop(Destination):
    """
    Hands messages on to one next hop.

    Each session has one connection to it while it is in a transaction.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        terms: Terms,
        clock: IReactorTime,
        *,
        idleTimeout: float = 60,
        maximumIdle: int = 10,
    ) -> None:
        """
        @param endpoint: where the next hop is, without TLS, which is for C{terms}
        @param clock: for time-outs, and for the time of day
        @param idleTimeout: for how many seconds an unused connection is kept
        @param maximumIdle: how many unused connections are kept
        """
        opener = Opener(endpoint, terms, clock)
        self._pool = Pool(opener.open, clock, idleTimeout, maximumIdle)
        self._terms = terms
        self._clock = clock
        self._transactions: dict[str, _Transaction] = {}

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        """
        Ask the next hop.

        @raise SMTPError: what it has refused, with its codes and its text; or 451, it
            cannot be asked
        """
        transaction = self._transactions.get(session.id)
        if transaction is None or transaction.envelope is not session.envelope:
            await self.forget(session)
            transaction = _Transaction(session, session.envelope)
            self._transactions[session.id] = transaction
        reply = await self._begin(transaction, recipient)
        client = transaction.client
        assert client is not None, "MAIL has been accepted there"
        if reply is None:
            await client.ask(rcptCommand(recipient, client.offers))
        else:
            client.demand(reply, 2)
        transaction.recipients.append(recipient)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> DeliveryResult:
        """
        Send the message behind our trace.

        @return: the next hop's last reply; for LMTP the list of them
        """
        client = await self._agreed(session, recipients)
        count = len(recipients) if self._terms.isLMTP else 1
        seconds = self._clock.seconds()
        trace = received(session, recipients, self._terms.hostname, seconds)
        isBinary = session.envelope.bodyType == "binarymime"
        send = sendChunks if isBinary else sendData
        try:
            replies = await send(
                client, stream, trace.encode(), count, self._terms.dataTimeout
            )
        except BaseException:
            # What the next hop has of the message must not end there.
            client.drop()
            raise
        results = [outcome(each) for each in replies]
        if any(isinstance(each, NextHopLost) for each in results):
            client.drop()
        self._pool.put(client)
        if self._terms.isLMTP:
            return results
        [result] = results
        if isinstance(result, SMTPError):
            raise result
        return result

    async def forget(self, session: SMTPSession) -> None:
        """Nobody waits until the next hop has forgotten it too."""
        transaction = self._transactions.pop(session.id, None)
        if transaction is not None and transaction.client is not None:
            resetting = self._reset(transaction.client)
            Deferred.fromCoroutine(resetting)

    async def stop(self) -> None:
        """Close all connections; what is in the middle of a transaction fails."""
        await self._pool.stop()

    async def _reset(self, client: Client) -> None:
        try:
            if client.isUsable:
                await client.ask(b"RSET")
        except SMTPError:
            client.drop()
        self._pool.put(client)

    async def _agreed(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress]
    ) -> Client:
        """The connection where these recipients, and only they, have been accepted."""
        transaction = self._transactions.get(session.id)
        isAgreed = (
            transaction is not None
            and transaction.envelope is session.envelope
            and transaction.recipients == list(recipients)
        )
        if not isAgreed:
            await self._repeat(session, recipients)
        client = self._transactions.pop(session.id).client
        assert client is not None, "a recipient has been accepted there"
        return client

    async def _repeat(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress]
    ) -> None:
        """Begin anew with these recipients."""
        await self.forget(session)
        try:
            for each in recipients:
                await self.accept(each, session)
        except SMTPError:
            await self.forget(session)
            raise

    async def _begin(
        self, transaction: _Transaction, recipient: SMTPAddress
    ) -> Reply | None:
        """
        Have MAIL accepted, unless it has been.

        @return: the reply to this recipient's RCPT, if that went with it
        """
        if transaction.failure is not None:
            raise SMTPError.saying(transaction.failure)
        if transaction.client is not None:
            return None
        try:
            transaction.client, reply = await self._mail(transaction, recipient)
        except SMTPError as error:
            transaction.failure = error.reply
            raise
        return reply

    async def _mail(
        self, transaction: _Transaction, recipient: SMTPAddress
    ) -> tuple[Client, Reply | None]:
        """A connection where MAIL has been accepted, and the reply to RCPT."""
        idle = self._pool.take()
        if idle is not None:
            try:
                return idle, await self._mailOn(idle, transaction, recipient)
            except NextHopLost:
                # The next hop may close what is idle at any time, even now.
                pass
        client = await self._pool.connect(transaction.session)
        return client, await self._mailOn(client, transaction, recipient)

    async def _mailOn(
        self, client: Client, transaction: _Transaction, recipient: SMTPAddress
    ) -> Reply | None:
        try:
            mail = mailCommand(transaction.envelope, client.offers)
            if self._terms.xforward:
                await _introduce(client, transaction.session)
            rcpt = _together(client.offers, recipient)
            if rcpt is None:
                await client.ask(mail)
                return None
            return await _pipelined(client, mail, rcpt)
        except SMTPError as error:
            if error.reply.code < 500:
                # That may be about the connection, and would be said to all the others
                # that came by it, for as long as it is not idle.
                client.drop()
            self._pool.put(client)
            raise


async def _introduce(client: Client, session: SMTPSession) -> None:
    """
    Say who our client is.

    @raise NextHopLost: the next hop does not want to know, although it has offered to;
        it would take the message for one of ours
    """
    for command in xforwardCommands(session, client.offers):
        try:
            await client.ask(command)
        except NextHopLost:
            raise
        except SMTPError as error:
            client.drop()
            raise NextHopLost.saying(MISCONFIGURED) from error


def _together(offers: Offers, recipient: SMTPAddress) -> bytes | None:
    """The RCPT that may go with MAIL, RFC 2920, section 3.1."""
    if "PIPELINING" not in offers:
        return None
    try:
        return rcptCommand(recipient, offers)
    except SMTPError:
        # That is about this recipient, and MAIL is for the others too.
        return None


async def _pipelined(client: Client, mail: bytes, rcpt: bytes) -> Reply:
    """
    Send both, and wait for both.

    @return: the second reply, whatever it is
    @raise SMTPError: MAIL is refused, and so RCPT has no meaning
    @raise NextHopLost: the connection is lost before the second
    """
    client.write(mail + b"\r\n" + rcpt + b"\r\n")
    first, second = await client.heard(2)
    try:
        client.demand(first, 2)
    except SMTPError:
        if second.endsConnection or second.code < 400:
            # It is leaving, or has a transaction open of which nobody knows.
            client.drop()
        raise
    if client.failure is not None:
        raise client.lost()
    return second
