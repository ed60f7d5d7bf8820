# -*- test-case-name: tests.test_coroutines -*-
"""
Coroutines that are run at once as far as they get.

Most callbacks have nothing to wait for, and most messages arrive in one piece.  For
these, what C{Deferred.fromCoroutine} does costs several times what the callback does:
hence this driver, which does the same with less.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from inspect import isawaitable
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeVar, Union

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

T = TypeVar("T")

#: What a function with a C{yield} in it returns, and has not run any of it.
_GENERATORS = GeneratorType, AsyncGeneratorType


def isUnfinished(result: object) -> bool:
    """
    Whether what should be a result has still to be waited for, or to be run.

    So it is where an C{await} was forgotten, or an C{inlineCallbacks}.
    """
    return isinstance(result, _GENERATORS) or isawaitable(result)


def begin(
    coroutine: Coroutine[Any, Any, T], done: Callable[[Any], object]
) -> Union[T, Waiting]:
    """
    Run a coroutine until it returns, raises or waits, in a context of its own.

    @param coroutine: it may wait for Deferreds, as under C{Deferred.fromCoroutine}
    @param done: called with what it returns, or with a C{Failure}, if it has waited
    @return: what it returned, or if it waits a handle on it
    @raise Exception: what it raised before it waited
    """
    context = copy_context()
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as returned:
        return returned.value  # type: ignore[no-any-return]
    waiting = Waiting(coroutine, context, done)
    waiting.waitFor(awaited)
    return waiting


class Waiting:
    """
    A coroutine that waits for a Deferred.
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        context: Context,
        done: Callable[[Any], object],
    ) -> None:
        self._coroutine = coroutine
        self._context = context
        self._done = done
        self._awaited: Deferred[Any] | None = None
        self._arrived: list[Any] = []
        self._running = self._cancelled = False

    def cancel(self) -> None:
        """
        Cancel what it waits for, or if it runs what it waits for next.  It may catch
        that, and go on.
        """
        if self._awaited is None:
            self._cancelled = True
        else:
            self._awaited.cancel()

    def waitFor(self, awaited: Any) -> None:
        """Go on when this Deferred fires."""
        if not isinstance(awaited, Deferred):
            awaited = fail(TypeError(f"cannot wait for {awaited!r}"))
        self._awaited = awaited
        awaited.addBoth(self._resume)
        if self._cancelled and not self._arrived:
            self._cancelled = False
            awaited.cancel()

    def _resume(self, result: Any) -> None:
        # A Deferred that has already fired calls this from within addBoth.  It is then
        # left to the loop below, so that a thousand of them do not nest.
        self._arrived.append(result)
        if self._running:
            return
        self._running = True
        try:
            while self._arrived:
                self._step(self._arrived.pop())
        finally:
            self._running = False

    def _step(self, result: Any) -> None:
        self._awaited = None
        proceed: Callable[[Any], Any] = self._coroutine.send
        if isinstance(result, Failure):
            proceed, result = self._coroutine.throw, result.value
        try:
            awaited = self._context.run(proceed, result)
        except StopIteration as returned:
            self._done(returned.value)
        except BaseException:  # noqa: B036  as in Twisted, it is the waiter's
            self._done(Failure())
        else:
            self.waitFor(awaited)
