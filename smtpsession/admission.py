# -*- test-case-name: tests.test_admission -*-
"""
Who may come in: connections counted, in all and by address, and failed logins.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable

from smtpsession.bans import Bans
from smtpsession.limits import Limits
from smtpsession.replies import BANNED, OVERLOADED, TOO_MANY_CLIENTS, Reply

#: For how many seconds a count of what is held is good: it costs a look at each
#: connection, and so must not be made for each message.
_INTERVAL = 0.1


class Admission:
    """
    Counts the connections and the failed logins of a server against its limits.

    An IPv6 client owns at least a /64, so that is what is counted as its address.  A
    connection without an address, as through a UNIX socket, counts in all only.
    """

    def __init__(
        self,
        limits: Limits,
        seconds: Callable[[], float],
        countHeld: Callable[[], int] = lambda: 0,
    ) -> None:
        """
        @param seconds: gives the time
        @param countHeld: how many octets of messages all connections hold
        """
        self._limits = limits
        self._seconds = seconds
        self._countHeld = countHeld
        self._held, self._counted = 0, -_INTERVAL
        self._bans = Bans(limits, seconds)
        self._total = 0
        self._byNetwork: Counter[str] = Counter()

    def adopt(self, limits: Limits) -> None:
        """Enforce these from now on; who is there stays."""
        self._limits = self._bans.limits = limits

    def enter(self, host: str) -> Reply | None:
        """
        Count one connection more, from this IP address or C{""}.

        @return: why it cannot stay, or None; it must `leave` in either case
        """
        network = _network(host)
        self._total += 1
        self._byNetwork[network] += 1
        if self._total > self._limits.clients:
            return TOO_MANY_CLIENTS
        if self.isOverloaded():
            return OVERLOADED
        if not network:
            return None
        if self._byNetwork[network] > self._limits.clientsPerAddress:
            return TOO_MANY_CLIENTS
        return BANNED if self._bans.isBanned(network) else None

    def isOverloaded(self) -> bool:
        """Whether the connections hold so much that none may begin a transaction."""
        now = self._seconds()
        if now >= self._counted + _INTERVAL:
            self._held, self._counted = self._countHeld(), now
        return self._held > self._limits.bufferedOctets

    def leave(self, host: str) -> None:
        """Count one connection less."""
        network = _network(host)
        self._total -= 1
        self._byNetwork[network] -= 1
        if not self._byNetwork[network]:
            del self._byNetwork[network]

    def failedLogin(self, host: str) -> None:
        """Somebody at this IP address could not log in; C{""} is nobody's."""
        if host:
            self._bans.failed(_network(host))


def _network(host: str) -> str:
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False))
