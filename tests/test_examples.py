"""
Tests of the examples: each does what it says.

They are not part of the package; there is nothing to test where they are not at hand.
"""

from __future__ import annotations

import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c

EXAMPLES = Path(__file__).parent.parent / "examples"
NO_USER = "550 5.1.1 No such user"


class ExampleTestCase(SynchronousTestCase):
    """With what is printed at hand."""

    def setUp(self) -> None:
        self.output = io.StringIO()
        self.patch(sys, "stdout", self.output)

    def load(self, name: str) -> dict[str, Any] | None:
        """The names of an example, which does not run by that."""
        path = EXAMPLES / f"{name}.py"
        return runpy.run_path(str(path)) if path.exists() else None


class EveryTests(ExampleTestCase):
    """All of them."""

    def test_tested(self) -> None:
        """
        Each has its tests here.
        """
        names = {path.stem for path in EXAMPLES.glob("*.py")}
        self.assertIn(names, ({"session", "lookup", "mailboxes"}, set()))


class SessionTests(ExampleTestCase):
    """C{session.py}."""

    def test_printed(self) -> None:
        """
        The session of a message is printed as JSON.
        """
        names = self.load("session")
        if names is None:
            return
        client = c.inMessage(MemoryServer(names["Printing"]))
        self.assertEqual(client.say("Hello.", ".")[-1:], [c.ACCEPTED])
        printed = json.loads(self.output.getvalue())
        self.assertEqual(printed["id"], client.session.id)
        [recipient] = printed["envelope"]["rcptTo"]
        self.assertEqual(recipient["address"], "bob@example.org")


class LookupTests(ExampleTestCase):
    """C{lookup.py}."""

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[Any] = []

    def runQuery(self, query: str, arguments: list[str]) -> Deferred[list[Any]]:
        """As the database does: an answer, late or not, with a row for who is known."""
        self.asked += arguments
        return succeed([(1,)] if arguments == ["bob@example.org"] else [])

    def test_users(self) -> None:
        """
        Who is in the database is taken, however it is written, and nobody else.
        """
        names = self.load("lookup")
        if names is None:
            return
        client = c.withSender(MemoryServer(names["Users"], database=self))
        client.hear()
        for address, reply in (
            ('"bob"@EXAMPLE.org', c.RECIPIENT_OK),
            ("bob@example.com", NO_USER),
            ("postmaster", NO_USER),
        ):
            self.assertEqual(client.say(f"RCPT TO:<{address}>"), [reply])
        self.assertEqual(self.asked[0], "bob@example.org")
        client.say("DATA")
        self.assertEqual(client.say("Hello.", "."), [c.ACCEPTED])
        self.assertIn('8 octets for "bob"@EXAMPLE.org', self.output.getvalue())


class MailboxTests(ExampleTestCase):
    """C{mailboxes.py}."""

    def test_stored(self) -> None:
        """
        Each recipient has the message, or is told why not.
        """
        names = self.load("mailboxes")
        if names is None:
            return
        names["Mailboxes"].onData.__globals__["deferToThread"] = maybeDeferred
        folder = Path(self.mktemp())
        for name in ("bob", "carol"):
            (folder / name).mkdir(parents=True)
        options = memoryOptions(protocol="lmtp")
        server = MemoryServer(names["Mailboxes"], folder=folder, options=options)
        client = c.withSender(server)
        client.hear()
        addresses = ("bob@example.org", '"../x"@example.org', "carol@example.org")
        replies = client.say(*[f"RCPT TO:<{each}>" for each in addresses], "DATA")
        no = "550 5.1.1 No such mailbox"
        self.assertEqual(replies[:3], [c.RECIPIENT_OK, no, c.RECIPIENT_OK])
        (folder / "carol").rmdir()
        self.assertEqual(
            client.say("Hello.", "."),
            ["250 2.0.0 stored", "452 4.2.2 Cannot be stored now"],
        )
        [file] = folder.rglob("*.0.0")
        self.assertEqual(file.read_bytes(), b"Hello.\r\n")
