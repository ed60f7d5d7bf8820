# -*- test-case-name: tests.test_configfile -*-
"""
The configuration of the service: a class for each table of the file, a field for each
key.

What a key means stands in the docstring of its class, and nowhere else: the reference
in the manual is made from here.  Paths are relative to the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path

from attrs import field, frozen

from smtpsession.kinds import (
    ENDPOINT,
    FILE,
    FLAG,
    HOSTNAME,
    NETWORKS,
    PATTERNS,
    SECONDS,
    TEXT,
    TEXTS,
    beside,
    choice,
    choices,
    count,
    setting,
)
from smtpsession.errors import ConfigError
from smtpsession.goals import DestinationTable, MaildirTable
from smtpsession.limits import Limits
from smtpsession.networks import Networks
from smtpsession.problems import Problem, Steps, shown, valueAt
from smtpsession.sasl.mechanisms import BY_NAME

#: Where the service listens if it is not told.
LISTEN = "tcp:2525:interface=127.0.0.1"

NOBODY = Networks()


@frozen(kw_only=True)
class ListenerTable:
    """
    Where clients come in, and what they may do there.

    @ivar name: what it is called in the log; by default its endpoint
    @ivar endpoint: a Twisted endpoint string; C{unix:} and C{systemd:} too
    @ivar protocol: SMTP, or LMTP for a mail system that delivers through us
    @ivar tls: C{"starttls"} offers it, C{"required"} takes neither mail nor passwords
        before it, with C{"implicit"} the connection begins with it.  By default
        C{"starttls"} if there is a table C{[tls]}, otherwise C{"none"}.
    @ivar auth: C{"optional"} offers AUTH, C{"required"} takes no mail before it
    @ivar allowInsecureAuth: whether AUTH is offered without TLS
    @ivar proxyProtocol: networks whose connections must begin with a PROXY header;
        C{"unix"} is the clients of a UNIX socket
    @ivar xclient: networks whose clients may use XCLIENT
    @ivar xforward: networks whose clients may use XFORWARD
    @ivar limits: what differs here from the table C{[limits]}
    """

    name: str = setting(TEXT, "")
    endpoint: str = setting(ENDPOINT, LISTEN)
    protocol: str = setting(choice("smtp", "lmtp"), "smtp")
    tls: str | None = setting(choice("none", "starttls", "required", "implicit"), None)
    auth: str = setting(choice("none", "optional", "required"), "none")
    allowInsecureAuth: bool = setting(FLAG, False)
    proxyProtocol: Networks = setting(NETWORKS, NOBODY)
    xclient: Networks = setting(NETWORKS, NOBODY)
    xforward: Networks = setting(NETWORKS, NOBODY)
    limits: Limits = field(factory=Limits)


@frozen(kw_only=True)
class PairTable:
    """
    A certificate for one name.

    @ivar certificate: a file of PEM, the chain included
    @ivar key: the file of its key; by default the same
    """

    certificate: Path = setting(FILE)
    key: Path | None = setting(FILE, None)


@frozen(kw_only=True)
class TLSTable:
    """
    Certificates, and what is asked of clients.

    @ivar certificate: a file of PEM, the chain included, for clients that ask for no
        name or another one
    @ivar key: the file of its key; by default the same
    @ivar minimumVersion: the oldest version of TLS
    @ivar clientCertificates: whether clients are asked for one, or have to have one
    @ivar ca: a file with the authorities of these
    @ivar names: more certificates, by the name that the client asks for (SNI);
        C{"*.example.net"} is all names with one label in front
    """

    certificate: Path = setting(FILE)
    key: Path | None = setting(FILE, None)
    minimumVersion: str = setting(choice("TLSv1.2", "TLSv1.3"), "TLSv1.2")
    clientCertificates: str = setting(choice("none", "request", "require"), "none")
    ca: Path | None = setting(FILE, None)
    names: Mapping[str, PairTable] = field(factory=dict)


@frozen(kw_only=True)
class AuthTable:
    """
    Who may log in.

    @ivar mechanisms: those that are offered; by default all that the accounts can
        serve, but CRAM-MD5
    @ivar users: a file of passwords
    @ivar tokens: a file of tokens, for OAUTHBEARER and XOAUTH2
    @ivar checkers: in place of these, checkers of C{twisted.cred}, as C{--auth} names
        them: C{file:/etc/mail/passwords}, and whatever is installed
    """

    mechanisms: tuple[str, ...] | None = setting(choices(*BY_NAME), None)
    users: Path | None = setting(FILE, None)
    tokens: Path | None = setting(FILE, None)
    checkers: tuple[str, ...] = setting(TEXTS, ())


@frozen(kw_only=True)
class DNSTable:
    """
    The names of clients.

    @ivar reverseLookup: whether to ask the DNS for them
    @ivar timeout: for how many seconds at the most
    """

    reverseLookup: bool = setting(FLAG, True)
    timeout: float = setting(SECONDS, 1.5)


@frozen(kw_only=True)
class MetricsTable:
    """
    What monitors ask for by HTTP: C{/metrics}, for Prometheus, and C{/health}; with
    several workers for all of them together.

    @ivar endpoint: where to answer them, a Twisted endpoint string that no client
        should reach, such as C{tcp:9100:interface=127.0.0.1}; by default nowhere
    """

    endpoint: str | None = setting(TEXT, None)


@frozen(kw_only=True)
class LogTable:
    """
    A log of the service in a file of its own, beside that of C{twistd}; with several
    workers for all of them.

    @ivar file: where it goes; C{SIGHUP} opens it anew, after it was moved away.  By
        default there is none.
    @ivar format: text for people, or a JSON object on each line
    @ivar level: what is less than that is left out
    """

    file: Path | None = setting(FILE, None)
    format: str = setting(choice("text", "json"), "text")
    level: str = setting(choice("debug", "info", "warn", "error"), "info")


@frozen(kw_only=True)
class RouteTable:
    """
    Where messages for some recipients go.  The first route that fits has them; a
    recipient for whom there is none is refused, 550 5.7.1.

    @ivar recipients: patterns of whole addresses, with C{*} and C{?}; the domain
        without regard to case
    @ivar authenticated: whether it is only for clients that have logged in
    @ivar destination: what becomes of the messages; it has keys of its own
    """

    recipients: tuple[str, ...] = setting(PATTERNS)
    authenticated: bool = setting(FLAG, False)
    destination: DestinationTable = field(factory=MaildirTable)


@frozen(kw_only=True)
class Config:
    """
    The whole file.

    @ivar hostname: what the server calls itself; by default the machine's name
    @ivar events: a file that gets a JSON object, on a line of its own, for each message
        that was accepted
    @ivar listener: where to listen
    @ivar tls: certificates
    @ivar auth: accounts
    @ivar dns: the names of clients
    @ivar limits: for every listener
    @ivar metrics: for monitors
    @ivar log: for people and their programs
    @ivar route: where mail goes
    @ivar workers: how many processes serve the same ports
    @ivar stopTimeout: how long clients may go on with a transaction when the service
        stops, in seconds
    @ivar source: what the file is called where something is wrong with it
    @ivar mark: what tells its text from others
    @ivar problems: what is wrong with it already, in place of which there is something
        that can be read; it cannot be assembled
    """

    hostname: str | None = setting(HOSTNAME, None)
    events: Path | None = setting(FILE, None)
    listener: tuple[ListenerTable, ...] = field(factory=lambda: (ListenerTable(),))
    tls: TLSTable | None = None
    auth: AuthTable = field(factory=AuthTable)
    dns: DNSTable = field(factory=DNSTable)
    limits: Limits = field(factory=Limits)
    metrics: MetricsTable = field(factory=MetricsTable)
    log: LogTable = field(factory=LogTable)
    route: tuple[RouteTable, ...] = ()
    workers: int = setting(count(), 1)
    stopTimeout: float = setting(SECONDS, 30)
    source: str = beside("")
    mark: int = beside(0)
    problems: tuple[Problem, ...] = beside(())

    def refuse(self, problems: Iterable[Problem]) -> None:
        """
        @raise ConfigError: there are any
        """
        source = f"{self.source}: " if self.source else ""
        said = [f"{source}{each}" for each in problems]
        if said:
            raise ConfigError(said)


def markOf(octets: bytes) -> int:
    """What tells the text of a configuration from others: a number of 48 bits."""
    return int.from_bytes(blake2b(octets, digest_size=6).digest(), "big")


#: Why something cannot be changed by a reload.
WHILE_IN_USE = "as long as the service runs"


#: What cannot change while the service runs: its processes and its ports.
_STAYS: tuple[Steps, ...] = (("workers",), ("metrics", "endpoint"))
_STAYS_OF_LISTENERS = "endpoint", "protocol"


def requireSame(before: Config, after: Config) -> None:
    """
    @raise ConfigError: C{after} has what cannot be had while C{before} is in use
    """
    steps = [*_STAYS]
    problems = []
    count = len(before.listener)
    if len(after.listener) == count:
        steps += [
            ("listener", place, key)
            for place in range(count)
            for key in _STAYS_OF_LISTENERS
        ]
    else:
        text = f"{len(after.listener)} of them, but expected {count}, {WHILE_IN_USE}"
        problems.append(Problem(("listener",), text))
    for each in steps:
        old, new = valueAt(before, each), valueAt(after, each)
        if old != new:
            expected = f"{shown(old)}, {WHILE_IN_USE}"
            problems.append(Problem.misfit(each, new, expected))
    after.refuse(problems)


#: What is configured where there is no file: a mail sink.
EMBEDDED = Config(route=(RouteTable(recipients=("*",)),))
