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

from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.testing import MemoryClient
from tests.cases import TableTestCase
from tests.conversations import MAIL, OK, RCPT, SENDER_OK, Question
from tests.logins import (
    ACCEPTED,
    EHLO,
    FAILED,
    NOT_BASE64,
    PLAIN,
    TOO_MANY,
    WRONG,
    encoded,
    exchange,
    hello,
    login,
    secure,
    serverWith,
)
from tests.transports import CERTIFICATES, TLSClient, tlsServer

HELLO_FIRST = "503 5.5.1 Say hello first"
LOGIN_FIRST = "530 5.7.0 AUTH first"
NO_MECHANISM = "504 5.5.4 Mechanism not offered"
TLS_NEEDED = "538 5.7.11 AUTH needs TLS"


class OrderTests(TableTestCase):
    """Where AUTH is legal."""

    def test_beforeHello(self) -> None:
        """503 before EHLO and after HELO."""
        client = serverWith().connect()
        client.hear()
        self.assertEqual([HELLO_FIRST], client.say(PLAIN))
        client.say("HELO client.example.com")
        self.assertEqual(["503 5.5.1 Say EHLO first"], client.say(PLAIN))
        client.say(EHLO)
        self.assertEqual([ACCEPTED], client.say(PLAIN))

    def test_repeated(self) -> None:
        """503 after a success, whatever the mechanism, and after another EHLO."""
        client = hello(serverWith())
        client.say(PLAIN)
        for line in (PLAIN, "AUTH LOGIN", "AUTH NTLM"):
            self.assertEqual(["503 5.5.1 Authenticated already"], client.say(line))
        client.say(EHLO)
        self.assertEqual(["503 5.5.1 Authenticated already"], client.say(PLAIN))

    def test_inTransaction(self) -> None:
        """503 in a transaction, from MAIL to its end."""
        message = ("DATA", "Hello", ".")
        for begun, ending in (
            ([MAIL], ["RSET"]),
            ([MAIL, RCPT], ["RSET"]),
            ([MAIL, RCPT, "BDAT 0"], ["BDAT 0 LAST"]),
            ([MAIL, RCPT], message),
        ):
            client = hello(serverWith())
            client.say(*begun)
            nested = "503 5.5.1 Already in a mail transaction"
            self.assertEqual([nested, OK], client.say(PLAIN, "NOOP"))
            client.say(*ending)
            self.assertEqual([ACCEPTED], client.say(PLAIN))

    def test_lmtp(self) -> None:
        """LMTP has it too."""
        client = serverWith(protocol="lmtp").connect()
        client.hear()
        self.assertEqual([HELLO_FIRST], client.say(PLAIN))
        client.say("LHLO client.example.com")
        self.assertEqual([ACCEPTED], client.say(PLAIN))
        self.assertEqual("LMTPA", client.session.transmissionType)

    def test_syntax(self) -> None:
        """501 for what is no AUTH command; the mechanism may be in any case."""
        syntax = "501 5.5.4 Syntax: AUTH mechanism [initial-response]"
        response = encoded("\0bob\0sesame")
        rows = [
            ("no mechanism", "AUTH", syntax),
            ("no name of a mechanism", "AUTH PLAIN! " + response, syntax),
            ("a long name", "AUTH " + "P" * 21, syntax),
            ("two responses", f"{PLAIN} {response}", NOT_BASE64),
            ("a response that is not base64", "AUTH PLAIN *", NOT_BASE64),
            ("cut short", PLAIN[:-1], NOT_BASE64),
            ("in lower case", PLAIN.lower()[:11] + response, ACCEPTED),
        ]
        self.assertGives(self.replyTo, rows)

    def replyTo(self, line: str) -> str:
        """What is said to this line."""
        (reply,) = hello(serverWith()).say(line)
        return reply


class OfferTests(TableTestCase):
    """What is offered, and what is not."""

    def test_mechanisms(self) -> None:
        """504 for a mechanism that EHLO has not named, and the client may go on."""
        server = serverWith(mechanisms=["PLAIN", "EXTERNAL", "SCRAM-SHA-256-PLUS"])
        for method in (
            *("NTLM", "X", "LOGIN", "SCRAM-SHA-256"),
            # These need TLS.
            *("EXTERNAL", "SCRAM-SHA-256-PLUS"),
        ):
            client = server.connect()
            offered = [line for line in client.say(EHLO) if "AUTH" in line]
            self.assertEqual(["250 AUTH PLAIN"], offered)
            for line in (f"AUTH {method}", f"auth {method.lower()} ="):
                self.assertEqual([NO_MECHANISM], client.say(line))
            self.assertEqual([ACCEPTED], client.say(PLAIN))

    def test_none(self) -> None:
        """502 where there are no users."""
        client = serverWith(auth="none").connect()
        self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
        self.assertEqual(["502 5.5.1 Not offered here"], client.say(PLAIN))

    def test_inClear(self) -> None:
        """538 where TLS is wanted first; nothing is offered."""
        for auth in ("optional", "required"):
            client = serverWith(allowInsecureAuth=False, auth=auth).connect()
            client.hear()
            self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
            for line in (PLAIN, "AUTH LOGIN", "AUTH NTLM"):
                self.assertEqual([TLS_NEEDED], client.say(line))
            client.session.secure = True
            self.assertIn("AUTH", " ".join(client.say(EHLO)))
            self.assertEqual([ACCEPTED], client.say(PLAIN))

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
        server = serverWith(tls="required", certificates=CERTIFICATES)
        for greeting in (EHLO, "HELO client.example.com"):
            client = server.connect()
            self.assertNotIn("AUTH", " ".join(client.say(greeting)))
            for line in ("AUTH PLAIN", PLAIN, "AUTH NTLM", MAIL):
                self.assertEqual(["530 5.7.0 STARTTLS first"], client.say(line))

    def test_required(self) -> None:
        """Where it is required, MAIL is 530 before it."""
        client = hello(serverWith(auth="required"))
        self.assertEqual([LOGIN_FIRST], client.say(MAIL))
        self.assertEqual([FAILED, LOGIN_FIRST], client.say(WRONG, MAIL))
        self.assertEqual([ACCEPTED, SENDER_OK], client.say(PLAIN, MAIL))

    def test_requiredInVain(self) -> None:
        """So it is with a client that cannot log in, for want of TLS or of EHLO."""
        client = hello(serverWith(auth="required", allowInsecureAuth=False))
        self.assertEqual([LOGIN_FIRST], client.say(MAIL))
        client.say("HELO client.example.com")
        self.assertEqual([LOGIN_FIRST], client.say(MAIL))


