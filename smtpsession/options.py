# -*- test-case-name: tests.test_options -*-
"""
What a server is told: one frozen object, passed along and never copied apart.
"""

from __future__ import annotations

import socket

from attrs import field, frozen, validators

from smtpsession.addresses import isDomain
from smtpsession.extensions import BUILT_IN, Extension
from smtpsession.limits import Limits


def _machineName() -> str:
    name = socket.gethostname()
    return name if isDomain(name) else "localhost"


@frozen(kw_only=True)
class ServerOptions(Limits):
    """
    How a server behaves; its limits are fields of the same object.

    @ivar hostname: what the server calls itself; by default the machine's name
    @ivar protocol: C{"smtp"} or C{"lmtp"} (RFC 2033)
    @ivar bareNewlines: what happens to a message with a CR or LF that is not part of a
        CRLF: C{"refuse"} it with 550 after its end, or C{"normalize"} each to CRLF
    @ivar extensions: what EHLO and LHLO may offer
    @ivar reverseLookup: whether to ask the DNS for the client's name
    @ivar reverseLookupTimeout: for how many seconds to wait for it at the most
    """

    hostname: str = field(factory=_machineName)
    protocol: str = field(default="smtp", validator=validators.in_(("smtp", "lmtp")))
    bareNewlines: str = field(
        default="refuse", validator=validators.in_(("refuse", "normalize"))
    )
    extensions: tuple[Extension, ...] = field(default=BUILT_IN, converter=tuple)
    reverseLookup: bool = True
    reverseLookupTimeout: float = field(default=1.5, validator=validators.gt(0))

    @hostname.validator
    def _isDomain(self, attribute: object, value: str) -> None:
        if not isDomain(value):
            raise ValueError(f"not a domain: {value!r}")
