# -*- test-case-name: tests.test_metrics -*-
"""
How long destinations take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.destination import DeliveryResult, Destination
from smtpsession.metrics import Metrics
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream


class Measured(Destination):
    """
    A destination whose answers are measured.
    """

    def __init__(
        self, destination: Destination, name: str, metrics: Metrics, reactor: Any
    ) -> None:
        """
        @param name: what it is called there
        """
        self._destination = destination
        self._name = name
        self._metrics = metrics
        self._reactor = reactor

    def start(self) -> None:
        self._destination.start()

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        await self._destination.accept(recipient, session)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> DeliveryResult:
        begun = self._reactor.seconds()
        try:
            return await self._destination.deliver(stream, session, recipients)
        finally:
            seconds = max(self._reactor.seconds() - begun, 0.0)
            self._metrics.delivered(self._name, seconds)

    async def forget(self, session: SMTPSession) -> None:
        await self._destination.forget(session)

    async def stop(self) -> None:
        await self._destination.stop()
