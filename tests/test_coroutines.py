"""
Tests of smtpsession.coroutines: a coroutine runs at once as far as it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.coroutines import Waiting, begin

setting: ContextVar[str] = ContextVar("setting", default="nothing")


def unexpected(result: object) -> None:
    """For coroutines that do not wait."""
    raise AssertionError(f"it has waited and then gave {result!r}")


class CoroutineTestCase(SynchronousTestCase):
    """A test case that begins coroutines that wait."""

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """Begin a coroutine that waits, and give a Deferred of its result."""
        result: Deferred[Any] = Deferred()
        handle = begin(coroutine, result.callback)
        assert isinstance(handle, Waiting)
        self.handle = handle
        return result


class BeginTests(CoroutineTestCase):
    """What becomes of a coroutine."""

    def test_returns(self) -> None:
        """
        One that does not wait gives its value, and no Deferred.
        """

        async def run() -> int:
            return 42

        self.assertEqual(begin(run(), unexpected), 42)

    def test_raises(self) -> None:
        """
        One that raises before it waits raises here.
        """

        async def run() -> None:
            raise ZeroDivisionError("at once")

        self.assertRaises(ZeroDivisionError, begin, run(), unexpected)

    def test_waits(self) -> None:
        """
        One that waits says later what it returns.
        """
        event: Deferred[int] = Deferred()

        async def run() -> int:
            return await event + 1

        result = self.start(run())
        self.assertNoResult(result)
        event.callback(41)
        self.assertEqual(self.successResultOf(result), 42)

    def test_waitsTwice(self) -> None:
        """
        It may wait several times.
        """
        events: list[Deferred[int]] = [Deferred(), Deferred()]

        async def run() -> list[int]:
            return [await event for event in events]

        result = self.start(run())
        events[0].callback(1)
        self.assertNoResult(result)
        events[1].callback(2)
        self.assertEqual(self.successResultOf(result), [1, 2])

    def test_manyThatHaveFired(self) -> None:
        """
        Thousands of Deferreds that have fired do not need a stack.
        """

        async def run() -> int:
            return sum([await succeed(1) for _ in range(5000)])

        self.assertEqual(begin(run(), unexpected), 5000)

    def test_manyAfterAWait(self) -> None:
        """
        Nor do they after a wait.
        """
        event: Deferred[None] = Deferred()

        async def run() -> int:
            await event
            return sum([await succeed(1) for _ in range(5000)])

        result = self.start(run())
        event.callback(None)
        self.assertEqual(self.successResultOf(result), 5000)

    def test_failure(self) -> None:
        """
        A failure of what it waits for is raised in it, and may be caught there.
        """
        event: Deferred[None] = Deferred()

        async def run() -> str:
            try:
                await event
            except ZeroDivisionError:
                return "caught"
            return "not raised"

        result = self.start(run())
        event.errback(ZeroDivisionError())
        self.assertEqual(self.successResultOf(result), "caught")

    def test_raisesLater(self) -> None:
        """
        What it raises after it waited comes as a Failure.
        """
        event: Deferred[None] = Deferred()

        async def run() -> None:
            await event
            raise ZeroDivisionError("later")

        result = self.start(run())
        event.callback(None)
        self.failureResultOf(result, ZeroDivisionError)

    def test_cancelledByAnother(self) -> None:
        """
        So does what is no C{Exception}, such as asyncio's own cancellation.
        """
        event: Deferred[None] = Deferred()

        async def run() -> None:
            await event

        result = self.start(run())
        event.errback(asyncio.CancelledError())
        self.failureResultOf(result, asyncio.CancelledError)

    def test_waitsForNonsense(self) -> None:
        """
        What is no Deferred cannot be waited for; the coroutine sees a TypeError.
        """

        class Nonsense:
            def __await__(self) -> Generator[Any, Any, None]:
                yield "nonsense"

        async def run() -> str:
            try:
                await Nonsense()
            except TypeError:
                return "caught"
            return "not raised"

        self.assertEqual(self.successResultOf(self.start(run())), "caught")

    def test_waitsForNonsenseLater(self) -> None:
        """
        So it is after it has waited, however often, and no stack is needed.
        """
        event: Deferred[None] = Deferred()

        class Nonsense:
            def __await__(self) -> Generator[Any, Any, None]:
                yield "nonsense"

        async def run() -> int:
            await event
            caught = 0
            for _ in range(5000):
                try:
                    await Nonsense()
                except TypeError:
                    caught += 1
            return caught

        result = self.start(run())
        event.callback(None)
        self.assertEqual(self.successResultOf(result), 5000)

    def test_innerCoroutines(self) -> None:
        """
        It may wait for other coroutines.
        """
        event: Deferred[int] = Deferred()

        async def inner() -> int:
            return await event

        async def outer() -> int:
            return await inner() + await inner2()

        async def inner2() -> int:
            return 1

        result = self.start(outer())
        event.callback(1)
        self.assertEqual(self.successResultOf(result), 2)

    def test_traceback(self) -> None:
        """
        The failure knows the line in the coroutine that raised.
        """
        event: Deferred[None] = Deferred()

        async def recognizable() -> None:
            await event
            raise ZeroDivisionError

        result = self.start(recognizable())
        event.callback(None)
        failure = self.failureResultOf(result, ZeroDivisionError)
        self.assertIn("recognizable", failure.getTraceback())


class CancellationTests(CoroutineTestCase):
    """Cancelling a coroutine that waits."""

    def test_seesIt(self) -> None:
        """
        What the coroutine waits for is cancelled, and it sees CancelledError.
        """
        cancelled: list[Deferred[None]] = []
        event: Deferred[None] = Deferred(cancelled.append)

        async def run() -> None:
            await event

        result = self.start(run())
        self.handle.cancel()
        self.assertEqual(len(cancelled), 1)
        self.failureResultOf(result, CancelledError)

    def test_second(self) -> None:
        """
        So it is when it waits for the second time.
        """
        first: Deferred[None] = Deferred()
        cancelled: list[Deferred[None]] = []
        second: Deferred[None] = Deferred(cancelled.append)

        async def run() -> None:
            await first
            await second

        result = self.start(run())
        first.callback(None)
        self.handle.cancel()
        self.assertEqual(len(cancelled), 1)
        self.failureResultOf(result, CancelledError)

    def test_finally(self) -> None:
        """
        It may tidy up, and wait while it does.
        """
        tidied: list[str] = []
        tidying: Deferred[None] = Deferred()

        async def run() -> None:
            try:
                await Deferred()
            finally:
                await tidying
                tidied.append("done")

        result = self.start(run())
        self.handle.cancel()
        self.assertEqual(tidied, [])
        tidying.callback(None)
        self.assertEqual(tidied, ["done"])
        self.failureResultOf(result, CancelledError)

    def test_caught(self) -> None:
        """
        It may catch the cancellation and return.
        """

        async def run() -> str:
            try:
                await Deferred()
            except CancelledError:
                pass
            return "survived"

        result = self.start(run())
        self.handle.cancel()
        self.assertEqual(self.successResultOf(result), "survived")

    def test_whileItRuns(self) -> None:
        """
        One that runs waits for nothing that could be cancelled, and goes on.
        """
        event: Deferred[None] = Deferred()

        async def run() -> str:
            await event
            self.handle.cancel()
            return "survived"

        result = self.start(run())
        event.callback(None)
        self.assertEqual(self.successResultOf(result), "survived")

    def test_whileItRunsAndThenWaits(self) -> None:
        """
        One that runs is cancelled in what it waits for next, and in that only.
        """
        event: Deferred[None] = Deferred()
        later: Deferred[str] = Deferred()

        async def run() -> str:
            await event
            self.handle.cancel()
            await succeed("there already")
            try:
                await Deferred()
            except CancelledError:
                return await later
            return "waited in vain"

        result = self.start(run())
        event.callback(None)
        self.assertNoResult(result)
        later.callback("tidied up")
        self.assertEqual(self.successResultOf(result), "tidied up")


class ContextTests(CoroutineTestCase):
    """Context variables belong to the coroutine."""

    def test_noLeakOut(self) -> None:
        """
        What it sets is not seen by who began it, before and after it waits.
        """
        event: Deferred[None] = Deferred()

        async def run() -> str:
            setting.set("mine")
            await event
            setting.set(setting.get() + " still")
            return setting.get()

        result = self.start(run())
        self.assertEqual(setting.get(), "nothing")
        event.callback(None)
        self.assertEqual(self.successResultOf(result), "mine still")
        self.assertEqual(setting.get(), "nothing")

    def test_noLeakOutAtOnce(self) -> None:
        """
        Nor of one that does not wait.
        """

        async def run() -> str:
            setting.set("mine")
            return setting.get()

        self.assertEqual(begin(run(), unexpected), "mine")
        self.assertEqual(setting.get(), "nothing")

    def test_noLeakBetween(self) -> None:
        """
        Two coroutines that wait at the same time do not see each other's.
        """
        events: list[Deferred[None]] = [Deferred(), Deferred()]

        async def run(name: str, event: Deferred[None]) -> str:
            setting.set(name)
            await event
            return setting.get()

        results = [self.start(run("a", events[0])), self.start(run("b", events[1]))]
        events[1].callback(None)
        events[0].callback(None)
        self.assertEqual([self.successResultOf(each) for each in results], ["a", "b"])

    def test_inherits(self) -> None:
        """
        It sees what was set when it began, whoever fires what it waits for.
        """
        event: Deferred[None] = Deferred()

        async def run() -> str:
            await event
            return setting.get()

        token = setting.set("outside")
        result = self.start(run())
        setting.reset(token)
        event.callback(None)
        self.assertEqual(self.successResultOf(result), "outside")
