# -*- test-case-name: tests.test_service -*-
"""
The service: listeners, and the server behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from zope.interface import implementer

from smtpsession.delivery.maildir import Maildir
from smtpsession.factory import SMTPServerFactory
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import messageId


class MaildirServer(SMTPServerFactory):
    """
    Accepts every recipient and puts each message into one Maildir.
    """

    _log = Logger()

    def __init__(self, maildir: Maildir, **arguments: Any) -> None:
        """
        @param arguments: those of `SMTPServerFactory`
        """
        super().__init__(**arguments)
        self._maildir = maildir

    def startFactory(self) -> None:
        """Say where mail goes, once for all listeners."""
        self._log.info(
            "mail for every recipient goes to the Maildir {path}",
            path=str(self._maildir.path),
        )

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        """Returns when the message is on the disk."""
        envelope = session.envelope
        file = await self._maildir.deliver(stream, session, envelope.rcptTo)
        self._log.info(
            "{id} [{session.remoteAddress}] message from <{envelope.mailFrom}> to "
            "{recipients}, {size} octets, in {file}",
            id=messageId(session),
            session=session,
            envelope=envelope,
            recipients=", ".join(f"<{each}>" for each in envelope.rcptTo),
            size=stream.byteLength,
            file=str(file),
        )
        return f"Delivered as {messageId(session)}"


@implementer(IStreamServerEndpoint)
class _Announced:
    """An endpoint that logs where it listens."""

    _log = Logger()

    def __init__(self, endpoint: IStreamServerEndpoint) -> None:
        self._endpoint = endpoint

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        return self._endpoint.listen(protocolFactory).addCallback(self._announce)

    def _announce(self, port: IListeningPort) -> IListeningPort:
        self._log.info("listening on {address}", address=port.getHost())
        return port


class MailService(MultiService):
    """
    A server on one or more endpoints.
    """

    def __init__(
        self, reactor: Any, listeners: Iterable[str], factory: SMTPServerFactory
    ) -> None:
        """
        @param listeners: Twisted endpoint strings
        @raise ValueError: one of them is not
        """
        super().__init__()
        for description in listeners:
            endpoint = _Announced(serverFromString(reactor, description))
            listener = StreamServerEndpointService(endpoint, factory)
            # Without its port the service is of no use, so that it must not start.
            listener._raiseSynchronously = True
            listener.setServiceParent(self)
