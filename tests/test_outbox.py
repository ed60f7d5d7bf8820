"""
Tests of smtpsession.outbox: replies are written at once and in order.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import TLS_METHOD, Connection, Context
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpsession.outbox import Outbox, queueOf


class OutboxTests(SynchronousTestCase):
    """What becomes of replies."""

    def setUp(self) -> None:
        """A queue, and a socket that takes what it is told to take."""
        self.queued: list[bytes] = []
        self.sent: list[bytes] = []
        self.takes: list[int | OSError] = []

    def write(self, octets: bytes) -> None:
        """The end of the queue."""
        self.queued.append(octets)

    def sendNow(self, octets: bytes) -> int:
        """Take as much as C{takes} says, by default all."""
        taken = self.takes.pop(0) if self.takes else len(octets)
        self.sent.append(octets)
        if isinstance(taken, OSError):
            raise taken
        return taken

    def test_oneWrite(self) -> None:
        """
        What was added is written as one, once.
        """
        outbox = Outbox(self)
        outbox.add(b"250 1\r\n")
        outbox.add(b"250 2\r\n")
        outbox.flush()
        outbox.flush()
        self.assertEqual(self.queued, [b"250 1\r\n250 2\r\n"])

    def test_pastTheQueue(self) -> None:
        """
        While the socket takes all, nothing is queued.
        """
        outbox = Outbox(self, self.sendNow)
        for reply in (b"250 1\r\n", b"250 2\r\n"):
            outbox.add(reply)
            outbox.flush()
        self.assertEqual(self.sent, [b"250 1\r\n", b"250 2\r\n"])
        self.assertEqual(self.queued, [])

    def test_orderIsKept(self) -> None:
        """
        After the socket did not take all, the rest and all that follows is queued.
        """
        for takes, rest in (
            (3, b" 1\r\n"),
            (0, b"250 1\r\n"),
            (OSError(), b"250 1\r\n"),
        ):
            self.queued.clear()
            self.sent.clear()
            self.takes = [takes]
            outbox = Outbox(self, self.sendNow)
            for reply in (b"250 1\r\n", b"250 2\r\n"):
                outbox.add(reply)
                outbox.flush()
            self.assertEqual(self.sent, [b"250 1\r\n"], takes)
            self.assertEqual(self.queued, [rest, b"250 2\r\n"], takes)


@implementer(IOpenSSLClientConnectionCreator)
class Creator:
    """Makes connections that verify nothing."""

    def clientConnectionForTLS(self, protocol: Any) -> Connection:
        return Connection(Context(TLS_METHOD), None)


class QueueTests(SynchronousTestCase):
    """queueOf."""

    def setUp(self) -> None:
        """A transport with TLS, which Twisted buffers."""
        self.clock = Clock()
        wrapped = Factory.forProtocol(Protocol)
        factory = TLSMemoryBIOFactory(Creator(), True, wrapped, self.clock)
        self.tls: Any = factory.buildProtocol(None)
        self.tls.makeConnection(StringTransport())

    def test_clear(self) -> None:
        """That of a transport without TLS is the transport."""
        transport = StringTransport()
        self.assertIs(queueOf(transport), transport)

    def test_atOnce(self) -> None:
        """What is written to TLS waits for no other turn of the reactor."""
        below: Any = StringTransport()
        below.protocol = self.tls
        for transport in (self.tls, below):
            queueOf(transport).write(b"250 OK\r\n")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.tls.write(b"as Twisted does it")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_lost(self) -> None:
        """What is written when the connection is lost is for nobody."""
        queue = queueOf(self.tls)
        self.tls.connectionLost()
        queue.write(b"421 Gone\r\n")
        self.assertEqual(self.clock.getDelayedCalls(), [])
