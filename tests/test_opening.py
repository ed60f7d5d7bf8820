"""
Tests of smtpsession.delivery.opening.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery import opening
from smtpsession.delivery.client import Client
from smtpsession.delivery.opening import Opener, Terms
from smtpsession.delivery.relaying import NextHopLost
from smtpsession.encodings import printBase64
from smtpsession.session import SMTPSession
from tests.nexthops import HopTestCase, newTerms

UNREACHED = "451 4.4.1 Next hop not available"
LOST = "451 4.4.2 Connection to the next hop lost"
MISCONFIGURED = "451 4.3.5 Next hop does not work as configured"

NAMED: dict[str, Any] = {"serverName": "next.example.net"}
USER: dict[str, Any] = {"user": "me", "password": "secret"}

HELLO = """
    S: 220 next.example.net ESMTP
    C: EHLO mx.example.org
    S: 250-next.example.net
"""
IN_TLS = """
    C: EHLO mx.example.org
    S: 250-next.example.net
    S: 250 REQUIRETLS
"""
STARTTLS = HELLO + """
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 Go on
"""


class TermsTests(SynchronousTestCase):
    """What can be agreed on."""

    def test_refused(self) -> None:
        """Terms that make no sense are an error."""
        for wrong in (
            {"hostname": "not a domain"},
            {"protocol": "uucp"},
            {"tls": "maybe"},
            {"tls": "required"},
            {"tls": "implicit"},
            {"user": "me"},
            {"commandTimeout": 0},
        ):
            self.assertRaises(ValueError, newTerms, **wrong)

    def test_secret(self) -> None:
        """The password is not shown."""
        self.assertNotIn("secret", repr(newTerms(**USER)))


class OpenerTestCase(HopTestCase):
    """An opener in front of an endpoint."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(opening, "_creator", lambda terms: f"creator for {terms.serverName}")

    def open(self, **changes: Any) -> Deferred[Client]:
        opener = Opener(self.endpoint, newTerms(**changes), self.clock)
        return self.begin(opener.open(SMTPSession()))

    def assertRefused(self, opened: Deferred[Client], told: str) -> None:
        """It is not open, and nothing is left of it."""
        self.assertEqual(self.told(opened), told)
        self.assertTrue(self.hop.isDropped)


class GreetingTests(OpenerTestCase):
    """Up to the extensions."""

    def test_smtp(self) -> None:
        """EHLO tells what is offered."""
        opened = self.open()
        self.hop.play(HELLO + "S: 250 SIZE 1000")
        client = self.successResultOf(opened)
        self.assertEqual(client.offers.keywords, {"SIZE": ("1000",)})
        self.assertFalse(client.isSecure or client.offers.isVerified)

    def test_lmtp(self) -> None:
        """LMTP has LHLO."""
        opened = self.open(protocol="lmtp")
        self.hop.play("""
            S: 220-next.example.net
            S: 220 LMTP
            C: LHLO mx.example.org
            S: 250-next.example.net
            S: 250 DSN
            """)
        self.assertIn("DSN", self.successResultOf(opened).offers)

    def test_old(self) -> None:
        """Who does not know EHLO offers nothing."""
        opened = self.open()
        self.hop.play("""
            S: 220 next.example.net
            C: EHLO mx.example.org
            S: 502 What?
            C: HELO mx.example.org
            S: 250-next.example.net
            S: 250 DSN
            """)
        self.assertEqual(self.successResultOf(opened).offers.keywords, {})

    def test_lmtpIsNotOld(self) -> None:
        """There is no LMTP without LHLO."""
        opened = self.open(protocol="lmtp")
        self.hop.play("""
            S: 220 next.example.net
            C: LHLO mx.example.org
            S: 500 What?
            """)
        self.assertRefused(opened, UNREACHED)

    def test_refused(self) -> None:
        """Whatever is refused here our client may try again."""
        for transcript, told in (
            ("S: 554 5.7.1 Not you", UNREACHED),
            ("S: 450 4.7.1 Not now", UNREACHED),
            ("S: 521 5.3.2 No mail here", UNREACHED),
            ("S: 421 4.3.2 Closing", "451 4.3.2 Closing"),
            ("S: 354 Go on", LOST),
            ("S: SSH-2.0-OpenSSH", LOST),
            ("S: 220 a\nC: EHLO mx.example.org\nS: 450 4.7.1 Not now", UNREACHED),
            ("S: 220 a\nC: EHLO mx.example.org\nS: 421 4.7.1 Bye", "451 4.7.1 Bye"),
            (
                "S: 220 a\nC: EHLO mx.example.org\nS: 550 No\n"
                "C: HELO mx.example.org\nS: 550 No",
                UNREACHED,
            ),
        ):
            opened = self.open()
            self.hop.play(transcript)
            self.assertRefused(opened, told)

    def test_silent(self) -> None:
        """A next hop that does not greet is not waited for forever."""
        opened = self.open()
        self.clock.advance(10)
        self.assertRefused(opened, LOST)

    def test_cancelled(self) -> None:
        """Our client leaves, and with it the connection."""
        opened = self.open()
        opened.cancel()
        self.failureResultOf(opened, CancelledError)
        self.assertTrue(self.hop.isDropped)


