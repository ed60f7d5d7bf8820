"""
Tests of smtpsession.options.
"""

from __future__ import annotations

import socket
from typing import Any

from attrs.exceptions import FrozenInstanceError

from smtpsession import (
    Command,
    Extension,
    Limits,
    MailParameter,
    RcptParameter,
    Rule,
    ServerOptions,
)
from smtpsession.extensions import BUILT_IN, PIPELINING, SIZE
from tests.cases import TableTestCase
from tests.transports import CERTIFICATES


def _ignore(*ignored: Any) -> Any:
    return None


def _extension(keyword: str, *verbs: str, **columns: Any) -> Extension:
    """One that brings these verbs."""
    commands = [type("_Command", (Command,), {"verb": verb}) for verb in verbs]
    rules = tuple(Rule(command) for command in commands)
    return Extension(keyword=keyword, rfc="none", verbs=rules, **columns)


GOOD: list[tuple[str, dict[str, Any], object]] = [
    # name, options, what the option then is
    ("a hostname", {"hostname": "mx.example.org"}, "mx.example.org"),
    ("a single label", {"hostname": "localhost"}, "localhost"),
    ("an A-label", {"hostname": "xn--bcher-kva.example"}, "xn--bcher-kva.example"),
    ("SMTP", {"protocol": "smtp"}, "smtp"),
    ("LMTP", {"protocol": "lmtp"}, "lmtp"),
    ("bare newlines refused", {"bareNewlines": "refuse"}, "refuse"),
    ("bare newlines normalized", {"bareNewlines": "normalize"}, "normalize"),
    ("no extensions", {"extensions": ()}, ()),
    ("a list of extensions", {"extensions": [PIPELINING, SIZE]}, (PIPELINING, SIZE)),
    ("no reverse lookup", {"reverseLookup": False}, False),
    ("a short time for it", {"reverseLookupTimeout": 0.1}, 0.1),
    ("a limit", {"messageSize": 1000}, 1000),
]

BAD: list[tuple[str, dict[str, Any]]] = [
    # name, options
    ("no hostname", {"hostname": ""}),
    ("a hostname with a space", {"hostname": "mx example"}),
    ("with an underscore", {"hostname": "my_host"}),
    ("with a dot behind", {"hostname": "mx.example.org."}),
    ("with a hyphen behind", {"hostname": "mx-"}),
    ("with a line end", {"hostname": "mx.example.org\r\n"}),
    ("with a U-label", {"hostname": "b\xfccher.example"}),
    ("an address", {"hostname": "bob@example.org"}),
    ("another protocol", {"protocol": "http"}),
    ("a protocol in capitals", {"protocol": "SMTP"}),
    ("another way with bare newlines", {"bareNewlines": "accept"}),
    ("no way with them", {"bareNewlines": None}),
    ("no time for the reverse lookup", {"reverseLookupTimeout": 0}),
    ("a negative time for it", {"reverseLookupTimeout": -1}),
    ("a limit of nothing", {"messageSize": 0}),
    ("a limit that is true", {"messageSize": True}),
    ("a file name for certificates", {"certificates": "cert.pem"}),
    ("no iterations", {"scramIterations": 0}),
    ("AUTH without its extension", {"auth": "optional", "extensions": [SIZE]}),
    ("AUTH without mechanisms", {"auth": "required", "mechanisms": []}),
    ("XCLIENT without it", {"xclient": ["::1"], "extensions": [SIZE]}),
    ("XFORWARD without it", {"xforward": ["::1"], "extensions": [SIZE]}),
    (
        "STARTTLS without it",
        {"certificates": CERTIFICATES, "tls": "required", "extensions": [SIZE]},
    ),
    ("an extension twice", {"extensions": (PIPELINING, SIZE, PIPELINING)}),
    ("a keyword in lower case", {"extensions": [_extension("x-foo")]}),
    ("a keyword of two words", {"extensions": [_extension("X FOO")]}),
    ("a keyword with a line end", {"extensions": [_extension("X\n")]}),
    ("a keyword beyond ASCII", {"extensions": [_extension("X\xc4")]}),
    ("a verb of SMTP", {"extensions": [_extension("X", "RSET")]}),
    ("a verb of LMTP", {"extensions": [_extension("X", "LHLO")]}),
    ("a verb in lower case", {"extensions": [_extension("X", "xfoo")]}),
    ("the verb of another", {"extensions": [*BUILT_IN, _extension("X", "BDAT")]}),
    (
        "a verb twice",
        {"extensions": [_extension("X", "XFOO"), _extension("Y", "XFOO")]},
    ),
    (
        "a parameter of MAIL in lower case",
        {
            "extensions": [
                _extension("X", mailParameters=(MailParameter("x", _ignore),))
            ]
        },
    ),
    (
        "a parameter of RCPT in lower case",
        {
            "extensions": [
                _extension("X", rcptParameters=(RcptParameter("x", _ignore),))
            ]
        },
    ),
]


