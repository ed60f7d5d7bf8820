# -*- test-case-name: tests.test_hashing -*-
"""
Where passwords are hashed: in threads of their own, so that nobody else waits.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from smtpsession.errors import SMTPError
from smtpsession.replies import LOGINS_BUSY

T = TypeVar("T")


class _HashingThread(Thread):
    """One that the process does not wait for when it ends."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(daemon=True, **arguments)


class HashingPool:
    """
    A few threads, and a queue in front of them that is bounded: who floods a server
    with logins must not make it work on them for hours.
    """

    def __init__(self, threads: int, queue: int, reactor: Any) -> None:
        """
        @param threads: how many hashes are computed at a time
        @param queue: how many more may wait
        @param reactor: has C{callFromThread}
        """
        self._threads = threads
        self._room = threads + queue
        self._reactor = reactor
        self._jobs = 0
        self._pool: ThreadPool | None = None

    @property
    def isRunning(self) -> bool:
        """Between C{start} and C{stop}."""
        return self._pool is not None

    def start(self) -> None:
        """Begin to work.  May be called again after C{stop}."""
        if self._pool is None:
            self._pool = ThreadPool(0, self._threads, "smtpsession hashing")
            self._pool.threadFactory = _HashingThread  # type: ignore[assignment]
            self._pool.start()

    def stop(self) -> Deferred[None]:
        """
        Finish what is being computed, in a second or so, and compute nothing of what
        waits: that fails with C{CancelledError}.

        @return: fires when the threads have ended
        """
        stopped: Deferred[None] = Deferred()
        pool, self._pool = self._pool, None
        if pool is None:
            stopped.callback(None)
        else:
            # It waits for each of them, and nobody else is to wait with it.
            _HashingThread(target=self._end, args=(pool, stopped)).start()
        return stopped

    def _end(self, pool: ThreadPool, stopped: Deferred[None]) -> None:
        pool.stop()
        self._reactor.callFromThread(stopped.callback, None)

    def run(self, function: Callable[[], T]) -> Deferred[T]:
        """
        Call a function in one of the threads.  If the Deferred is cancelled before its
        turn comes, it is not called.

        @raise SMTPError: 454, too many wait already
        @raise RuntimeError: nobody has called C{start}
        """
        pool = self._pool
        if pool is None:
            raise RuntimeError("call start() first")
        if self._jobs >= self._room:
            raise SMTPError.saying(LOGINS_BUSY)
        self._jobs += 1
        job: Deferred[T] = Deferred()

        def work() -> T:
            if job.called or self._pool is not pool:
                raise CancelledError()
            return function()

        def done(isSuccess: bool, result: T | Failure) -> None:
            self._reactor.callFromThread(self._finish, job, result)

        pool.callInThreadWithCallback(done, work)
        return job

    def _finish(self, job: Deferred[Any], result: Any) -> None:
        self._jobs -= 1
        # Once, a cancelled Deferred takes either of these for nothing.
        if isinstance(result, Failure):
            job.errback(result)
        else:
            job.callback(result)
