"""
Tests of smtpsession.listening: ports that the service cannot do without.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpsession.listening import ListeningService


class Port:
    """Says what is done with it."""

    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def getHost(self) -> str:
        return "here"

    def doRead(self) -> None:
        self._calls.append("accept")

    def stopListening(self) -> Deferred[None]:
        self._calls.append("close")
        return succeed(None)


class Endpoint:
    """Listens on that."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def listen(self, factory: Any) -> Deferred[Any]:
        return succeed(self._port)


class ListeningServiceTests(SynchronousTestCase):
    """ListeningService."""

    def test_lastCall(self) -> None:
        """Who has connected is let in before the port is closed."""
        calls: list[str] = []
        endpoint: Any = Endpoint(Port(calls))
        service = ListeningService("name", endpoint, Factory())
        service.privilegedStartService()
        service.startService()
        self.assertEqual(calls, [])
        self.successResultOf(service.stopService())
        self.assertEqual(calls, ["accept", "close"])


class Greeter(Protocol):
    """Says one word."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.write(b"word")
        self.transport.loseConnection()


class BacklogTests(TestCase):
    """With a real port."""

    timeout = 60

    async def test_notReset(self) -> None:
        """
        Whose connection waits to be accepted when the service stops is still answered.
        """
        endpoint = serverFromString(reactor, "tcp:0:interface=127.0.0.1")
        service = ListeningService("name", endpoint, Factory.forProtocol(Greeter))
        service.privilegedStartService()
        service.startService()
        waiting: Any = service._waitingForPort
        port = await waiting
        clients = [
            socket.create_connection(("127.0.0.1", port.getHost().port), 60)
            for _ in range(5)
        ]
        # The reactor has had no turn since, and so nobody is accepted.
        await service.stopService()
        for client in clients:
            self.assertEqual(await deferToThread(client.recv, 10), b"word")
            client.close()
