# -*- test-case-name: tests.integration.test_workers -*-
"""
Ports that another process has opened, and that it will close.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from zope.interface import implementer


@implementer(IStreamServerEndpoint)
class InheritedEndpoint:
    """
    A socket that listens already.
    """

    def __init__(self, reactor: Any, domain: str, number: int) -> None:
        """
        @param domain: C{"INET"}, C{"INET6"} or C{"UNIX"}
        @param number: of its descriptor
        """
        family = getattr(socket, f"AF_{domain}")
        self._endpoint = AdoptedStreamServerEndpoint(reactor, number, family)

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept from it, beside others."""
        port: Deferred[Any] = self._endpoint.listen(protocolFactory)
        return port.addCallback(_Borrowed)


@implementer(IListeningPort)
class _Borrowed:
    """
    A port that is not ours to close: with that of a UNIX socket its file would go.
    """

    def __init__(self, port: Any) -> None:
        self._port = port

    def startListening(self) -> None:
        """It does already."""

    def doRead(self) -> None:
        """Accept those who wait."""
        self._port.doRead()

    def stopListening(self) -> None:
        """Accept nobody any more; the others do."""
        self._port.stopReading()

    def getHost(self) -> IAddress:
        """Where it listens."""
        host: IAddress = self._port.getHost()
        return host
