# -*- test-case-name: tests.test_lingering -*-
"""
How to close a connection on a client that still sends.

A socket that is closed with something unread in it, or that gets something after, sends
a reset, and the client may lose what it was told last.  So the server closes its own
half, and for a moment reads and drops what the client had sent before it knew.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Server

#: How much of it, in octets, and for how many seconds: no flood is worth more.
_MOST, _LONGEST = 4_194_304, 2.0


def mayBeSending(transport: Any, isInTheMiddle: bool) -> bool:
    """
    Whether a client that is told to go may miss it, and half of its connection can be
    closed: TLS has a farewell of its own.

    @param isInTheMiddle: whether it does not expect that
    """
    if type(transport) is not Server or transport.TLS:
        return False
    return isInTheMiddle or _hasUnread(transport)


def _hasUnread(transport: Any) -> bool:
    try:
        return bool(transport.socket.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


class Lingering:
    """
    A client that was told to go.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        """
        @param transport: to be half closed when all is sent
        """
        self._transport = transport
        self._left = _MOST
        transport.loseWriteConnection()
        self._timer = clock.callLater(_LONGEST, transport.abortConnection)

    def received(self, octets: int) -> None:
        """It has sent so many more."""
        self._left -= octets
        if self._left <= 0:
            self.cancel()
            self._transport.abortConnection()

    def cancel(self) -> None:
        """It has gone."""
        if self._timer.active():
            self._timer.cancel()
