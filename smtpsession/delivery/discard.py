# -*- test-case-name: tests.test_discard -*-
"""
Delivery to nowhere: for tests, and for mail that nobody wants to have refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.destination import Destination
from smtpsession.printable import printable
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import messageId


class Discard(Destination):
    """
    Reads each message to its end, and forgets it.
    """

    _log = Logger()

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> None:
        """
        @raise MessageError: the message did not come whole
        """
        size = 0
        async for chunk in stream:
            size += len(chunk)
        self._log.info(
            "{id} discarded, {size} octets for {recipients}",
            event="message-discarded",
            id=messageId(session),
            session=session,
            size=size,
            recipients=printable(", ".join(f"<{each}>" for each in recipients)),
        )
