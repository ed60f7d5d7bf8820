"""
Tests of smtpsession.delivery.discard.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from smtpsession import MessageAborted, MessageTooLarge, SMTPAddress, SMTPSession
from smtpsession.delivery.discard import Discard
from tests.streams import StreamTestCase, finish


class DiscardTests(StreamTestCase):
    """Messages that nobody keeps."""

    def setUp(self) -> None:
        super().setUp()
        self.session = SMTPSession(id="s", transaction=3)

    def deliver(self) -> Deferred[Any]:
        recipients = [SMTPAddress("bob@example.org"), SMTPAddress("eve@example.org")]
        delivery = Discard().deliver(self.stream, self.session, recipients)
        return Deferred.fromCoroutine(delivery)

    def test_read(self) -> None:
        """
        The message is read as it comes, and accepted when it is whole.
        """
        delivery = self.deliver()
        for _ in range(5):
            self.stream.feed(b"x" * 1000)
        self.assertEqual(self.paces.count("pause"), self.paces.count("resume"))
        self.assertNoResult(delivery)
        finish(self.stream)
        self.assertIsNone(self.successResultOf(delivery))

    def test_logged(self) -> None:
        """
        The log says which message is gone, of what size and for whom.
        """
        with capturedLogs() as logged:
            self.stream.feed(b"x" * 500)
            self.stream.feed(b"y" * 123, isLast=True)
            self.successResultOf(self.deliver())
        [event] = logged
        self.assertEqual(
            formatEvent(event),
            "s.3 discarded, 623 octets for <bob@example.org>, <eve@example.org>",
        )
        self.assertIs(event["session"], self.session)

    def test_incomplete(self) -> None:
        """
        A message that does not come whole is not one that was discarded.
        """
        for failure in (MessageAborted(), MessageTooLarge(5)):
            self.stream = self.streamOf(streamBuffer=1000)
            with capturedLogs() as logged:
                delivery = self.deliver()
                self.stream.feed(b"x")
                self.stream.fail(failure)
                self.failureResultOf(delivery, type(failure))
            self.assertEqual(logged, [])

    def test_cancelled(self) -> None:
        """
        The delivery ends when it is cancelled.
        """
        delivery = self.deliver()
        delivery.cancel()
        self.failureResultOf(delivery)
