# -*- test-case-name: tests.test_backpressure -*-
"""
What holds up the input of a connection, and for how long its client is waited for.

Whatever holds it up does so in one place, `HoldingReceiver.hold`: an open question, a
message that nobody reads, replies that the client does not take.  While any of these
lasts, the transport is paused and no line is looked at.
"""

from __future__ import annotations

import math
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.protocols.basic import LineReceiver

from smtpsession.allowance import Allowance, House
from smtpsession.options import ServerOptions
from smtpsession.replies import Reply
from smtpsession.session import SMTPSession
from smtpsession.watch import Deadline, Pace, Presence, Ticker

# What holds up the input.
NAME, QUESTION, STREAM, REPLIES = "name", "question", "stream", "replies"
TURN = "turn"

#: With how many octets that are not taken Twisted has us stop.
_QUEUE = 65_536


class HoldingReceiver(LineReceiver):
    """
    A C{LineReceiver} that reads nothing while something holds it up, and whose client
    has its time for everything.

    @ivar session: what the callbacks receive
    @ivar allowance: what the client may still do
    @ivar isClosing: whether the client is told to go, or has gone
    @ivar isOpen: whether nothing is to come before the conversation, or before it goes
        on
    @ivar holds: what holds up the input
    """

    # As it is with most connections, which then need no fields for it: an object with
    # more than 30 takes 1 KiB more than one with fewer.
    isClosing = isOpen = False
    holds: frozenset[str] = frozenset()
    pace: Pace | None = None
    _heldSince = 0.0
    _presence: Presence | None = None

    def __init__(
        self,
        options: ServerOptions,
        clock: IReactorTime,
        house: House | None,
        ticker: Ticker | None,
    ) -> None:
        self.session = SMTPSession()
        self.options = options
        self.clock = clock
        self.allowance = Allowance(self.session, options, house)
        self.deadline = Deadline(
            ticker or Ticker(clock, options.shortestTime), self._deadlinePassed
        )

    # What the classes below add.

    def tooSlow(self, reply: Reply) -> None:
        """The client has had its time, and is to be told so."""
        raise NotImplementedError

    def clientHasGone(self) -> bool:
        """Whether the client is not there any more, though nobody reads from it."""
        raise NotImplementedError

    def abort(self) -> Any:
        """End the connection at once."""
        raise NotImplementedError

    # What it does.

    def setRawMode(self) -> None:
        """From now on it is a message, or a part of one, that comes."""
        if self.pace is None:
            options = self.options
            self.pace = Pace(self.clock, options.dataTimeout, options.minimumDataRate)
        self.pace.begin()
        super().setRawMode()

    def pauseProducing(self) -> None:
        """The transport holds too many replies that the client does not take."""
        self.hold(REPLIES)

    def resumeProducing(self) -> None:
        """The client has taken the replies."""
        self.release(REPLIES)

    def stopProducing(self) -> None:
        """The transport is lost; C{connectionLost} follows."""

    @property
    def isHeld(self) -> bool:
        """Whether anything holds up the input."""
        return bool(self.holds)

    def hold(self, reason: str) -> None:
        """Read nothing until this is released."""
        if not self.holds and not self.isClosing:
            self._heldSince = self.clock.seconds()
            super().pauseProducing()
            self._watch()
        self.holds |= {reason}

    def _watch(self) -> None:
        if self._presence is None:
            self._presence = Presence(self.clock, self.clientHasGone, self.abort)
        self._presence.watch()

    def lookAway(self) -> None:
        """Whether the client is still there is nobody's business any more."""
        if self._presence is not None:
            self._presence.cancel()

    def release(self, reason: str) -> None:
        """Go on if nothing else holds up the input."""
        if reason not in self.holds:
            return
        self.holds -= {reason}
        if self.holds or self.isClosing:
            return
        self.lookAway()
        if self.pace is not None:
            self.pace.extend(self.clock.seconds() - self._heldSince)
        self.expect()
        super().resumeProducing()

    def expect(self) -> None:
        """From now on the client has its time for what comes next."""
        options = self.options
        if self.isClosing:
            return
        if not self.isOpen:
            self.deadline.give(options.handshakeTimeout)
        elif self.line_mode:
            self.deadline.give(options.commandTimeout)
        else:
            self.deadline.give(min(options.dataTimeout, self._timeLeft))

    def _deadlinePassed(self) -> None:
        if self.isClosing:
            self.allowance.closing()
            self.abort()
        elif self.holds - {REPLIES}:
            # It is not the client that we wait for.
            self.expect()
        elif not self.isOpen:
            self.allowance.handshake()
            self.abort()
        elif self.line_mode:
            self.tooSlow(self.allowance.command())
        else:
            self.tooSlow(self.allowance.message(isTooSlow=self._timeLeft <= 0))

    @property
    def octetsQueued(self) -> int:
        """How many octets of replies are not taken, if these are many."""
        return _QUEUE if REPLIES in self.holds else 0

    @property
    def _timeLeft(self) -> float:
        """How many seconds the message may take, as it stands."""
        return math.inf if self.pace is None else self.pace.left