class ConnectionTests(OpenerTestCase):
    """Where there is no connection."""

    def test_refused(self) -> None:
        """That is for the log, and our client may try again."""
        self.endpoint.answer = fail(ConnectionRefusedError())
        error = self.failureResultOf(self.open(), NextHopLost).value
        self.assertEqual(str(error.reply), UNREACHED)
        self.assertIsInstance(error.__cause__, ConnectionRefusedError)

    def test_slow(self) -> None:
        """It is not waited for long."""
        self.endpoint.answer = Deferred()
        opened = self.open()
        self.clock.advance(5)
        self.assertEqual(self.told(opened), UNREACHED)

    def test_cancelled(self) -> None:
        """Our client leaves."""
        self.endpoint.answer = Deferred()
        opened = self.open()
        opened.cancel()
        self.failureResultOf(opened, CancelledError)


class TLSTests(OpenerTestCase):
    """With TLS, or rather what stands for it."""

    def test_required(self) -> None:
        """STARTTLS, a handshake, and EHLO again, which has what counts."""
        opened = self.open(tls="required", **NAMED)
        self.hop.play(STARTTLS)
        self.assertEqual(self.hop.transport.creators, ["creator for next.example.net"])
        self.hop.client.handshakeCompleted()
        self.hop.play(IN_TLS)
        client = self.successResultOf(opened)
        self.assertTrue(client.isSecure and client.offers.isVerified)
        self.assertIn("REQUIRETLS", client.offers)
        self.assertNotIn("STARTTLS", client.offers)

    def test_requiredNotOffered(self) -> None:
        """Without it there is no mail."""
        opened = self.open(tls="required", **NAMED)
        self.hop.play(HELLO + "S: 250 SIZE")
        self.assertRefused(opened, MISCONFIGURED)

    def test_requiredRefused(self) -> None:
        """So it is where it is refused."""
        opened = self.open(tls="required", **NAMED)
        self.hop.play(HELLO + "S: 250 STARTTLS\nC: STARTTLS\nS: 454 Not now")
        self.assertRefused(opened, UNREACHED)

    def test_closing(self) -> None:
        """Where the next hop closes instead, nothing goes over that connection."""
        for tls in ("required", "opportunistic"):
            opened = self.open(tls=tls, **NAMED)
            self.hop.play(HELLO + "S: 250 STARTTLS\nC: STARTTLS\nS: 421 4.3.2 Bye")
            self.assertRefused(opened, "451 4.3.2 Bye")

    def test_requiredFailed(self) -> None:
        """So it is where the handshake fails, and there is no second attempt."""
        opened = self.open(tls="required", **NAMED)
        self.hop.play(STARTTLS)
        self.hop.leave(ConnectionLost("bad certificate"))
        error = self.failureResultOf(opened, NextHopLost).value
        self.assertEqual(str(error.reply), LOST)
        self.assertIn("bad certificate", str(error.__cause__))
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_opportunistic(self) -> None:
        """With TLS, but nobody knows who it is."""
        opened = self.open(tls="opportunistic")
        self.hop.play(STARTTLS)
        self.hop.client.handshakeCompleted()
        self.hop.play(IN_TLS)
        client = self.successResultOf(opened)
        self.assertTrue(client.isSecure)
        self.assertFalse(client.offers.isVerified)

    def test_opportunisticNotOffered(self) -> None:
        """Where it is not offered mail goes in clear."""
        opened = self.open(tls="opportunistic")
        self.hop.play(HELLO + "S: 250 SIZE")
        self.assertFalse(self.successResultOf(opened).isSecure)

    def test_opportunisticRefused(self) -> None:
        """So it does where it is refused."""
        opened = self.open(tls="opportunistic")
        self.hop.play(HELLO + "S: 250 STARTTLS\nC: STARTTLS\nS: 454 Not now")
        self.assertFalse(self.successResultOf(opened).isSecure)

    def test_opportunisticFailed(self) -> None:
        """So it does on a second connection where the handshake fails."""
        opened = self.open(tls="opportunistic")
        self.hop.play(STARTTLS)
        with capturedLogs() as events:
            self.hop.leave(ConnectionLost("no cipher in common"))
        self.assertIn("no cipher in common", str(events[0]["reason"]))
        self.assertEqual(len(self.endpoint.hops), 2)
        self.hop.play(HELLO + "S: 250 STARTTLS")
        self.assertFalse(self.successResultOf(opened).isSecure)

    def test_implicit(self) -> None:
        """The handshake comes before the greeting."""
        opened = self.open(tls="implicit", **NAMED)
        self.assertEqual(len(self.hop.transport.creators), 1)
        self.hop.client.handshakeCompleted()
        self.hop.play(HELLO + "S: 250 STARTTLS")
        client = self.successResultOf(opened)
        self.assertTrue(client.isSecure and client.offers.isVerified)

    def test_none(self) -> None:
        """Where nobody wants it, it is not asked for."""
        opened = self.open()
        self.hop.play(HELLO + "S: 250 STARTTLS")
        self.assertFalse(self.successResultOf(opened).isSecure)


