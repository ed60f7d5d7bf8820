"""
Tests of smtpsession.authentication: SCRAM, where C{onAuth} brings keys, and its
question stays open while the client goes on and proves that it knows their password.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Auth, ScramAuth, SMTPError, SMTPSession
from smtpsession.limits import AUTH_RESPONSE
from tests.conversations import LOCAL_ERROR, OK, Question
from tests.logins import (
    ACCEPTED,
    CANCELLED,
    FAILED,
    KEYS,
    NOT_BASE64,
    TOO_LONG,
    challenged,
    encoded,
    exchange,
    hello,
    login,
    secure,
    serverWith,
    turnsOf,
)

SCRAM = "SCRAM-SHA-256"
FIRST = f"AUTH {SCRAM} " + encoded("n,,n=bob,r=abc")


class ProofTests(SynchronousTestCase):
    """Clients that have a proof, and others."""

    def test_allHashes(self) -> None:
        """A client that knows the password is let in, and knows the server too."""
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            for isAtOnce in (True, False):
                client = hello(serverWith())
                heard = exchange(client, method, isAtOnce=isAtOnce)
                self.assertEqual([ACCEPTED], heard)
                session = client.session
                known = (session.user, session.authMethod, session.transmissionType)
                self.assertEqual(("the user", method, "ESMTPA"), known)
                self.assertEqual([OK], client.say("NOOP"))

    def test_nobody(self) -> None:
        """
        What a user that there is not has of a salt and of iterations is that of the
        settings, so that it can be like those of the others, in each process alike.
        """
        firsts = []
        for secret in (b"one", b"one", b"another"):
            server = serverWith(scramIterations=4711, scramSecret=secret)
            first = challenged(
                hello(server).say(f"AUTH {SCRAM} " + encoded("n,,n=eve,r=abc"))
            )
            _, salt, iterations = first.split(b",")
            self.assertEqual(b"i=4711", iterations)
            firsts.append(salt)
        self.assertEqual(firsts[0], firsts[1])
        self.assertNotEqual(firsts[0], firsts[2])

    def test_wrong(self) -> None:
        """Who does not know the password, or is not known, is refused alike."""
        for method in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            for username, password in (("bob", "open"), ("eve", "sesame")):
                client = hello(serverWith())
                heard = exchange(client, method, username=username, password=password)
                self.assertEqual([FAILED], heard)
                self.assertIsNone(client.session.user)

    def test_channelBinding(self) -> None:
        """A client may bind the exchange to its TLS."""
        for method in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"):
            client = secure(serverWith())
            self.assertEqual([ACCEPTED], exchange(client, method))

    def test_otherChannel(self) -> None:
        """A man in the middle has another TLS with the client, and is refused."""
        client = secure(serverWith())
        another = ("tls-server-end-point", b"another")
        heard = exchange(client, "SCRAM-SHA-256-PLUS", channelBinding=another)
        self.assertEqual([FAILED], heard)
        self.assertIsNone(client.session.user)

    def test_cancelled(self) -> None:
        """A client that gives up in the middle is told so, and may try again."""
        for line, expected in (
            ("*", CANCELLED),
            ("!", NOT_BASE64),
            ("A" * (AUTH_RESPONSE + 1), TOO_LONG),
        ):
            client = hello(serverWith())
            client.say(FIRST)
            self.assertEqual([expected], client.say(line))
            self.assertEqual([ACCEPTED], exchange(client, SCRAM))


class AnswerTests(SynchronousTestCase):
    """What C{onAuth} may answer."""

    def test_withoutProof(self) -> None:
        """An application that accepts without asking for a proof does not let in."""
        client = hello(serverWith(lambda auth, session: auth.username))
        self.assertEqual([FAILED], exchange(client, SCRAM))
        self.assertIsNone(client.session.user)

    def test_refusedWithoutProof(self) -> None:
        """One that refuses at once is heard, after the client has been."""

        def refuse(auth: Auth, session: SMTPSession) -> None:
            raise SMTPError(454, "Later", "4.7.0")

        client = hello(serverWith(refuse))
        self.assertEqual(["454 4.7.0 Later"], exchange(client, SCRAM))

    def test_answerBeforeTheProof(self) -> None:
        """One that does not wait for the proof is answered for by the proof."""
        for password, expected in (("sesame", ACCEPTED), ("open", FAILED)):
            client = hello(serverWith(_early))
            self.assertEqual([expected], exchange(client, SCRAM, password=password))

    def test_lateKeys(self) -> None:
        """The keys may come late, and the client waits for its challenge."""
        lookup: Deferred[None] = Deferred()

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> str | None:
            await lookup
            return await login(auth, session)

        client = hello(serverWith(onAuth))
        first, final, _ = turnsOf(SCRAM)
        self.assertEqual([], client.say(f"AUTH {SCRAM} " + encoded(first(b""))))
        self.assertTrue(client.paused)
        lookup.callback(None)
        challenge = challenged(client.hear())
        self.assertFalse(client.paused)
        heard = client.say(encoded(final(challenge)), "", "NOOP")
        self.assertEqual([ACCEPTED, OK], heard[1:])

    def test_lateAnswer(self) -> None:
        """The application may think about the proof, and the client waits."""
        thought: Deferred[None] = Deferred()

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> str | None:
            user = await login(auth, session)
            await thought
            return user

        client = hello(serverWith(onAuth))
        self.assertEqual([], exchange(client, SCRAM))
        self.assertTrue(client.paused)
        thought.callback(None)
        self.assertTrue(client.hear()[0].startswith("334 "))
        self.assertEqual([ACCEPTED], client.say(""))

    def test_twice(self) -> None:
        """Keys are given once; the second time is an error of the application."""
        for keys in (None, KEYS["SHA-256"]):

            async def onAuth(auth: ScramAuth, session: SMTPSession) -> str:
                await auth.validateKeys(keys)  # noqa: B023  it is called at once
                await auth.validateKeys(KEYS[auth.hashName])
                return auth.username

            client = hello(serverWith(onAuth))
            self.assertEqual([LOCAL_ERROR], exchange(client, SCRAM))
            self.assertIsNone(client.session.user)
            self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))

    def test_late(self) -> None:
        """Keys that come after the answer are not taken for those of the next login."""
        question = Question()
        client = hello(serverWith(question))
        client.say(FIRST)
        question.answers[0].callback(None)
        challenged(client.hear())
        self.assertEqual([CANCELLED], client.say("*", FIRST))
        before, now = (auth for auth, _ in question.asked)
        keys = KEYS["SHA-256"]
        self.assertRaises(RuntimeError, before.validateKeys, keys)
        self.assertEqual([], client.hear())
        now.validateKeys(keys)
        challenged(client.hear())

    def test_nothingLeft(self) -> None:
        """However an exchange has ended, the next question holds up the commands."""

        async def twice(auth: ScramAuth, session: SMTPSession) -> str:
            await auth.validateKeys(None)
            await auth.validateKeys(None)
            return auth.username

        for onAuth in (twice, _early):
            client = hello(serverWith(onAuth))
            client.say(FIRST)
            client.say("*")
            exchange(client, SCRAM, password="open")
            question = Question()
            self.patch(client.protocol.factory, "onMailFrom", question)
            heard = client.say("MAIL FROM:<alice@example.com>", "NOOP")
            self.assertEqual([], heard, onAuth)
            self.assertTrue(client.paused)
            question.answers[0].callback(None)
            self.assertEqual(2, len(client.hear()))
        self.flushLoggedErrors(RuntimeError)


class GoneTests(SynchronousTestCase):
    """Clients that do not respond any more."""

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

        client = hello(serverWith(onAuth))
        client.say(FIRST)
        client.leave()
        self.assertEqual(1, len(seen))
        self.assertEqual([], client.hear())

    def test_gone(self) -> None:
        """Where the client goes away in the middle, the callback is cancelled, once."""
        events: list[str] = []

        async def onAuth(auth: ScramAuth, session: SMTPSession) -> None:
            try:
                await auth.validateKeys(KEYS[auth.hashName])
            except CancelledError:
                events.append("cancelled")
                raise

        server = serverWith(onAuth, onClose=lambda session: events.append("closed"))
        client = hello(server)
        client.say(FIRST)
        client.leave()
        self.assertEqual(["cancelled", "closed"], events)

    def test_tooSlow(self) -> None:
        """The time for a command is the time for a response as well."""
        server = serverWith()
        client = hello(server)
        client.say(FIRST)
        server.clock.advance(300)
        self.assertEqual(["421 4.4.2 Waited too long for a command"], client.hear())

    def test_proofFails(self) -> None:
        """Who waits for the proof apart from the question hears of it too."""
        answers: list[Any] = ["bob", Deferred()]
        for answer in answers:
            for seconds in (0, 300):
                seen: list[Failure] = []

                def onAuth(auth: ScramAuth, session: SMTPSession) -> Any:
                    proof: Any = auth.validateKeys(KEYS[auth.hashName])
                    proof.addErrback(seen.append)  # noqa: B023  it is called at once
                    return answer  # noqa: B023

                server = serverWith(onAuth)
                client = hello(server)
                client.say(FIRST)
                self.assertEqual([], seen)
                # It is too slow, or it leaves.
                server.clock.advance(seconds)
                client.leave()
                [failure] = seen
                self.assertTrue(failure.check(CancelledError))
                self.assertIsNone(client.session.user)

    def test_proofAskedForLate(self) -> None:
        """Who asks for it only then hears that there is none."""
        proofs: list[Any] = []

        def onAuth(auth: ScramAuth, session: SMTPSession) -> str:
            proofs.append(auth.validateKeys(KEYS[auth.hashName]))
            return auth.username

        client = hello(serverWith(onAuth))
        client.say(FIRST)
        client.leave()
        self.assertIs(False, self.successResultOf(proofs[0]))

    def test_nobodyWaits(self) -> None:
        """A proof that nobody waits for fails without a word."""
        client = hello(serverWith(_early))
        client.say(FIRST)
        client.leave()
        gc.collect()
        self.assertEqual([], self.flushLoggedErrors())


def _early(auth: ScramAuth, session: SMTPSession) -> str:
    """An C{onAuth} that lets prove, and does not wait for the proof."""
    auth.validateKeys(KEYS[auth.hashName])
    return auth.username
