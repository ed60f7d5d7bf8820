# -*- test-case-name: tests.test_assembly -*-
"""
The parts of the service, made from its configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from smtpsession.certificates import CertificateStore
from smtpsession.checkers import Checkers
from smtpsession.accounts import Accounts
from smtpsession.config import (
    AuthTable,
    Config,
    ListenerTable,
    MetricsTable,
    TLSTable,
)
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.making import Surroundings, make
from smtpsession.errors import ConfigError
from smtpsession.goals import DestinationTable, nameOf
from smtpsession.inherited import InheritedEndpoint
from smtpsession.limits import Limits
from smtpsession.options import ServerOptions
from smtpsession.pem import CertificatePair
from smtpsession.router import Route
from smtpsession.sasl.exchange import SECRET

#: What the endpoint of a worker begins with: behind it are the domain of a socket that
#: another process has opened, and its number.
INHERITED = "inherited:"

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
    bench = _Bench()
    monitor = counting or _monitor(bench, config.metrics, reactor)
    certificates = bench.make("tls", _certificates, config.tls)
    accounts = bench.make("auth", _accounts, config.auth, reactor)
    mechanisms = _mechanisms(config.auth, accounts)
    listeners = []
    for place, table in enumerate(config.listener):
        where = f"listener[{place}]"
        bench.make(f"{where}.limits", _requireShares, table.limits, config.workers)
        options = bench.make(where, _options, config, table, certificates, mechanisms)
        endpoint = bench.make(f"{where}.endpoint", _endpoint, reactor, table)
        if options is not None:
            options = evolve(options, scramSecret=scramSecret)
        listeners.append(Listener(table.name or table.endpoint, endpoint, options))
    hostname = config.hostname or ServerOptions().hostname
    around = Surroundings(hostname, folder, reactor)
    destinations = dict(known or {})
    routes = []
    for place, route in enumerate(config.route):
        goal = route.destination
        if goal not in destinations:
            part = bench.make(f"route[{place}]", make, goal, around)
            if monitor is not None:
                part = _measured(part, goal, monitor, reactor)
            destinations[goal] = part
        made = destinations[goal]
        where = f"route[{place}].recipients"
        routes.append(
            bench.make(where, Route, route.recipients, made, route.authenticated)
        )
    if bench.problems:
        raise ConfigError(bench.problems)
    used = {each.destination: destinations[each.destination] for each in config.route}
    return Assembly(accounts, listeners, used, routes, monitor)


class _Bench:
    """
    Makes part after part, and keeps what is wrong with those that cannot be made.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []

    def make(self, where: str, maker: Callable[..., Any], *arguments: Any) -> Any:
        """
        @param where: the key that asks for it
        @return: None if it cannot be made
        """
        try:
            return maker(*arguments)
        except Exception as error:
            # Endpoints alone have a dozen ways to be wrong.
            self.problems.append(f"{where}: {error}")
            return None


def _certificates(table: TLSTable | None) -> CertificateStore | None:
    if table is None:
        return None
    return CertificateStore(
        str(table.certificate),
        _path(table.key),
        names={
            name: CertificatePair(str(pair.certificate), _path(pair.key))
            for name, pair in table.names.items()
        },
        minimumVersion=table.minimumVersion,
        clientCertificates=table.clientCertificates,
        ca=_path(table.ca),
    )


def _accounts(table: AuthTable, reactor: Any) -> Accounts | Checkers | None:
    if table.checkers:
        if table.users is not None or table.tokens is not None:
            raise ValueError("accounts are in files or with checkers, not both")
        return Checkers(table.checkers)
    if table.users is None and table.tokens is None:
        return None
    return Accounts(table.users, table.tokens, reactor=reactor)


def _requireShares(limits: Limits, workers: int) -> None:
    """Each of several workers takes one client at the least, and one of an address."""
    divided = {
        "clients": limits.clients,
        "clients-per-address": limits.clientsPerAddress,
    }
    for key, limit in divided.items():
        if limit < workers:
            raise ValueError(f"{key}: {limit}, but expected one for each worker")


def _mechanisms(
    table: AuthTable, accounts: Accounts | Checkers | None
) -> Sequence[str]:
    if table.mechanisms is not None:
        return table.mechanisms
    return () if accounts is None else accounts.mechanisms


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _monitor(bench: _Bench, table: MetricsTable, reactor: Any) -> Monitor | None:
    if table.endpoint is None:
        return None
    endpoint = bench.make("metrics.endpoint", serverFromString, reactor, table.endpoint)
    metrics = bench.make("metrics", _newMetrics)
    return None if bench.problems else Monitor(endpoint, metrics)


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
    endpoint: IStreamServerEndpoint = serverFromString(reactor, table.endpoint)
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
    if config.tls is None and table.tls not in (None, "none"):
        raise ValueError(f'tls = "{table.tls}" needs a table [tls]')
    auth = config.auth
    if table.auth != "none" and not (auth.users or auth.tokens or auth.checkers):
        raise ValueError(f'auth = "{table.auth}" needs users or tokens in [auth]')
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
