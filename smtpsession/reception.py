# -*- test-case-name: tests.test_reception -*-
"""
One message on its way in: its octets and the application's answer.

The two end independently.  A callback may answer long after the last octet, or before
the first; the client gets its reply when both are there.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpsession.actions import Outcome, Refused
from smtpsession.body import DotDecoder, LineEnds
from smtpsession.errors import BareNewline
from smtpsession.options import ServerOptions
from smtpsession.stream import MessageStream


class Reception:
    """
    @ivar stream: what C{onData} reads
    @ivar whole: whether the message's end has come
    """

    def __init__(
        self,
        options: ServerOptions,
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        """
        @param pause: called when the stream holds enough
        @param resume: called when it has room again
        """
        self.stream = MessageStream(options, pause, resume)
        self.whole = False
        self._normalize = options.bareNewlines == "normalize"
        self._decoder = DotDecoder()
        self._lineEnds = LineEnds(normalize=self._normalize)
        self._outcome: Outcome | None = None

    def feed(self, chunk: bytes) -> bytes | None:
        """
        Take what has arrived.

        @return: what came behind the message's end, or None until that has come
        """
        octets, rest = self._decoder.feed(chunk)
        payload = self._lineEnds.feed(octets)
        if self._lineEnds.bareNewline and not self._normalize:
            self.stream.fail(BareNewline())
        self.whole = rest is not None
        self.stream.feed(payload, isLast=self.whole)
        return rest

    def answered(self, outcome: Outcome) -> None:
        """The application has answered and reads no more."""
        self._outcome = outcome
        self.stream.discard()

    @property
    def verdict(self) -> Outcome | None:
        """
        What the client is to be told, None until both parts are there.  A message that
        must not be accepted is refused, whatever the application answered.
        """
        if not self.whole or self._outcome is None:
            return None
        refusal = self.stream.refusal
        return self._outcome if refusal is None else Refused(refusal.reply)
