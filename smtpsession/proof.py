# -*- test-case-name: tests.test_scramlogins -*-
"""
What a callback waits for that has called C{validateKeys}.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure


class PendingProof:
    """
    Whether the client knows the password, as soon as that is known.

    @ivar answer: what the callback waits for
    """

    def __init__(self) -> None:
        self.answer: Deferred[bool] = Deferred()

    def abandon(self) -> None:
        """There will be none."""
        self.answer.cancel()
        # It may be waited for apart from the question, or by nobody.
        self.answer.addErrback(_unproven)


def _unproven(failure: Failure) -> bool:
    """Whoever had waited was told; whoever asks later hears that there is no proof."""
    failure.trap(CancelledError)
    return False
