# -*- test-case-name: tests.test_assembly -*-
"""
The parts of the service, made from its configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from smtpsession.certificates import CertificateStore
from smtpsession.checkers import Checkers
from smtpsession.accounts import Accounts
from smtpsession.config import AuthTable, Config, ListenerTable, MetricsTable
from smtpsession.credentials import accountsOf, storeOf
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.making import Surroundings, make, requirePort
from smtpsession.goals import DestinationTable, nameOf
from smtpsession.inherited import InheritedEndpoint
from smtpsession.kinds import INHERITED
from smtpsession.options import ServerOptions
from smtpsession.problems import DESTINATION, Bench
from smtpsession.router import Route
from smtpsession.sasl.exchange import SECRET

_SERVER = "an endpoint to listen on, such as tcp:25"

#: What that of a socket begins with which systemd has opened.
SYSTEMD = "systemd:"

if TYPE_CHECKING:
    from smtpsession.metrics import Metrics


@frozen
class Listener:
    """
    @ivar name: what it is called in the log
    @ivar endpoint: where it listens
    @ivar options: what its server is told
    """

    name: str
    endpoint: IStreamServerEndpoint
    options: ServerOptions


@frozen
class Monitor:
    """
    @ivar endpoint: where it is asked; None if somebody else is
    @ivar metrics: what it tells
    """

    endpoint: IStreamServerEndpoint | None
    metrics: Metrics


@frozen
class Assembly:
    """
    All that a configuration asks for, made but not started.

    @ivar accounts: who may log in, if anybody
    @ivar listeners: in the order of the file
    @ivar destinations: by their tables
    @ivar routes: in the order of the file
    @ivar monitor: if there is to be one
    """

    accounts: Accounts | Checkers | None
    listeners: Sequence[Listener]
    destinations: Mapping[DestinationTable, Destination]
    routes: Sequence[Route]
    monitor: Monitor | None = None


def assemble(
    config: Config,
    folder: Path,
    reactor: Any,
    known: Mapping[DestinationTable, Destination] | None = None,
    scramSecret: bytes = SECRET,
    counting: Monitor | None = None,
) -> Assembly:
    """
    Make the parts.

    @param folder: what relative paths are relative to
    @param scramSecret: as in `ServerOptions`
    @param known: destinations that there are already, to go on with
    @param counting: the monitor that there is already, if there is to be one
    @raise ConfigError: with all that cannot be made
    """
    bench = Bench(config, config.problems)
    monitor = counting or _monitor(bench, config.metrics, reactor)
    certificates = None
    if config.tls is not None:
        certificates = storeOf(bench.within("tls"), config.tls)
    accounts = accountsOf(bench.within("auth"), config.auth, reactor, scramSecret)
    mechanisms = _mechanisms(config.auth, accounts)
    listeners = []
    for place, table in enumerate(config.listener):
        own = bench.within("listener", place)
        _demandTogether(bench, own, config, table)
        options: Any = None
        if not (bench.isWrong("tls") or bench.isWrong("auth")):
            given = config, table, certificates, mechanisms
            options = own.make((), "settings that go together", _options, *given)
        endpoint = own.make(("endpoint",), _SERVER, _endpoint, reactor, table)
        if options is not None:
            options = evolve(options, scramSecret=scramSecret)
        listeners.append(Listener(table.name or table.endpoint, endpoint, options))
    hostname = config.hostname or ServerOptions().hostname
    around = Surroundings(hostname, folder, reactor)
    destinations = dict(known or {})
    routes = []
    for place, route in enumerate(config.route):
        own, goal = bench.within("route", place), route.destination
        if goal not in destinations:
            part = make(goal, around, own.within(DESTINATION))
            if monitor is not None:
                part = _measured(part, goal, monitor, reactor)
            destinations[goal] = part
        asked = route.recipients, destinations[goal], route.authenticated
        routes.append(own.make(("recipients",), "patterns of addresses", Route, *asked))
    config.refuse(bench.problems)
    used = {each.destination: destinations[each.destination] for each in config.route}
    return Assembly(accounts, listeners, used, routes, monitor)


def _demandTogether(
    bench: Bench, own: Bench, config: Config, table: ListenerTable
) -> None:
    """What a listener asks for has to be there."""
    if config.tls is None and table.tls not in (None, "none"):
        if not bench.isWrong("tls"):
            own.blame(("tls",), '"none", for there is no table [tls]')
    auth = config.auth
    if table.auth != "none" and not (auth.users or auth.tokens or auth.checkers):
        if not bench.isWrong("auth"):
            expected = '"none", for [auth] has no users, tokens or checkers'
            own.blame(("auth",), expected)


def _mechanisms(
    table: AuthTable, accounts: Accounts | Checkers | None
) -> Sequence[str]:
    if table.mechanisms is not None:
        return table.mechanisms
    return () if accounts is None else accounts.mechanisms


def _monitor(bench: Bench, table: MetricsTable, reactor: Any) -> Monitor | None:
    if table.endpoint is None:
        return None
    key = "metrics", "endpoint"
    endpoint = bench.make(key, _SERVER, serverFromString, reactor, table.endpoint)
    metrics = bench.make(key, "nothing, as an extra is missing", _newMetrics)
    return None if metrics is None else Monitor(endpoint, metrics)


def _newMetrics() -> Metrics:
    try:
        from smtpsession.metrics import Metrics
    except ImportError as error:
        what = f"{error.name} is missing: pip install 'smtpsession[metrics]'"
        raise ValueError(what) from error
    return Metrics()


def _measured(
    destination: Destination, table: DestinationTable, monitor: Monitor, reactor: Any
) -> Destination:
    # Not before: without the extra it cannot be imported.
    from smtpsession.delivery.measured import Measured

    return Measured(destination, nameOf(table), monitor.metrics, reactor)


def _endpoint(reactor: Any, table: ListenerTable) -> IStreamServerEndpoint:
    if table.endpoint.startswith(INHERITED):
        domain, number = table.endpoint.removeprefix(INHERITED).split(":")
        return InheritedEndpoint(reactor, domain, int(number))
    if table.endpoint.startswith("ssl:") and (table.tls or table.proxyProtocol):
        # It begins TLS by itself: before a PROXY header, and without our certificates.
        raise ValueError('in place of "ssl:" write "tcp:", and tls = "implicit"')
    try:
        endpoint: IStreamServerEndpoint = requirePort(
            serverFromString(reactor, table.endpoint)
        )
    except LookupError as error:
        if table.endpoint.startswith(SYSTEMD):
            raise ValueError("systemd has passed on no such socket") from error
        raise
    return endpoint


def _options(
    config: Config,
    table: ListenerTable,
    certificates: CertificateStore | None,
    mechanisms: Sequence[str],
) -> ServerOptions:
    given: dict[str, Any] = asdict(table.limits, recurse=False)
    if config.hostname is not None:
        given["hostname"] = config.hostname
    if table.tls is not None:
        given["tls"] = table.tls
    if table.auth != "none":
        given["mechanisms"] = mechanisms
    return ServerOptions(
        protocol=table.protocol,
        certificates=certificates,
        auth=table.auth,
        allowInsecureAuth=table.allowInsecureAuth,
        proxyProtocol=table.proxyProtocol,
        xclient=table.xclient,
        xforward=table.xforward,
        reverseLookup=config.dns.reverseLookup,
        reverseLookupTimeout=config.dns.timeout,
        **given,
    )
