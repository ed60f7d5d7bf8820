"""
Tests of smtpsession.sasl.auth.
"""

from __future__ import annotations

import hmac
from typing import Any

from attrs.exceptions import FrozenInstanceError

from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    XClientAuth,
)
from smtpsession.sasl.keys import ScramKeys
from tests.cases import TableTestCase

KEYS = ScramKeys.derive("pencil", iterations=1)


def _validate(keys: ScramKeys | None) -> Any:
    return keys


SCRAM = ScramAuth(
    method="SCRAM-SHA-256", username="bob", hashName="SHA-256", validate=_validate
)

CRAM = CramMD5Auth(
    method="CRAM-MD5",
    username="tim",
    challenge=b"<1896.697170952@postoffice.reston.mci.net>",
    digest="b913a602c7eda7a495b4e6e7334d3890",
)

ALL: list[Auth] = [
    PasswordAuth(method="PLAIN", username="bob", password="hunter2"),
    CRAM,
    SCRAM,
    BearerAuth(method="XOAUTH2", username="bob", accessToken="hunter2"),
    ExternalAuth(method="EXTERNAL", username="bob", certificate="hunter2"),
    XClientAuth(username="bob"),
]


class AuthTests(TableTestCase):
    """What the application is asked with."""

    def test_common(self):
        """Each says how, who, and as whom."""
        for auth in ALL:
            self.assertIn(auth.username, ("bob", "tim"))
            self.assertIsNone(auth.authzid)
        self.assertEqual(
            ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "EXTERNAL", "XCLIENT"],
            [auth.method for auth in ALL],
        )

    def test_repr(self):
        """None shows what the client has to keep to itself."""
        for auth in ALL:
            self.assertIn(repr(auth.username), repr(auth))
            for secret in ("hunter2", "1896", "b913", "_validate"):
                self.assertNotIn(secret, repr(auth))

    def test_frozen(self):
        """None ever changes."""
        for auth in ALL:
            with self.assertRaises(FrozenInstanceError):
                auth.username = "alice"  # type: ignore[misc]

    def test_validatePassword(self):
        """CRAM-MD5 recognizes the secret that the client used: RFC 2195's example."""
        rows = [
            ("the same", "tanstaaftanstaaf", True),
            ("the same as octets", b"tanstaaftanstaaf", True),
            ("another", "tanstaaftanstaa", False),
            ("none", "", False),
        ]

        self.assertGives(CRAM.validatePassword, rows)

    def test_emptySecret(self):
        """An empty secret, which a file may have by mistake, lets nobody in."""
        challenge = b"<1896.697170952@postoffice.reston.mci.net>"
        digest = hmac.new(b"", challenge, "md5").hexdigest()
        auth = CramMD5Auth(
            method="CRAM-MD5", username="tim", challenge=challenge, digest=digest
        )

        self.assertFalse(auth.validatePassword(""))

    def test_validateKeys(self):
        """Keys go to the exchange, and that there are none does too."""
        self.assertIs(KEYS, SCRAM.validateKeys(KEYS))
        self.assertIs(None, SCRAM.validateKeys(None))

    def test_otherKeys(self):
        """Keys of another hash function are a mistake of the application."""
        keys = ScramKeys.derive("pencil", "SHA-1", iterations=1)

        self.assertRaises(ValueError, SCRAM.validateKeys, keys)
