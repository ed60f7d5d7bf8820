"""
Tests of smtpsession.delivery.loggingin: how to log in to a next hop.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from smtpsession.delivery import loggingin
from smtpsession.delivery.client import Client
from smtpsession.delivery.loggingin import logIn
from smtpsession.delivery.relaying import MISCONFIGURED, Offers
from smtpsession.encodings import printBase64
from smtpsession.replies import Reply
from tests.nexthops import Hop, HopTestCase

# RFC 7677, section 3.
NONCE = "rOprNGfwEbeRWgbNEkqO"
CLIENT_FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = (
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
CLIENT_FINAL = (
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

HOSTILE = [
    # what is wrong, what the next hop says first
    ("no message", "hello"),
    ("another nonce", SERVER_FIRST.replace(NONCE, "another")),
    ("no nonce of its own", f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
    ("no iterations", SERVER_FIRST.replace("i=4096", "i=0")),
    ("too few iterations", SERVER_FIRST.replace("i=4096", "i=4095")),
    ("too many iterations", SERVER_FIRST.replace("i=4096", "i=200001")),
    ("hours of iterations", SERVER_FIRST.replace("i=4096", "i=4294967295")),
    ("no salt", SERVER_FIRST.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "=")),
    ("an extension that must be known", "m=x," + SERVER_FIRST),
]


def encoded(text: str) -> str:
    return printBase64(text.encode("utf-8")).decode("ascii")


class LoginTestCase(HopTestCase):
    """A client that is to log in."""

    def logInAt(self, *offered: str) -> tuple[Hop, Deferred[Any]]:
        self.patch(loggingin, "token_urlsafe", lambda size: NONCE)
        client = Client(self.clock, 300)
        hop = Hop(client)
        lines = "\n".join(["next.example.net", f"AUTH {' '.join(offered)}"])
        client.offers = Offers.parse(Reply(250, lines))
        self.addCleanup(self.leave, hop)
        login = Deferred.fromCoroutine(logIn(client, "user", "pencil"))
        return hop, login

    def leave(self, hop: Hop) -> None:
        if not hop.client.gone.called:
            hop.leave()

    def assertMisconfigured(self, login: Deferred[Any]) -> None:
        error: Any = self.failureResultOf(login).value
        self.assertEqual(error.reply, MISCONFIGURED)


class WayTests(LoginTestCase):
    """Which way is taken."""

    def test_best(self) -> None:
        """The best of those that are offered, in whatever order that is."""
        for offered, begins in (
            (["LOGIN", "PLAIN", "SCRAM-SHA-256"], b"AUTH SCRAM-SHA-256 "),
            (["LOGIN", "PLAIN", "XOAUTH2"], b"AUTH PLAIN "),
            (["LOGIN", "CRAM-MD5"], b"AUTH LOGIN\r\n"),
        ):
            hop, login = self.logInAt(*offered)
            self.assertTrue(hop.hear().startswith(begins), offered)
            hop.leave()
            self.failureResultOf(login)

    def test_none(self) -> None:
        """Without one there is no mail, and nothing is said."""
        hop, login = self.logInAt("CRAM-MD5", "XOAUTH2")
        self.assertMisconfigured(login)
        self.assertEqual(hop.hear(), b"")

    def test_plain(self) -> None:
        """PLAIN says all at once."""
        hop, login = self.logInAt("PLAIN")
        hop.play(f"""
            C: AUTH PLAIN {encoded(chr(0) + "user" + chr(0) + "pencil")}
            S: 235 2.7.0 Welcome
            """)
        self.successResultOf(login)

    def test_login(self) -> None:
        """LOGIN says one after the other, whatever it is asked."""
        hop, login = self.logInAt("LOGIN")
        hop.play(f"""
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: {encoded("user")}
            S: 334 ?
            C: {encoded("pencil")}
            S: 235 2.7.0 Welcome
            """)
        self.successResultOf(login)

    def test_refused(self) -> None:
        """Who is not let in is told so, wherever."""
        for words in ("S: 535 5.7.8 No", "S: 334 Name\nC: dXNlcg==\nS: 535 5.7.8 No"):
            hop, login = self.logInAt("LOGIN")
            hop.play("C: AUTH LOGIN\n" + words)
            self.assertMisconfigured(login)


class ScramTests(LoginTestCase):
    """SCRAM-SHA-256, with what RFC 7677 has for an example."""

    OPENING = f"C: AUTH SCRAM-SHA-256 {encoded(CLIENT_FIRST)}\n"

    def test_example(self) -> None:
        """Both prove that they know the password."""
        hop, login = self.logInAt("SCRAM-SHA-256")
        hop.play(self.OPENING + f"""
            S: 334 {encoded(SERVER_FIRST)}
            C: {encoded(CLIENT_FINAL)}
            S: 334 {encoded(SERVER_FINAL)}
            """)
        self.assertEqual(hop.hear(), b"\r\n")
        hop.say("235 2.7.0 Welcome")
        self.successResultOf(login)

    def test_impostor(self) -> None:
        """Who does not know the password gets no mail, though it says welcome."""
        for last in (
            f"334 {encoded('v=AAAA')}",
            "334 ===",
            "235 2.7.0 Welcome",
        ):
            hop, login = self.logInAt("SCRAM-SHA-256")
            hop.play(self.OPENING + f"""
                S: 334 {encoded(SERVER_FIRST)}
                C: {encoded(CLIENT_FINAL)}
                S: {last}
                """)
            self.failureResultOf(login)
            self.assertEqual(hop.hear(), b"", last)

    def test_hostile(self) -> None:
        """Whatever a next hop says first in place of a challenge, it gets no proof."""
        hop, login = self.logInAt("SCRAM-SHA-256")
        hop.play(self.OPENING + "S: 334 ===")
        self.assertMisconfigured(login)
        for name, said in HOSTILE:
            hop, login = self.logInAt("SCRAM-SHA-256")
            hop.play(self.OPENING + f"S: 334 {encoded(said)}")
            self.assertMisconfigured(login)
            self.assertEqual(hop.hear(), b"", name)
