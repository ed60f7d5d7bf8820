"""
Tests of smtpsession.authentication: AUTH in a conversation, from the command to the
last reply.  What stands in the responses is tested in those of the mechanisms.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from scramp import ScramClient  # type: ignore[import-untyped]
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpsession import (
    Auth,
    BearerAuth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    ScramKeys,
    SMTPError,
    SMTPSession,
)
from smtpsession.limits import AUTH_RESPONSE
from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.certificates import client as clientCertificate
from tests.conversations import Question

KEYS = {
    hashName: ScramKeys.derive("sesame", hashName)
    for hashName in ("SHA-1", "SHA-256", "SHA-512")
}
AUTHENTICATED = "235 2.7.0 Authentication succeeded"
FAILED = "535 5.7.8 Authentication failed"
LOCAL_ERROR = "451 4.3.0 Local error in processing"
BINDINGS = {"tls-exporter": b"exported", "tls-server-end-point": b"hashed"}


def encoded(text: bytes | str) -> str:
    octets = text.encode("utf-8") if isinstance(text, str) else text
    return b64encode(octets).decode("ascii")


async def checkKeys(auth: Auth, session: SMTPSession) -> str | None:
    """An application that knows bob, by SCRAM only."""
    assert isinstance(auth, ScramAuth)
    keys = KEYS[auth.hashName] if auth.username == "bob" else None
    return auth.username if await auth.validateKeys(keys) else None


class AuthTestCase(SynchronousTestCase):
    """A test case with a client that has said EHLO to a server with AUTH."""

    def connect(self, onAuth: Any, **options: Any) -> MemoryClient:
        settings = {
            "auth": "optional",
            "allowInsecureAuth": True,
            "mechanisms": tuple(BY_NAME),
            **options,
        }
        self.closed: list[SMTPSession] = []
        server = MemoryServer(
            onAuth=onAuth, onClose=self.closed.append, options=memoryOptions(**settings)
        )
        client = server.connect()
        client.say("EHLO client.example.com")
        return client

    def prove(
        self,
        client: MemoryClient,
        mechanism: str,
        username: str = "bob",
        password: str = "sesame",
        **arguments: Any,
    ) -> list[str]:
        """Go through SCRAM as a client by other authors does, up to the last reply."""
        scram = ScramClient([mechanism], username, password, **arguments)
        first = encoded(scram.get_client_first())
        [challenge] = client.say(f"AUTH {mechanism} {first}")
        self.assertEqual("334 ", challenge[:4])
        scram.set_server_first(b64decode(challenge[4:]).decode("utf-8"))
        heard = client.say(encoded(scram.get_client_final()))
        if heard[-1:] and heard[-1].startswith("334 "):
            scram.set_server_final(b64decode(heard[-1][4:]).decode("utf-8"))
            return client.say("")
        return heard


class ScramTests(AuthTestCase):
    """SCRAM, where the application brings keys and the client goes on."""

    def test_allHashes(self) -> None:
        """A client that knows the password is let in, and knows the server too."""
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            client = self.connect(checkKeys)
            self.assertEqual(self.prove(client, mechanism), [AUTHENTICATED])
            session = client.session
            self.assertEqual((session.user, session.authMethod), ("bob", mechanism))
            self.assertEqual(session.transmissionType, "ESMTPA")
            self.assertEqual(client.say("NOOP"), ["250 2.0.0 OK"])

    def test_channelBinding(self) -> None:
        """So is one that binds the exchange to its TLS."""
        for name in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"):
            client = self.secure()
            binding = ("tls-server-end-point", b"hashed")
            heard = self.prove(client, name, channel_binding=binding)
            self.assertEqual(heard, [AUTHENTICATED])

    def test_otherChannel(self) -> None:
        """A man in the middle has another TLS with the client, and is refused."""
        client = self.secure()
        binding = ("tls-server-end-point", b"another")
        heard = self.prove(client, "SCRAM-SHA-256-PLUS", channel_binding=binding)
        self.assertEqual(heard, [FAILED])
        self.assertIsNone(client.session.user)

    def secure(self) -> MemoryClient:
        client = self.connect(checkKeys)
        client.session.secure = True
        client.protocol._dialogue.channelBindings = BINDINGS
        client.say("EHLO client.example.com")
        return client

    def test_wrong(self) -> None:
        """Who does not know the password, or is not known, is refused alike."""
        for username, password in (("bob", "open"), ("eve", "sesame")):
            client = self.connect(checkKeys)
            heard = self.prove(client, "SCRAM-SHA-256", username, password)
            self.assertEqual(heard, [FAILED])
            self.assertIsNone(client.session.user)

    def test_withoutProof(self) -> None:
        """An application that accepts without asking for a proof does not let in."""
        client = self.connect(lambda auth, session: auth.username)
        self.assertEqual(self.prove(client, "SCRAM-SHA-256"), [FAILED])
        self.assertIsNone(client.session.user)

    def test_refusedWithoutProof(self) -> None:
        """One that refuses at once is heard, after the client has been."""

        def refuse(auth: Auth, session: SMTPSession) -> None:
            raise SMTPError(454, "Later", "4.7.0")

        client = self.connect(refuse)
        self.assertEqual(self.prove(client, "SCRAM-SHA-256"), ["454 4.7.0 Later"])

    def test_answerBeforeTheProof(self) -> None:
        """One that does not wait for the proof is answered for by the proof."""
        for password, expected in (("sesame", AUTHENTICATED), ("open", FAILED)):

            def accept(auth: ScramAuth, session: SMTPSession) -> str:
                auth.validateKeys(KEYS[auth.hashName])
                return auth.username

            client = self.connect(accept)
            heard = self.prove(client, "SCRAM-SHA-256", password=password)
            self.assertEqual(heard, [expected])

    def test_lateKeys(self) -> None:
        """The keys may come late, and the client waits for its challenge."""
        lookup: Deferred[None] = Deferred()

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> str | None:
            await lookup
            return await checkKeys(auth, session)

        client = self.connect(onAuth)
        scram = ScramClient(["SCRAM-SHA-256"], "bob", "sesame")
        first = encoded(scram.get_client_first())
        self.assertEqual(client.say(f"AUTH SCRAM-SHA-256 {first}"), [])
        self.assertTrue(client.paused)
        lookup.callback(None)
        [challenge] = client.hear()
        self.assertFalse(client.paused)
        scram.set_server_first(b64decode(challenge[4:]).decode("utf-8"))
        heard = client.say(encoded(scram.get_client_final()), "", "NOOP")
        self.assertEqual(heard[1:], [AUTHENTICATED, "250 2.0.0 OK"])

    def test_lateAnswer(self) -> None:
        """The application may think about the proof, and the client waits."""
        thought: Deferred[None] = Deferred()

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> str | None:
            user = await checkKeys(auth, session)
            await thought
            return user

        client = self.connect(onAuth)
        self.assertEqual(self.prove(client, "SCRAM-SHA-256"), [])
        self.assertTrue(client.paused)
        thought.callback(None)
        self.assertTrue(client.hear()[0].startswith("334 "))
        self.assertEqual(client.say(""), [AUTHENTICATED])

    def test_twice(self) -> None:
        """Keys are given once; the second time is an error of the application."""

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> str:
            await auth.validateKeys(None)
            await auth.validateKeys(KEYS[auth.hashName])
            return auth.username

        client = self.connect(onAuth)
        self.assertEqual(self.prove(client, "SCRAM-SHA-256"), [LOCAL_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_cancelled(self) -> None:
        """A client that gives up in the middle is told so, and may try again."""
        for line, expected in (
            ("*", "501 5.7.0 Authentication cancelled"),
            ("!", "501 5.5.2 Not base64"),
            ("A" * (AUTH_RESPONSE + 1), "500 5.5.6 Response too long"),
        ):
            client = self.connect(checkKeys)
            client.say("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=abc"))
            self.assertEqual(client.say(line), [expected])
            self.assertEqual(self.prove(client, "SCRAM-SHA-256"), [AUTHENTICATED])

    def test_nothingLeft(self) -> None:
        """However an exchange has ended, the next question holds up the commands."""

        async def twice(auth: ScramAuth, session: SMTPSession) -> str:
            await auth.validateKeys(None)
            await auth.validateKeys(None)
            return auth.username

        def early(auth: ScramAuth, session: SMTPSession) -> str:
            auth.validateKeys(KEYS[auth.hashName])
            return auth.username

        for onAuth in (twice, early):
            client = self.connect(onAuth)
            client.say("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=abc"))
            client.say("*")
            self.prove(client, "SCRAM-SHA-256", password="open")
            question = Question()
            self.patch(client.protocol.factory, "onMailFrom", question)
            heard = client.say("MAIL FROM:<alice@example.com>", "NOOP")
            self.assertEqual(heard, [], onAuth)
            self.assertTrue(client.paused)
            question.answers[0].callback(None)
            self.assertEqual(len(client.hear()), 2)
        self.flushLoggedErrors(RuntimeError)

    def test_afterwards(self) -> None:
        """Keys that come when the client has gone are an error of the application."""
        seen: list[Exception] = []

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> None:
            try:
                await Deferred()
            except CancelledError:
                try:
                    await auth.validateKeys(KEYS[auth.hashName])
                except RuntimeError as error:
                    seen.append(error)

        client = self.connect(onAuth)
        client.say("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=abc"))
        client.leave()
        self.assertEqual(len(seen), 1)
        self.assertEqual(client.hear(), [])

    def test_gone(self) -> None:
        """Where the client goes away in the middle, the callback is cancelled."""
        seen: list[str] = []

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> None:
            try:
                await auth.validateKeys(KEYS[auth.hashName])
            except CancelledError:
                seen.append("cancelled")
                raise

        client = self.connect(onAuth)
        client.say("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=abc"))
        client.leave()
        self.assertEqual(seen, ["cancelled"])
        self.assertEqual(len(self.closed), 1)

    def test_tooSlow(self) -> None:
        """The time for a command is the time for a response as well."""
        client = self.connect(checkKeys)
        client.say("AUTH SCRAM-SHA-256 " + encoded("n,,n=bob,r=abc"))
        client.protocol.clock.advance(300)  # type: ignore[attr-defined]
        self.assertEqual(client.hear(), ["421 4.4.2 Waited too long for a command"])


class ExchangeTests(AuthTestCase):
    """The other mechanisms, and what is the same for all."""

    def test_emptyChallenge(self) -> None:
        """A client that sends no response at once is asked for one."""
        client = self.connect(lambda auth, session: auth.username)
        self.assertEqual(client.say("AUTH PLAIN"), ["334 "])
        response = encoded("\0bob\0sesame")
        heard = client.say(response, "NOOP")
        self.assertEqual(heard, [AUTHENTICATED, "250 2.0.0 OK"])

    def test_longResponse(self) -> None:
        """A response has its own limit, with the command and after it."""
        token = "a" * 9000
        response = encoded(f"n,,\x01auth=Bearer {token}\x01\x01")
        for lines in ([f"AUTH OAUTHBEARER {response}"], ["AUTH OAUTHBEARER", response]):
            client = self.connect(lambda auth, session: auth.accessToken)
            self.assertEqual(client.say(*lines)[-1], AUTHENTICATED)
            self.assertEqual(client.session.user, token)

    def test_bearerRefused(self) -> None:
        """RFC 7628, section 3.2.3: the reason comes before the refusal."""
        seen: list[Any] = []
        client = self.connect(lambda auth, session: seen.append(auth))
        response = encoded("n,a=bob,\x01auth=Bearer abc\x01\x01")
        [challenge] = client.say(f"AUTH OAUTHBEARER {response}")
        self.assertIn(b'"status"', b64decode(challenge[4:]))
        self.assertEqual(client.say(encoded("\x01")), [FAILED])
        [auth] = seen
        self.assertIsInstance(auth, BearerAuth)
        self.assertEqual(auth.accessToken, "abc")

    def test_external(self) -> None:
        """With a certificate EXTERNAL is offered, and that is handed over."""
        seen: list[Any] = []

        def onAuth(auth: Auth, session: SMTPSession) -> str:
            seen.append(auth)
            return auth.username

        client = self.connect(onAuth)
        self.assertEqual(client.say("AUTH EXTERNAL =")[0][:3], "504")
        client.session.peerCertificate = clientCertificate().certificate
        offered = client.say("EHLO client.example.com")
        self.assertIn(" EXTERNAL", offered[-1])
        self.assertEqual(client.say("AUTH EXTERNAL ="), [AUTHENTICATED])
        self.assertIsInstance(seen[0], ExternalAuth)
        self.assertIs(seen[0].certificate, client.session.peerCertificate)

    def test_late(self) -> None:
        """The client waits for the application, with whatever it has sent."""
        answer: Deferred[str | None] = Deferred()
        client = self.connect(lambda auth, session: answer)
        line = "AUTH PLAIN " + encoded("\0bob\0sesame")
        self.assertEqual(client.say(line, "NOOP"), [])
        self.assertIsNone(client.session.user)
        answer.callback("bob")
        self.assertEqual(client.hear(), [AUTHENTICATED, "250 2.0.0 OK"])
        self.assertEqual(client.session.user, "bob")

    def test_fault(self) -> None:
        """An error of the application is told as 451, and it is no user."""

        def onAuth(auth: Auth, session: SMTPSession) -> None:
            raise RuntimeError("db.internal.example")

        client = self.connect(onAuth, authFailures=1)
        line = "AUTH PLAIN " + encoded("\0bob\0sesame")
        self.assertEqual(client.say(line), [LOCAL_ERROR])
        self.assertEqual(
            client.say(line), ["421 4.7.0 Too many failed logins"], "it counts"
        )
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_noneIsRefused(self) -> None:
        """The default application knows nobody."""
        client = self.connect(None)
        line = "AUTH PLAIN " + encoded("\0bob\0sesame")
        self.assertEqual(client.say(line), [FAILED])

    def test_secrets(self) -> None:
        """No password and no response gets into the log."""
        lines: list[str] = []

        @implementer(ILogObserver)
        def observe(event: Any) -> None:
            lines.append(repr(event.get("line")))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        client = self.connect(lambda auth, session: None, authFailures=9)
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

    def test_requiredTLS(self) -> None:
        """Where TLS has to come first, AUTH is not offered before, come what may."""
        client = self.connect(None, tls="required", certificates=object())
        self.assertNotIn("AUTH", "".join(client.say("EHLO client.example.com")))
        self.assertEqual(client.say("AUTH PLAIN"), ["530 5.7.0 STARTTLS first"])

    def test_passwords(self) -> None:
        """The application sees who it is and whom the client wants to act as."""
        seen: list[Any] = []
        client = self.connect(lambda auth, session: seen.append(auth))
        client.say("AUTH PLAIN " + encoded("alice\0bob\0sesame"))
        self.assertEqual(
            seen,
            [
                PasswordAuth(
                    method="PLAIN", username="bob", authzid="alice", password="sesame"
                )
            ],
        )