class SessionTests(SynchronousTestCase):
    """What AUTH leaves behind."""

    def test_session(self) -> None:
        """The session says who the client is, and how it came to be known."""
        client = hello(serverWith())
        self.assertKnown(client, None, None, "ESMTP")
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

    def test_everyMechanism(self) -> None:
        """So it is with each mechanism, over TLS."""
        for method in BY_NAME:
            client = secure(serverWith())
            self.assertKnown(client, None, None, "ESMTPS")
            self.assertEqual([ACCEPTED], exchange(client, method), method)
            self.assertKnown(client, "the user", method, "ESMTPSA")

    def test_remembered(self) -> None:
        """Neither a message, nor RSET, nor another EHLO makes it forgotten."""
        server = serverWith()
        client = hello(server)
        client.say(PLAIN, MAIL, RCPT, "DATA")
        client.say("Hello", ".")
        client.say("RSET", EHLO)
        self.assertKnown(client, "the user", "PLAIN", "ESMTPA")
        [message] = server.messages
        self.assertEqual("the user", message.session.user)

    def test_failed(self) -> None:
        """A login that has failed leaves nothing."""
        client = hello(serverWith())
        client.say(WRONG, "AUTH LOGIN", "*", "AUTH PLAIN !", "AUTH NTLM")
        self.assertKnown(client, None, None, "ESMTP")

    def test_forgotten(self) -> None:
        """After STARTTLS the client is nobody, and may log in again."""
        changes = {"auth": "required", "allowInsecureAuth": True}
        client = TLSClient(tlsServer(changes=changes, onAuth=login))
        client.say(EHLO)
        self.assertEqual([ACCEPTED, SENDER_OK, OK], client.say(PLAIN, MAIL, "RSET"))
        client.say("STARTTLS")
        client.shakeHands()
        self.assertKnown(client, None, None, "SMTP")
        self.assertEqual([HELLO_FIRST], client.say(PLAIN))
        client.say(EHLO)
        self.assertKnown(client, None, None, "ESMTPS")
        self.assertEqual([LOGIN_FIRST], client.say(MAIL))
        heard = client.say("AUTH LOGIN", encoded("bob"), encoded("sesame"))
        self.assertEqual(ACCEPTED, heard[-1])
        self.assertKnown(client, "the user", "LOGIN", "ESMTPSA")

    def assertKnown(self, client: MemoryClient, *expected: str | None) -> None:
        """The user, the mechanism and the transmission type are these."""
        session = client.session
        self.assertEqual(
            expected, (session.user, session.authMethod, session.transmissionType)
        )


class FailureTests(SynchronousTestCase):
    """Logins that fail."""

    def test_limit(self) -> None:
        """Beyond so many failures the server hangs up, and looks at nothing more."""
        for count in range(4):
            question = Question()
            client = hello(serverWith(question, authFailures=count))
            client.say(*[WRONG] * (count + 3), "NOOP")
            # There is one more with each answer.
            for answer in question.answers:
                answer.callback(None)
            self.assertEqual([FAILED] * count + [TOO_MANY], client.hear())
            self.assertTrue(client.closed)
            self.assertEqual(count + 1, len(question.asked))

    def test_default(self) -> None:
        """Three are forgiven."""
        client = hello(serverWith())
        self.assertEqual([FAILED] * 3, client.say(WRONG, WRONG, WRONG))
        self.assertEqual([ACCEPTED], client.say(PLAIN))
        client = hello(serverWith())
        heard = client.say(WRONG, WRONG, WRONG, "AUTH PLAIN", "*")
        self.assertEqual([FAILED] * 3 + ["334 ", TOO_MANY], heard)
        self.assertTrue(client.closed)

    def test_whatCounts(self) -> None:
        """Whatever a client does but log in, once an exchange has begun."""
        for lines in (
            [WRONG],
            ["AUTH PLAIN", "*"],
            ["AUTH PLAIN", "!"],
            ["AUTH PLAIN", "A" * 12289],
            ["AUTH PLAIN ="],
            ["AUTH CRAM-MD5 ="],
            ["AUTH LOGIN", encoded("bob"), "*"],
        ):
            client = hello(serverWith(authFailures=0))
            self.assertEqual(TOO_MANY, client.say(*lines)[-1], lines)

    def test_whatDoesNotCount(self) -> None:
        """A command that begins none is a mistake like others."""
        client = hello(serverWith(authFailures=0))
        for line in ("AUTH", "AUTH NTLM", "AUTH PLAIN !"):
            self.assertEqual("50", client.say(line)[0][:2])
        self.assertEqual([ACCEPTED], client.say(PLAIN))

    def test_notForgiven(self) -> None:
        """Another EHLO, or RSET, forgives nothing."""
        client = hello(serverWith(authFailures=1))
        client.say(WRONG, EHLO, "RSET")
        self.assertEqual([TOO_MANY], client.say(WRONG))


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
