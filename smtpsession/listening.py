# -*- test-case-name: tests.test_listening -*-
"""
A port that the service cannot do without.
"""

from __future__ import annotations

from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
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
        return _LastCall(port)


@implementer(IListeningPort)
class _LastCall:
    """
    A port that lets those in who have knocked before it is closed.  The system has
    taken their connections already, and would reset them without a word.
    """

    def __init__(self, port: Any) -> None:
        self._port = port

    def startListening(self) -> None:
        """It does already."""

    def stopListening(self) -> Any:
        """Accept once more, and close."""
        if hasattr(self._port, "doRead"):
            self._port.doRead()
        return self._port.stopListening()

    def getHost(self) -> IAddress:
        """Where it listens."""
        host: IAddress = self._port.getHost()
        return host


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
