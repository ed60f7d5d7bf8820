"""
Every callback, answering in every way: the same rules hold for all of them.

The tests are written once, in `CallbackTests`, and run for each way to answer: a value,
a Deferred that has fired, one that fires later, a coroutine that does not wait, and one
that does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPError
from smtpsession.testing import MemoryClient, MemoryServer
from tests import conversations as c

#: What the client does for a callback to be called, and what it hears if that accepts.
STEPS: dict[str, tuple[Callable[[MemoryServer], MemoryClient], list[str], str]] = {
    "onConnect": (MemoryServer.connect, [], c.GREETING),
    "onHelo": (c.greeted, [c.HELO], c.HELLO),
    "onMailFrom": (c.ready, [c.MAIL], c.SENDER_OK),
    "onRcptTo": (c.withSender, [c.RCPT], c.RECIPIENT_OK),
    "onData": (c.inMessage, ["Hello.", "."], c.ACCEPTED),
}


class Unwritten(SMTPError):
    """A refusal that lacks what its base class would have given it."""

    def __init__(self) -> None:
        """Nothing calls the constructor of the base class."""


class Foreign:
    """An awaitable of another framework."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield "not a Deferred"


class ValueMixin:
    """The callback returns its answer, or raises."""

    late = False

    def answer(self, outcome: Callable[[], Any]) -> Any:
        return outcome()

    def fire(self) -> None:
        """Nothing is left to be done."""


class FiredDeferredMixin(ValueMixin):
    """The callback returns a Deferred that has its result."""

    def answer(self, outcome: Callable[[], Any]) -> Any:
        return maybeDeferred(outcome)


class CoroutineMixin(ValueMixin):
    """The callback is a coroutine that does not wait for anything."""

    async def answer(self, outcome: Callable[[], Any]) -> Any:
        return outcome()


class LateDeferredMixin(ValueMixin):
    """The callback returns a Deferred that fires later."""

    late = True
    event: Deferred[None]

    def answer(self, outcome: Callable[[], Any]) -> Any:
        self.event = Deferred()
        return self.event.addCallback(lambda _: outcome())

    def fire(self) -> None:
        self.event.callback(None)


class WaitingCoroutineMixin(LateDeferredMixin):
    """The callback is a coroutine that waits."""

    async def answer(self, outcome: Callable[[], Any]) -> Any:
        self.event = Deferred()
        await self.event
        return outcome()


class CallbackTests(ValueMixin, SynchronousTestCase):
    """Callbacks that return a value or raise."""

    def clientAt(self, callback: str, outcome: Callable[[], Any]) -> MemoryClient:
        """A client that has brought a new server to call this callback."""
        server = MemoryServer(**{callback: lambda *ignored: self.answer(outcome)})
        come, lines, _ = STEPS[callback]
        client = come(server)
        if lines:
            client.hear()
            client.write("".join(f"{line}\r\n" for line in lines).encode())
        return client

    def heardAfter(self, callback: str, outcome: Callable[[], Any]) -> list[str]:
        """What the client hears from the answer to this callback."""
        client = self.clientAt(callback, outcome)
        self.fire()
        return client.hear()

    def test_accept(self) -> None:
        """
        A callback that answers None accepts, and the client gets the usual reply.
        """
        for callback, (_, _, reply) in STEPS.items():
            self.assertEqual(self.heardAfter(callback, lambda: None), [reply], callback)

    def test_ignoredResult(self) -> None:
        """
        What a callback returns does not matter, except for onAuth and onData.
        """
        for result in (False, 0, "550 no", object(), [1]):
            for callback, (_, _, reply) in STEPS.items():
                if callback != "onData":
                    heard = self.heardAfter(callback, lambda: result)  # noqa: B023
                    self.assertEqual(heard, [reply], (callback, result))

    def test_refuse(self) -> None:
        """
        An SMTPError refuses, and its text goes to the client.
        """
        for callback in STEPS:
            heard = self.heardAfter(
                callback, _raising(SMTPError(550, "No, thank you", "5.7.1"))
            )
            self.assertEqual(heard, ["550 5.7.1 No, thank you"], callback)

    def test_refuseInSeveralLines(self) -> None:
        """
        A refusal may have several lines, and gets an enhanced code if it has none.
        """
        for callback in STEPS:
            heard = self.heardAfter(callback, _raising(SMTPError(450, "Busy\nAgain?")))
            self.assertEqual(heard, ["450-4.0.0 Busy", "450 4.0.0 Again?"], callback)

    def test_hangUp(self) -> None:
        """
        A refusal with 421 or 521 ends the connection, and no other does.
        """
        for code, closed in ((421, True), (521, True), (450, False), (554, False)):
            for callback in STEPS:
                client = self.clientAt(callback, _raising(SMTPError(code, "No")))
                self.fire()
                self.assertEqual(client.closed, closed, (callback, code))

    def test_fault(self) -> None:
        """
        Any other exception is logged, and the client sees 451 and nothing of it.
        """
        for callback in STEPS:
            heard = self.heardAfter(callback, _raising(RuntimeError("my secret")))
            self.assertEqual(heard, [c.LOCAL_ERROR], callback)
            [failure] = self.flushLoggedErrors(RuntimeError)
            self.assertIn("my secret", failure.getErrorMessage())
            self.assertIn("_raising", failure.getTraceback())

    def test_faultIsNoRefusal(self) -> None:
        """
        After a fault of the application the client may try the same again.
        """
        outcomes: list[Callable[[], Any]] = [
            _raising(RuntimeError("once")),
            lambda: None,
        ]
        server = MemoryServer(onRcptTo=lambda *_: self.answer(outcomes.pop(0)))
        client = c.withSender(server)
        heard = []
        for _ in range(2):
            client.write(f"{c.RCPT}\r\n".encode())
            self.fire()
            heard += client.hear()
        self.assertEqual(heard, [c.LOCAL_ERROR, c.RECIPIENT_OK])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_refusalWithoutReply(self) -> None:
        """
        A refusal whose class did not call the constructor of SMTPError is a fault.
        """
        for callback in STEPS:
            heard = self.heardAfter(callback, _raising(Unwritten()))
            self.assertEqual(heard, [c.LOCAL_ERROR], callback)
            self.assertEqual(len(self.flushLoggedErrors(Unwritten)), 1)

    def test_causeStaysPrivate(self) -> None:
        """
        The cause of an SMTPError is logged and not told.
        """

        def refuse() -> None:
            try:
                raise OSError("disk /dev/private")
            except OSError as error:
                raise SMTPError(452, "Try later", "4.3.1") from error

        for callback in STEPS:
            self.assertEqual(
                self.heardAfter(callback, refuse), ["452 4.3.1 Try later"], callback
            )
            self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_oneQuestionAtATime(self) -> None:
        """
        While a callback has not answered, the client is paused and nothing else is
        asked or said; then the replies come in the order of the commands.
        """
        for callback, (_, _, reply) in STEPS.items():
            client = self.clientAt(callback, lambda: None)
            client.write(b"NOOP\r\nQUIT\r\n")
            self.assertEqual(client.paused, self.late, callback)
            if self.late:
                self.assertEqual(client.hear(), [], callback)
                self.fire()
            self.assertEqual(client.hear(), [reply, c.OK, c.BYE], callback)

    def test_resume(self) -> None:
        """
        When the callback has answered, the client may go on.
        """
        for callback in STEPS:
            client = self.clientAt(callback, lambda: None)
            self.fire()
            self.assertFalse(client.paused, callback)

    def test_goodbye(self) -> None:
        """
        onClose may take its time too, and what it raises is logged.
        """
        for outcome, logged in ((lambda: None, 0), (_raising(RuntimeError("oh")), 1)):
            server = MemoryServer(onClose=lambda session, do=outcome: self.answer(do))
            c.greeted(server).leave()
            self.fire()
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), logged)


