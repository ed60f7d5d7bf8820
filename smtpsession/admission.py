# -*- test-case-name: tests.test_admission -*-
"""
Who may come in: connections counted, in all and by address, and failed logins.
"""

from __future__ import annotations

import ipaddress

from smtpsession.allowance import Passed
from smtpsession.ledger import Ledger
from smtpsession.limits import Limits
from smtpsession.replies import (
    BANNED,
    OVERLOADED,
    TOO_MANY_CLIENTS,
    TOO_MANY_FROM_THERE,
)

#: For how many seconds it is good what was found: it costs a look at each connection,
#: and so must not be done for each message.
_INTERVAL = 0.1


class Admission:
    """
    Counts the connections and the failed logins of a server against its limits: the
    C{House} of its clients.

    An IPv6 client owns at least a /64, so that is what is counted as its address.  A
    connection without an address, as through a UNIX socket, counts in all only.
    """

    def __init__(self, limits: Limits, ledger: Ledger) -> None:
        """
        @param ledger: where it is counted, and what other servers count too
        """
        self._limits = limits
        self._ledger = ledger
        self._counts = ledger.newCounts()
        self._overload: str | None = None
        self._looked = -_INTERVAL

    def adopt(self, limits: Limits) -> None:
        """Enforce these from now on; who is there stays."""
        self._limits = limits

    def enter(self, host: str) -> Passed | None:
        """
        Count one connection more, from this IP address or C{""}.

        @return: why it cannot stay, or None; it must `leave` in either case
        """
        network, limits = _network(host), self._limits
        self._counts.add(network, 1)
        if self._counts.total() > limits.clients:
            return Passed("clients", TOO_MANY_CLIENTS)
        overload = self.overload()
        if overload is not None:
            return Passed(overload, OVERLOADED)
        if not network:
            return None
        if self._counts.of(network) > limits.clientsPerAddress:
            return Passed("clients-per-address", TOO_MANY_FROM_THERE)
        return self.banned(host)

    def banned(self, host: str) -> Passed | None:
        """Why nobody at this IP address may come in for a while, or None."""
        if host and self._ledger.isBanned(_network(host)):
            return Passed("auth-failures-per-address", BANNED)
        return None

    def overload(self) -> str | None:
        """
        Why none may begin a transaction: the connections hold too much, or the reactor
        cannot keep up with what they want.
        """
        now = self._ledger.seconds()
        # A clock may be set back, too.
        if not self._looked <= now < self._looked + _INTERVAL:
            self._overload, self._looked = self._lookForOverload(), now
        return self._overload

    def _lookForOverload(self) -> str | None:
        if self._ledger.held() > self._limits.bufferedOctets:
            return "buffered-octets"
        return "loop-lag" if self._ledger.lag > self._limits.loopLag else None

    def leave(self, host: str) -> None:
        """Count one connection less."""
        self._counts.add(_network(host), -1)

    def failedLogin(self, host: str) -> None:
        """Somebody at this IP address could not log in; C{""} is nobody's."""
        if host:
            self._ledger.failed(_network(host), self._limits)


def _network(host: str) -> str:
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False))
