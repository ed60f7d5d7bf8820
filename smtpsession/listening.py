# -*- test-case-name: tests.test_service -*-
"""
A port that the service cannot do without.
"""

from __future__ import annotations

from twisted.application.internet import StreamServerEndpointService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from zope.interface import implementer


@implementer(IStreamServerEndpoint)
class _Announced:
    """An endpoint that logs where it listens."""

    _log = Logger()

    def __init__(self, endpoint: IStreamServerEndpoint) -> None:
        self._endpoint = endpoint

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        return self._endpoint.listen(protocolFactory).addCallback(self._announce)

    def _announce(self, port: IListeningPort) -> IListeningPort:
        address = port.getHost()
        self._log.info("listening on {address}", event="listening", address=address)
        return port


class ListeningService(StreamServerEndpointService):
    """Without its port the service is of no use, and must not start."""

    # Otherwise the failure is logged and the process goes on.
    _raiseSynchronously = True

    def __init__(
        self, name: str, endpoint: IStreamServerEndpoint, factory: IProtocolFactory
    ) -> None:
        """
        @param name: what it is called where it cannot listen
        """
        super().__init__(_Announced(endpoint), factory)
        self._description = name

    def privilegedStartService(self) -> None:
        """
        Listen.

        @raise SystemExit: the port cannot be had
        """
        try:
            super().privilegedStartService()
        except Exception as error:
            raise SystemExit(f"cannot listen on {self._description}: {error}") from None
