# -*- test-case-name: tests.test_patience -*-
"""
For how long somebody else is waited for.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Patience:
    """
    Counts only while it is the other one who has to do something.

    @ivar isExhausted: it has taken too long
    @ivar exhausted: called then, once
    """

    def __init__(
        self,
        clock: IReactorTime,
        seconds: float,
        exhausted: Callable[[], object] = lambda: None,
    ) -> None:
        self.isExhausted = False
        self.exhausted = exhausted
        self._clock, self._seconds = clock, seconds
        self._call: IDelayedCall | None = None

    def begin(self) -> None:
        """From now on it is the other one's turn, for so many seconds at the most."""
        self.end()
        self._call = self._clock.callLater(self._seconds, self._exhaust)

    def end(self) -> None:
        """It is not, or it has done what it had to do."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def _exhaust(self) -> None:
        self._call = None
        self.isExhausted = True
        self.exhausted()
