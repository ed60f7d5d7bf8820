# -*- test-case-name: tests.test_pool -*-
"""
Connections to a next hop, kept between two transactions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from smtpsession.delivery.client import Client
from smtpsession.delivery.relaying import UNREACHED, NextHopLost
from smtpsession.session import SMTPSession

#: How long to wait for the answer to QUIT, in seconds.
FAREWELL = 5


class Pool:
    """
    Keeps idle connections for a while, and knows all that are open.
    """

    def __init__(
        self,
        open: Callable[[SMTPSession], Awaitable[Client]],
        clock: IReactorTime,
        idleTimeout: float,
        maximumIdle: int,
    ) -> None:
        """
        @param open: opens a connection for the message of a session
        @param idleTimeout: how long to keep one that nobody wants, in seconds
        @param maximumIdle: how many to keep at the most
        """
        self._open = open
        self._clock = clock
        self._idleTimeout = idleTimeout
        self._maximumIdle = maximumIdle
        self._idle: dict[Client, IDelayedCall] = {}
        self._all: set[Client] = set()
        self._isStopped = False

    async def connect(self, session: SMTPSession) -> Client:
        """
        A new connection, for the message of this session first.

        @raise NextHopLost: there is none
        """
        client = await self._open(session)
        if self._isStopped:
            client.drop()
            raise NextHopLost.saying(UNREACHED)
        self._all.add(client)
        client.gone.addCallback(lambda _: self._forget(client))
        return client

    def take(self) -> Client | None:
        """The idle connection that was in use last, if there is one."""
        while self._idle:
            client, expiry = self._idle.popitem()
            expiry.cancel()
            if client.isUsable:
                return client
        return None

    def put(self, client: Client) -> None:
        """Somebody may have this connection, which is in no transaction."""
        if not client.isUsable:
            client.drop()
        elif self._isStopped or len(self._idle) >= self._maximumIdle:
            self._dismiss(client)
        else:
            self._idle[client] = self._clock.callLater(
                self._idleTimeout, self._expire, client
            )

    async def stop(self) -> None:
        """Close all connections, those in a transaction at once."""
        self._isStopped = True
        everyone = list(self._all)
        idle = set(self._idle)
        for client in everyone:
            if client in idle:
                self._idle.pop(client).cancel()
                self._dismiss(client)
            else:
                client.drop()
        await gatherResults([_end(client) for client in everyone])

    def _expire(self, client: Client) -> None:
        del self._idle[client]
        self._dismiss(client)

    def _dismiss(self, client: Client) -> None:
        Deferred.fromCoroutine(client.quit(FAREWELL))

    def _forget(self, client: Client) -> None:
        """It is closed."""
        self._all.discard(client)
        expiry = self._idle.pop(client, None)
        if expiry is not None:
            expiry.cancel()


def _end(client: Client) -> Deferred[None]:
    """Fires when the connection is closed."""
    ended: Deferred[None] = Deferred()
    client.gone.addCallback(ended.callback)
    return ended
