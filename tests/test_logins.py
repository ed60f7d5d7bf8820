"""
Tests of smtpsession.authentication: logins, as the client and the application see them.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any

from scramp import ScramClient as Scramp  # type: ignore[import-untyped]
from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    CramMD5Auth,
    PasswordAuth,
    ScramAuth,
    ScramKeys,
    SMTPError,
    SMTPSession,
)
from smtpsession.settings import MECHANISMS
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.cases import TableTestCase
from tests.conversations import LOCAL_ERROR, MAIL, SENDER_OK, Question

EHLO = "EHLO client.example.com"
ACCEPTED = "235 2.7.0 Authentication succeeded"
FAILED = "535 5.7.8 Authentication failed"
CANCELLED = "501 5.7.0 Authentication cancelled"
NOT_BASE64 = "501 5.5.2 Not base64"
MALFORMED = "501 5.5.2 Malformed authentication exchange"
KEYS = {
    name: ScramKeys.derive("pencil", hashName=name, iterations=4096)
    for name in ("SHA-1", "SHA-256", "SHA-512")
}


def encoded(text: str) -> str:
    """As a client sends it."""
    return b64encode(text.encode("utf-8")).decode("ascii")


PLAIN = "AUTH PLAIN " + encoded("\0user\0pencil")
WRONG = "AUTH PLAIN " + encoded("\0user\0eraser")


async def login(auth: Any, session: SMTPSession) -> str | None:
    """An C{onAuth} that knows one user, C{user} with the password C{pencil}."""
    isRight = False
    if isinstance(auth, PasswordAuth):
        isRight = auth.password == "pencil"
    elif isinstance(auth, CramMD5Auth):
        isRight = auth.validatePassword("pencil")
    elif isinstance(auth, ScramAuth):
        isKnown = auth.username == "user"
        isRight = await auth.validateKeys(KEYS[auth.hashName] if isKnown else None)
    elif auth.method in ("OAUTHBEARER", "XOAUTH2"):
        isRight = auth.accessToken == "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg"
    return "the user" if isRight else None


def serverWith(onAuth: Any = login, **options: Any) -> MemoryServer:
    """A server that offers AUTH in clear."""
    given = {
        "auth": "optional",
        "allowInsecureAuth": True,
        "mechanisms": (*MECHANISMS, "CRAM-MD5"),
        **options,
    }
    return MemoryServer(onAuth=onAuth, options=memoryOptions(**given))


def hello(server: MemoryServer) -> MemoryClient:
    """A client that has said EHLO."""
    client = server.connect()
    client.hear()
    client.say(EHLO)
    return client


def scramFirst(client: MemoryClient, scram: Any, method: str) -> list[str]:
    """Begin SCRAM, and give what the server says."""
    return client.say(f"AUTH {method} " + encoded(scram.get_client_first()))


def challenged(lines: list[str]) -> str:
    """The text of the only challenge."""
    (line,) = lines
    assert line.startswith("334 "), line
    return b64decode(line[4:], validate=True).decode("utf-8")


def scramLogin(client: MemoryClient, password: str, method: str) -> list[str]:
    """All of SCRAM, with a client that is not of this project."""
    scram = Scramp([method], "user", password)
    scram.set_server_first(challenged(scramFirst(client, scram, method)))
    lines = client.say(encoded(scram.get_client_final()))
    if not lines[0].startswith("334 "):
        return lines
    scram.set_server_final(challenged(lines))
    return client.say("")


class MechanismTests(TableTestCase):
    """Each mechanism, from EHLO to the last reply."""

    def test_passwords(self) -> None:
        """PLAIN and LOGIN, with and without an initial response."""
        response = encoded("\0user\0pencil")
        rows = [
            ("PLAIN at once", [PLAIN], [ACCEPTED]),
            ("PLAIN", ["AUTH PLAIN", response], ["334 ", ACCEPTED]),
            ("in lower case", ["auth plain " + response], [ACCEPTED]),
            (
                "LOGIN",
                ["AUTH LOGIN", encoded("user"), encoded("pencil")],
                ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", ACCEPTED],
            ),
            (
                "LOGIN with the name",
                ["AUTH LOGIN " + encoded("user"), encoded("pencil")],
                ["334 UGFzc3dvcmQ6", ACCEPTED],
            ),
            ("wrong", [WRONG], [FAILED]),
            ("cancelled", ["AUTH PLAIN", "*"], ["334 ", CANCELLED]),
            ("not base64", ["AUTH PLAIN", "?"], ["334 ", NOT_BASE64]),
            ("empty", ["AUTH PLAIN ="], [MALFORMED]),
            ("CRAM-MD5 at once", ["AUTH CRAM-MD5 dXNlcg=="], [MALFORMED]),
            ("unknown", ["AUTH NTLM"], ["504 5.5.4 Mechanism not offered"]),
        ]
        self.assertGives(_replies, rows)

    def test_tooLong(self) -> None:
        """A response that is too long is 500, and the client is still in step."""
        client = hello(serverWith())
        client.say("AUTH PLAIN")

        self.assertEqual(
            ["500 5.5.6 Response too long", "250 2.0.0 OK"],
            client.say("A" * 12289, "NOOP"),
        )

    def test_cram(self) -> None:
        """CRAM-MD5, with the right secret and a wrong one."""
        for secret, reply in ((b"pencil", ACCEPTED), (b"eraser", FAILED)):
            client = hello(serverWith())
            challenge = challenged(client.say("AUTH CRAM-MD5")).encode("ascii")
            digest = hmac.new(secret, challenge, "md5").hexdigest()
            self.assertEqual([reply], client.say(encoded(f"user {digest}")))

    def test_scram(self) -> None:
        """SCRAM of each hash, against a client library of others."""
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            client = hello(serverWith())
            self.assertEqual([ACCEPTED], scramLogin(client, "pencil", method))
            self.assertEqual(method, client.session.authMethod)
            self.assertEqual(
                [FAILED], scramLogin(hello(serverWith()), "eraser", method)
            )

    def test_bearer(self) -> None:
        """OAUTHBEARER: a wrong token is told why, and refused after the answer."""
        client = hello(serverWith())
        wrong = encoded("n,a=user,\x01auth=Bearer wrong\x01\x01")
        error = challenged(client.say("AUTH OAUTHBEARER " + wrong))
        self.assertIn("invalid_token", error)
        self.assertEqual([FAILED], client.say("AQ=="))

        token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg"
        right = encoded(f"n,a=user,\x01auth=Bearer {token}\x01\x01")
        self.assertEqual([ACCEPTED], client.say("AUTH OAUTHBEARER " + right))


def _replies(lines: list[str]) -> list[str]:
    client = hello(serverWith())
    return [reply for line in lines for reply in client.say(line)]


class OrderTests(TableTestCase):
    """Where AUTH is legal, and where it is needed."""

    def test_beforeHello(self) -> None:
        """503 before EHLO and after HELO."""
        client = serverWith().connect()
        client.hear()
        self.assertEqual(["503 5.5.1 Say hello first"], client.say(PLAIN))
        client.say("HELO client.example.com")
        self.assertEqual(["503 5.5.1 Say EHLO first"], client.say(PLAIN))

    def test_repeated(self) -> None:
        """503 after a success."""
        client = hello(serverWith())
        client.say(PLAIN)
        self.assertEqual(["503 5.5.1 Authenticated already"], client.say(PLAIN))

    def test_inTransaction(self) -> None:
        """503 in a transaction."""
        client = hello(serverWith())
        client.say(MAIL)
        self.assertEqual(["503 5.5.1 Already in a mail transaction"], client.say(PLAIN))

    def test_inClear(self) -> None:
        """538 where TLS is wanted first; nothing is offered."""
        client = serverWith(allowInsecureAuth=False).connect()
        client.hear()
        self.assertNotIn("AUTH", " ".join(client.say(EHLO)))
        self.assertEqual(["538 5.7.11 AUTH needs TLS"], client.say(PLAIN))

    def test_required(self) -> None:
        """Where it is required, MAIL is 530 before it."""
        client = hello(serverWith(auth="required"))
        self.assertEqual(["530 5.7.0 AUTH first"], client.say(MAIL))
        self.assertEqual([ACCEPTED, SENDER_OK], client.say(PLAIN, MAIL))

    def test_session(self) -> None:
        """The session says who the client is, and how it came to be known."""
        client = hello(serverWith())
        client.say(PLAIN)
        session = client.session
        self.assertEqual(
            ("the user", "PLAIN", "ESMTPA"),
            (session.user, session.authMethod, session.transmissionType),
        )

    def test_pipelined(self) -> None:
        """What comes behind AUTH, or behind a challenge, is taken in its turn."""
        client = hello(serverWith())
        self.assertEqual(
            ["334 ", CANCELLED, ACCEPTED, "250 2.0.0 OK"],
            client.say("AUTH PLAIN", "*", PLAIN, "NOOP"),
        )


class ApplicationTests(SynchronousTestCase):
    """What C{onAuth} may do."""

    def test_late(self) -> None:
        """An answer may come late; commands wait for it."""
        question = Question()
        client = hello(serverWith(question))
        self.assertEqual([], client.say(PLAIN, "NOOP"))
        question.answers[0].callback("the user")
        self.assertEqual([ACCEPTED, "250 2.0.0 OK"], client.hear())

    def test_refuses(self) -> None:
        """Its own reply reaches the client."""

        def refuse(auth: Any, session: SMTPSession) -> None:
            raise SMTPError(454, "Ask again", "4.7.0")

        self.assertEqual(["454 4.7.0 Ask again"], hello(serverWith(refuse)).say(PLAIN))

    def test_fails(self) -> None:
        """Its failure is 451, says nothing else, and counts."""

        def fail(auth: Any, session: SMTPSession) -> None:
            raise ValueError("internal")

        client = hello(serverWith(fail, authFailures=1))
        self.assertEqual([LOCAL_ERROR], client.say(PLAIN))
        self.assertEqual(["421 4.7.0 Too many failed logins"], client.say(PLAIN))
        self.assertTrue(client.closed)
        self.assertEqual(2, len(self.flushLoggedErrors(ValueError)))

    def test_limit(self) -> None:
        """Beyond so many failures the server hangs up."""
        client = hello(serverWith(authFailures=2))
        self.assertEqual([FAILED, FAILED], client.say(WRONG, WRONG))
        self.assertEqual(["421 4.7.0 Too many failed logins"], client.say(WRONG))
        self.assertTrue(client.closed)

    def test_withoutKeys(self) -> None:
        """Who answers without asking for a proof lets nobody in."""
        client = hello(serverWith(lambda auth, session: "the user"))
        self.assertEqual([FAILED], scramLogin(client, "pencil", "SCRAM-SHA-256"))
        self.assertIsNone(client.session.user)

    def test_clientGone(self) -> None:
        """A client that goes in the middle of SCRAM cancels the question, once."""
        events: list[str] = []

        async def ask(auth: ScramAuth, session: SMTPSession) -> None:
            try:
                await auth.validateKeys(KEYS[auth.hashName])
            except CancelledError:
                events.append("cancelled")
                raise

        server = serverWith(ask)
        self.patch(server.factory, "onClose", lambda session: events.append("closed"))
        client = hello(server)
        scramFirst(client, Scramp(["SCRAM-SHA-256"], "user", "x"), "SCRAM-SHA-256")
        client.leave()
        self.assertEqual(["cancelled", "closed"], events)

    def test_twice(self) -> None:
        """To ask for a second proof is an error, and lets nobody in."""

        async def ask(auth: ScramAuth, session: SMTPSession) -> str:
            await auth.validateKeys(KEYS[auth.hashName])
            await auth.validateKeys(KEYS[auth.hashName])
            return "the user"

        client = hello(serverWith(ask))
        self.assertEqual([LOCAL_ERROR], scramLogin(client, "pencil", "SCRAM-SHA-256"))
        self.flushLoggedErrors(RuntimeError)
        self.assertIsNone(client.session.user)
