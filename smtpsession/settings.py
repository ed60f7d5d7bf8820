# -*- test-case-name: tests.test_options -*-
"""
What a server is told, but for its extensions: these read it themselves.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from attrs import field, frozen, validators

from smtpsession.addresses import isDomain
from smtpsession.limits import Limits
from smtpsession.networks import Networks
from smtpsession.sasl.exchange import SECRET
from smtpsession.sasl.keys import ITERATIONS
from smtpsession.sasl.mechanisms import BY_NAME

#: All but CRAM-MD5, for which passwords would have to be kept in clear.
MECHANISMS = tuple(name for name in BY_NAME if name != "CRAM-MD5")


def _machineName() -> str:
    name = socket.gethostname()
    return name if isDomain(name) else "localhost"


def _networks(value: Networks | Iterable[str]) -> Networks:
    return value if isinstance(value, Networks) else Networks(value)


def _oneOf(default: str, *others: str) -> Any:
    return field(default=default, validator=validators.in_((default, *others)))


def _flag(default: bool) -> Any:
    # What is not a bool can be "false", and true.
    return field(default=default, validator=validators.instance_of(bool))


def _clients() -> Any:
    return field(factory=Networks, converter=_networks)


@frozen(kw_only=True)
class Settings(Limits):
    """
    How a server behaves; its limits are fields of the same object.

    @ivar hostname: what the server calls itself; by default the machine's name
    @ivar protocol: C{"smtp"} or C{"lmtp"} (RFC 2033)
    @ivar bareNewlines: what happens to a message with a CR or LF that is not part of a
        CRLF: C{"refuse"} it with 550 after its end, or C{"normalize"} each to CRLF
    @ivar certificates: what TLS is done with, usually a `CertificateStore`; or any
        other C{IOpenSSLServerConnectionCreator}
    @ivar tls: C{"none"}; C{"starttls"}, which offers it; C{"required"}, which accepts
        neither MAIL nor AUTH before it; or C{"implicit"}, where a connection begins
        with it.  By default C{"starttls"} if there are certificates.
    @ivar auth: C{"none"}; C{"optional"}, which offers it; or C{"required"}, which
        accepts no MAIL before it
    @ivar mechanisms: the SASL mechanisms that AUTH may offer
    @ivar allowInsecureAuth: whether AUTH is offered without TLS
    @ivar scramIterations: of the keys of users that there are not.  It should be that
        of the others: else it tells who is one.
    @ivar scramSecret: what the salts of users that there are not are made of; by
        default another for each process.  Processes that serve the same users need the
        same one, and should have it after a restart, for the same reason.
    @ivar proxyProtocol: the networks whose connections must begin with a PROXY header;
        from others none is accepted
    @ivar xclient: the networks whose clients may use XCLIENT
    @ivar xforward: the networks whose clients may use XFORWARD
    @ivar reverseLookup: whether to ask the DNS for the client's name
    @ivar reverseLookupTimeout: for how many seconds to wait for it at the most

    @raise ValueError: a value is none of these, or TLS has no certificates
    @raise TypeError: a value is not even of the type
    """

    hostname: str = field(factory=_machineName)
    protocol: str = _oneOf("smtp", "lmtp")
    bareNewlines: str = _oneOf("refuse", "normalize")
    certificates: Any = field(default=None)
    tls: str = field(
        validator=validators.in_(("none", "starttls", "required", "implicit"))
    )
    auth: str = _oneOf("none", "optional", "required")
    mechanisms: tuple[str, ...] = field(
        default=MECHANISMS,
        converter=tuple,
        validator=validators.deep_iterable(validators.in_(tuple(BY_NAME))),
    )
    allowInsecureAuth: bool = _flag(False)
    scramIterations: int = field(
        default=ITERATIONS,
        validator=[validators.instance_of(int), validators.ge(1)],
    )
    scramSecret: bytes = field(
        default=SECRET, repr=False, validator=validators.instance_of(bytes)
    )
    proxyProtocol: Networks = _clients()
    xclient: Networks = _clients()
    xforward: Networks = _clients()
    reverseLookup: bool = _flag(True)
    reverseLookupTimeout: float = field(default=1.5, validator=validators.gt(0))

    @certificates.validator
    def _makeConnections(self, attribute: object, value: Any) -> None:
        # The interface itself is Twisted's, of which nothing is known down here.
        if value is not None and not hasattr(value, "serverConnectionForTLS"):
            raise ValueError(f"not a store of certificates: {value!r}")

    @tls.default
    def _tlsByCertificates(self) -> str:
        return "none" if self.certificates is None else "starttls"

    @tls.validator
    def _hasCertificates(self, attribute: object, value: str) -> None:
        if value != "none" and self.certificates is None:
            raise ValueError(f"tls={value!r} needs certificates")

    @hostname.validator
    def _isDomain(self, attribute: object, value: str) -> None:
        if not isDomain(value):
            raise ValueError(f"not a domain: {value!r}")
