"""
Tests of smtpsession.sasl.bearer.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.sasl.auth import BearerAuth
from smtpsession.sasl.bearer import (
    OAUTHBEARER_ERROR,
    XOAUTH2_ERROR,
    oauthBearer,
    parseOAuthBearer,
    parseXOAuth2,
    printOAuthBearer,
    printXOAuth2,
    xoauth2,
)
from smtpsession.sasl.exchange import Challenge
from tests.cases import TableTestCase, codes
from tests.exchanges import CONTEXT, ENDED, play
from tests.saslstrategies import preparedNames


def _auth(username: str, token: str, **others: Any) -> BearerAuth:
    return BearerAuth(
        method="OAUTHBEARER",
        username=username,
        authzid=username or None,
        accessToken=token,
        **others,
    )


def _google(username: str, token: str) -> BearerAuth:
    return BearerAuth(method="XOAUTH2", username=username, accessToken=token)


#: RFC 7628, section 4.1.
EXAMPLE = b64decode(
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg"
    "9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)

OAUTHBEARER = [
    # name, octets, auth
    (
        "RFC 7628, section 4.1",
        EXAMPLE,
        _auth(
            "user@example.com",
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
            host="server.example.com",
            port=143,
        ),
    ),
    (
        "section 4.3, which has no token",
        b"n,a=user@example.com,\1host=server.example.com\1port=143\1auth=\1\1",
        _auth("user@example.com", "", host="server.example.com", port=143),
    ),
    ("only a token", b"n,,\1auth=Bearer a\1\1", _auth("", "a")),
    ("a client that could bind", b"y,a=bob,\1auth=Bearer a\1\1", _auth("bob", "a")),
    ("the scheme in another case", b"n,,\1auth=bEARER a\1\1", _auth("", "a")),
    ("spaces", b"n,,\1auth=Bearer   a\1\1", _auth("", "a")),
    (
        "all the signs of a token",
        b"n,,\1auth=Bearer aZ09-._~+/==\1\1",
        _auth("", "aZ09-._~+/=="),
    ),
    (
        "keys that we do not know, and another order",
        b"n,,\1auth=Bearer a\1mthd=POST\1post=\1qs=a=b\t\r\n\1host=h\1\1",
        _auth("", "a", host="h"),
    ),
    ("a name with a comma", b"n,a=a=2Cb,\1auth=Bearer a\1\1", _auth("a,b", "a")),
    (
        "a name to be prepared",
        "n,a=\u2168,\1auth=Bearer a\1\1".encode(),
        _auth("IX", "a"),
    ),
    (
        "the last port",
        b"n,,\1port=65535\1auth=Bearer a\1\1",
        _auth("", "a", port=65535),
    ),
]

NOT_OAUTHBEARER = [
    # name, octets, codes
    ("nothing", b"", "501 5.5.2"),
    ("the answer to an error", b"\1", "501 5.5.2"),
    ("no header", b"auth=Bearer a\1\1", "501 5.5.2"),
    ("only a header", b"n,,", "501 5.5.2"),
    ("no keys", b"n,,\1\1", "501 5.5.2"),
    ("half of no keys", b"n,,\1", "501 5.5.2"),
    ("no auth", b"n,,\1host=h\1\1", "501 5.5.2"),
    ("a malformed header", b"n,bob,\1auth=Bearer a\1\1", "501 5.5.2"),
    ("the end is missing", b"n,,\1auth=Bearer a\1", "501 5.5.2"),
    ("both ends are missing", b"n,,\1auth=Bearer a", "501 5.5.2"),
    ("something behind the end", b"n,,\1auth=Bearer a\1\1\1", "501 5.5.2"),
    ("a pair behind the end", b"n,,\1auth=Bearer a\1\1host=h\1", "501 5.5.2"),
    ("an empty pair", b"n,,\1\1auth=Bearer a\1\1", "501 5.5.2"),
    ("auth twice", b"n,,\1auth=Bearer a\1auth=Bearer b\1\1", "501 5.5.2"),
    ("an unknown key twice", b"n,,\1auth=Bearer a\1x=\1x=\1\1", "501 5.5.2"),
    ("auth in upper case", b"n,,\1AUTH=Bearer a\1\1", "501 5.5.2"),
    ("a key with a digit", b"n,,\1auth=Bearer a\1k1=v\1\1", "501 5.5.2"),
    ("a pair without a value", b"n,,\1auth=Bearer a\1k\1\1", "501 5.5.2"),
    ("another scheme", b"n,,\1auth=Basic a\1\1", "501 5.5.2"),
    ("a scheme alone", b"n,,\1auth=Bearer\1\1", "501 5.5.2"),
    ("no token", b"n,,\1auth=Bearer \1\1", "501 5.5.2"),
    ("a tab before the token", b"n,,\1auth=Bearer\ta\1\1", "501 5.5.2"),
    ("a space behind it", b"n,,\1auth=Bearer a \1\1", "501 5.5.2"),
    ("padding within", b"n,,\1auth=Bearer a=a\1\1", "501 5.5.2"),
    ("a line end in it", b"n,,\1auth=Bearer a\r\n\1\1", "501 5.5.2"),
    ("a NUL in a value", b"n,,\1auth=Bearer a\1k=\0\1\1", "501 5.5.2"),
    ("beyond ASCII", "n,,\1auth=Bearer a\1k=\xe9\1\1".encode(), "501 5.5.2"),
    ("Latin-1 in the name", b"n,a=\xe9,\1auth=Bearer a\1\1", "501 5.5.2"),
    ("an empty host", b"n,,\1host=\1auth=Bearer a\1\1", "501 5.5.2"),
    ("a space in the host", b"n,,\1host=a b\1auth=Bearer a\1\1", "501 5.5.2"),
    ("an empty port", b"n,,\1port=\1auth=Bearer a\1\1", "501 5.5.2"),
    ("port zero", b"n,,\1port=0\1auth=Bearer a\1\1", "501 5.5.2"),
    ("too large a port", b"n,,\1port=65536\1auth=Bearer a\1\1", "501 5.5.2"),
    ("a port of six digits", b"n,,\1port=100000\1auth=Bearer a\1\1", "501 5.5.2"),
    ("a signed port", b"n,,\1port=+25\1auth=Bearer a\1\1", "501 5.5.2"),
    ("channel binding", b"p=tls-exporter,,\1auth=Bearer a\1\1", "535 5.7.8"),
    ("a control character in the name", b"n,a=\7,\1auth=Bearer a\1\1", "535 5.7.8"),
]

XOAUTH2 = [
    # name, octets, auth
    (
        "an example of Google's",
        b"user=someuser@example.com\1"
        b"auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1",
        _google(
            "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
        ),
    ),
    (
        "beyond ASCII, prepared",
        "user=\u2168\xe9\1auth=Bearer a\1\1".encode(),
        _google("IX\xe9", "a"),
    ),
    ("an equals sign", b"user=a=b\1auth=Bearer a\1\1", _google("a=b", "a")),
]

NOT_XOAUTH2 = [
    # name, octets, codes
    ("nothing", b"", "501 5.5.2"),
    ("only the end", b"\1\1", "501 5.5.2"),
    ("no user", b"auth=Bearer a\1\1", "501 5.5.2"),
    ("no token", b"user=bob\1\1", "501 5.5.2"),
    ("an empty token", b"user=bob\1auth=\1\1", "501 5.5.2"),
    ("the other order", b"auth=Bearer a\1user=bob\1\1", "501 5.5.2"),
    ("a key that it does not have", b"user=bob\1auth=Bearer a\1x=y\1\1", "501 5.5.2"),
    ("the user twice", b"user=bob\1user=bob\1auth=Bearer a\1\1", "501 5.5.2"),
    ("the end is missing", b"user=bob\1auth=Bearer a\1", "501 5.5.2"),
    ("something behind the end", b"user=bob\1auth=Bearer a\1\1x", "501 5.5.2"),
    ("another scheme", b"user=bob\1auth=MAC a\1\1", "501 5.5.2"),
    ("Latin-1", b"user=caf\xe9\1auth=Bearer a\1\1", "501 5.5.2"),
    ("a NUL", b"user=b\0b\1auth=Bearer a\1\1", "501 5.5.2"),
    ("that of OAUTHBEARER", EXAMPLE, "501 5.5.2"),
    ("an empty name", b"user=\1auth=Bearer a\1\1", "535 5.7.8"),
    ("a line end in the name", b"user=bob\n\1auth=Bearer a\1\1", "535 5.7.8"),
]

_tokens = st.from_regex(r"[A-Za-z0-9._~+/-]{1,40}={0,2}", fullmatch=True)


class OAuthBearerTests(TableTestCase):
    """OAUTHBEARER."""

    def test_parse(self):
        """A message is read as RFC 7628 has it."""
        self.assertGives(parseOAuthBearer, OAUTHBEARER)

    def test_refused(self):
        """What is not of its grammar is malformed, what is not possible fails."""
        self.assertRefusesWith(parseOAuthBearer, NOT_OAUTHBEARER)

    @given(
        st.builds(
            _auth,
            preparedNames | st.just(""),
            _tokens | st.just(""),
            host=st.none() | st.from_regex(r"[!-~]{1,40}", fullmatch=True),
            port=st.none() | st.integers(1, 65535),
        )
    )
    def test_roundTrip(self, auth):
        """Reading what is printed gives the same."""
        self.assertEqual(auth, parseOAuthBearer(printOAuthBearer(auth)))

    def test_accepted(self):
        """A token that is accepted is the end of it."""
        self.assertEqual(
            [Challenge(b""), parseOAuthBearer(EXAMPLE), ENDED],
            play(oauthBearer(CONTEXT), EXAMPLE, True),
        )

    def test_refusedToken(self):
        """One that is not is objected to, whatever the client says to that."""
        for answer in (b"\1", b"", b"anything"):
            self.assertEqual(
                [
                    Challenge(b""),
                    parseOAuthBearer(EXAMPLE),
                    Challenge(OAUTHBEARER_ERROR),
                    ENDED,
                ],
                play(oauthBearer(CONTEXT), EXAMPLE, False, answer),
            )

    def test_noToken(self):
        """A client without a token is told what is wanted; nobody else is asked."""
        begin, objection, error = play(oauthBearer(CONTEXT), b"n,,\1auth=\1\1", b"\1")

        self.assertEqual(Challenge(OAUTHBEARER_ERROR), objection)
        self.assertEqual("535 5.7.8", codes(error.reply))  # type: ignore[union-attr]

    def test_objections(self):
        """Both objections are JSON, with the status that each mechanism knows."""
        self.assertEqual("invalid_token", json.loads(OAUTHBEARER_ERROR)["status"])
        self.assertEqual("401", json.loads(XOAUTH2_ERROR)["status"])


class XOAuth2Tests(TableTestCase):
    """XOAUTH2."""

    def test_parse(self):
        """A message is read as Google has it."""
        self.assertGives(parseXOAuth2, XOAUTH2)

    def test_refused(self):
        """What is not of its grammar is malformed, a name that is none fails."""
        self.assertRefusesWith(parseXOAuth2, NOT_XOAUTH2)

    @given(st.builds(_google, preparedNames, _tokens))
    def test_roundTrip(self, auth):
        """Reading what is printed gives the same."""
        self.assertEqual(auth, parseXOAuth2(printXOAuth2(auth)))

    def test_exchange(self):
        """A token that is not accepted is objected to."""
        _, message, auth = XOAUTH2[0]

        self.assertEqual(
            [Challenge(b""), auth, ENDED], play(xoauth2(CONTEXT), message, True)
        )
        self.assertEqual(
            [Challenge(b""), auth, Challenge(XOAUTH2_ERROR), ENDED],
            play(xoauth2(CONTEXT), message, False, b""),
        )
