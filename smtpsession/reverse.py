# -*- test-case-name: tests.test_reverse -*-
"""
The client's name, from the reverse DNS.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.names.dns import PTR

from smtpsession.addresses import isDomain


class PointerResolver(Protocol):
    """The part of C{twisted.internet.interfaces.IResolver} that is needed."""

    def lookupPointer(self, name: str, timeout: Any = ...) -> Deferred[Any]: ...


class ReverseLookup:
    """
    Asks the DNS for the name of an address, never for longer than its time-out.
    """

    _log = Logger()

    def __init__(
        self, resolver: PointerResolver, clock: IReactorTime, timeout: float
    ) -> None:
        """
        @param timeout: in seconds
        """
        self._resolver = resolver
        self._clock = clock
        self._timeout = timeout

    def hostname(self, address: str) -> Deferred[str]:
        """
        The name of an IP address, in lower case and without its last dot, or
        C{"[address]"} if there is none, or none in time; this Deferred does not fail.
        """
        ip = ipaddress.ip_address(address)
        if ip.is_loopback:
            # RFC 1912, section 4.1: no resolver should ask anybody for this one, and
            # a machine without a network could not.
            return succeed("localhost")
        try:
            asked = self._resolver.lookupPointer(
                ip.reverse_pointer, timeout=[self._timeout]
            )
        except Exception:
            self._log.failure(
                "reverse lookup of {address} failed",
                event="lookup-failed",
                address=address,
            )
            return succeed(f"[{address}]")
        asked.addTimeout(self._timeout, self._clock)
        asked.addCallback(_firstName)
        asked.addErrback(self._unknown, address)
        return asked

    def _unknown(self, failure: Any, address: str) -> str:
        self._log.debug(
            "no name for {address}: {reason}",
            event="name-unknown",
            address=address,
            reason=failure.getErrorMessage(),
        )
        return f"[{address}]"


def _firstName(response: Any) -> str:
    """
    @raise LookupError: the answer names nobody
    @raise ValueError: whoever owns the address gave it what is not a domain
    """
    answers, _, _ = response
    # With classless delegation (RFC 2317) a CNAME record comes before them.
    names = [each.payload.name.name for each in answers if each.type == PTR]
    if not names:
        raise LookupError("no PTR record")
    name = names[0].decode("latin-1").removesuffix(".").lower()
    if not isDomain(name):
        raise ValueError(f"not a domain: {name!r}")
    return name  # type: ignore[no-any-return]
