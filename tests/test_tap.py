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
        With no option there is a service, and the Maildir ./maildir is made.
        """
        service = makeService(self.parse())
        self.assertIsInstance(service, MailService)
        self.assertTrue(IService.providedBy(service))
        self.assertTrue(Path("maildir", "new").is_dir())

    def test_localOnly(self) -> None:
        """
        With no option it listens on the loopback address only.
        """
        self.assertEqual(LISTEN, "tcp:2525:interface=127.0.0.1")
        self.assertEqual(len(list(self.parse().service)), 1)

    def test_listen(self) -> None:
        """
        --listen may be given several times, for as many listeners.
        """
        options = self.parse("--listen", "tcp:0", "-l", "unix:socket")
        self.assertEqual(options["listen"], ["tcp:0", "unix:socket"])
        self.assertEqual(len(list(options.service)), 2)

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
        for endpoint in ("", "2525", "carrier-pigeon:1", "tcp:", "tcp:port"):
            self.assertRefused("--listen", "--listen", endpoint)

    def test_badListenMakesNothing(self) -> None:
        """
        Then no folder is made either.
        """
        self.assertRefused("--listen", "--listen", "2525")
        self.assertFalse(Path("maildir").exists())

    def test_maildir(self) -> None:
        """
        --maildir is made, with the folders above it.
        """
        self.parse("--maildir", "some/where")
        self.assertTrue(Path("some", "where", "tmp").is_dir())

    def test_badMaildir(self) -> None:
        """
        One that cannot be made is refused, and the message says why.
        """
        Path("file").write_bytes(b"")
        message = self.assertRefused("--maildir", "--maildir", "file")
        self.assertTrue("directory" in message or "exists" in message, message)

    def test_hostname(self) -> None:
        """
        --hostname is what the server calls itself.
        """
        [listener] = self.parse("--hostname", "mx.example.org").service
        self.assertEqual(listener.factory.options.hostname, "mx.example.org")

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
