# -*- test-case-name: tests.test_client -*-
"""
A connection to a next hop: lines go out and replies come in.

A connection serves until it fails for the first time.  After that every question is
answered with the same failure, and nothing is sent any more: an answer that is late, or
that nobody asked for, can never be taken for one to another question.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.delivery.relaying import LOST, NextHopLost, Offers, refusal
from smtpsession.delivery.replylines import ReplyDecoder
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply


@implementer(IHandshakeListener)
class Client(Protocol):
    """
    One connection to a next hop, for one who asks at a time.

    @ivar offers: what the next hop offers; whoever says EHLO sets it
    @ivar failure: what the connection has failed with, None while it is of use
    @ivar gone: fires when the connection is closed
    @ivar isSecure: whether TLS is in use
    """

    transport: Any

    def __init__(self, clock: IReactorTime, timeout: float) -> None:
        """
        @param timeout: how long to wait for a reply, unless something else is said
        """
        self.offers = Offers({})
        self.failure: Reply | None = None
        self.gone: Deferred[None] = Deferred()
        self.isSecure = False
        self._cause: BaseException | None = None
        self._clock = clock
        self._timeout = timeout
        self._decoder = ReplyDecoder()
        self._isConnected = False
        self._producer: IPushProducer | None = None
        # Who waits, for how many replies in all, and for how long for each.
        self._waiting: Deferred[Any] | None = None
        self._wanted = 0
        self._replies: list[Reply] = []
        self._patience = timeout
        self._timer: IDelayedCall | None = None

    # What the owner calls.

    @property
    def isUsable(self) -> bool:
        """Whether it has not failed, and nobody waits for an answer."""
        return self.failure is None and self._waiting is None

    async def ask(
        self, command: bytes, category: int = 2, timeout: float | None = None
    ) -> Reply:
        """
        Send a command, and wait for its reply.

        @param command: without its CRLF
        @param category: the first digit of the reply, if it is none of a refusal
        @raise NextHopLost: the connection is gone, by 421 too
        @raise SMTPError: the command was refused
        """
        self.write(command + b"\r\n")
        [reply] = await self.replies(1, timeout)
        return self.demand(reply, category)

    def demand(self, reply: Reply, category: int) -> Reply:
        """
        The reply, if its code begins with this digit.

        @raise SMTPError: it is a refusal, or makes no sense
        """
        if reply.code // 100 == category:
            return reply
        if reply.code >= 400:
            if reply.endsConnection:
                self.breakOff(refusal(reply).reply)
            raise refusal(reply)
        self.breakOff(LOST, ValueError(f"unexpected reply: {reply}"))
        raise self.lost()

    async def replies(self, count: int, timeout: float | None = None) -> list[Reply]:
        """
        The next replies, whatever they are.

        @param timeout: for each of them
        @raise NextHopLost: they do not come
        """
        self._replies = []
        if self.failure is not None:
            raise self.lost()
        assert self._waiting is None, "one who asks at a time"
        self._wanted = count
        self._patience = self._timeout if timeout is None else timeout
        found: list[Reply] = await self._wait()
        return found

    async def heard(self, count: int, timeout: float | None = None) -> list[Reply]:
        """
        The next replies, where each counts for itself.

        Those that were heard before the connection was lost are what they are; for the
        others there is what the connection has failed with.

        @param timeout: for each of them
        @raise NextHopLost: there is no reply at all
        """
        try:
            return await self.replies(count, timeout)
        except NextHopLost:
            if self.failure is None or not self._replies:
                raise
            return self._replies + [self.failure] * (count - len(self._replies))

    async def startTLS(self, creator: object) -> None:
        """
        Begin TLS, and wait until the handshake is done.

        @param creator: an C{IOpenSSLClientConnectionCreator}
        @raise NextHopLost: the handshake has failed
        """
        # What came in clear behind the 220 would pass for what is said in TLS
        # (CVE-2011-0411): by now it has broken off the connection.
        if self.failure is not None:
            raise self.lost()
        self._patience = self._timeout
        handshake = self._wait()
        self.transport.startTLS(creator)
        await handshake
        self.isSecure = True
        # RFC 3207, section 4.2: what was known before is forgotten.
        self.offers = Offers({})

    def write(self, octets: bytes) -> None:
        """Send, unless the connection has failed."""
        if self.failure is None:
            self.transport.write(octets)

    def registerProducer(self, producer: IPushProducer) -> None:
        """The producer is told to stop when the connection fails."""
        if self.failure is not None:
            producer.stopProducing()
            return
        self._producer = producer
        self.transport.registerProducer(producer, True)

    def unregisterProducer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self.transport.unregisterProducer()

    def expectProgress(self, timeout: float | None) -> None:
        """
        Break off if nobody says otherwise in time: the next hop takes no more.

        @param timeout: None where it does again
        """
        self._stopTimer()
        if timeout is not None and self.failure is None:
            self._patience = timeout
            self._startTimer()

    def drop(self) -> None:
        """Close the connection in whatever it is in the middle of."""
        self.breakOff(LOST)

    def lost(self) -> SMTPError:
        """The error that says why the connection is of no use any more."""
        self.drop()
        assert self.failure is not None
        error = NextHopLost.saying(self.failure)
        error.__cause__ = self._cause
        return error

    async def quit(self, timeout: float) -> None:
        """Take leave, and close the connection when that was heard, or in time."""
        try:
            if self.isUsable:
                await self.ask(b"QUIT", timeout=timeout)
        except SMTPError:
            # It was to be closed anyway.
            pass
        finally:
            self.drop()

    def breakOff(self, told: Reply, cause: BaseException | None = None) -> None:
        """
        The connection is of no use any more.

        @param told: what our client is told
        @param cause: what only the log may know
        """
        if self.failure is not None:
            return
        self.failure, self._cause = told, cause
        if self._isConnected:
            self.transport.abortConnection()
        if self._producer is not None:
            self._producer.stopProducing()
        waiting = self._stopWaiting()
        if waiting is not None:
            waiting.errback(self.lost())

    # What the transport calls.

    def connectionMade(self) -> None:
        self._isConnected = True
        if ITCPTransport.providedBy(self.transport):
            # A command is short, and its reply is waited for.
            self.transport.setTcpNoDelay(True)

    def handshakeCompleted(self) -> None:
        waiting = self._stopWaiting()
        if waiting is not None:
            waiting.callback(None)

    def dataReceived(self, chunk: bytes) -> None:
        try:
            replies = self._decoder.feed(chunk)
        except ValueError as error:
            self.breakOff(LOST, error)
            return
        wanted, self._wanted = self._wanted, max(self._wanted - len(replies), 0)
        self._replies += replies[:wanted]
        if self._wanted:
            if replies:
                self._startTimer()
            return
        waiting = self._stopWaiting() if wanted else None
        if len(replies) > wanted or self._decoder.isMidway:
            self._speaksOutOfTurn(*replies[wanted:])
        if waiting is not None:
            found, self._replies = self._replies, []
            waiting.callback(found)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._isConnected = False
        self.breakOff(LOST, reason.value)
        self.gone.callback(None)

    # How to wait.

    def _wait(self) -> Deferred[Any]:
        self._waiting = Deferred(lambda cancelled: self._leave())
        self._startTimer()
        return self._waiting

    def _leave(self) -> None:
        """Nobody is there any more for the answer that will come."""
        self._stopWaiting()
        self.drop()

    def _startTimer(self) -> None:
        self._stopTimer()
        self._timer = self._clock.callLater(self._patience, self._tooSlow)

    def _stopTimer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _tooSlow(self) -> None:
        self._timer = None
        self.breakOff(LOST, TimeoutError(f"nothing within {self._patience} seconds"))

    def _stopWaiting(self) -> Deferred[Any] | None:
        self._stopTimer()
        self._wanted = 0
        waiting, self._waiting = self._waiting, None
        return waiting

    def _speaksOutOfTurn(self, *replies: Reply) -> None:
        """
        A next hop that closes a connection may say so, and why it will not take the
        rest of a message.
        """
        said = replies[0] if replies else None
        told = LOST
        if said is not None and said.code >= 400:
            if said.code < 500 or self._producer is not None:
                told = refusal(said).reply
        self.breakOff(told, ValueError(f"reply out of turn: {said or 'unfinished'}"))
