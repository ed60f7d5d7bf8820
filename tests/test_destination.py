"""
Tests of smtpsession.delivery.destination.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPAddress, SMTPSession
from smtpsession.delivery.destination import Destination


class DestinationTests(SynchronousTestCase):
    """What a destination need not say."""

    def resultOf(self, coroutine: Coroutine[Any, Any, object]) -> object:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def test_defaults(self) -> None:
        """It has nothing to prepare, and accepts every recipient."""
        destination, session = Destination(), SMTPSession()
        destination.start()
        recipient = SMTPAddress("bob@example.org")
        self.assertIsNone(self.resultOf(destination.accept(recipient, session)))
        self.assertIsNone(self.resultOf(destination.forget(session)))
        self.assertIsNone(self.resultOf(destination.stop()))

    def test_deliver(self) -> None:
        """It has to say what becomes of a message."""
        stream: Any = None
        delivery = Destination().deliver(stream, SMTPSession(), [])
        self.failureResultOf(Deferred.fromCoroutine(delivery), NotImplementedError)
