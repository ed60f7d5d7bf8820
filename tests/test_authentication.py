"""
Tests of smtpsession.authentication: AUTH as a command.  Where it is legal and offered,
what it leaves behind in the session and in the log, and how often it may fail.  The
exchange behind it is in tests.test_responses, what C{onAuth} may do in
tests.test_logins.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpsession.testing import MemoryClient
from tests.conversations import MAIL, SENDER_OK
from tests.transports import CERTIFICATES
from tests.logins import (
    ACCEPTED,
    EHLO,
    FAILED,
    PLAIN,
    TOO_MANY,
    WRONG,
    encoded,
    hello,
    serverWith,
)


class OrderTests(SynchronousTestCase):
    """Where AUTH is legal, and where it is needed."""

    def test_beforeHello(self) -> None:
        """503 before EHLO and after HELO."""
        client = serverWith().connect()
        client.hear()
        self.assertEqual(["503 5.5.1 Say hello first"], client.say(PLAIN))
        client.say("HELO client.example.com")
        self.assertEqual(["503 5.5.1 Say EHLO first"], client.say(PLAIN))

    def test_repeated(self) -> None:
        """503 after a success."""
        client = hello(serverWith())
        client.say(PLAIN)
        self.assertEqual(["503 5.5.1 Authenticated already"], client.say(PLAIN))

    def test_inTransaction(self) -> None:
        """503 in a transaction."""
        client = hello(serverWith())
        client.say(MAIL)
        self.assertEqual(["503 5.5.1 Already in a mail transaction"], client.say(PLAIN))

    def test_inClear(self) -> None:
        """538 where TLS is wanted first; nothing is offered."""
        client = serverWith(allowInsecureAuth=False).connect()
        client.hear()
        self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
        self.assertEqual(["538 5.7.11 AUTH needs TLS"], client.say(PLAIN))

    def test_nothingPossible(self) -> None:
        """
        502 where a connection has nothing that any of the mechanisms needs: more TLS
        would be of no help.
        """
        client = hello(serverWith(mechanisms=("EXTERNAL",)))
        self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
        self.assertEqual(["502 5.5.1 Not offered here"], client.say(PLAIN))

    def test_requiredTLS(self) -> None:
        """Where TLS has to come first, AUTH is not offered before, come what may."""
        client = hello(serverWith(None, tls="required", certificates=CERTIFICATES))
        self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
        self.assertEqual(["530 5.7.0 STARTTLS first"], client.say("AUTH PLAIN"))

    def test_required(self) -> None:
        """Where it is required, MAIL is 530 before it."""
        client = hello(serverWith(auth="required"))
        self.assertEqual(["530 5.7.0 AUTH first"], client.say(MAIL))
        self.assertEqual([ACCEPTED, SENDER_OK], client.say(PLAIN, MAIL))


class SessionTests(SynchronousTestCase):
    """What AUTH leaves behind."""

    def test_session(self) -> None:
        """The session says who the client is, and how it came to be known."""
        client = hello(serverWith())
        client.say(PLAIN)
        self.assertKnown(client, "the user", "PLAIN", "ESMTPA")

    def test_submitter(self) -> None:
        """
        RFC 4954, section 5: who submitted a message, only a client that has logged in
        is believed to know.
        """
        for commands, expected in (([], ""), ([PLAIN], "eve@example.com")):
            client = hello(serverWith())
            client.say(*commands, f"{MAIL} AUTH=eve@example.com")
            self.assertEqual(expected, client.session.envelope.submitter)

    def assertKnown(self, client: MemoryClient, *expected: str | None) -> None:
        """The user, the mechanism and the transmission type are these."""
        session = client.session
        self.assertEqual(
            expected, (session.user, session.authMethod, session.transmissionType)
        )


class FailureTests(SynchronousTestCase):
    """Logins that fail."""

    def test_limit(self) -> None:
        """Beyond so many failures the server hangs up."""
        client = hello(serverWith(authFailures=2))
        self.assertEqual([FAILED, FAILED], client.say(WRONG, WRONG))
        self.assertEqual([TOO_MANY], client.say(WRONG))
        self.assertTrue(client.closed)


class LogTests(SynchronousTestCase):
    """What the log has of it."""

    def test_secrets(self) -> None:
        """No password and no response gets into the log."""
        lines: list[str] = []

        @implementer(ILogObserver)
        def observe(event: Any) -> None:
            lines.append(repr(event.get("line")))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        client = hello(serverWith(lambda auth, session: None, authFailures=9))
        response = encoded("\0bob\0sesame")
        client.say(f"AUTH PLAIN {response}", f"auth  plain {response}")
        client.say("AUTH PLAIN", response, "AUTH LOGIN", encoded("bob"))
        client.say(encoded("sesame"), f"AUTH {response}")
        client.say(f"AUTH PLAIN {response} more", "AUTH PLAIN !sesame")
        # It does not wait to hear that there will be no challenge.
        client.say("AUTH XYZ", encoded("bob"), encoded("sesame"), "abc", "NOOP x")
        client.say(encoded("sesame"), f" AUTH PLAIN {response}", f"*AUTH {response}")
        client.write(b"\x00AUTH PLAIN " + response.encode("ascii") + b"\r\n")
        client.say("RCPT TO:<bob@example.org>", *[encoded("sesame")] * 20)
        self.assertTrue(client.closed)
        logged = "".join(lines)
        self.assertIn("AUTH", logged)
        self.assertIn("RCPT TO:<bob@example.org>", logged)
        for secret in (response, encoded("sesame"), "sesame", "c2Vz", "abc"):
            self.assertNotIn(secret, logged)
