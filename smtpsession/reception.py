# -*- test-case-name: tests.test_reception -*-
"""
One message on its way in: its octets and the application's answer.

The two end independently.  A callback may answer long after the last octet, or before
the first; the client gets its reply when both are there.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpsession.actions import ACCEPTED, Outcome, Refused
from smtpsession.body import ChunkDecoder, DotDecoder, LineEnds
from smtpsession.errors import BareNewline
from smtpsession.options import ServerOptions
from smtpsession.stream import MessageStream


class Reception:
    """
    With DATA a message has one part.  With BDAT it has as many as the client likes, and
    the client is answered after each.

    @ivar stream: what C{onData} reads
    @ivar isAsked: whether C{onData} has been called
    @ivar isAwaited: whether something is to be said when the part that comes has ended
    @ivar whole: whether the message's end has come
    """

    def __init__(
        self,
        options: ServerOptions,
        pause: Callable[[], None],
        resume: Callable[[], None],
        isBinary: bool = False,
    ) -> None:
        """
        @param pause: called when the stream holds enough
        @param resume: called when it has room again
        @param isBinary: whether CR and LF may stand anywhere in the message
        """
        self.stream = MessageStream(options, pause, resume)
        self.isAsked = self.isAwaited = self.whole = False
        self._decoder: DotDecoder | ChunkDecoder
        self._isLast = self._hasEnded = False
        self._isBinary = isBinary
        self._normalize = options.bareNewlines == "normalize"
        self._lineEnds = LineEnds(normalize=self._normalize)
        self._outcome: Outcome | None = None

    def expect(self, decoder: DotDecoder | ChunkDecoder, isLast: bool = True) -> None:
        """
        A part of the message is to come.

        @param decoder: which knows where it ends
        @param isLast: with it the message is whole
        """
        self._decoder, self._isLast = decoder, isLast
        self._hasEnded, self.isAwaited = False, True

    def feed(self, chunk: bytes) -> bytes | None:
        """
        Take what has arrived.

        @return: what came behind the part's end, or None until that has come
        """
        payload, rest = self._decoder.feed(chunk)
        hasEnded = rest is not None
        if not self._isBinary:
            payload = self._checked(payload, hasEnded and self._isLast)
        # Not before: whoever reads may answer at once, and there must be no verdict as
        # long as there can be one more reason to refuse.
        self._hasEnded, self.whole = hasEnded, hasEnded and self._isLast
        self.stream.feed(payload, isLast=self.whole)
        return rest

    def _checked(self, payload: bytes, isLast: bool) -> bytes:
        """The payload with line ends as they have to be, or the stream fails."""
        payload = self._lineEnds.feed(payload)
        if isLast:
            payload += self._lineEnds.finish()
        if self._lineEnds.bareNewline and not self._normalize:
            self.stream.fail(BareNewline())
        return payload

    def answered(self, outcome: Outcome) -> None:
        """The application has answered and reads no more."""
        self._outcome = outcome
        self.stream.discard()

    @property
    def verdict(self) -> Outcome | None:
        """
        What the client is to be told, None until there is something to tell.  A message
        that must not be accepted is refused, whatever the application answered.
        """
        if not self._hasEnded:
            return None
        refusal = self.stream.refusal
        if not self._isLast:
            # Whether the rest has to come at all.
            if refusal is not None:
                return Refused(refusal.reply)
            return self._outcome if isinstance(self._outcome, Refused) else ACCEPTED
        if self._outcome is None or refusal is None:
            return self._outcome
        return Refused(refusal.reply)
