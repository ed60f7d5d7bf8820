"""
Tests of smtpsession.delivery.discard.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import MessageAborted, MessageStream, ServerOptions, SMTPSession
from smtpsession.delivery.discard import Discard


class DiscardTests(SynchronousTestCase):
    """Discard."""

    def setUp(self) -> None:
        self.stream = MessageStream(ServerOptions(), lambda: None, lambda: None)
        delivery = Discard().deliver(self.stream, SMTPSession(), [])
        self.result = Deferred.fromCoroutine(delivery)

    def test_whole(self) -> None:
        """A message is accepted when it has come whole, and not before."""
        self.stream.feed(b"Hello.\r\n")
        self.assertNoResult(self.result)
        self.stream.feed(b"", isLast=True)
        self.assertIsNone(self.successResultOf(self.result))

    def test_aborted(self) -> None:
        """One that does not come whole is not accepted."""
        self.stream.feed(b"Hello.\r\n")
        self.stream.fail(MessageAborted())
        self.failureResultOf(self.result, MessageAborted)
