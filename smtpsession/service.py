# -*- test-case-name: tests.test_service -*-
"""
The service: listeners, and the server behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
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


class _Listener(StreamServerEndpointService):
    """Without its port the service is of no use, and must not start."""

    # Otherwise the failure is logged and the process goes on.
    _raiseSynchronously = True

    def __init__(
        self, name: str, endpoint: IStreamServerEndpoint, factory: SMTPServerFactory
    ) -> None:
        super().__init__(_Announced(endpoint), factory)
        self._description = name

    def privilegedStartService(self) -> None:
        try:
            super().privilegedStartService()
        except Exception as error:
            raise SystemExit(f"cannot listen on {self._description}: {error}") from None


class MailService(MultiService):
    """
    A `MaildirServer` on one or more endpoints.
    """

    def __init__(
        self,
        endpoints: Mapping[str, IStreamServerEndpoint],
        maildir: Maildir,
        factory: MaildirServer,
    ) -> None:
        """
        @param endpoints: by what they are called in the log
        """
        super().__init__()
        self._maildir = maildir
        for name, endpoint in endpoints.items():
            _Listener(name, endpoint, factory).setServiceParent(self)

    def startService(self) -> None:
        """
        Make the Maildir, by now as the user that the process goes on as, and start.

        @raise SystemExit: that cannot be done
        """
        try:
            self._maildir.create()
        except OSError as error:
            path = self._maildir.path
            raise SystemExit(f"cannot deliver to {path}: {error.strerror}") from None
        super().startService()