class ForeignTests(SynchronousTestCase):
    """Callbacks that return, or wait for, what belongs to another framework."""

    def assertFault(self, answer: Callable[..., Any]) -> None:
        """Every callback that answers so is a fault of the application."""
        for callback, (come, lines, _) in STEPS.items():
            client = come(MemoryServer(**{callback: answer}))
            heard = client.say(*lines) if lines else client.hear()
            self.assertEqual(heard, [c.LOCAL_ERROR], callback)
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1, callback)

    def test_value(self) -> None:
        """
        An awaitable that is neither a Deferred nor a coroutine does not accept: the
        client gets 451, and it is logged.
        """
        self.assertFault(lambda *_: Foreign())

    def test_coroutine(self) -> None:
        """
        So it is with a coroutine that awaits one.
        """

        async def answer(*ignored: Any) -> None:
            await Foreign()

        self.assertFault(answer)

    def test_promised(self) -> None:
        """
        So it is with a promise of what has to be waited for in its turn.
        """

        async def promise(*ignored: Any) -> Deferred[None]:
            return succeed(None)

        async def unfired(*ignored: Any) -> Deferred[None]:
            return Deferred()

        self.assertFault(promise)
        self.assertFault(unfired)
        self.assertFault(lambda *_: succeed(Foreign()))

    def test_generators(self) -> None:
        """
        So it is with one that has a C{yield} in it and no C{inlineCallbacks} above it,
        of which nothing has run.
        """

        def generator(*ignored: Any) -> Generator[Any, Any, None]:
            yield None

        async def asyncGenerator(*ignored: Any) -> AsyncGenerator[None, None]:
            yield None

        self.assertFault(generator)
        self.assertFault(asyncGenerator)

    def test_onClose(self) -> None:
        """
        So it is with onClose, where nobody is there to be told.
        """

        async def answer(*ignored: Any) -> None:
            await Foreign()

        for onClose in (answer, lambda *_: Foreign()):
            c.greeted(MemoryServer(onClose=onClose)).leave()
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class FiredDeferredTests(FiredDeferredMixin, CallbackTests):
    """Callbacks that return a Deferred with a result."""


class CoroutineTests(CoroutineMixin, CallbackTests):
    """Callbacks that are coroutines and do not wait."""


class LateDeferredTests(LateDeferredMixin, CallbackTests):
    """Callbacks that return a Deferred without a result yet."""


class WaitingCoroutineTests(WaitingCoroutineMixin, CallbackTests):
    """Callbacks that are coroutines and wait."""


def _raising(error: Exception) -> Callable[[], Any]:
    def _raising() -> None:
        raise error

    return _raising
