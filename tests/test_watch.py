"""
Tests of smtpsession.watch: how long a client is waited for, and whether it is there.
"""

from __future__ import annotations

import weakref
from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import watch
from smtpsession.watch import Deadline, Presence, Ticker


class TickerTests(SynchronousTestCase):
    """Many deadlines, and one timer."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ticker = Ticker(self.clock, 10)
        self.passed: list[int] = []

    def deadline(self, number: int) -> Deadline:
        return Deadline(self.ticker, partial(self.passed.append, number))

    def test_oneTimer(self) -> None:
        """However many there are, there is one timer, and none where there are none."""
        deadlines = [self.deadline(number) for number in range(100)]
        for each in deadlines:
            each.give(300)
            self.clock.advance(0.01)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for each in deadlines:
            each.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_eachInTime(self) -> None:
        """Each passes when its own time is over."""
        for number in range(30):
            self.deadline(number).give(10 + number)
            self.clock.advance(1)
        # The one with this number was given its time at this second.
        for second in range(30, 71):
            expected = [each for each in range(30) if 10 + 2 * each <= second]
            self.assertEqual(self.passed, expected)
            self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failure(self) -> None:
        """What one of them brings about keeps no other from passing."""

        def fail() -> None:
            raise ValueError("an error of ours")

        Deadline(self.ticker, fail).give(10)
        self.deadline(1).give(10)
        self.assertRaises(ValueError, self.clock.advance, 10)
        self.clock.advance(0)
        self.assertEqual(self.passed, [1])

    def test_forgotten(self) -> None:
        """Of one that is cancelled nothing is kept."""

        class Passed:
            def __call__(self) -> None:
                pass

        passed = Passed()
        deadline = Deadline(self.ticker, passed)
        deadline.give(10)
        self.deadline(2).give(10)
        reference = weakref.ref(passed)
        deadline.cancel()
        del deadline, passed
        self.assertIsNone(reference())


class DeadlineTests(SynchronousTestCase):
    """A time by which something must have happened."""

    TICK = 10

    def setUp(self) -> None:
        self.clock = Clock()
        self.passed: list[float] = []
        self.deadline = Deadline(Ticker(self.clock, self.TICK), self.note)

    def note(self) -> None:
        self.passed.append(self.clock.seconds())

    def wait(self, seconds: int) -> None:
        """Let so many seconds pass, one by one."""
        self.clock.pump([1] * seconds)

    def test_nothingGiven(self) -> None:
        """
        As long as no time was given, nothing is waited for.
        """
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_exact(self) -> None:
        """
        It passes when the time is over and not before, whatever the tick.
        """
        for seconds in (10, 11, 15, 20, 21, 300):
            clock, passed = Clock(), list[float]()
            deadline = Deadline(Ticker(clock, self.TICK), partial(passed.append, 1))
            deadline.give(seconds)
            clock.pump([1] * (seconds - 1))
            self.assertEqual(passed, [], seconds)
            clock.advance(1)
            self.assertEqual(passed, [1], seconds)

    def test_once(self) -> None:
        """
        It passes once, and leaves no timer behind.
        """
        self.deadline.give(10)
        self.wait(100)
        self.assertEqual(self.passed, [10])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_later(self) -> None:
        """
        Time given again counts from then on.
        """
        self.deadline.give(10)
        for _ in range(5):
            self.wait(9)
            self.deadline.give(10)
        self.assertEqual(self.passed, [])
        self.wait(9)
        self.assertEqual(self.passed, [])
        self.wait(1)
        self.assertEqual(self.passed, [55])

    def test_sooner(self) -> None:
        """
        So it does where it is less than what was left, down to the tick.
        """
        self.deadline.give(1000)
        self.wait(3)
        self.deadline.give(10)
        self.wait(9)
        self.assertEqual(self.passed, [])
        self.wait(1)
        self.assertEqual(self.passed, [13])

    def test_oneTimer(self) -> None:
        """
        However often time is given, there is one timer, and it is not touched.
        """
        self.deadline.give(10)
        [timer] = self.clock.getDelayedCalls()
        time = timer.getTime()
        for _ in range(100):
            self.clock.advance(0.01)
            self.deadline.give(20)
        self.assertEqual(self.clock.getDelayedCalls(), [timer])
        self.assertEqual(timer.getTime(), time)

    def test_slowClock(self) -> None:
        """
        A clock that is late by far passes the deadline once.
        """
        self.deadline.give(25)
        self.clock.advance(1000)
        self.wait(20)
        self.assertEqual(len(self.passed), 1)

    def test_moreTime(self) -> None:
        """
        Who is called when it has passed may give more time.
        """

        def more() -> None:
            self.note()
            if len(self.passed) < 3:
                deadline.give(15)

        deadline = Deadline(Ticker(self.clock, self.TICK), more)
        deadline.give(15)
        self.wait(100)
        self.assertEqual(self.passed, [15, 30, 45])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancel(self) -> None:
        """
        After it is cancelled it does not pass, and no timer is left.
        """
        self.deadline.give(10)
        self.deadline.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.wait(20)
        self.assertEqual(self.passed, [])

    def test_cancelAtAnyTime(self) -> None:
        """
        It may be cancelled before it begins, twice, and when it has passed.
        """
        Deadline(Ticker(self.clock, self.TICK), self.note).cancel()
        self.deadline.give(10)
        self.wait(10)
        self.deadline.cancel()
        self.deadline.cancel()
        self.assertEqual(self.passed, [10])

    def test_cancelWhenItPasses(self) -> None:
        """
        Who is called when it has passed may cancel it.
        """
        deadline = Deadline(Ticker(self.clock, self.TICK), lambda: deadline.cancel())
        deadline.give(10)
        self.wait(10)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class PresenceTests(SynchronousTestCase):
    """Whether a client that nobody reads from is still there."""

    def setUp(self) -> None:
        self.patch(watch, "PRESENCE_INTERVAL", 2.0)
        self.clock = Clock()
        self.looks: list[float] = []
        self.gone: list[float] = []
        self.hasGone = False
        self.presence = Presence(
            self.clock, self.look, lambda: self.gone.append(self.clock.seconds())
        )

    def look(self) -> bool:
        self.looks.append(self.clock.seconds())
        return self.hasGone

    def test_notBefore(self) -> None:
        """
        Nobody looks before the watch begins.
        """
        self.clock.advance(10)
        self.assertEqual((self.looks, self.gone), ([], []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_againAndAgain(self) -> None:
        """
        A client that is there is looked after at every interval.
        """
        self.presence.watch()
        self.clock.pump([1] * 6)
        self.assertEqual(self.looks, [2, 4, 6])
        self.assertEqual(self.gone, [])

    def test_gone(self) -> None:
        """
        When it has gone, that is told once and the watch ends.
        """
        self.presence.watch()
        self.clock.pump([1] * 3)
        self.hasGone = True
        self.clock.pump([1] * 10)
        self.assertEqual(self.gone, [4])
        self.assertEqual(self.looks, [2, 4])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancel(self) -> None:
        """
        After the watch is cancelled nobody looks any more, and no timer is left.
        """
        self.presence.watch()
        self.clock.advance(2)
        self.presence.cancel()
        self.hasGone = True
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.pump([1] * 10)
        self.assertEqual((self.looks, self.gone), ([2], []))

    def test_cancelAtAnyTime(self) -> None:
        """
        It may be cancelled before it begins, twice, and when the client has gone.
        """
        self.presence.cancel()
        self.presence.cancel()
        self.presence.watch()
        self.hasGone = True
        self.clock.advance(2)
        self.presence.cancel()
        self.assertEqual(self.gone, [2])

    def test_cancelWhenGone(self) -> None:
        """
        Who is told that the client has gone may cancel the watch.
        """
        presence = Presence(self.clock, lambda: True, lambda: presence.cancel())
        presence.watch()
        self.clock.advance(2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_again(self) -> None:
        """
        After a pause the watch begins anew, with a whole interval.
        """
        self.presence.watch()
        self.clock.advance(1)
        self.presence.cancel()
        self.clock.advance(1)
        self.presence.watch()
        self.clock.pump([1] * 2)
        self.assertEqual(self.looks, [4])
