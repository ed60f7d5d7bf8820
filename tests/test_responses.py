"""
Tests of smtpsession.authentication: the exchange between AUTH and its last reply, as
the client sees it.  What may stand in a response is tested with each mechanism, in
tests.test_sasl_plain and so on.
"""

from __future__ import annotations

from typing import Any

from smtpsession import Auth, BearerAuth, ExternalAuth, SMTPSession
from tests.cases import TableTestCase
from tests.logins import (
    ACCEPTED,
    CANCELLED,
    EHLO,
    FAILED,
    MALFORMED,
    NOT_BASE64,
    PLAIN,
    RESPONSES,
    TOO_LONG,
    WRONG,
    challenged,
    encoded,
    exchange,
    hello,
    secure,
    serverWith,
)

OK = "250 2.0.0 OK"


class MechanismTests(TableTestCase):
    """Each mechanism, from the command to the last reply."""

    def test_passwords(self) -> None:
        """PLAIN and LOGIN, with and without an initial response."""
        response = encoded("\0bob\0sesame")
        rows = [
            ("PLAIN at once", [PLAIN], [ACCEPTED]),
            ("PLAIN", ["AUTH PLAIN", response], ["334 ", ACCEPTED]),
            ("in lower case", ["auth plain " + response], [ACCEPTED]),
            (
                "LOGIN",
                ["AUTH LOGIN", encoded("bob"), encoded("sesame")],
                ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", ACCEPTED],
            ),
            (
                "LOGIN with the name",
                ["AUTH LOGIN " + encoded("bob"), encoded("sesame")],
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

    def test_cram(self) -> None:
        """CRAM-MD5, with the right secret and a wrong one."""
        for secret, reply in (("sesame", ACCEPTED), ("open", FAILED)):
            client = hello(serverWith())
            self.assertEqual([reply], exchange(client, "CRAM-MD5", password=secret))

    def test_bearer(self) -> None:
        """OAUTHBEARER: a wrong token is told why, and refused after the answer."""
        client = hello(serverWith())
        wrong = encoded("n,a=bob,\x01auth=Bearer wrong\x01\x01")
        error = challenged(client.say("AUTH OAUTHBEARER " + wrong))
        self.assertIn(b"invalid_token", error)
        self.assertEqual([FAILED], client.say("AQ=="))

        right = encoded(RESPONSES["OAUTHBEARER"][0])
        self.assertEqual([ACCEPTED], client.say("AUTH OAUTHBEARER " + right))

    def test_bearerRefused(self) -> None:
        """RFC 7628, section 3.2.3: the reason comes before the refusal."""
        seen: list[Any] = []
        client = hello(serverWith(lambda auth, session: seen.append(auth)))
        response = encoded("n,a=bob,\x01auth=Bearer abc\x01\x01")
        error = challenged(client.say(f"AUTH OAUTHBEARER {response}"))
        self.assertIn(b'"status"', error)
        self.assertEqual([FAILED], client.say(encoded("\x01")))
        [auth] = seen
        self.assertIsInstance(auth, BearerAuth)
        self.assertEqual("abc", auth.accessToken)

    def test_external(self) -> None:
        """With a certificate EXTERNAL is offered, and that is handed over."""
        seen: list[Any] = []

        def onAuth(auth: Auth, session: SMTPSession) -> str:
            seen.append(auth)
            return auth.username

        server = serverWith(onAuth)
        self.assertEqual("504", hello(server).say("AUTH EXTERNAL =")[0][:3])
        client = secure(server)
        offered = client.say(EHLO)
        self.assertIn(" EXTERNAL", offered[-1])
        self.assertEqual([ACCEPTED], client.say("AUTH EXTERNAL ="))
        self.assertIsInstance(seen[0], ExternalAuth)
        self.assertIs(seen[0].certificate, client.session.peerCertificate)


class LineTests(TableTestCase):
    """The lines of the responses."""

    def test_emptyChallenge(self) -> None:
        """A client that sends no response at once is asked for one."""
        client = hello(serverWith())
        self.assertEqual(["334 "], client.say("AUTH PLAIN"))
        heard = client.say(encoded("\0bob\0sesame"), "NOOP")
        self.assertEqual([ACCEPTED, OK], heard)

    def test_pipelined(self) -> None:
        """What comes behind AUTH, or behind a challenge, is taken in its turn."""
        client = hello(serverWith())
        self.assertEqual(
            ["334 ", CANCELLED, ACCEPTED, OK],
            client.say("AUTH PLAIN", "*", PLAIN, "NOOP"),
        )

    def test_long(self) -> None:
        """A response has its own limit, with the command and after it."""
        token = "a" * 9000
        response = encoded(f"n,,\x01auth=Bearer {token}\x01\x01")
        for lines in ([f"AUTH OAUTHBEARER {response}"], ["AUTH OAUTHBEARER", response]):
            client = hello(serverWith(lambda auth, session: auth.accessToken))
            self.assertEqual(ACCEPTED, client.say(*lines)[-1])
            self.assertEqual(token, client.session.user)

    def test_tooLong(self) -> None:
        """A response that is too long is 500, and the client is still in step."""
        client = hello(serverWith())
        client.say("AUTH PLAIN")
        self.assertEqual([TOO_LONG, OK], client.say("A" * 12289, "NOOP"))


def _replies(lines: list[str]) -> list[str]:
    client = hello(serverWith())
    return [reply for line in lines for reply in client.say(line)]
