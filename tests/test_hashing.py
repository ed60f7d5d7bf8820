"""
Tests of smtpsession.hashing.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpsession import SMTPError, hashing
from smtpsession.hashing import HashingPool
from tests.threadless import ThreadlessClock, ThreadlessPool, ThreadlessThread


class HashingPoolTests(SynchronousTestCase):
    """The queue, without threads."""

    def setUp(self) -> None:
        self.threads = ThreadlessPool(waits=True)
        self.patch(hashing, "ThreadPool", self.threads)
        self.patch(hashing, "_HashingThread", ThreadlessThread)
        self.pool = HashingPool(2, 3, ThreadlessClock())
        self.pool.start()

    def test_threads(self):
        """There are as many threads as it is told."""
        self.assertEqual(2, self.threads.threads)

    def test_result(self):
        """What the function returns comes out, or what it raises."""
        good = self.pool.run(lambda: 42)
        bad = self.pool.run(partial(int, "no number"))
        self.assertNoResult(good)

        self.threads.work()

        self.assertEqual(42, self.successResultOf(good))
        self.failureResultOf(bad, ValueError)

    def test_bounded(self):
        """With the queue full a login is postponed, until there is room again."""
        jobs = [self.pool.run(lambda: True) for _ in range(5)]

        error = self.assertRaises(SMTPError, self.pool.run, lambda: True)
        self.assertEqual("454 4.7.0", str(error)[:9])

        self.threads.work()
        self.assertEqual([True] * 5, [self.successResultOf(each) for each in jobs])
        self.pool.run(lambda: True)

    def test_cancelled(self):
        """What is cancelled while it waits is not computed, and its place is free."""
        called: list[bool] = []
        job = self.pool.run(lambda: called.append(True))
        job.cancel()
        self.failureResultOf(job, CancelledError)

        self.threads.work()

        self.assertEqual([], called)
        for _ in range(5):
            self.pool.run(lambda: True)

    def test_notStarted(self):
        """Before C{start} and after C{stop} nothing is taken, and nothing waits."""
        self.successResultOf(self.pool.stop())
        self.assertFalse(self.pool.isRunning)
        self.assertRaises(RuntimeError, self.pool.run, lambda: True)

    def test_stop(self):
        """What waits when it stops is not computed; it may be started again."""
        called: list[bool] = []
        job = self.pool.run(lambda: called.append(True))

        for _ in range(2):
            self.successResultOf(self.pool.stop())

        self.failureResultOf(job, CancelledError)
        self.assertEqual([], called)
        self.pool.start()
        self.pool.start()
        self.assertTrue(self.pool.isRunning)


class ThreadsTests(TestCase):
    """With threads."""

    timeout = 60

    async def test_threads(self) -> None:
        """A function is called in a thread, for which no process stays alive."""
        pool = HashingPool(1, 1, reactor)
        pool.start()
        self.addCleanup(pool.stop)

        thread = await pool.run(threading.current_thread)

        self.assertIn("smtpsession hashing", thread.name)
        self.assertTrue(thread.daemon)

    async def test_stop(self) -> None:
        """Nobody waits with C{stop} for what is being computed."""
        pool = HashingPool(1, 1, reactor)
        pool.start()
        anyReactor: Any = reactor
        begun: Deferred[None] = Deferred()
        end = threading.Event()
        self.addCleanup(end.set)

        def work() -> bool:
            anyReactor.callFromThread(begun.callback, None)
            return end.wait(60)

        job = pool.run(work)
        await begun
        stopped = pool.stop()
        self.assertNoResult(stopped)
        end.set()
        await stopped
        self.assertTrue(await job)
