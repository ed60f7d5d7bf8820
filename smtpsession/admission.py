# -*- test-case-name: tests.test_admission -*-
"""
Who may come in: connections counted, in all and by address.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

from smtpsession.limits import Limits


class Admission:
    """
    Counts the connections of a server against its limits.

    An IPv6 client owns at least a /64, so that is what is counted as its address.  A
    connection without an address, as through a UNIX socket, counts in all only.

    @ivar limits: may be replaced; who is there stays
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._total = 0
        self._byNetwork: Counter[str] = Counter()

    def enter(self, host: str) -> bool:
        """
        Count one connection more, from this IP address or C{""}.

        @return: whether it is within the limits; it must `leave` in either case
        """
        network = _network(host)
        self._total += 1
        self._byNetwork[network] += 1
        return self._total <= self.limits.clients and (
            not network or self._byNetwork[network] <= self.limits.clientsPerAddress
        )

    def leave(self, host: str) -> None:
        """Count one connection less."""
        network = _network(host)
        self._total -= 1
        self._byNetwork[network] -= 1
        if not self._byNetwork[network]:
            del self._byNetwork[network]


def _network(host: str) -> str:
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False))
