"""
Tests of smtpsession.assembly: the parts of the service.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve, fields
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError, Limits, Networks
from smtpsession.assembly import Assembly, assemble
from smtpsession.config import (
    AuthTable,
    Config,
    DNSTable,
    ListenerTable,
    PairTable,
    RouteTable,
    TLSTable,
)
from smtpsession.goals import DiscardTable
from tests.certificates import selfSigned

ENDPOINT = "tcp:2525:interface=127.0.0.1"


class AssemblyTests(SynchronousTestCase):
    """assemble."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def assemble(self, *listeners: ListenerTable, **keys: Any) -> Assembly:
        config = Config(listener=listeners or (ListenerTable(),), **keys)
        return assemble(config, self.folder, MemoryReactorClock())

    def users(self) -> Path:
        path = self.folder / "users"
        path.write_text("bob:{PLAIN}sesame\n", "utf-8")
        return path

    def pem(self, name: str) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(selfSigned(name).pem)
        return path

    def assertProblem(self, start: str, *listeners: Any, **keys: Any) -> str:
        error = self.assertRaises(ConfigError, self.assemble, *listeners, **keys)
        [problem] = map(str, error.problems)
        self.assertTrue(problem.startswith(start), problem)
        return problem

    def test_options(self) -> None:
        """What a listener says its server is told."""
        limits = Limits(**{each.name: 7 for each in fields(Limits)})
        table = ListenerTable(
            name="in",
            protocol="lmtp",
            auth="required",
            allowInsecureAuth=True,
            proxyProtocol=Networks(["192.0.2.1"]),
            xclient=Networks(["192.0.2.2"]),
            xforward=Networks(["192.0.2.3"]),
            limits=limits,
        )
        dns = DNSTable(reverseLookup=False, timeout=3)
        auth = AuthTable(users=self.users(), mechanisms=("PLAIN",))
        made = self.assemble(table, hostname="mx.example.org", dns=dns, auth=auth)
        [listener] = made.listeners
        options = listener.options
        self.assertEqual(listener.name, "in")
        self.assertEqual(options.hostname, "mx.example.org")
        for name in ("protocol", "auth", "allowInsecureAuth", "proxyProtocol"):
            self.assertEqual(getattr(options, name), getattr(table, name), name)
        self.assertEqual(options.xclient, table.xclient)
        self.assertEqual(options.xforward, table.xforward)
        self.assertEqual(options.tls, "none")
        self.assertEqual(options.mechanisms, ("PLAIN",))
        self.assertEqual(
            (options.reverseLookup, options.reverseLookupTimeout), (False, 3)
        )
        for each in fields(Limits):
            self.assertEqual(getattr(options, each.name), 7, each.name)

    def test_name(self) -> None:
        """A listener without a name is called by its endpoint."""
        self.assertEqual(self.assemble().listeners[0].name, ENDPOINT)

    def test_certificates(self) -> None:
        """With certificates TLS is offered, where a listener does not say otherwise."""
        names = {"net.example": PairTable(certificate=self.pem("net.example"))}
        tls = TLSTable(certificate=self.pem("mx.example.org"), names=names)
        made = self.assemble(
            ListenerTable(),
            ListenerTable(tls="implicit"),
            ListenerTable(tls="none"),
            tls=tls,
        )
        self.assertEqual(
            [each.options.tls for each in made.listeners],
            ["starttls", "implicit", "none"],
        )
        store = made.listeners[0].options.certificates
        self.assertEqual(sorted(store.expirations), ["", "net.example"])
        self.assertIs(made.listeners[1].options.certificates, store)

    def test_noCertificates(self) -> None:
        """TLS needs them, and they have to be there."""
        for tls in ("starttls", "required", "implicit"):
            self.assertProblem("listener[0]: ", ListenerTable(tls=tls))
        self.assertProblem("tls: ", tls=TLSTable(certificate=Path("/nowhere.pem")))
        require = TLSTable(certificate=self.pem("a"), clientCertificates="require")
        self.assertProblem("tls: ", tls=require)

    def test_accounts(self) -> None:
        """By default what the accounts can serve is offered; they have to be there."""
        listener = ListenerTable(auth="optional", allowInsecureAuth=True)
        made = self.assemble(listener, auth=AuthTable(users=self.users()))
        mechanisms = made.listeners[0].options.mechanisms
        self.assertIn("PLAIN", mechanisms)
        self.assertIn("SCRAM-SHA-256", mechanisms)
        self.assertNotIn("CRAM-MD5", mechanisms)
        self.assertNotIn("OAUTHBEARER", mechanisms)
        problem = self.assertProblem("listener[0]: ", listener)
        self.assertIn("needs users or tokens", problem)
        self.assertProblem("auth: ", auth=AuthTable(users=self.folder / "nowhere"))

    def test_ssl(self) -> None:
        """An endpoint that begins TLS by itself goes with none of ours, nor a proxy."""
        endpoint = "ssl:2525:privateKey=x.pem"
        proxied = ListenerTable(endpoint=endpoint, proxyProtocol=Networks(["::1"]))
        problem = self.assertProblem("listener[0].endpoint: ", proxied)
        self.assertIn("implicit", problem)

    def test_badEndpoint(self) -> None:
        """An endpoint has to be one."""
        for each in ("", "pigeon:1", "tcp", "tcp:port", "tcp:25:color=blue"):
            self.assertProblem("listener[0].endpoint: ", ListenerTable(endpoint=each))

    def test_destinations(self) -> None:
        """Routes to the same destination share it, and so does what is made anew."""
        routes = (
            RouteTable(recipients=("a@*",)),
            RouteTable(recipients=("b@*",), destination=DiscardTable()),
            RouteTable(recipients=("c@*",), authenticated=True),
        )
        config = Config(route=routes)
        first = assemble(config, self.folder, MemoryReactorClock())
        a, b, c = first.routes
        self.assertIs(a.destination, c.destination)
        self.assertIsNot(a.destination, b.destination)
        self.assertEqual(
            [(each.recipients, each.authenticated) for each in first.routes],
            [(("a@*",), False), (("b@*",), False), (("c@*",), True)],
        )
        less = evolve(config, route=routes[1:2])
        again = assemble(less, self.folder, MemoryReactorClock(), first.destinations)
        self.assertEqual(list(again.destinations.values()), [b.destination])

    def test_badPattern(self) -> None:
        """A pattern with a domain that there cannot be is refused."""
        route = RouteTable(recipients=("*@\u2028.example",))
        self.assertProblem("route[0].recipients: ", route=(route,))
