"""
Tests of smtpsession.sasl.login.
"""

from __future__ import annotations

from smtpsession.sasl.auth import PasswordAuth
from smtpsession.sasl.exchange import Challenge
from smtpsession.sasl.login import login
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ENDED, outcome, play

REFUSED = [
    # name, (user name, password), codes
    ("no name", (b"",), "535 5.7.8"),
    ("Latin-1 in the name", (b"caf\xe9",), "501 5.5.2"),
    ("a NUL in the name", (b"bob\0",), "535 5.7.8"),
    ("a line end in the name", (b"bob\n",), "535 5.7.8"),
    ("no password", (b"bob", b""), "535 5.7.8"),
    ("Latin-1 in the password", (b"bob", b"caf\xe9"), "501 5.5.2"),
    ("a control character in the password", (b"bob", b"hunter2\x07"), "535 5.7.8"),
]


class LoginTests(TableTestCase):
    """LOGIN."""

    def test_exchange(self):
        """The client is asked for its name and for its password, in the usual words."""
        for accepted in (True, False):
            self.assertEqual(
                [
                    Challenge(b"Username:"),
                    Challenge(b"Password:"),
                    PasswordAuth(method="LOGIN", username="IX", password="a"),
                    ENDED,
                ],
                play(login(CONTEXT), "\u2168".encode(), "\u00aa".encode(), accepted),
            )

    def test_refused(self):
        """A name and a password are text, and there are both."""
        self.assertRefusesWith(
            lambda answers: outcome(lambda: login(CONTEXT), *answers), REFUSED
        )
