"""
Tests of smtpsession.factory and smtpsession.callbacks: what a server is built from, and
how many clients it takes.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.names import client
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from smtpsession import (
    Callbacks,
    ServerOptions,
    SMTPError,
    SMTPProtocol,
    SMTPServerFactory,
    SMTPSession,
)
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c

TOO_MANY = "421 4.7.0 Too many connections, come back later"
TOO_MANY_FROM_THERE = "421 4.7.0 Too many connections from your address"

GOING_DOWN = "421 4.3.2 Service is going down, try again later"

NAMES = [
    "onConnect",
    "onSecure",
    "onHelo",
    "onAuth",
    "onMailFrom",
    "onRcptTo",
    "onData",
    "onClose",
]


class FactoryTests(SynchronousTestCase):
    """What the factory is given, and what it gives."""

    def test_interface(self) -> None:
        """
        It is a protocol factory, for any endpoint.
        """
        verifyObject(IProtocolFactory, SMTPServerFactory(options=memoryOptions()))

    def test_keywords(self) -> None:
        """
        Each callback is a keyword, called with the arguments of the method.
        """
        for name in NAMES:
            callback: Any = {name: lambda *arguments: arguments}
            factory = SMTPServerFactory(options=memoryOptions(), **callback)
            self.assertEqual(getattr(factory, name)(1, 2), (1, 2), name)

    def test_methods(self) -> None:
        """
        A subclass may override it instead.
        """

        class Server(SMTPServerFactory):
            def onHelo(self, hostname: str, session: SMTPSession) -> None:
                raise SMTPError(550, f"Not you, {hostname}", "5.7.1")

        client = c.greeted(MemoryServer(Server))
        self.assertEqual(client.say(c.HELO), ["550 5.7.1 Not you, client.example.com"])

    def test_keywordBeforeMethod(self) -> None:
        """
        A keyword takes the place of the method.
        """

        class Server(SMTPServerFactory):
            def onHelo(self, hostname: str, session: SMTPSession) -> None:
                raise SMTPError(550, "Not you")

        client = c.greeted(MemoryServer(Server, onHelo=lambda *_: None))
        self.assertEqual(client.say(c.HELO), [c.HELLO])

    def test_defaults(self) -> None:
        """
        The default of every callback accepts; that of onAuth refuses.
        """
        callbacks = Callbacks()
        for name in NAMES:
            arguments = 1 if name in ("onConnect", "onSecure", "onClose") else 2
            self.assertIsNone(getattr(callbacks, name)(*[None] * arguments), name)

    def test_defaultOnData(self) -> None:
        """
        The default onData accepts and discards.
        """
        server = MemoryServer(onData=Callbacks().onData)
        client = c.inMessage(server)
        self.assertEqual(client.say("x" * 200_000, "."), [c.ACCEPTED])
        self.assertEqual(server.messages, [])

    def test_options(self) -> None:
        """
        One object of options is passed along.
        """
        # The resolver of the machine would leave a timer running.
        self.patch(client, "theResolver", object())
        options = memoryOptions(recipients=3)
        self.assertIs(SMTPServerFactory(options=options).options, options)
        self.assertEqual(SMTPServerFactory().options, ServerOptions())

    def test_protocolClass(self) -> None:
        """
        As with every factory of Twisted, the class of its protocols is an attribute.
        """

        class Protocol(SMTPProtocol):
            """A protocol of the application's own."""

        factory = SMTPServerFactory(options=memoryOptions())
        factory.protocol = Protocol
        self.assertIsInstance(factory.buildProtocol(None), Protocol)

    def test_runningReactor(self) -> None:
        """
        Where it is not told otherwise, time is that of the reactor that runs.
        """
        protocol = SMTPServerFactory(options=memoryOptions()).buildProtocol(None)
        self.assertIs(protocol.clock, reactor)

    def test_machineResolver(self) -> None:
        """
        Where it is not told otherwise, names come from the machine's resolver, which is
        not looked for before the first connection.
        """
        asked = []

        class Resolver:
            def lookupPointer(self, name: str, timeout: Any = None) -> Deferred[Any]:
                asked.append(name)
                return fail(LookupError(name))

        factory = SMTPServerFactory(
            options=memoryOptions(reverseLookup=True), reactor=Clock()
        )
        self.patch(client, "theResolver", Resolver())
        address = IPv4Address("TCP", "192.0.2.1", 1)
        protocol = factory.buildProtocol(address)
        protocol.makeConnection(StringTransport(peerAddress=address))
        self.assertEqual(asked, ["1.2.0.192.in-addr.arpa"])
        self.assertEqual(protocol.session.clientHostname, "[192.0.2.1]")

    def test_protocol(self) -> None:
        """
        Each connection gets a protocol of its own, which knows its factory.
        """
        factory = SMTPServerFactory(options=memoryOptions(), reactor=Clock())
        address = IPv4Address("TCP", "192.0.2.1", 1)
        first, second = factory.buildProtocol(address), factory.buildProtocol(address)
        self.assertIsInstance(first, SMTPProtocol)
        self.assertIs(first.factory, factory)
        self.assertIsNot(first.session, second.session)

    def test_unixSocket(self) -> None:
        """
        A client through a UNIX socket has no address, and is called localhost.
        """
        factory = SMTPServerFactory(
            reactor=Clock(),
            options=memoryOptions(reverseLookup=True),
            resolver=object(),  # type: ignore[arg-type]
        )
        address = UNIXAddress(None)
        protocol = factory.buildProtocol(address)
        transport = StringTransport(hostAddress=address, peerAddress=address)
        protocol.makeConnection(transport)
        self.assertEqual(transport.value(), f"{c.GREETING}\r\n".encode())
        session = protocol.session
        self.assertEqual(
            (session.remoteAddress, session.remotePort, session.clientHostname),
            ("", 0, "localhost"),
        )


