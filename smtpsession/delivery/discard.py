# -*- test-case-name: tests.test_discard -*-
"""
The destination C{discard}: for tests, and for mail that nobody wants.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.destination import Destination
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream


class Discard(Destination):
    """Takes every message and keeps none."""

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> None:
        """Returns when the message has come whole."""
        async for _ in stream:
            pass
