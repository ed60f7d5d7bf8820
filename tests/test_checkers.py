"""
Tests of smtpsession.checkers.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.strcred import InvalidAuthType
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import PasswordAuth, SMTPSession
from smtpsession.checkers import Checkers


class CheckersTests(SynchronousTestCase):
    """Checkers."""

    def setUp(self) -> None:
        self.checkers = Checkers(["memory:bob:sesame"])

    def logIn(self, password: str) -> Any:
        auth = PasswordAuth(method="PLAIN", username="bob", password=password)
        return self.successResultOf(
            Deferred.fromCoroutine(self.checkers.onAuth(auth, SMTPSession()))
        )

    def test_login(self) -> None:
        """Whom a checker knows is logged in, by name; of others the log tells."""
        self.assertEqual(self.logIn("sesame"), "bob")
        with capturedLogs() as events:
            self.assertIsNone(self.logIn("open"))
        self.assertEqual([each["event"] for each in events], ["login-failed"])

    def test_mechanisms(self) -> None:
        """What they can serve is offered."""
        self.assertEqual(self.checkers.mechanisms, ("PLAIN", "LOGIN"))

    def test_unknown(self) -> None:
        """A checker that there is not is an error."""
        self.assertRaises(InvalidAuthType, Checkers, ["pigeon:1"])
