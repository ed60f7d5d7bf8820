"""
Tests of smtpsession.inquiry: what becomes of a callback's answer.

What the client hears of it is in test_callbacks and test_closing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import capturedLogs, eventAsText
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import Reply, SMTPError, SMTPSession
from smtpsession.actions import Accepted, Outcome, Refused
from smtpsession.callbacks import Callbacks
from smtpsession.errors import BareNewline, MessageAborted, MessageDiscarded
from smtpsession.inquiry import Inquiry
from smtpsession.replies import LOCAL_ERROR
from tests.test_callbacks import Foreign, Unwritten


class InquiryTestCase(SynchronousTestCase):
    """An inquiry whose callback is what the test wants."""

    def setUp(self) -> None:
        self.session = SMTPSession()
        self.callbacks = Callbacks()
        self.late: list[Outcome] = []
        self.inquiry = Inquiry(self.callbacks, self.session, self.late.append)

    def ask(self, callback: Callable[..., Any]) -> Outcome | None:
        """Ask this callback."""
        self.patch(self.callbacks, "onRcptTo", callback)
        return self.inquiry.ask("onRcptTo", ("bob@example.org",))

    def askToWait(self, callback: Callable[..., Any]) -> None:
        """Ask this callback, which does not answer at once."""
        self.assertIsNone(self.ask(callback))


def raising(error: BaseException) -> Callable[..., Any]:
    """A callback that raises this at once."""

    def callback(*ignored: Any) -> None:
        raise error

    return callback


def ways(error: BaseException) -> list[Callable[..., Any]]:
    """Callbacks that answer at once, with this error, in every way there is."""

    async def coroutine(*ignored: Any) -> None:
        raise error

    return [raising(error), lambda *_: fail(error), coroutine]


class AtOnceTests(InquiryTestCase):
    """Answers that are there at once."""

    def test_arguments(self) -> None:
        """
        The callback gets its arguments and then the session.
        """
        seen = []
        self.ask(lambda *arguments: seen.append(arguments))
        self.assertEqual(seen, [("bob@example.org", self.session)])

    def test_accepted(self) -> None:
        """
        A value is the answer, from a Deferred and from a coroutine too.
        """

        async def coroutine(*ignored: Any) -> str:
            return "yes"

        async def waiting(*ignored: Any) -> str:
            return await succeed("yes")

        for callback in (
            lambda *_: "yes",
            lambda *_: succeed("yes"),
            coroutine,
            waiting,
        ):
            self.assertEqual(self.ask(callback), Accepted("yes"))
        self.assertEqual(self.ask(lambda *_: None), Accepted(None))
        self.assertEqual(self.late, [])

    def test_refused(self) -> None:
        """
        An SMTPError is a refusal, and so is a message that cannot be accepted; neither
        is logged.
        """
        reply = Reply(550, "No", "5.7.1")
        for error, expected in (
            (SMTPError.saying(reply), reply),
            (BareNewline(), BareNewline().reply),
        ):
            for callback in ways(error):
                self.assertEqual(self.ask(callback), Refused(expected))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_fault(self) -> None:
        """
        Anything else is logged, and is a local error to the client.
        """
        for error in (
            *(RuntimeError("oh"), CancelledError(), MessageDiscarded()),
            # Neither is an Exception.
            *(SystemExit(1), asyncio.CancelledError()),
        ):
            for callback in ways(error):
                self.assertEqual(self.ask(callback), Refused(LOCAL_ERROR))
                [failure] = self.flushLoggedErrors()
                self.assertIs(failure.value, error)

    def test_cause(self) -> None:
        """
        The cause of a refusal is logged.
        """
        cause = OSError("disk full")
        error = SMTPError(452, "Later", "4.3.1")
        error.__cause__ = cause
        for callback in ways(error):
            self.assertEqual(self.ask(callback), Refused(error.reply))
            [failure] = self.flushLoggedErrors(OSError)
            self.assertIs(failure.value, cause)

    def test_refusalWithoutReply(self) -> None:
        """
        A refusal whose class did not call the constructor of SMTPError is a fault.
        """
        for callback in ways(Unwritten()):
            self.assertEqual(self.ask(callback), Refused(LOCAL_ERROR))
            self.assertEqual(len(self.flushLoggedErrors(Unwritten)), 1)

    def test_whoIsLogged(self) -> None:
        """
        A log entry says which session it is about.
        """
        with capturedLogs() as events:
            self.ask(raising(RuntimeError("oh")))
        self.flushLoggedErrors()
        self.assertIn(self.session.id, eventAsText(events[0]))

    def test_foreignAwaitable(self) -> None:
        """
        What is awaitable and neither a Deferred nor a coroutine is a fault, and not a
        value that accepts.
        """
        self.assertEqual(self.ask(lambda *_: Foreign()), Refused(LOCAL_ERROR))
        [failure] = self.flushLoggedErrors(TypeError)
        self.assertIn("Foreign", failure.getErrorMessage())

    def test_coroutineWithForeignAwaitable(self) -> None:
        """
        So is a coroutine that awaits such a thing.
        """

        async def callback(*ignored: Any) -> None:
            await Foreign()

        self.assertEqual(self.ask(callback), Refused(LOCAL_ERROR))
        [failure] = self.flushLoggedErrors(TypeError)
        self.assertIn("not a Deferred", failure.getErrorMessage())


class LateTests(InquiryTestCase):
    """Answers that come later."""

    def setUp(self) -> None:
        super().setUp()
        self.event: Deferred[Any] = Deferred()

    def deferred(self, *ignored: Any) -> Deferred[Any]:
        return self.event

    async def coroutine(self, *ignored: Any) -> Any:
        return await self.event

    def test_accepted(self) -> None:
        """
        The answer is reported when it comes, once.
        """
        for callback in (self.deferred, self.coroutine):
            self.event = Deferred()
            self.askToWait(callback)
            self.assertEqual(self.late, [])
            self.event.callback("yes")
            self.assertEqual(self.late, [Accepted("yes")])
            self.late.clear()

    def test_refused(self) -> None:
        """
        So is a refusal.
        """
        for callback in (self.deferred, self.coroutine):
            self.event = Deferred()
            self.askToWait(callback)
            self.event.errback(SMTPError(550, "No", "5.7.1"))
            self.assertEqual(self.late, [Refused(Reply(550, "No", "5.7.1"))])
            self.late.clear()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_fault(self) -> None:
        """
        So is a fault, a refusal without a reply among them, and it is logged.
        """
        for error in (RuntimeError("oh"), Unwritten()):
            for callback in (self.deferred, self.coroutine):
                self.event = Deferred()
                self.askToWait(callback)
                self.event.errback(error)
                self.assertEqual(self.late, [Refused(LOCAL_ERROR)])
                self.assertEqual(len(self.flushLoggedErrors(type(error))), 1)
                self.late.clear()

    def test_foreignAwaitable(self) -> None:
        """
        A coroutine that awaits after a while what is neither a Deferred nor a coroutine
        is a fault.
        """

        async def callback(*ignored: Any) -> None:
            await self.event
            await Foreign()

        self.askToWait(callback)
        self.event.callback(None)
        self.assertEqual(self.late, [Refused(LOCAL_ERROR)])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_promised(self) -> None:
        """
        So is what promises another promise, or a generator: it is no value.
        """
        for promised in (Foreign(), (each for each in "ab")):
            for callback in (self.deferred, self.coroutine):
                self.event = Deferred()
                self.askToWait(callback)
                self.event.callback(promised)
                self.assertEqual(self.late, [Refused(LOCAL_ERROR)])
                self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
                self.late.clear()

    def test_returnedDeferred(self) -> None:
        """
        So is a coroutine that returns a Deferred, and does not await it.
        """

        async def callback(*ignored: Any) -> Deferred[None]:
            await self.event
            return succeed(None)

        self.askToWait(callback)
        self.event.callback(None)
        self.assertEqual(self.late, [Refused(LOCAL_ERROR)])
        [failure] = self.flushLoggedErrors(TypeError)
        self.assertIn("Deferred", failure.getErrorMessage())

    def test_nextQuestion(self) -> None:
        """
        Who is told of an answer may ask the next question.
        """
        outcomes: list[Outcome | None] = []

        def answered(outcome: Outcome) -> None:
            outcomes.append(outcome)
            outcomes.append(self.inquiry.ask("onHelo", ("client.example.com",)))

        self.inquiry = Inquiry(self.callbacks, self.session, answered)
        self.askToWait(self.deferred)
        self.event.callback(1)
        self.assertEqual(outcomes, [Accepted(1), Accepted(None)])


class DismissalTests(InquiryTestCase):
    """When nobody waits for the answer any more."""

    def dismiss(self) -> None:
        self.inquiry.dismiss()
        self.inquiry.cancel()

    def test_deferred(self) -> None:
        """
        The open question is cancelled, and neither its answer nor its failure to have
        one is reported.
        """
        cancelled: list[Deferred[Any]] = []
        self.askToWait(lambda *_: Deferred(cancelled.append))
        self.dismiss()
        self.assertEqual((len(cancelled), self.late), (1, []))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_nothingOpen(self) -> None:
        """
        Where no question was asked, or it has its answer, there is nothing to cancel.
        """
        self.inquiry.cancel()
        cancelled: list[Deferred[Any]] = []
        event: Deferred[Any] = Deferred(cancelled.append)
        self.askToWait(lambda *_: event)
        event.callback(None)
        self.dismiss()
        self.assertEqual((self.late, cancelled), ([Accepted(None)], []))

    def test_onlyOnce(self) -> None:
        """
        A question is cancelled once.
        """
        cancelled: list[Deferred[Any]] = []
        event: Deferred[Any] = Deferred(cancelled.append)
        self.askToWait(lambda *_: event)
        for _ in range(2):
            self.dismiss()
        self.assertEqual(len(cancelled), 1)

    def test_brokenCanceller(self) -> None:
        """
        A canceller that raises is logged, for a Deferred and below a coroutine.
        """

        def broken(cancelled: Deferred[Any]) -> None:
            raise ZeroDivisionError("in the canceller")

        async def coroutine(*ignored: Any) -> None:
            await Deferred(broken)

        callbacks: list[Any] = [lambda *_: Deferred(broken), coroutine]
        for callback in callbacks:
            self.askToWait(callback)
            self.dismiss()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_swallowed(self) -> None:
        """
        A coroutine that swallows the cancellation and ends later, in whatever way a
        callback may, is not heard of again.
        """
        for outcome in (None, SMTPError(550, "No"), CancelledError(), MessageAborted()):
            end: Deferred[Any] = Deferred()

            async def callback(*ignored: Any) -> None:
                try:
                    await Deferred()
                except CancelledError:
                    await end  # noqa: B023

            self.askToWait(callback)
            self.dismiss()
            if outcome is None:
                end.callback(None)
            else:
                end.errback(outcome)
            self.assertEqual((self.late, self.flushLoggedErrors()), ([], []))

    def test_fault(self) -> None:
        """
        A fault on the way out is logged and not reported.
        """

        async def callback(*ignored: Any) -> None:
            try:
                await Deferred()
            finally:
                raise ZeroDivisionError("while it tidies up")

        self.askToWait(callback)
        self.dismiss()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.late, [])


class GoodbyeTests(InquiryTestCase):
    """The last call, whose answer interests nobody."""

    def test_everyWay(self) -> None:
        """
        Whatever onClose does, its failure is logged, and only that.
        """
        error = ZeroDivisionError("in onClose")
        event: Deferred[Any] = Deferred()

        async def coroutine(*ignored: Any) -> None:
            await event

        rows: list[tuple[Callable[..., Any], int]] = [
            (lambda session: "value", 0),
            (lambda session: succeed("value"), 0),
            *((callback, 1) for callback in ways(error)),
            (coroutine, 0),
        ]
        for callback, logged in rows:
            self.patch(self.callbacks, "onClose", callback)
            self.inquiry.sayGoodbye()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), logged)
        event.errback(error)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_foreignAwaitable(self) -> None:
        """
        An awaitable that nobody will ever await is logged.
        """
        self.patch(self.callbacks, "onClose", lambda session: Foreign())
        self.inquiry.sayGoodbye()
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
