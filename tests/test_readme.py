"""
What the README says, held against what the package does.
"""

from __future__ import annotations

import io
import re
import sys
from importlib.metadata import metadata
from textwrap import dedent
from typing import Any

from attrs import evolve
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPServerFactory
from smtpsession.callbacks import Callbacks
from smtpsession.extensions import BUILT_IN
from smtpsession.promises import OPT_IN
from smtpsession.testing import MemoryClient, MemoryServer
from tests.certificates import selfSigned


def readme() -> str:
    """The README of the installed package, which is its long description."""
    message = metadata("smtpsession")
    # Where it stands depends on the version of the metadata.
    body: Any = message
    return str(message["Description"] or body.get_payload())


def pythonBlocks() -> list[str]:
    """The examples in Python."""
    found = re.findall(
        r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", readme(), re.MULTILINE
    )
    return [dedent(block) for block in found]


def table(heading: str) -> list[list[str]]:
    """The rows of the table that has this in its heading, cut at two spaces."""
    text = readme()
    body = text[text.index(heading) :].split("\n=", 2)[1]
    return [re.split(r" {2,}", row) for row in body.splitlines()[1:] if row]


class ExampleTests(SynchronousTestCase):
    """The examples run."""

    def embedded(self) -> MemoryClient:
        """
        Run the first example on a reactor in memory and connect to its server.
        """
        reactor = MemoryReactorClock()
        block = pythonBlocks()[0]
        start = "from twisted.internet import reactor\n"
        self.assertIn(start, block)
        exec(block.replace(start, ""), {"reactor": reactor})
        [(port, factory, _, interface)] = reactor.tcpServers
        self.assertEqual((port, interface), (2525, "127.0.0.1"))
        assert isinstance(factory, SMTPServerFactory)
        # What the example leaves to the DNS is not asked here.
        self.patch(factory, "options", evolve(factory.options, reverseLookup=False))
        client = MemoryServer(lambda reactor, **_: factory).connect()
        # Its timers are those of the reactor that runs.
        self.addCleanup(client.leave)
        return client

    def test_embedding(self) -> None:
        """
        The application of the README accepts mail for its domain, refuses the rest and
        prints the session.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        client = self.embedded()
        replies = client.say(
            "EHLO client.example.net",
            "MAIL FROM:<alice@example.net>",
            "RCPT TO:<bob@example.com>",
            "RCPT TO:<bob@example.org>",
            "DATA",
            "Hello",
            ".",
            "QUIT",
        )
        self.assertIn("550 5.7.1 Relaying denied", replies)
        self.assertEqual(
            [line for line in replies if "queued" in line],
            [f"250 2.0.0 queued as {client.session.id}"],
        )
        self.assertIn("'address': 'bob@example.org'", output.getvalue())

    def test_testKit(self) -> None:
        """
        The conversation of the README is the one that the server has.
        """
        exec(pythonBlocks()[2], {})

    def test_submission(self) -> None:
        """
        The submission server of the README takes no mail before TLS, and no password.
        """
        names: dict[str, Any] = {}
        exec(pythonBlocks()[1], names)
        factory = names["submission"](selfSigned("mx.example.org").pem)
        self.patch(factory, "options", evolve(factory.options, reverseLookup=False))
        client = MemoryServer(lambda **_: factory).connect()
        self.addCleanup(client.leave)
        client.hear()
        offered = client.say("EHLO client.example.net")
        self.assertIn("250 STARTTLS", offered)
        self.assertEqual(
            client.say("MAIL FROM:<alice@example.net>", "AUTH PLAIN AGEAYg=="),
            ["530 5.7.0 STARTTLS first"] * 2,
        )


class StatementTests(SynchronousTestCase):
    """The lists are complete."""

    def test_commands(self) -> None:
        """
        The two commands that set everything up are there, each on a line of its own.
        """
        lines = [line.strip() for line in readme().splitlines()]
        self.assertIn("pip install . && twistd -n smtpsession", lines)
        self.assertIn("pip install '.[test]' && trial tests", lines)

    def test_extensions(self) -> None:
        """
        The table of extensions is that of the code.
        """
        self.assertEqual(
            [row[:2] for row in table("extension             defined in")],
            [[each.keyword, each.rfc] for each in (*BUILT_IN, *OPT_IN)],
        )

    def test_callbacks(self) -> None:
        """
        The table of callbacks names every one.
        """
        named = [row[0].strip("`").split("(")[0] for row in table("callback    ")]
        self.assertEqual(named, [n for n in vars(Callbacks) if n.startswith("on")])
