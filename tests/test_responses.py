"""
Tests of smtpsession.authentication: the exchange between AUTH and its last reply, as
the client sees it.  What may stand in a response is tested with each mechanism, in
tests.test_sasl_plain and so on.
"""

from __future__ import annotations

import gc
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from smtpsession import Auth, BearerAuth, ExternalAuth, SMTPSession, authentication
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.testing import MemoryClient
from tests.cases import TableTestCase, cuts
from tests.conversations import MAIL, OK, SENDER_OK
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
    turnsOf,
)


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


class StepTests(TableTestCase):
    """Each step of each mechanism, and clients that do not take it."""

    def test_cancelled(self) -> None:
        """An asterisk cancels, RFC 4954, section 4."""
        self.assertEndsWith("*", CANCELLED)

    def test_notBase64(self) -> None:
        """What is not base64 is 501, and so is an empty response said as the first."""
        for response in ("!", "=", "**", "YQ", "YQ=", "YR==", " ", "YQ== ", "NOOP x"):
            self.assertEndsWith(response, NOT_BASE64)

    def test_tooLong(self) -> None:
        """What is too long is 500."""
        self.assertEndsWith("A" * 12289, TOO_LONG)

    def test_empty(self) -> None:
        """An initial response may be empty, and most mechanisms do not want that."""
        rows = [(method, method, MALFORMED) for method in BY_NAME]
        for method, expected in (("EXTERNAL", ACCEPTED), ("LOGIN", FAILED)):
            rows = [each for each in rows if each[0] != method]
            rows.append((method, method, expected))
        self.assertGives(_replyToEmpty, rows)

    def test_tokenRefused(self) -> None:
        """So it is with the step that comes after a refusal."""
        wrong = {
            "OAUTHBEARER": "n,,\x01auth=Bearer wrong\x01\x01",
            "XOAUTH2": "user=bob\x01auth=Bearer wrong\x01\x01",
        }
        rows = [("*", CANCELLED), ("!", NOT_BASE64), ("A" * 12289, TOO_LONG)]
        for method in wrong:
            for line, expected in rows:
                client = hello(serverWith())
                challenged(client.say(f"AUTH {method} " + encoded(wrong[method])))
                self.assertEqual([expected, OK], client.say(line, "NOOP"))
                self.assertEqual([ACCEPTED], exchange(client, method))

    def test_gone(self) -> None:
        """A client may go away at any step; the server says and logs nothing."""
        for method, count in _steps():
            closed: list[SMTPSession] = []
            client = secure(serverWith(onClose=closed.append))
            challenged(exchange(client, method, count))
            client.leave()
            self.assertEqual([], client.hear())
            self.assertEqual([client.session], closed)
            self.assertIsNone(client.session.user)
        self.assertEqual([], self.flushLoggedErrors())

    def test_closed(self) -> None:
        """Nothing keeps an exchange whose client has cancelled it or gone away."""
        seen: list[str] = []

        def start(context: ExchangeContext) -> Exchange:
            try:
                yield Challenge(b"")
            finally:
                seen.append("closed")

        mechanisms = {"PLAIN": evolve(BY_NAME["PLAIN"], start=start)}
        self.patch(authentication, "BY_NAME", mechanisms)
        client = hello(serverWith())
        client.say("AUTH PLAIN", "*")
        self.assertEqual(["closed"], seen)
        client.say("AUTH PLAIN")
        client.leave()
        del client
        gc.collect()
        self.assertEqual(["closed", "closed"], seen)

    def assertEndsWith(self, line: str, expected: str) -> None:
        """
        In place of any response this ends the exchange; then the client is in step, and
        may try again.
        """
        for method, count in _steps():
            client = secure(serverWith())
            challenged(exchange(client, method, count))
            heard = client.say(line, "NOOP")
            self.assertEqual([expected, OK], heard, f"{method}, {count}, {line}")
            self.assertIsNone(client.session.user)
            self.assertEqual([ACCEPTED], exchange(client, method))


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

    def test_behindTheLast(self) -> None:
        """Commands may come with the last response, octet by octet or at once."""
        for method in BY_NAME:
            for isWhole in (True, False):
                client = secure(serverWith())
                heard = client.say(f"AUTH {method}")
                *turns, last = turnsOf(method)
                for turn in turns:
                    feed(client, [encoded(turn(challenged(heard)))], isWhole)
                    heard = client.hear()
                feed(client, [encoded(last(challenged(heard))), MAIL, "NOOP"], isWhole)
                self.assertEqual([ACCEPTED, SENDER_OK, OK], client.hear(), method)

    def test_cuts(self) -> None:
        """However the network cuts them, the lines are the same."""
        token = encoded(RESPONSES["OAUTHBEARER"][0])
        wrong = encoded("n,,\x01auth=Bearer wrong\x01\x01")
        rows = [
            (["AUTH LOGIN", encoded("bob"), encoded("sesame")], [*LOGIN, ACCEPTED]),
            (["AUTH LOGIN", encoded("bob"), encoded("open")], [*LOGIN, FAILED]),
            (["AUTH LOGIN", encoded("bob"), "*"], [*LOGIN, CANCELLED]),
            (["AUTH PLAIN", "*", PLAIN], ["334 ", CANCELLED, ACCEPTED]),
            (["AUTH OAUTHBEARER", token], ["334 ", ACCEPTED]),
            (
                [f"AUTH OAUTHBEARER {wrong}", encoded("\x01"), PLAIN],
                ["334 " + encoded('{"status":"invalid_token"}'), FAILED, ACCEPTED],
            ),
        ]
        for lines, expected in rows:
            octets = "".join(f"{line}\r\n" for line in [*lines, "NOOP"]).encode("ascii")
            for how, chunks in cuts(octets):
                client = hello(serverWith())
                for chunk in chunks:
                    client.write(chunk)
                self.assertEqual([*expected, OK], client.hear(), f"{lines}, {how}")

    def test_longest(self) -> None:
        """
        RFC 4954, section 4: a response may have 12,288 octets, with the command or
        after it, and one more is too many.
        """
        start, end = "n,,\x01auth=Bearer ", "\x01\x01"
        token = "a" * (12288 * 3 // 4 - len(start) - len(end))
        response = encoded(start + token + end)
        self.assertEqual(12288, len(response))
        for isWhole in (True, False):
            for lines in (
                [f"AUTH OAUTHBEARER {response}"],
                ["AUTH OAUTHBEARER", response],
            ):
                client = hello(serverWith(lambda auth, session: auth.accessToken))
                feed(client, [*lines, "NOOP"], isWhole)
                self.assertEqual([ACCEPTED, OK], client.hear()[-2:])
                self.assertEqual(token, client.session.user)
            client = hello(serverWith())
            feed(client, ["AUTH OAUTHBEARER", response + "a", "NOOP"], isWhole)
            self.assertEqual(["334 ", TOO_LONG, OK], client.hear())
            self.assertEqual([ACCEPTED], exchange(client, "OAUTHBEARER"))
            for more in ("a", "AAAA", "A" * 400):
                client = hello(serverWith())
                feed(client, [f"AUTH OAUTHBEARER {response}{more}", "NOOP"], isWhole)
                self.assertEqual([TOO_LONG, OK], client.hear(), more)
                self.assertEqual([ACCEPTED], exchange(client, "OAUTHBEARER"))

    def test_longestAndLate(self) -> None:
        """So it is after an answer that came late, and the next command is short."""
        token: Deferred[str | None] = Deferred()
        client = hello(serverWith(lambda auth, session: token))
        wrong = encoded("n,,\x01auth=Bearer wrong\x01\x01")
        client.say(f"AUTH OAUTHBEARER {wrong}", "A" * 12288, "NOOP " + "A" * 12288)
        self.assertEqual([], client.hear())
        token.callback(None)
        _, failed, tooLong = client.hear()
        self.assertEqual(FAILED, failed)
        self.assertEqual("500 5.5.2", tooLong[:9])


#: The challenges of LOGIN.
LOGIN = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"]


def _steps() -> list[tuple[str, int]]:
    """Each mechanism, and to how many challenges a client may have responded."""
    return [(each, count) for each in BY_NAME for count in range(len(turnsOf(each)))]


def feed(client: MemoryClient, lines: list[str], isWhole: bool) -> None:
    """Send lines as one chunk, or octet by octet."""
    octets = "".join(f"{line}\r\n" for line in lines).encode("ascii")
    size = len(octets) if isWhole else 1
    for at in range(0, len(octets), size):
        client.write(octets[at : at + size])


def _replyToEmpty(method: str) -> str:
    (reply,) = secure(serverWith()).say(f"AUTH {method} =")
    return reply


def _replies(lines: list[str]) -> list[str]:
    client = hello(serverWith())
    return [reply for line in lines for reply in client.say(line)]
