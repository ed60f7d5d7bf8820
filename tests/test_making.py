"""
Tests of smtpsession.delivery.making: destinations out of their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.configfile import read
from smtpsession.delivery import http
from smtpsession.delivery.command import Command
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.discard import Discard
from smtpsession.delivery.folders import Folders
from smtpsession.delivery.http import HTTP
from smtpsession.delivery.making import MAKERS, Surroundings, make
from smtpsession.delivery.smtp import NextHop
from smtpsession.errors import ConfigError
from smtpsession.goals import DESTINATIONS
from smtpsession.problems import DESTINATION, Bench
from tests.certificates import authority


class Own(Destination):
    """One of somebody else."""

    def __init__(self, colour: str) -> None:
        self.colour = colour


class MakingTests(SynchronousTestCase):
    """make."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.around = Surroundings("mx.example.org", self.folder, MemoryReactorClock())

    def make(self, deliver: str, **keys: Any) -> Any:
        """What a route of the file asks for."""
        route = {"recipients": ["*"], "deliver": deliver, **keys}
        config = read({"route": [route]}, self.folder, "mail.toml")
        bench = Bench(config).within("route", 0, DESTINATION)
        made = make(config.route[0].destination, self.around, bench)
        if bench.problems:
            raise ConfigError(map(str, bench.problems))
        return made

    def assertProblems(
        self, expected: Sequence[str], deliver: str, **keys: Any
    ) -> None:
        """What is said of keys that cannot be."""
        error = self.assertRaises(ConfigError, self.make, deliver, **keys)
        self.assertEqual(len(error.problems), len(expected), error.problems)
        for each, start in zip(error.problems, expected, strict=True):
            text = each.replace(f"{self.folder}/", "")
            self.assertTrue(text.startswith(f"route[0].{start}"), text)

    def test_all(self) -> None:
        """Each that can be named can be made."""
        self.assertEqual(set(MAKERS), set(DESTINATIONS.values()))

    def test_maildir(self) -> None:
        """Its path is relative to the file."""
        made = self.make("maildir", path="mail/{localpart}")
        self.assertIsInstance(made, Folders)
        self.assertEqual(made.path, self.folder / "mail" / "{localpart}")

    def test_discard(self) -> None:
        """There is nothing to say about it."""
        self.assertIsInstance(self.make("discard"), Discard)

    def test_nextHop(self) -> None:
        """The server's name is that of its endpoint, where nothing else is said."""
        (self.folder / "password").write_text("sesame\n", "utf-8")
        (self.folder / "ca.pem").write_bytes(authority().certificatePEM)
        made = self.make(
            "smtp",
            **{
                "endpoint": "tcp:relay.example.org:587",
                "tls": "required",
                "ca": "ca.pem",
                "user": "us",
                "password-file": "password",
                "xforward": True,
                "connect-timeout": 1,
                "command-timeout": 2,
                "data-timeout": 3,
            },
        )
        self.assertIsInstance(made, NextHop)
        terms = made._terms
        self.assertEqual(terms.hostname, "mx.example.org")
        self.assertEqual((terms.protocol, terms.tls), ("smtp", "required"))
        self.assertEqual(terms.serverName, "relay.example.org")
        self.assertIsNotNone(terms.trustRoot)
        self.assertEqual((terms.user, terms.password), ("us", "sesame"))
        self.assertTrue(terms.xforward)
        times = (terms.connectTimeout, terms.commandTimeout, terms.dataTimeout)
        self.assertEqual(times, (1, 2, 3))
        for endpoint, expected in (
            ("tcp:host=a.example:port=25", "a.example"),
            ("unix:/run/lmtp.socket", None),
        ):
            made = self.make("lmtp", endpoint=endpoint, tls="none")
            self.assertEqual(made._terms.protocol, "lmtp")
            self.assertEqual(made._terms.serverName, expected)
            self.assertFalse(made._terms.xforward)
        made = self.make(
            "smtp", **{"endpoint": "tcp:192.0.2.1:25", "server-name": "b.example"}
        )
        self.assertEqual(made._terms.serverName, "b.example")

    def test_badNextHop(self) -> None:
        """All that cannot be is said: the key, what stands there, what was expected."""
        (self.folder / "empty").touch()
        (self.folder / "line").write_text("sesame\n", "utf-8")
        (self.folder / "ca.pem").write_text("no certificate", "utf-8")
        self.assertProblems(
            [
                "endpoint: 'pigeon:1', but expected an endpoint to connect to, such as "
                "tcp:relay.example.org:25 (Unknown endpoint type: 'pigeon')",
                "password-file: 'nowhere', but expected a file with one line (",
                "server-name: nothing, but expected a name, for",
                "ca: 'ca.pem', but expected a file of PEM with certificates of "
                "authorities (there are none)",
            ],
            "smtp",
            **{
                "endpoint": "pigeon:1",
                "tls": "required",
                "user": "us",
                "password-file": "nowhere",
                "ca": "ca.pem",
            },
        )
        self.assertProblems(
            [
                "endpoint: 'tcp:a.example:65536', but expected an endpoint to connect "
                "to, such as tcp:relay.example.org:25 (there is no port 65536)"
            ],
            "smtp",
            endpoint="tcp:a.example:65536",
        )
        endpoint = "tcp:a.example:25"
        self.assertProblems(
            [
                'tls: \'opportunistic\', but expected "required" or "implicit", for '
                "there is a password to give away"
            ],
            "smtp",
            **{"endpoint": endpoint, "user": "us", "password-file": "line"},
        )
        self.assertProblems(
            ["password-file: nothing, but expected a file with one line, for"],
            "smtp",
            endpoint=endpoint,
            user="us",
            tls="required",
        )
        self.assertProblems(
            ["password-file: 'empty', but expected a file with one line, for"],
            "smtp",
            **{
                "endpoint": endpoint,
                "user": "us",
                "password-file": "empty",
                "allow-insecure-auth": True,
            },
        )

    def test_command(self) -> None:
        """A program, and not a line for a shell."""
        made = self.make("command", command=["/bin/cat", "-"], directory="sub")
        self.assertIsInstance(made, Command)
        self.assertEqual(made._arguments, ["/bin/cat", "-"])
        self.assertEqual(made._directory, str(self.folder / "sub"))
        expected = "command: [], but expected a list of texts, the first a program"
        error = self.assertRaises(ConfigError, self.make, "command", command=[])
        self.assertEqual(str(error), f"mail.toml: route[0].{expected}")

    def test_http(self) -> None:
        """A web server, with a secret that does not stand in the configuration."""
        (self.folder / "secret").write_text("sesame\n", "utf-8")
        made = self.make(
            "http",
            **{
                "url": "https://app.example.org/mail",
                "secret-file": "secret",
                "headers": {"Authorization": "Bearer x"},
                "max-recipients": 100,
            },
        )
        self.assertIsInstance(made, HTTP)
        self.assertEqual(made._url, "https://app.example.org/mail")
        self.assertEqual(made._secret, b"sesame")
        self.assertEqual(made._headers, {"Authorization": "Bearer x"})
        self.assertEqual(made._recipients, 100)
        (self.folder / "empty").touch()
        self.assertProblems(
            [
                "url: 'ftp://a.example/', but expected the URL of a web server (",
                "secret-file: 'empty', but expected a file with one line (it is empty)",
                "ca: 'nowhere.pem', but expected a file of PEM with",
            ],
            "http",
            **{
                "url": "ftp://a.example/",
                "secret-file": "empty",
                "ca": "nowhere.pem",
            },
        )

    def test_httpAuthorities(self) -> None:
        """With an authority of its own, the server's certificate is to be of that."""
        (self.folder / "ca.pem").write_bytes(authority().certificatePEM)
        roots = []

        class Policy:
            def __init__(self, trustRoot: Any = None) -> None:
                roots.append(trustRoot)

        self.patch(http, "BrowserLikePolicyForHTTPS", Policy)
        self.patch(http, "Agent", lambda *ignored, **options: None)
        url = "https://app.example.org/"
        self.make("http", url=url, ca="ca.pem")
        self.make("http", url=url)
        self.assertIsNotNone(roots[0])
        self.assertIsNone(roots[1])

    def test_python(self) -> None:
        """Whatever somebody else has made."""
        name = f"{__name__}:Own"
        made = self.make("python", factory=name, options={"colour": "red"})
        self.assertIsInstance(made, Own)
        self.assertEqual(made.colour, "red")
        self.assertProblems(
            [
                f"factory: '{name}', but expected what makes a destination, "
                f"package.module:callable ({name} does not take these keys: "
            ],
            "python",
            factory=name,
        )
