"""
Tests of smtpsession.assembly: the parts of the service.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve, fields
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ConfigError, Limits, Networks, credentials
from smtpsession.accounts import Accounts
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

    def test_scramSecret(self) -> None:
        """
        The accounts have the secret of the listeners: with another, the salt of a name
        would tell whether it is there.
        """
        given: list[bytes] = []

        def make(*paths: Any, scramSecret: bytes, reactor: Any) -> Accounts:
            given.append(scramSecret)
            return Accounts(*paths, scramSecret=scramSecret, reactor=reactor)

        self.patch(credentials, "Accounts", make)
        config = Config(auth=AuthTable(users=self.users()))
        made = assemble(config, self.folder, MemoryReactorClock(), scramSecret=b"ours")
        [listener] = made.listeners
        assert listener.options is not None
        self.assertEqual([b"ours", listener.options.scramSecret], [*given, b"ours"])

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
            self.assertProblem(
                f"listener[0].tls: '{tls}', but expected \"none\", for there is no",
                ListenerTable(tls=tls),
            )
        require = TLSTable(certificate=self.pem("a"), clientCertificates="require")
        self.assertProblem("tls.ca: nothing, but expected a file, for", tls=require)

    def test_badCertificates(self) -> None:
        """Whatever is wrong with any of them is said of its key."""
        a, b = self.pem("a"), self.pem("b")
        nowhere, empty = self.folder / "nowhere", self.folder / "empty"
        empty.touch()
        tls = TLSTable(
            certificate=nowhere,
            key=empty,
            ca=empty,
            names={
                "a": PairTable(certificate=a, key=b),
                "b": PairTable(certificate=empty, key=b),
            },
        )
        error = self.assertRaises(ConfigError, self.assemble, tls=tls)
        place = f"{self.folder}/"
        self.assertEqual(
            [each.replace(place, "") for each in error.problems],
            [
                "tls.certificate: 'nowhere', but expected a file of PEM with a "
                "certificate (nowhere: No such file or directory)",
                "tls.key: 'empty', but expected a file of PEM with the certificate's "
                "key (empty: there is no private key in PEM in it)",
                "tls.names.a.key: 'b.pem', but expected a file of PEM with the "
                "certificate's key (b.pem: its key is not that of the first "
                "certificate in a.pem)",
                "tls.names.b.certificate: 'empty', but expected a file of PEM with a "
                "certificate (empty: there is no certificate in PEM in it)",
                "tls.ca: 'empty', but expected a file of PEM with certificates of "
                "authorities (empty: there is no certificate in PEM in it)",
            ],
        )
        bad = TLSTable(certificate=a, names={"a b": PairTable(certificate=a)})
        self.assertProblem("tls: a table, but expected certificates, each for", tls=bad)

    def test_accounts(self) -> None:
        """By default what the accounts can serve is offered; they have to be there."""
        listener = ListenerTable(auth="optional", allowInsecureAuth=True)
        made = self.assemble(listener, auth=AuthTable(users=self.users()))
        mechanisms = made.listeners[0].options.mechanisms
        self.assertIn("PLAIN", mechanisms)
        self.assertIn("SCRAM-SHA-256", mechanisms)
        self.assertNotIn("CRAM-MD5", mechanisms)
        self.assertNotIn("OAUTHBEARER", mechanisms)
        self.assertProblem(
            "listener[0].auth: 'optional', but expected \"none\", for [auth] has no",
            listener,
        )

    def test_badAccounts(self) -> None:
        """Whatever is wrong with each file is said of its key."""
        users, tokens = self.folder / "users", self.folder / "nowhere"
        users.write_text("bob\nal:{ROT13}frfnzr\n", "utf-8")
        error = self.assertRaises(
            ConfigError, self.assemble, auth=AuthTable(users=users, tokens=tokens)
        )
        starts = [
            f"auth.users: '{users}', but expected a file of users ({users}:1: ",
            f"auth.users: '{users}', but expected a file of users ({users}:2: ",
            f"auth.tokens: '{tokens}', but expected a file of tokens ({tokens}: No ",
        ]
        self.assertEqual(len(error.problems), 3, error.problems)
        for each, start in zip(error.problems, starts, strict=True):
            self.assertTrue(each.startswith(start), each)
        both = AuthTable(users=self.users(), checkers=("memory:bob:sesame",))
        self.assertProblem("auth.checkers: ['memory:bob:sesame'], but", auth=both)
        self.assertProblem(
            "auth.checkers: ['pigeon:x'], but expected checkers that twisted.cred",
            auth=AuthTable(checkers=("pigeon:x",)),
        )

    def test_ssl(self) -> None:
        """An endpoint that begins TLS by itself goes with none of ours, nor a proxy."""
        endpoint = "ssl:2525:privateKey=x.pem"
        proxied = ListenerTable(endpoint=endpoint, proxyProtocol=Networks(["::1"]))
        problem = self.assertProblem("listener[0].endpoint: ", proxied)
        self.assertIn("implicit", problem)

    def test_badEndpoint(self) -> None:
        """An endpoint has to be one."""
        for each in (
            *("", "pigeon:1", "tcp", "tcp:port", "tcp:25:color=blue"),
            *("tcp:65536", "tcp:-1"),
        ):
            self.assertProblem("listener[0].endpoint: ", ListenerTable(endpoint=each))
        table = ListenerTable(endpoint="systemd:domain=INET:index=99")
        problem = self.assertProblem("listener[0].endpoint: ", table)
        self.assertIn("(systemd has passed on no such socket)", problem)

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
