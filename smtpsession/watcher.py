# -*- test-case-name: tests.test_watcher -*-
"""
What an observer is told of a server, and how long its answers take.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from types import CoroutineType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from smtpsession.replies import Reply
from smtpsession.session import SMTPSession


class Watcher:
    """
    One method for each event, to be overridden; here they do nothing.

    A watcher only looks.  Its methods are called in the middle of everything, so that
    they must be quick, must not raise, and change nothing of what they are given.  A
    server without a watcher measures nothing.
    """

    def connected(self, session: SMTPSession) -> None:
        """There is a connection; who it is may not be known yet."""

    def secured(self, session: SMTPSession) -> None:
        """A TLS handshake is done."""

    def answered(self, callback: str, arguments: Sequence[Any], seconds: float) -> None:
        """
        A callback has answered, in whatever way, or its question was cancelled; before
        the client hears of it.

        @param callback: its name, C{"onRcptTo"}
        @param arguments: what it was called with, of which the session is the last
        @param seconds: how long that took
        """

    def received(
        self, octets: int, replies: Sequence[Reply], session: SMTPSession
    ) -> None:
        """
        A message has come whole.

        @param octets: how many it had
        @param replies: what the client is told; under LMTP one for each recipient
        """

    def said(self, reply: Reply, session: SMTPSession) -> None:
        """The client is told this."""

    def closed(self, session: SMTPSession) -> None:
        """The connection has ended."""


class WatchedCallbacks:
    """
    The callbacks of an application, under the same names, with a watcher that is told
    of each answer.
    """

    def __init__(self, callbacks: Any, watcher: Watcher, clock: IReactorTime) -> None:
        self._callbacks = callbacks
        self._watcher = watcher
        self._clock = clock

    def __getattr__(self, name: str) -> Callable[..., Any]:
        callback = getattr(self._callbacks, name)
        return timed(callback, self._clock, partial(self._watcher.answered, name))


def timed(
    ask: Callable[..., Any],
    clock: IReactorTime,
    tell: Callable[[Sequence[Any], float], object],
) -> Callable[..., Any]:
    """
    The same callable, be its answer a value, a Deferred or a coroutine.

    @param tell: called when the answer is there, or an error in its place, with the
        arguments and the seconds that it took
    """

    def call(*arguments: Any) -> Any:
        begun = clock.seconds()

        def end(result: Any = None) -> Any:
            # The clock of a reactor may be set back.
            tell(arguments, max(clock.seconds() - begun, 0.0))
            return result

        try:
            answer = ask(*arguments)
        except Exception:
            end()
            raise
        if isinstance(answer, CoroutineType):
            return _ending(answer, end)
        if isinstance(answer, Deferred):
            return answer.addBoth(end)
        return end(answer)

    return call


async def _ending(answer: Coroutine[Any, Any, Any], end: Callable[[], object]) -> Any:
    try:
        return await answer
    finally:
        end()