class ClientTests(SynchronousTestCase):
    """How many clients there may be."""

    def test_clients(self) -> None:
        """
        One more than there may be gets 421, and no callback is called.
        """
        connected: list[Any] = []
        server = MemoryServer(
            options=memoryOptions(clients=2), onConnect=connected.append
        )
        for number in range(2):
            client = server.connect(f"192.0.2.{number}")
            self.assertEqual(client.hear(), [c.GREETING])
        refused = server.connect("192.0.2.7")
        self.assertEqual((refused.hear(), refused.closed), ([TOO_MANY], True))
        self.assertEqual(len(connected), 2)

    def test_placeBecomesFree(self) -> None:
        """
        When a client has gone, or one that was not let in, there is room again.
        """
        server = MemoryServer(options=memoryOptions(clients=1))
        for _ in range(3):
            client, refused = server.connect(), server.connect()
            self.assertTrue(refused.closed)
            refused.leave()
            client.leave()
        self.assertEqual(server.connect().hear(), [c.GREETING])

    def test_perAddress(self) -> None:
        """
        An address may have only so many connections; another one is let in.
        """
        server = MemoryServer(options=memoryOptions(clientsPerAddress=2))
        clients = [server.connect("192.0.2.1") for _ in range(3)]
        self.assertEqual([each.closed for each in clients], [False, False, True])
        self.assertEqual(clients[2].hear(), [TOO_MANY_FROM_THERE])
        self.assertFalse(server.connect("192.0.2.2").closed)

    def test_adoptedTimes(self) -> None:
        """
        Times that are shorter than before hold for whoever comes.
        """
        server = MemoryServer()
        early = server.connect()
        server.factory.adopt(memoryOptions(commandTimeout=5))
        late = server.connect()
        server.clock.advance(5)
        self.assertEqual([early.closed, late.closed], [False, True])

    def test_perNetwork(self) -> None:
        """
        IPv6 addresses count by /64, and an IPv4-mapped one as IPv4.
        """
        server = MemoryServer(options=memoryOptions(clientsPerAddress=1))
        rows = [
            ("2001:db8:0:1::1", False),
            ("2001:db8:0:1:ffff::2", True),
            ("2001:db8:0:2::1", False),
            ("192.0.2.1", False),
            ("::ffff:192.0.2.1", True),
        ]
        for address, refused in rows:
            self.assertEqual(server.connect(address).closed, refused, address)

    def test_otherPorts(self) -> None:
        """
        Two factories count apart.
        """
        for _ in range(2):
            server = MemoryServer(options=memoryOptions(clients=1))
            self.assertFalse(server.connect().closed)


class DrainTests(SynchronousTestCase):
    """The clients are let go."""

    def test_drain(self) -> None:
        """
        Who does nothing is told at once, and who is in a transaction after it.
        """
        server = MemoryServer()
        idle, busy = c.ready(server), c.withRecipients(server)
        for each in (idle, busy):
            each.hear()
        drained = server.factory.drain(5)
        self.assertEqual((idle.hear(), busy.hear()), ([GOING_DOWN], []))
        self.assertEqual(busy.say("RSET"), [c.OK, GOING_DOWN])
        for each in (idle, busy):
            self.assertNoResult(drained)
            each.leave()
        self.assertIsNone(self.successResultOf(drained))
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_late(self) -> None:
        """
        Who takes longer is told when the time is over.
        """
        server = MemoryServer()
        busy = c.inMessage(server)
        busy.hear()
        drained = server.factory.drain(5)
        server.clock.advance(5)
        self.assertEqual(busy.hear(), [GOING_DOWN])
        busy.leave()
        self.successResultOf(drained)

    def test_nobody(self) -> None:
        """
        Nobody has to be waited for where nobody is.
        """
        server = MemoryServer()
        self.successResultOf(server.factory.drain(5))
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_newcomer(self) -> None:
        """
        A connection that was on its way is told to go before it says anything, and the
        application hears nothing of it.
        """
        heard: list[str] = []
        server = MemoryServer(
            onConnect=lambda session: heard.append(f"{session.remotePort} is there"),
            onClose=lambda session: heard.append(f"{session.remotePort} has gone"),
        )
        staying = c.withSender(server)
        server.factory.drain(5)
        newcomer = server.connect(port=2)
        self.assertEqual(newcomer.hear(), [GOING_DOWN])
        self.assertTrue(newcomer.closed)
        newcomer.leave()
        self.assertEqual(heard, ["49152 is there"])
        self.assertFalse(staying.closed)