class ServerOptionsTests(TableTestCase):
    """What a server is told."""

    def test_defaults(self):
        """Without options it is an SMTP server that is strict and offers everything."""
        options = ServerOptions()

        self.assertEqual("smtp", options.protocol)
        self.assertEqual("refuse", options.bareNewlines)
        self.assertEqual(BUILT_IN, options.extensions)
        self.assertEqual(True, options.reverseLookup)
        self.assertEqual(1.5, options.reverseLookupTimeout)

    def test_limits(self):
        """Its limits are options like the others, with the same defaults."""
        self.assertIsInstance(ServerOptions(), Limits)
        self.assertEqual(Limits().messageSize, ServerOptions().messageSize)
        self.assertEqual(5, ServerOptions(recipients=5).recipients)

    def test_good(self):
        """Each option can be set."""
        self.assertGives(
            lambda row: getattr(ServerOptions(**row), next(iter(row))), GOOD
        )

    def test_bad(self):
        """A value that cannot be is refused when the server is made, not later."""
        self.assertRefuses(ValueError, lambda row: ServerOptions(**row), BAD)

    def test_badTypes(self):
        """A word is not taken for a switch: all are true."""
        for row in (
            {"allowInsecureAuth": "false"},
            {"reverseLookup": "no"},
            {"scramSecret": "secret"},
        ):
            self.assertRaises(TypeError, lambda given=row: ServerOptions(**given))

    def test_tooLongHostname(self):
        """RFC 5321, section 4.5.3.1.2: the server's own name has its limits too."""
        self.assertRefuses(
            ValueError,
            lambda name: ServerOptions(hostname=name),
            [
                ("a label of 64 octets", "a" * 64 + ".example"),
                ("256 octets", "a." * 127 + "aa"),
            ],
        )

    def test_hostname(self):
        """By default the server calls itself as the machine does."""
        self.patch(socket, "gethostname", lambda: "mx.example.org")

        self.assertEqual("mx.example.org", ServerOptions().hostname)

    def test_hostnameIsNoDomain(self):
        """Where the machine's name is not a domain, the server is called localhost."""

        def hostname(machine: str) -> str:
            self.patch(socket, "gethostname", lambda: machine)
            return ServerOptions().hostname

        self.assertGives(
            hostname,
            [
                ("no name", "", "localhost"),
                ("an underscore", "my_laptop", "localhost"),
                ("a space", "Bob's laptop", "localhost"),
                ("a hyphen behind", "laptop-", "localhost"),
                ("an empty label", "a..b", "localhost"),
                ("a U-label", "b\xfccher", "localhost"),
                ("octets that are not UTF-8", "b\udcfccher", "localhost"),
                ("a name that is too long", "a" * 64, "localhost"),
            ],
        )

    def test_frozen(self):
        """Options never change."""
        with self.assertRaises(FrozenInstanceError):
            ServerOptions().hostname = "x"  # type: ignore[misc]

    def test_keywordsOnly(self):
        """Options are given by name."""
        with self.assertRaises(TypeError):
            ServerOptions("mx.example.org")  # type: ignore[call-arg, arg-type]

    def test_equality(self):
        """Options that say the same are equal."""
        self.assertEqual(ServerOptions(hostname="a"), ServerOptions(hostname="a"))
        self.assertNotEqual(ServerOptions(hostname="a"), ServerOptions(hostname="b"))
