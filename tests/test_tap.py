"""
Tests of smtpsession.tap: the command line of C{twistd smtpsession}.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.application.service import IService, IServiceMaker
from twisted.names import client
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.service import MailService
from smtpsession.tap import LISTEN, Options, makeService


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

    def parse(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(list(arguments))
        return options

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
        self.assertEqual(list(self.parse().endpoints), [LISTEN])

    def test_listen(self) -> None:
        """
        --listen may be given several times, for as many listeners.
        """
        options = self.parse("--listen", "tcp:0", "-l", "unix:socket")
        self.assertEqual(list(options.endpoints), ["tcp:0", "unix:socket"])

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
        server = self.parse("--hostname", "mx.example.org").server
        self.assertEqual(server.hostname, "mx.example.org")

    def test_badHostname(self) -> None:
        """
        One that is no domain is refused.
        """
        for name in ("", "two words", "x..y", "bücher.example", "a\r\nb"):
            self.assertRefused("--hostname", "--hostname", name)

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
        for word in ("--listen", "--maildir", "--hostname", LISTEN, "./maildir"):
            self.assertIn(word, text)


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
