# -*- test-case-name: tests.test_watch -*-
"""
Eyes on a client: whether it keeps us waiting for too long, and whether it is still
there while it waits for us.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: How often, in seconds, to look whether a client that waits for us is still there.
PRESENCE_INTERVAL = 1.0


class Ticker:
    """
    Looks at each deadline again after the same time: one timer for many connections,
    because a timer of its own would cost each of them half a kilobyte.
    """

    def __init__(self, clock: IReactorTime, tick: float) -> None:
        """
        @param tick: the shortest time, in seconds, that will be given to a client
        """
        self.clock = clock
        self.tick = tick
        # When to look at each; the next one is the first.
        self._looks: OrderedDict[Deadline, float] = OrderedDict()
        self._timer: IDelayedCall | None = None

    def add(self, deadline: Deadline) -> None:
        """Have it look, once."""
        self._looks[deadline] = self.clock.seconds() + self.tick
        self._wait()

    def discard(self, deadline: Deadline) -> None:
        """It need not look any more."""
        self._looks.pop(deadline, None)
        if not self._looks:
            _cancel(self._timer)
            self._timer = None

    def _wait(self) -> None:
        if self._looks and self._timer is None:
            left = next(iter(self._looks.values())) - self.clock.seconds()
            self._timer = self.clock.callLater(max(0, left), self._lookAll)

    def _lookAll(self) -> None:
        self._timer = None
        now = self.clock.seconds()
        try:
            while self._looks and next(iter(self._looks.values())) <= now:
                deadline, _ = self._looks.popitem(last=False)
                deadline.look()
        finally:
            # Whatever one of them has brought about, the others are looked at.
            self._wait()


class Deadline:
    """
    A time by which the client must have done something.

    Moving it costs nothing: somebody looks at it now and then, whenever it is.
    """

    __slots__ = "_ticker", "_passed", "_time", "_isWatched", "_timer"

    def __init__(self, ticker: Ticker, passed: Callable[[], object]) -> None:
        """
        @param ticker: has it look
        @param passed: called when the client has not made it; it may give more time
        """
        self._ticker = ticker
        self._passed = passed
        self._time = 0.0
        self._isWatched = False
        # For the last stretch, which is shorter than a tick.
        self._timer: IDelayedCall | None = None

    def give(self, seconds: float) -> None:
        """From now on the client has so much time."""
        self._time = self._ticker.clock.seconds() + seconds
        if not self._isWatched:
            self._isWatched = True
            self._ticker.add(self)

    def cancel(self) -> None:
        """Wait for nothing any more."""
        self._ticker.discard(self)
        _cancel(self._timer)

    def look(self) -> None:
        """Whether it has passed."""
        clock, self._timer = self._ticker.clock, None
        left = self._time - clock.seconds()
        if left <= 0:
            self._isWatched = False
            self._passed()
        elif left < self._ticker.tick:
            self._timer = clock.callLater(left, self.look)
        else:
            self._ticker.add(self)


class Pace:
    """
    How long a message may take: a time to begin with, and more with each octet.

    Otherwise an octet now and then would hold a connection for days.
    """

    __slots__ = "_clock", "_grace", "_rate", "_end"

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
