"""
Tests of smtpsession.authentication: C{onAuth}, what it is asked and what it may answer,
and when.  Where the client has to go on before it can answer, as in SCRAM, the tests
are in tests.test_scramlogins.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Auth, PasswordAuth, SMTPError, SMTPSession
from tests.conversations import LOCAL_ERROR, OK, Question
from tests.logins import (
    ACCEPTED,
    FAILED,
    PLAIN,
    TOO_MANY,
    encoded,
    hello,
    serverWith,
)


class AnswerTests(SynchronousTestCase):
    """What it may answer."""

    def test_asked(self) -> None:
        """It sees who the client is and whom it wants to act as."""
        seen: list[Any] = []
        client = hello(serverWith(lambda auth, session: seen.append(auth)))
        client.say("AUTH PLAIN " + encoded("alice\0bob\0sesame"))
        auth = PasswordAuth(
            method="PLAIN", username="bob", authzid="alice", password="sesame"
        )
        self.assertEqual([auth], seen)

    def test_noneIsRefused(self) -> None:
        """The default application knows nobody."""
        self.assertEqual([FAILED], hello(serverWith(None)).say(PLAIN))

    def test_refuses(self) -> None:
        """Its own reply reaches the client."""

        def refuse(auth: Auth, session: SMTPSession) -> None:
            raise SMTPError(454, "Ask again", "4.7.0")

        self.assertEqual(["454 4.7.0 Ask again"], hello(serverWith(refuse)).say(PLAIN))

    def test_fails(self) -> None:
        """Its failure is 451, says nothing else, and counts."""

        def fail(auth: Auth, session: SMTPSession) -> None:
            raise RuntimeError("db.internal.example")

        client = hello(serverWith(fail, authFailures=1))
        self.assertEqual([LOCAL_ERROR], client.say(PLAIN))
        self.assertIsNone(client.session.user)
        self.assertEqual([TOO_MANY], client.say(PLAIN))
        self.assertTrue(client.closed)
        self.assertEqual(2, len(self.flushLoggedErrors(RuntimeError)))


class LateTests(SynchronousTestCase):
    """Answers that come late."""

    def test_late(self) -> None:
        """The client waits for the application, with whatever it has sent."""
        question = Question()
        client = hello(serverWith(question))
        self.assertEqual([], client.say(PLAIN, "NOOP"))
        self.assertIsNone(client.session.user)
        question.answers[0].callback("the user")
        self.assertEqual([ACCEPTED, OK], client.hear())
        self.assertEqual("the user", client.session.user)
