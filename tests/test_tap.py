"""
Tests of smtpsession.tap: the command line of C{twistd smtpsession}.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import IService, IServiceMaker
from twisted.names import client
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

import smtpsession
from smtpsession.config import LISTEN, LogTable
from smtpsession.service import MailService
from smtpsession.tap import Options, makeService


class OptionsTests(SynchronousTestCase):
    """The options."""

    def setUp(self) -> None:
        # That of the machine would leave a timer running.
        self.patch(client, "theResolver", object())
        # With no option the Maildir is made in the current folder.
        folder = Path(self.mktemp())
        folder.mkdir()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(folder)

    def parse(self, *arguments: str) -> Any:
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def listeners(self, *arguments: str) -> list[str]:
        """What the listeners are called that a command line asks for."""
        service = self.parse(*arguments).service
        return [each._description for each in service.services]

    def assertRefused(self, option: str, *arguments: str) -> str:
        """The command line is refused with a message that names the option."""
        error = self.assertRaises(UsageError, self.parse, *arguments)
        self.assertIn(option, str(error))
        return str(error)

    def test_noOption(self) -> None:
        """
        With no option there is a service.
        """
        service = makeService(self.parse())
        self.assertIsInstance(service, MailService)
        self.assertTrue(IService.providedBy(service))

    def test_nothingIsMade(self) -> None:
        """
        To look at a command line makes no folder: that is for the user to whom the
        process changes.
        """
        makeService(self.parse())
        self.assertFalse(Path("maildir").exists())

    def test_localOnly(self) -> None:
        """
        With no option it listens on the loopback address only.
        """
        self.assertEqual(LISTEN, "tcp:2525:interface=127.0.0.1")
        self.assertEqual(self.listeners(), [LISTEN])

    def test_listen(self) -> None:
        """
        --listen may be given several times, for as many listeners.
        """
        given = ["--listen", "tcp:0", "-l", "unix:socket"]
        self.assertEqual(self.listeners(*given), ["tcp:0", "unix:socket"])

    def test_listensAreApart(self) -> None:
        """
        Two command lines do not share their listeners.
        """
        self.parse("--listen", "tcp:0")
        self.assertEqual(self.parse()["listen"], [])

    def test_badListen(self) -> None:
        """
        What is no endpoint is refused before anything starts.
        """
        for endpoint in (
            "",
            "2525",
            "carrier-pigeon:1",
            "tcp",
            "tcp:",
            "tcp:port",
            "tcp:2525:color=blue",
            "ssl:2525:privateKey=nowhere.pem",
        ):
            self.assertRefused("--listen", "--listen", endpoint)

    def test_badMaildir(self) -> None:
        """
        A Maildir has a name.
        """
        self.assertRefused("--maildir", "--maildir", "")

    def test_hostname(self) -> None:
        """
        --hostname is what the server calls itself.
        """
        [server] = self.parse("--hostname", "mx.example.org").service.servers
        self.assertEqual(server.options.hostname, "mx.example.org")

    def test_badHostname(self) -> None:
        """
        One that is no domain is refused.
        """
        for name in ("", "two words", "x..y", "bücher.example", "a\r\nb"):
            self.assertRefused("--hostname", "--hostname", name)

    def test_log(self) -> None:
        """
        --log names a file for the log, --log-format says how it is written and
        --log-level how much of it.
        """
        rows = [
            ((), "text", "info"),
            (("--log-format", "json"), "json", "info"),
            (("--log-format", "text", "--log-level", "warn"), "text", "warn"),
        ]
        for more, style, level in rows:
            table = self.parse("--log", "mail.log", *more).service._config.log
            # The process may go to another folder before it opens the file.
            file = Path("mail.log").absolute()
            self.assertEqual(table, LogTable(file=file, format=style, level=level))
        self.assertEqual(self.parse().service._config.log, LogTable())

    def test_badLog(self) -> None:
        """
        What none of the formats or levels is, is refused; so is how to write what
        goes nowhere.
        """
        for option in ("--log-format", "--log-level"):
            message = self.assertRefused(option, "--log", "x", option, "x")
            self.assertRefused("'', but", "--log", "x", option, "")
            self.assertIn("'x', but expected", message)
        self.assertRefused("--log-format: only with --log", "--log-format", "json")
        self.assertRefused("--log-level: only with --log", "--log-level", "warn")
        self.assertRefused("--log: a file has a name", "--log", "")

    def test_config(self) -> None:
        """
        --config names a file, and what it says is done.
        """
        Path("mail.toml").write_text(
            'hostname = "mx.example.org"\nlistener = [{name = "in"}]', "utf-8"
        )
        [server] = self.parse("--config", "mail.toml").service.servers
        self.assertEqual(server.options.hostname, "mx.example.org")
        self.assertEqual(server.routes, [])
        self.assertEqual(self.listeners("-c", "mail.toml"), ["in"])

    def test_badConfig(self) -> None:
        """
        All that is wrong in it is said, and nothing starts.
        """
        Path("mail.toml").write_text('hostnam = "x"\ntls = 3', "utf-8")
        message = self.assertRefused("hostnam:", "--config", "mail.toml")
        self.assertIn("tls: 3, but expected a table", message)
        self.assertRefused("nowhere.toml: No such file", "--config", "nowhere.toml")

    def test_configAlone(self) -> None:
        """
        With a file there is no room for the other options.
        """
        Path("mail.toml").write_text("", "utf-8")
        for other in (
            ("--listen", LISTEN),
            ("--maildir", "x"),
            ("--hostname", "x.example"),
            ("--log", "x"),
            ("--log-format", "json"),
            ("--log-level", "warn"),
        ):
            self.assertRefused("--config", "--config", "mail.toml", *other)

    def test_auth(self) -> None:
        """
        --auth names a checker of twisted.cred, beside a configuration.
        """
        Path("mail.toml").write_text(
            'listener = [{auth = "optional", allow-insecure-auth = true}]', "utf-8"
        )
        self.assertRefused("has no users, tokens or checkers", "-c", "mail.toml")
        checker = ("--auth", "memory:bob:sesame")
        [server] = self.parse("-c", "mail.toml", *checker).service.servers
        self.assertEqual(server.options.mechanisms, ("PLAIN", "LOGIN"))
        self.assertRefused("--auth", *checker)
        self.assertRefused("not recognized", "-c", "mail.toml", "--auth", "pigeon:1")

    def test_unknown(self) -> None:
        """
        An unknown option, or an argument, is refused.
        """
        self.assertRaises(UsageError, self.parse, "--sendmail")
        self.assertRaises(UsageError, self.parse, "argument")

    def test_help(self) -> None:
        """
        --help names every option and what happens without them.
        """
        text = str(Options())
        for word in (
            "--config",
            "--listen",
            "--maildir",
            "--hostname",
            "--log",
            "--log-format",
            "--log-level",
            LISTEN,
            "./maildir",
        ):
            self.assertIn(word, text)


#: What the extra of the service brings cannot be imported.
WITHOUT = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("cattrs", "tomli", "treq", "prometheus_client"):
            raise ImportError(name, name=name)

sys.meta_path.insert(0, Nothing())
from smtpsession.tap import Options
options = Options()
options.parseOptions([])
try:
    options.parseOptions(["--config", "mail.toml"])
except Exception as error:
    print(error)
"""


class ExtraTests(SynchronousTestCase):
    """Without the extra of the service."""

    def test_sink(self) -> None:
        """The sink needs none of it, and a configuration says what it needs."""
        here = str(Path(smtpsession.__file__).parent.parent)
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT],
            env={**os.environ, "PYTHONPATH": here},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertIn("cattrs is missing: pip install", ended.stdout)


class PluginTests(SynchronousTestCase):
    """The plugin of twistd and twist."""

    def test_plugin(self) -> None:
        """
        There is one plugin of the name smtpsession, and it makes this service.
        """
        [plugin] = [
            each for each in getPlugins(IServiceMaker) if each.tapname == "smtpsession"
        ]
        self.assertIs(plugin.options, Options)
        self.assertIs(plugin.makeService, makeService)
