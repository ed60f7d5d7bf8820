# -*- test-case-name: tests.test_destination -*-
"""
What a destination is: where a route takes its messages.

A C{250} is a promise.  A destination returns only when the message is where it has to
be, on the disk or with the next hop, and raises otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from smtpsession.addresses import SMTPAddress
from smtpsession.callbacks import MessageResult
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream

#: For all recipients, or one for each of them.
DeliveryResult = Union[MessageResult, Sequence[MessageResult]]


class Destination:
    """
    The base class of destinations, which third parties may derive theirs from.

    Only C{deliver} has to be there.  Each method may raise C{SMTPError}, whose reply
    the client gets; whatever else it raises is logged, and the client is told 451.
    """

    def start(self) -> None:
        """
        Get ready, before the first message: by now as the user that the process goes on
        as.

        @raise OSError: that cannot be done, and the service does not start
        """

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        """
        Look at a recipient while the client waits for the answer to its RCPT.

        @raise SMTPError: it would not be delivered to
        """

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> DeliveryResult:
        """
        Take a message for these recipients, all of which C{accept} has seen in this
        transaction.

        The stream is to be read to its end: who saw that has seen the message whole.
        It fails, and so does this, when the client leaves or the message cannot be
        accepted; then nothing may remain of it.

        @return: as C{onData} has it: None, the text of the 250, or a C{Reply}; or a
            list with one of these, or an C{SMTPError}, for each of the recipients.  Not
            before the message is safe.
        @raise SMTPError: none of them gets it
        """
        raise NotImplementedError

    async def forget(self, session: SMTPSession) -> None:
        """
        The transaction has ended without a message for what C{accept} has seen, or the
        client has left.
        """

    async def stop(self) -> None:
        """The service has ended; let go of connections, threads and files."""
