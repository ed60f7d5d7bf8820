"""
Tests of smtpsession.config, smtpsession.kinds and smtpsession.configfile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Limits, Networks
from smtpsession.config import (
    EMBEDDED,
    Config,
    ListenerTable,
    PairTable,
    RouteTable,
    TLSTable,
)
from smtpsession.configfile import kindsOf, load, read
from smtpsession.errors import ConfigError
from smtpsession.goals import DiscardTable, MaildirTable
from smtpsession.reference import TABLES
from tests import strategies  # noqa: F401 (it says how hypothesis runs)

FOLDER = Path("/etc/mail")

LIMITS = """
message-size = 1
recipients = 2
recipient-domains = 3
transactions = 4
errors = 0
clients = 6
clients-per-address = 7
command-timeout = 0.5
data-timeout = 9
minimum-data-rate = 0
handshake-timeout = 10
auth-failures = 0
auth-failures-per-address = 15
ban-time = 16
buffered-octets = 17
loop-lag = 18
closing-timeout = 12
stream-buffer = 13
"""

WRONG = [
    # text, the key, what stands there, what was expected
    ("hostname = 3", "hostname", "3", "a host name in ASCII"),
    (
        'hostname = "b\xfccher.example"',
        "hostname",
        "'b\xfccher.example'",
        "a host name",
    ),
    ("events = []", "events", "[]", "the name of a file or a folder"),
    ('listener = "x"', "listener", "'x'", "a list of tables"),
    ("[listener]", "listener", "{}", "a list of tables"),
    ("listener = [3]", "listener[0]", "3", "a table"),
    ("[[listener]]\nendpoint = 25", "listener[0].endpoint", "25", "a text that is not"),
    ('[[listener]]\nname = ""', "listener[0].name", "''", "a text that is not empty"),
    (
        '[[listener]]\nprotocol = "SMTP"',
        "listener[0].protocol",
        "'SMTP'",
        '"smtp" or "lmtp"',
    ),
    (
        "[[listener]]\nallow-insecure-auth = 1",
        "listener[0].allow-insecure-auth",
        "1",
        "true or false",
    ),
    (
        '[[listener]]\nxclient = ["192.0.2.1/24"]',
        "listener[0].xclient",
        "['192.0.2.1/24']",
        "a list of networks",
    ),
    (
        '[[listener]]\nxforward = "::1"',
        "listener[0].xforward",
        "'::1'",
        "a list of net",
    ),
    (
        "[[listener]]\nlimits = {recipients = 0}",
        "listener[0].limits.recipients",
        "0",
        "a whole number, 1 or more",
    ),
    ("dns = true", "dns", "True", "a table"),
    ("dns.timeout = 0", "dns.timeout", "0", "a number of seconds, more than 0"),
    ("dns.timeout = nan", "dns.timeout", "nan", "a number of seconds"),
    ("dns.timeout = inf", "dns.timeout", "inf", "a number of seconds"),
    ("limits.clients = true", "limits.clients", "True", "a whole number, 1 or more"),
    ("limits.clients = 1.5", "limits.clients", "1.5", "a whole number, 1 or more"),
    ("limits.errors = -1", "limits.errors", "-1", "a whole number, 0 or more"),
    (
        'auth.mechanisms = ["plain"]',
        "auth.mechanisms",
        "['plain']",
        "a list of any of EXTERNAL",
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndeliver = "pigeon"',
        "route[0].deliver",
        "'pigeon'",
        '"maildir" or "discard" or "smtp"',
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndeliver = ["x"]',
        "route[0].deliver",
        "['x']",
        '"maildir"',
    ),
    (
        '[[route]]\nrecipients = ["*"]\npath = 5',
        "route[0].path",
        "5",
        "the name of a folder",
    ),
    ('[[route]]\nrecipients = "*"', "route[0].recipients", "'*'", "a list of patt"),
    ("[[route]]\nrecipients = []", "route[0].recipients", "[]", "a list of patt"),
    (
        '[[route]]\nrecipients = ["*@exa mple"]',
        "route[0].recipients",
        "['*@exa mple']",
        "a list of patterns",
    ),
    (
        '[[route]]\nrecipients = ["*"]\npath = "mail/{user}"',
        "route[0].path",
        "'mail/{user}'",
        "the name of a folder, in which {domain} and {localpart} may stand",
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndeliver = "command"\ncommand = [""]',
        "route[0].command",
        "['']",
        "a list of texts, the first a program",
    ),
    ('tls.certificate = "x"\ntls.names.a = 3', "tls.names.a", "3", "a table"),
    (
        '[[listener]]\nendpoint = "inherited:INET:3"',
        "listener[0].endpoint",
        "'inherited:INET:3'",
        "a text that is not empty (that is what workers are told)",
    ),
    *(
        (
            f'[[route]]\nrecipients = ["*"]\ndeliver = "http"\nurl = "http://a/"\n'
            f"headers = {{{header}}}",
            "route[0].headers",
            found,
            f"a table of texts, each under the name of a header ({why})",
        )
        for header, found, why in (
            ('"a b" = "x"', "{'a b': 'x'}", "'a b' is not the name of a header"),
            ('A = "x\\ny"', "{'A': 'x\\ny'}", "A is not a text on one line"),
            ('A = ["x"]', "{'A': ['x']}", "A is not a text on one line"),
        )
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndeliver = "smtp"\nendpoint = "tcp:a:25"\n'
        'server-name = "a b"',
        "route[0].server-name",
        "'a b'",
        "a host name in ASCII, or an IP address",
    ),
]

UNKNOWN = [
    # text, what is said
    ('hostnam = "x"', "hostnam: 'x', but there is no such key; is it hostname?"),
    (
        "xyzzy = 1",
        "xyzzy: 1, but there is no such key; expected hostname, events, listener, tls, "
        "auth, dns, limits, metrics, log, route, workers, stop-timeout",
    ),
    (
        "limits.message_size = 1",
        "limits.message_size: 1, but there is no such key; is it message-size?",
    ),
    (
        "limits.messageSize = 1",
        "limits.messageSize: 1, but there is no such key; is it message-size?",
    ),
    (
        '[[route]]\nrecipients = ["*"]\nauthenticate = true',
        "route[0].authenticate: True, but there is no such key; is it authenticated?",
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndelivery = "discard"',
        "route[0].delivery: 'discard', but there is no such key; is it deliver?",
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndeliver = "discard"\npath = "x"',
        "route[0].path: 'x', but there is no such key; expected recipients, "
        "authenticated, deliver",
    ),
    (
        '[[route]]\nrecipients = ["*"]\ndestination = "discard"',
        "route[0].destination: 'discard', but there is no such key; expected path, "
        "line-endings, recipients, authenticated, deliver",
    ),
    (
        '[[listener]]\ndestination = "discard"',
        "listener[0].destination: 'discard', but there is no such key; expected name, "
        "endpoint, protocol, tls, auth, allow-insecure-auth, proxy-protocol, xclient, "
        "xforward, limits",
    ),
    (
        "[[route]]",
        "route[0].recipients: is missing, but expected a list of patterns of "
        'addresses, such as ["*@example.org"]',
    ),
    (
        "[tls]",
        "tls.certificate: is missing, but expected the name of a file or a folder",
    ),
    (
        '[tls]\ncertificate = "x"\n[tls.names.a]',
        "tls.names.a.certificate: is missing, but expected the name of a file or a "
        "folder",
    ),
]


class ConfigFileTests(SynchronousTestCase):
    """Reading a file."""

    def written(self, text: str) -> str:
        path = Path(self.mktemp())
        path.write_text(text, "utf-8")
        return str(path)

    def read(self, text: str) -> Config:
        return load(self.written(text))

    def problems(self, text: str) -> list[str]:
        """What is said of a file, without its name."""
        path = self.written(text)
        error = self.assertRaises(ConfigError, load, path)
        self.assertEqual(str(error).split("\n"), list(error.problems))
        for each in error.problems:
            self.assertTrue(each.startswith(f"{path}: "), each)
        return [each.removeprefix(f"{path}: ") for each in error.problems]

    def test_empty(self) -> None:
        """An empty file is a server that listens, and takes mail for nobody."""
        self.assertEqual(self.read(""), Config())
        self.assertEqual(Config().listener, (ListenerTable(),))
        self.assertEqual(Config().route, ())

    def test_embedded(self) -> None:
        """What is configured without a file is said in a file with a single route."""
        self.assertEqual(self.read('[[route]]\nrecipients = ["*"]'), EMBEDDED)

    def test_everything(self) -> None:
        """Each key has its place."""
        given = {
            "hostname": "mx.example.org",
            "events": "events.jsonl",
            "listener": [
                {
                    "name": "inbound",
                    "endpoint": "unix:/run/mail.socket",
                    "protocol": "lmtp",
                    "tls": "required",
                    "auth": "optional",
                    "allow-insecure-auth": True,
                    "proxy-protocol": ["unix"],
                    "xclient": ["192.0.2.0/24"],
                    "xforward": ["2001:db8::/32"],
                }
            ],
            "tls": {
                "certificate": "chain.pem",
                "key": "/secret/key.pem",
                "minimum-version": "TLSv1.3",
                "client-certificates": "request",
                "ca": "ca.pem",
                "names": {
                    "*.example.net": {"certificate": "net.pem", "key": "net.key"}
                },
            },
            "auth": {"mechanisms": ["PLAIN"], "users": "users", "tokens": "tokens"},
            "dns": {"reverse-lookup": False, "timeout": 3},
            "route": [
                {"recipients": ["*@a.example"], "path": "a", "line-endings": "crlf"},
                {"recipients": ["*"], "authenticated": True, "deliver": "discard"},
            ],
        }
        config = read(given, FOLDER, "mail.toml")
        self.assertEqual(config.events, FOLDER / "events.jsonl")
        [listener] = config.listener
        self.assertEqual(
            listener,
            ListenerTable(
                name="inbound",
                endpoint="unix:/run/mail.socket",
                protocol="lmtp",
                tls="required",
                auth="optional",
                allowInsecureAuth=True,
                proxyProtocol=Networks(["unix"]),
                xclient=Networks(["192.0.2.0/24"]),
                xforward=Networks(["2001:db8::/32"]),
            ),
        )
        self.assertEqual(
            config.tls,
            TLSTable(
                certificate=FOLDER / "chain.pem",
                key=Path("/secret/key.pem"),
                minimumVersion="TLSv1.3",
                clientCertificates="request",
                ca=FOLDER / "ca.pem",
                names={
                    "*.example.net": PairTable(
                        certificate=FOLDER / "net.pem", key=FOLDER / "net.key"
                    )
                },
            ),
        )
        self.assertEqual(config.auth.mechanisms, ("PLAIN",))
        self.assertEqual(config.auth.users, FOLDER / "users")
        self.assertEqual(config.auth.tokens, FOLDER / "tokens")
        self.assertEqual((config.dns.reverseLookup, config.dns.timeout), (False, 3))
        self.assertEqual(
            config.route,
            (
                RouteTable(
                    recipients=("*@a.example",),
                    destination=MaildirTable(path="a", lineEndings="crlf"),
                ),
                RouteTable(
                    recipients=("*",), authenticated=True, destination=DiscardTable()
                ),
            ),
        )

    def test_limits(self) -> None:
        """Each limit has a key, and each listener the common ones or its own."""
        text = f"[limits]{LIMITS}[[listener]]\n[[listener]]\nlimits = {{clients = 1}}"
        config = self.read(text)
        values: Any = [1, 2, 3, 4, 0, 6, 7, 0.5, 9, 0, 10, 0, 15, 16, 12, 13, 17, 18]
        names = [each.name for each in fields(Limits)]
        limits = Limits(**dict(zip(names, values, strict=True)))
        self.assertEqual(config.limits, limits)
        first, second = config.listener
        self.assertEqual(first.limits, limits)
        self.assertEqual(second.limits, evolve(limits, clients=1))

    def test_wrong(self) -> None:
        """The key is named, and what stands there, and what was expected."""
        for text, key, found, expected in WRONG:
            [problem] = self.problems(text)
            self.assertTrue(
                problem.startswith(f"{key}: {found}, but expected {expected}"), problem
            )

    def test_whyNot(self) -> None:
        """Where it is known better why a value is wrong, that is said too."""
        [problem] = self.problems('[[listener]]\nxclient = ["192.0.2.1/24"]')
        self.assertIn("has host bits set", problem)

    def test_unknown(self) -> None:
        """An unknown key is an error, with the nearest that there is; so is a gap."""
        for text, expected in UNKNOWN:
            self.assertEqual(self.problems(text), [expected])

    def test_allAtOnce(self) -> None:
        """All that is wrong is said at once."""
        text = 'hostname = 3\nroute = [{recipients = ["*"], paht = "x"}]\nx = 1\n'
        self.assertEqual(
            sorted(each.partition(":")[0] for each in self.problems(text)),
            ["hostname", "route[0].paht", "x"],
        )

    def test_notTOML(self) -> None:
        """What is no TOML is said with the line."""
        [problem] = self.problems("a = 1\nb = =\n")
        self.assertIn("not TOML", problem)
        self.assertIn("line 2", problem)

    def test_notText(self) -> None:
        """Nor is what is not UTF-8."""
        path = Path(self.mktemp())
        path.write_bytes(b'hostname = "\xff"')
        self.assertRaises(ConfigError, load, path)

    def test_noFile(self) -> None:
        """A file that is not there is said so."""
        error = self.assertRaises(ConfigError, load, "/nowhere/mail.toml")
        self.assertEqual(str(error), "/nowhere/mail.toml: No such file or directory")

    def test_relative(self) -> None:
        """Paths are relative to the file, wherever the process is."""
        path = self.written('events = "e"')
        self.assertEqual(load(path).events, Path(path).absolute().parent / "e")


_KEYS = st.sampled_from(
    sorted(
        {key for _, table in TABLES for key in kindsOf(table)}
        | {"deliver", "destination", "a", ""}
    )
)
_VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 2.5, "", "x", "smtp", "tcp:25", "*", "http"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


_TABLES = st.lists(st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=3)


class AnyFileTests(SynchronousTestCase):
    """Whatever a file says."""

    @given(st.dictionaries(_KEYS, _VALUES, max_size=6), _TABLES, _TABLES)
    def test_anything(
        self, top: dict[str, Any], routes: list[Any], listeners: list[Any]
    ) -> None:
        """It is a configuration, or it is said what is wrong with it."""
        try:
            read({**top, "route": routes, "listener": listeners}, FOLDER, "mail.toml")
        except ConfigError as error:
            self.assertTrue(error.problems)
            for each in error.problems:
                self.assertTrue(each.startswith("mail.toml: "), each)
                self.assertEqual(len(each.splitlines()), 1, each)
