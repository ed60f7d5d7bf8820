"""
Tests of smtpsession.authentication: C{onAuth}, what it is asked and what it may answer,
and when.  Where the client has to go on before it can answer, as in SCRAM, the tests
are in tests.test_scramlogins.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Auth, PasswordAuth, SMTPError, SMTPSession
from smtpsession.testing import MemoryClient
from tests.conversations import LOCAL_ERROR, OK, Question
from tests.logins import (
    ACCEPTED,
    FAILED,
    PLAIN,
    TOO_MANY,
    encoded,
    hello,
    login,
    serverWith,
)


class AnswerTests(SynchronousTestCase):
    """What it may answer."""

    def test_asked(self) -> None:
        """It sees who the client is and whom it wants to act as."""
        seen: list[Any] = []
        client = hello(serverWith(lambda auth, session: seen.append(auth)))
        client.say("AUTH PLAIN " + encoded("alice\0bob\0sesame"))
        auth = PasswordAuth(
            method="PLAIN", username="bob", authzid="alice", password="sesame"
        )
        self.assertEqual([auth], seen)

    def test_noneIsRefused(self) -> None:
        """The default application knows nobody."""
        self.assertEqual([FAILED], hello(serverWith(None)).say(PLAIN))

    def test_refuses(self) -> None:
        """Its own reply reaches the client, which may try again."""
        refusal = SMTPError(454, "Ask again", "4.7.0")
        for onAuth, settle in waysTo(refusal):
            client = hello(serverWith(onAuth))
            heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
            self.assertEqual(["454 4.7.0 Ask again", OK], heard)
            self.assertInStep(client)
        self.assertEqual([], self.flushLoggedErrors())

    def test_hangsUp(self) -> None:
        """A reply that ends the connection is said, and then it is closed."""
        for code, enhanced in ((421, "4.7.0"), (521, "5.7.0")):
            for onAuth, settle in waysTo(SMTPError(code, "Not here", enhanced)):
                closed: list[SMTPSession] = []
                client = hello(serverWith(onAuth, onClose=closed.append))
                heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
                self.assertEqual([f"{code} {enhanced} Not here"], heard)
                self.assertTrue(client.closed)
                self.assertEqual([], client.say("NOOP"))
                client.leave()
                self.assertEqual([client.session], closed)

    def test_none(self) -> None:
        """None refuses, whenever it comes, and the client may try again."""
        for onAuth, settle in waysTo(None):
            client = hello(serverWith(onAuth))
            heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
            self.assertEqual([FAILED, OK], heard)
            self.assertInStep(client)

    def test_anyUser(self) -> None:
        """Anything but None is a user, even what Python takes for false."""
        for user in ("", 0, False, b"", ()):
            client = hello(serverWith(lambda auth, session, user=user: user))
            self.assertEqual([ACCEPTED], client.say(PLAIN))
            self.assertIs(user, client.session.user)

    def test_unfinished(self) -> None:
        """
        A generator is no user, whenever it comes: it is what a callback without
        C{inlineCallbacks} gives that should have it, and nothing of it has run.
        """

        def checking(*ignored: Any) -> Generator[Any, Any, None]:
            yield None

        for onAuth, settle in waysTo(checking()):
            client = hello(serverWith(onAuth))
            heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
            self.assertEqual([LOCAL_ERROR, OK], heard)
            self.assertIsNone(client.session.user)
            self.assertEqual(1, len(self.flushLoggedErrors(TypeError)))

    def test_fails(self) -> None:
        """Its failure is 451, and says nothing else; the log has the traceback."""
        for onAuth, settle in waysTo(RuntimeError("db.internal.example")):
            client = hello(serverWith(onAuth))
            heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
            self.assertEqual([LOCAL_ERROR, OK], heard)
            [failure] = self.flushLoggedErrors(RuntimeError)
            self.assertIn("db.internal.example", failure.getTraceback())
            self.assertInStep(client)

    def test_failsInCoroutine(self) -> None:
        """The traceback leads to where it failed."""
        lookup: Deferred[None] = Deferred()

        async def failing(auth: Auth, session: SMTPSession) -> None:
            await lookup
            raise RuntimeError("db.internal.example")

        client = hello(serverWith(failing))
        self.assertEqual([], client.say(PLAIN))
        lookup.callback(None)
        self.assertEqual([LOCAL_ERROR], client.hear())
        [failure] = self.flushLoggedErrors(RuntimeError)
        self.assertIn("in failing", failure.getTraceback())

    def test_failuresCount(self) -> None:
        """A failure of its own counts as a failed login."""
        for onAuth, settle in waysTo(RuntimeError("db.internal.example")):
            client = hello(serverWith(onAuth, authFailures=0))
            heard = [*client.say(PLAIN, "NOOP"), *settle(client)]
            self.assertEqual([TOO_MANY], heard)
            self.assertTrue(client.closed)
            self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))

    def assertInStep(self, client: MemoryClient) -> None:
        """The client is nobody, and gets in with another application."""
        self.assertIsNone(client.session.user)
        self.patch(client.protocol.factory, "onAuth", login)
        self.assertEqual([ACCEPTED, OK], client.say(PLAIN, "NOOP"))


class LateTests(SynchronousTestCase):
    """While its answer is awaited."""

    def test_late(self) -> None:
        """The client waits for the application, with whatever it has sent."""
        question = Question()
        client = hello(serverWith(question))
        self.assertEqual([], client.say(PLAIN, "NOOP"))
        self.assertTrue(client.paused)
        self.assertIsNone(client.session.user)
        question.answers[0].callback("the user")
        self.assertEqual([ACCEPTED, OK], client.hear())
        self.assertFalse(client.paused)
        self.assertEqual("the user", client.session.user)

    def test_oneByOne(self) -> None:
        """It is asked about one login at a time, in order."""
        question = Question()
        client = hello(serverWith(question))
        self.assertEqual([], client.say(PLAIN, PLAIN, PLAIN))
        self.assertEqual(1, len(question.asked))
        question.answers[0].callback(None)
        self.assertEqual([FAILED], client.hear())
        self.assertEqual(2, len(question.asked))
        question.answers[1].callback("the user")
        already = "503 5.5.1 Authenticated already"
        self.assertEqual([ACCEPTED, already], client.hear())
        self.assertEqual(2, len(question.asked))

    def test_noTimeIsCounted(self) -> None:
        """However long it takes, the client is not to blame."""
        question = Question()
        server = serverWith(question)
        client = hello(server)
        client.say(PLAIN)
        server.clock.advance(1000)
        self.assertEqual([], client.hear())
        question.answers[0].callback("the user")
        self.assertEqual([ACCEPTED], client.hear())


class GoneTests(SynchronousTestCase):
    """Clients that go away while C{onAuth} is asked."""

    def test_deferred(self) -> None:
        """Its Deferred is cancelled, and then onClose is called, once."""
        events: list[str] = []
        question = Question(lambda cancelled: events.append("cancelled"))
        client = hello(
            serverWith(question, onClose=lambda session: events.append("closed"))
        )
        client.say(PLAIN, "NOOP")
        client.leave()
        self.assertEqual(["cancelled", "closed"], events)
        self.assertNobody(client)

    def test_coroutine(self) -> None:
        """So is a coroutine."""
        events: list[str] = []

        async def onAuth(auth: Auth, session: SMTPSession) -> str:
            try:
                await Deferred()
            except CancelledError:
                events.append("cancelled")
                raise
            return "the user"

        client = hello(
            serverWith(onAuth, onClose=lambda session: events.append("closed"))
        )
        client.say(PLAIN, "NOOP")
        client.leave()
        self.assertEqual(["cancelled", "closed"], events)
        self.assertNobody(client)

    def test_answersAllTheSame(self) -> None:
        """An answer that comes after that makes nobody of the client."""
        hangUp = Failure(SMTPError(421, "Not here", "4.7.0"))
        for answer in ("the user", hangUp, None):
            question = Question(partial(_settle, answer))
            closed: list[SMTPSession] = []
            client = hello(serverWith(question, onClose=closed.append))
            client.say(PLAIN)
            client.leave()
            self.assertEqual(1, len(closed))
            self.assertNobody(client)

    def assertNobody(self, client: MemoryClient) -> None:
        """Nothing was said, and nothing was logged."""
        self.assertEqual([], client.hear())
        self.assertIsNone(client.session.user)
        self.assertEqual([], self.flushLoggedErrors())


def _settle(answer: Any, cancelled: Deferred[Any]) -> None:
    cancelled.callback(answer)


Way = tuple[Callable[..., Any], Callable[[MemoryClient], list[str]]]


def waysTo(answer: Any) -> list[Way]:
    """
    The ways to answer so, or to raise it: at once, late, and each as a coroutine.

    @return: (an C{onAuth}, what has it answer and gives what the client hears then)
    """
    late, awaited = Question(), Question()

    def result() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def atOnce(auth: Auth, session: SMTPSession) -> Any:
        return result()

    async def afterwards(auth: Auth, session: SMTPSession) -> Any:
        await awaited(auth, session)
        return result()

    def settle(question: Question, value: Any) -> Callable[[MemoryClient], list[str]]:
        def settleIt(client: MemoryClient) -> list[str]:
            assert client.paused
            question.answers[0].callback(value)
            return client.hear()

        return settleIt

    answerLate = settle(
        late, Failure(answer) if isinstance(answer, Exception) else answer
    )
    return [
        (lambda auth, session: result(), lambda client: []),
        (atOnce, lambda client: []),
        (late, answerLate),
        (afterwards, settle(awaited, None)),
    ]
