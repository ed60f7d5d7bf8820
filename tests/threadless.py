"""
Threads for tests without any: what they are to do is done when the test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock
from twisted.python.failure import Failure

Job = Callable[[], None]


class ThreadlessClock(Clock):
    """A reactor that is the only one that runs."""

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call it."""
        function(*arguments)


@define
class ThreadlessThread:
    """
    In place of C{threading.Thread}.
    """

    target: Callable[..., Any]
    args: tuple[Any, ...]

    def start(self) -> None:
        """Do what it is for."""
        self.target(*self.args)


@define
class ThreadlessPool:
    """
    In place of C{twisted.python.threadpool.ThreadPool}.

    @ivar waits: whether jobs wait for C{work}
    @ivar done: how many have been done
    """

    threads: int = 0
    waits: bool = False
    done: int = 0
    isRunning: bool = False
    threadFactory: Any = None
    _jobs: list[Job] = field(factory=list)

    def __call__(self, least: int, most: int, name: str) -> ThreadlessPool:
        """It is made once, by the test."""
        self.threads = most
        return self

    def start(self) -> None:
        """As that of threads."""
        self.isRunning = True

    def stop(self) -> None:
        """As that of threads: what is there is done."""
        self.isRunning = False
        self.work()

    def callInThreadWithCallback(
        self, done: Callable[[bool, Any], None], function: Callable[[], Any]
    ) -> None:
        """As that of threads."""
        self._jobs.append(lambda: self._do(done, function))
        if not self.waits:
            self.work()

    def work(self) -> None:
        """Do what there is to do."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job()

    def _do(
        self, done: Callable[[bool, Any], None], function: Callable[[], Any]
    ) -> None:
        self.done += 1
        try:
            result = function()
        except BaseException:  # noqa: B036  as that of threads
            done(False, Failure())
        else:
            done(True, result)