class CreatorTests(SynchronousTestCase):
    """What TLS is done with."""

    def test_servername(self) -> None:
        """The next hop is told which name is wanted, but not which address."""
        for name, told in (
            ("next.example.net", b"next.example.net"),
            ("192.0.2.1", None),
            ("2001:db8::1", None),
            (None, None),
        ):
            creator: Any = opening._Unverified(name)
            connection = creator.clientConnectionForTLS(None)
            self.assertEqual(connection.get_servername(), told, name)

    def test_kinds(self) -> None:
        """Only who has to be somebody is verified."""
        unverified = opening._creator(Terms(hostname="mx.example.org"))
        self.assertIsInstance(unverified, opening._Unverified)
        terms = Terms(hostname="mx.example.org", tls="required", **NAMED)
        self.assertNotIsInstance(opening._creator(terms), opening._Unverified)


class LoginTests(OpenerTestCase):
    """AUTH PLAIN."""

    TOKEN = printBase64(b"\0me\0secret").decode("ascii")

    def test_overTLS(self) -> None:
        """Over TLS we log in."""
        opened = self.open(tls="required", **NAMED, **USER)
        self.hop.play(STARTTLS)
        self.hop.client.handshakeCompleted()
        self.hop.play(f"""
            C: EHLO mx.example.org
            S: 250-next.example.net
            S: 250 AUTH LOGIN PLAIN
            C: AUTH PLAIN {self.TOKEN}
            S: 235 2.7.0 Welcome
            """)
        self.successResultOf(opened)

    def test_withAnybody(self) -> None:
        """Over TLS with whoever it is nobody hears the password."""
        opened = self.open(tls="opportunistic", **USER)
        self.hop.play(STARTTLS)
        self.hop.client.handshakeCompleted()
        self.hop.play("""
            C: EHLO mx.example.org
            S: 250-next.example.net
            S: 250 AUTH LOGIN PLAIN
            """)
        self.assertEqual(self.hop.hear(), b"")
        self.assertRefused(opened, MISCONFIGURED)

    def test_inClear(self) -> None:
        """In clear nobody hears the password."""
        opened = self.open(**USER)
        self.hop.play(HELLO + "S: 250 AUTH PLAIN")
        self.assertEqual(self.hop.hear(), b"")
        self.assertRefused(opened, MISCONFIGURED)

    def test_inClearAllowed(self) -> None:
        """Unless that is allowed."""
        opened = self.open(allowInsecureAuth=True, **USER)
        self.hop.play(HELLO + f"""
            S: 250 AUTH PLAIN
            C: AUTH PLAIN {self.TOKEN}
            S: 235 2.7.0 Welcome
            """)
        self.successResultOf(opened)

    def test_notOffered(self) -> None:
        """Without a way that we know there is no mail."""
        for offer in ("AUTH CRAM-MD5", "SIZE"):
            opened = self.open(allowInsecureAuth=True, **USER)
            self.hop.play(HELLO + f"S: 250 {offer}")
            self.assertRefused(opened, MISCONFIGURED)

    def test_refused(self) -> None:
        """A wrong password is no reason to lose mail."""
        opened = self.open(allowInsecureAuth=True, **USER)
        self.hop.play(HELLO + f"""
            S: 250 AUTH PLAIN
            C: AUTH PLAIN {self.TOKEN}
            S: 535 5.7.8 Who are you?
            """)
        self.assertRefused(opened, MISCONFIGURED)

    def test_closing(self) -> None:
        """Where the next hop closes instead, it says why."""
        opened = self.open(allowInsecureAuth=True, **USER)
        self.hop.play(HELLO + f"""
            S: 250 AUTH PLAIN
            C: AUTH PLAIN {self.TOKEN}
            S: 421 4.7.0 Bye
            """)
        self.assertRefused(opened, "451 4.7.0 Bye")
