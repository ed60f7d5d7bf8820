"""
Tests of smtpsession.sasl.plain.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.sasl.auth import PasswordAuth
from smtpsession.sasl.exchange import Challenge
from smtpsession.sasl.plain import parsePlain, plain, printPlain
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ENDED, play
from tests.saslstrategies import preparedNames


def _auth(username: str, password: str, authzid: str | None = None) -> PasswordAuth:
    return PasswordAuth(
        method="PLAIN", username=username, password=password, authzid=authzid
    )


MESSAGES = [
    # name, octets, auth
    (
        "RFC 4616, section 4",
        b"\0tim\0tanstaaftanstaaf",
        _auth("tim", "tanstaaftanstaaf"),
    ),
    (
        "the same, acting as another",
        b"Ursel\0Kurt\0xipj3plmq",
        _auth("Kurt", "xipj3plmq", "Ursel"),
    ),
    ("spaces", b"\0a b\0 c ", _auth("a b", " c ")),
    ("beyond ASCII", "\0caf\xe9\0\xfc".encode(), _auth("caf\xe9", "\xfc")),
    (
        "all is prepared",
        "\u2168\0I\u00adX\0\u00aa".encode(),
        _auth("IX", "a", "IX"),
    ),
    (
        "names of 255 octets",
        b"%b\0%b\0%b" % ((b"x" * 255,) * 3),
        _auth(*["x" * 255] * 3),
    ),
    ("a long password", b"\0bob\0" + b"x" * 9000, _auth("bob", "x" * 9000)),
]

REFUSED = [
    # name, octets, codes
    ("nothing", b"", "501 5.5.2"),
    ("no NUL", b"bob", "501 5.5.2"),
    ("one NUL", b"bob\0hunter2", "501 5.5.2"),
    ("three NULs", b"\0bob\0hunter2\0", "501 5.5.2"),
    ("only NULs", b"\0\0", "501 5.5.2"),
    ("no name", b"\0\0hunter2", "501 5.5.2"),
    ("no password", b"\0bob\0", "501 5.5.2"),
    ("Latin-1", b"\0caf\xe9\0hunter2", "501 5.5.2"),
    ("a NUL in two octets", b"\xc0\x80bob\0hunter2", "501 5.5.2"),
    ("a line end in the name", b"\0bob\r\n\0hunter2", "535 5.7.8"),
    ("a control character in the password", b"\0bob\0hunter2\x07", "535 5.7.8"),
    ("a control character in the authzid", b"\x07\0bob\0hunter2", "535 5.7.8"),
    ("nothing is left of the name", "\0\u00ad\0hunter2".encode(), "535 5.7.8"),
    ("nothing is left of the password", "\0bob\0\u00ad".encode(), "535 5.7.8"),
    ("nothing is left of the authzid", "\u00ad\0bob\0hunter2".encode(), "535 5.7.8"),
    ("too long a name", b"\0" + b"x" * 1025 + b"\0hunter2", "535 5.7.8"),
]


class PlainTests(TableTestCase):
    """PLAIN."""

    def test_parse(self):
        """A message is read as RFC 4616 has it, and then prepared."""
        self.assertGives(parsePlain, MESSAGES)

    def test_refused(self):
        """What is not of its grammar is malformed, what cannot be prepared fails."""
        self.assertRefusesWith(parsePlain, REFUSED)

    @given(st.builds(_auth, preparedNames, preparedNames, st.none() | preparedNames))
    def test_roundTrip(self, auth):
        """Reading what is printed gives the same."""
        self.assertEqual(auth, parsePlain(printPlain(auth)))

    def test_exchange(self):
        """The client speaks, the application decides, and that is all."""
        for accepted in (True, False):
            self.assertEqual(
                [Challenge(b""), _auth("bob", "hunter2"), ENDED],
                play(plain(CONTEXT), b"\0bob\0hunter2", accepted),
            )
