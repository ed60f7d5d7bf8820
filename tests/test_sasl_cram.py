"""
Tests of smtpsession.sasl.cram.
"""

from __future__ import annotations

from functools import partial

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smtpsession.sasl.auth import CramMD5Auth
from smtpsession.sasl.cram import cramMD5, parseCramMD5, printCramMD5
from smtpsession.sasl.exchange import Challenge, ExchangeContext
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ENDED, play
from tests.saslstrategies import preparedNames

#: RFC 2195, section 2.
CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"
DIGEST = "b913a602c7eda7a495b4e6e7334d3890"


def _auth(username: str, digest: str = DIGEST) -> CramMD5Auth:
    return CramMD5Auth(
        method="CRAM-MD5", username=username, challenge=CHALLENGE, digest=digest
    )


RESPONSES = [
    # name, octets, auth
    ("RFC 2195, section 2", b"tim b913a602c7eda7a495b4e6e7334d3890", _auth("tim")),
    ("a space in the name", b"t im b913a602c7eda7a495b4e6e7334d3890", _auth("t im")),
    (
        "a digest in the name",
        f"{DIGEST} {DIGEST}".encode(),
        _auth(DIGEST),
    ),
    ("the name is prepared", f"\u2168 {DIGEST}".encode(), _auth("IX")),
]

REFUSED = [
    # name, octets, codes
    ("nothing", b"", "501 5.5.2"),
    ("no digest", b"tim", "501 5.5.2"),
    ("no name", DIGEST.encode(), "501 5.5.2"),
    ("an empty name", f" {DIGEST}".encode(), "501 5.5.2"),
    ("a digest too short", f"tim {DIGEST[1:]}".encode(), "501 5.5.2"),
    ("a digest too long", f"tim {DIGEST}0".encode(), "501 5.5.2"),
    ("a digest in upper case", f"tim {DIGEST.upper()}".encode(), "501 5.5.2"),
    ("not hexadecimal", f"tim {DIGEST.replace('b', 'g')}".encode(), "501 5.5.2"),
    ("a tab between", f"tim\t{DIGEST}".encode(), "501 5.5.2"),
    ("a space behind", f"tim {DIGEST} ".encode(), "501 5.5.2"),
    ("a line end", f"tim {DIGEST}\n".encode(), "501 5.5.2"),
    ("Latin-1", b"caf\xe9 " + DIGEST.encode(), "501 5.5.2"),
    ("a line end in the name", f"ti\nm {DIGEST}".encode(), "535 5.7.8"),
    ("a NUL in the name", f"ti\0m {DIGEST}".encode(), "535 5.7.8"),
]


class CramMD5Tests(TableTestCase):
    """CRAM-MD5."""

    def test_parse(self):
        """A response has a name and a digest."""
        self.assertGives(partial(parseCramMD5, challenge=CHALLENGE), RESPONSES)

    def test_refused(self):
        """What is not of its grammar is malformed, a name that is none fails."""
        self.assertRefusesWith(partial(parseCramMD5, challenge=CHALLENGE), REFUSED)

    @given(
        st.builds(
            _auth, preparedNames, st.text("0123456789abcdef", min_size=32, max_size=32)
        )
    )
    def test_roundTrip(self, auth):
        """Reading what is printed gives the same."""
        self.assertEqual(auth, parseCramMD5(printCramMD5(auth), CHALLENGE))

    def test_exchange(self):
        """The server speaks, the client answers, the application decides."""
        context = ExchangeContext(
            hostname="postoffice.reston.mci.net",
            nonce=lambda: "1896",
            time=lambda: 697170952.9,
        )
        for accepted in (True, False):
            steps = play(cramMD5(context), f"tim {DIGEST}".encode(), accepted)
            self.assertEqual([Challenge(CHALLENGE), _auth("tim"), ENDED], steps)

    def test_fresh(self):
        """A response to one challenge is none to the next."""
        context = evolve(CONTEXT, nonce=ExchangeContext(hostname="").nonce)
        first, second = (play(cramMD5(context))[0] for _ in range(2))

        self.assertNotEqual(first, second)
        self.assertTrue(_auth("tim").validatePassword("tanstaaftanstaaf"))
        self.assertIsInstance(second, Challenge)
        assert isinstance(second, Challenge)
        replayed = evolve(_auth("tim"), challenge=second.octets)
        self.assertFalse(replayed.validatePassword("tanstaaftanstaaf"))
