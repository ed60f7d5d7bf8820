# -*- test-case-name: tests.test_watch -*-
"""
Eyes on a client: whether it keeps us waiting for too long, and whether it is still
there while it waits for us.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: How often, in seconds, to look whether a client that waits for us is still there.
PRESENCE_INTERVAL = 1.0


class Deadline:
    """
    A time by which the client must have done something.

    Moving it costs no timer: one is under way all the time, and looks at the deadline
    when it fires.
    """

    def __init__(
        self, clock: IReactorTime, tick: float, passed: Callable[[], object]
    ) -> None:
        """
        @param tick: the shortest time, in seconds, that will be given to the client
        @param passed: called when it has not made it; it may give more time
        """
        self._clock = clock
        self._tick = tick
        self._passed = passed
        self._time = clock.seconds()
        self._timer: IDelayedCall | None = None

    def give(self, seconds: float) -> None:
        """From now on the client has so much time."""
        self._time = self._clock.seconds() + seconds
        if self._timer is None:
            self._timer = self._clock.callLater(self._tick, self._look)

    def cancel(self) -> None:
        """Wait for nothing any more."""
        _cancel(self._timer)

    def _look(self) -> None:
        self._timer = None
        left = self._time - self._clock.seconds()
        if left <= 0:
            self._passed()
        else:
            self._timer = self._clock.callLater(min(left, self._tick), self._look)


class Pace:
    """
    How long a message may take: a time to begin with, and more with each octet.

    Otherwise an octet now and then would hold a connection for days.
    """

    def __init__(self, clock: IReactorTime, grace: float, rate: int) -> None:
        """
        @param grace: the time to begin with, in seconds
        @param rate: how many octets are worth a second more; 0 for no bound at all
        """
        self._clock = clock
        self._grace = grace
        self._rate = rate
        self._end = math.inf

    def begin(self) -> None:
        """A message, or a part of one, begins to come."""
        self._end = self._clock.seconds() + self._grace if self._rate else math.inf

    def received(self, octets: int) -> None:
        """So many have come."""
        if self._rate:
            self._end += octets / self._rate

    def extend(self, seconds: float) -> None:
        """For so long it was us who took nothing."""
        self._end += seconds

    @property
    def left(self) -> float:
        """How many seconds there are, as it stands."""
        return self._end - self._clock.seconds()


class Presence:
    """
    Looks after a client that nobody reads from.
    """

    def __init__(
        self,
        clock: IReactorTime,
        hasGone: Callable[[], bool],
        gone: Callable[[], object],
    ) -> None:
        """
        @param hasGone: whether the client is not there any more
        @param gone: called once when it is not
        """
        self._clock = clock
        self._hasGone = hasGone
        self._gone = gone
        self._timer: IDelayedCall | None = None

    def watch(self) -> None:
        """Look again and again, until C{cancel}."""
        self._timer = self._clock.callLater(PRESENCE_INTERVAL, self._look)

    def cancel(self) -> None:
        """Somebody reads again, or the connection has ended."""
        _cancel(self._timer)

    def _look(self) -> None:
        if self._hasGone():
            self._gone()
        else:
            self.watch()


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
