"""
Tests for the PROXY protocol in front of a conversation.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import ISSLTransport
from zope.interface import directlyProvides

from smtpsession import SMTPSession
from smtpsession.proxyline import ProxyInfo, printV1, printV2
from smtpsession.testing import MemoryServer
from smtpsession.tlvs import AUTHORITY, UNIQUE_ID
from tests import conversations as c
from tests.cases import TableTestCase, cuts
from tests.transports import CERTIFICATES, EHLO, TLSClient, TLSTransport, tlsServer

PROXY = "192.0.2.1"
CLIENT = "198.51.100.7"
NETWORKS = {"proxyProtocol": ["192.0.2.1", "2001:db8::/32"]}
TOO_MANY = "421 4.7.0 Too many connections from your address"

INFO = ProxyInfo(1, "TCP4", CLIENT, 40000, "203.0.113.25", 2525)
INFO_2 = ProxyInfo(
    2,
    "TCP4",
    CLIENT,
    40000,
    "203.0.113.25",
    2525,
    {AUTHORITY: b"mx.example.net", UNIQUE_ID: b"\x00\x01unique"},
)
HEADERS = [("version 1", printV1(INFO)), ("version 2", printV2(INFO_2))]

#: What a client of TLS begins with.
CLIENT_HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"


def fromClient(host: str = CLIENT) -> bytes:
    """A header for a client at this address."""
    protocol = "TCP6" if ":" in host else "TCP4"
    to = "2001:db8::25" if ":" in host else "203.0.113.25"
    return printV1(ProxyInfo(1, protocol, host, 40000, to, 25))


def proxied(**changes: Any) -> MemoryServer:
    """A server behind a proxy at `PROXY`."""
    return tlsServer("none", changes={**NETWORKS, **changes})


class HeaderTests(TableTestCase):
    """A header that is as it should be."""

    def test_addresses(self) -> None:
        """
        The session has the addresses of the client, and what the header said; the
        greeting follows it.
        """
        for name, header in HEADERS:
            client = TLSClient(proxied())
            self.assertEqual(client.hear(), [], name)
            client.write(header)
            self.assertEqual(client.hear(), [c.GREETING], name)
            session = client.session
            self.assertEqual(session.remoteAddress, CLIENT, name)
            self.assertEqual(session.remotePort, 40000, name)
            self.assertEqual(session.localAddress, "203.0.113.25", name)
            self.assertEqual(session.localPort, 2525, name)
            self.assertEqual(session.peerAddress, CLIENT, name)
            self.assertEqual(session.clientHostname, f"[{CLIENT}]", name)

    def test_fields(self) -> None:
        """
        The fields of version 2 are in session.proxy.
        """
        client = TLSClient(proxied())
        client.write(printV2(INFO_2))
        proxy = client.session.proxy
        assert proxy is not None
        self.assertEqual(proxy.version, 2)
        self.assertEqual(proxy.authority, "mx.example.net")
        self.assertEqual(proxy.uniqueId, b"\x00\x01unique")

    def test_pieces(self) -> None:
        """
        However it is cut, with the first command behind it, it is the same, and nothing
        is said before its end.
        """
        wrong = []
        for name, header in HEADERS:
            for how, chunks in cuts(header + b"NOOP\r\n"):
                client = TLSClient(proxied())
                for chunk in chunks:
                    client.write(chunk)
                heard = client.hear()
                if heard != [c.GREETING, c.OK]:
                    wrong.append(f"{name}, {how}: {heard}")
                if client.session.remoteAddress != CLIENT:
                    wrong.append(f"{name}, {how}: {client.session.remoteAddress}")
        self.assertNoneWrong(wrong)

    def test_withEHLO(self) -> None:
        """
        What comes in one chunk with it is the client's.
        """
        for name, header in HEADERS:
            client = TLSClient(proxied())
            client.write(header + EHLO.encode() + b"\r\n")
            self.assertEqual(client.hear()[:2], [c.GREETING, f"250-{c.HELLO[4:]}"])
            self.assertEqual(client.session.hostNameAppearsAs, EHLO[5:], name)

    def test_waiting(self) -> None:
        """
        Nor is any of it lost while onConnect has not answered.
        """
        question = c.Question()
        server = tlsServer("none", changes=NETWORKS, onConnect=question)
        client = TLSClient(server)
        self.assertEqual(question.asked, [])
        client.write(printV1(INFO) + b"NOOP\r\n")
        self.assertEqual(question.asked[0][0].remoteAddress, CLIENT)
        self.assertEqual(client.hear(), [])
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.GREETING, c.OK])

    def test_noClient(self) -> None:
        """
        Where the proxy speaks for itself, or does not know its client, the addresses
        are those of the connection.
        """
        local = ProxyInfo(2, "UNKNOWN", isLocal=True)
        rows = [
            ("version 1, UNKNOWN", b"PROXY UNKNOWN\r\n", False),
            ("with addresses", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", False),
            ("version 2, UNSPEC", printV2(ProxyInfo(2, "UNKNOWN")), False),
            ("LOCAL", printV2(local), True),
        ]

        def addresses(header: bytes) -> tuple[Any, ...]:
            client = TLSClient(proxied())
            client.write(header)
            session = client.session
            assert session.proxy is not None
            return (
                client.hear(),
                (session.remoteAddress, session.remotePort, session.peerAddress),
                (session.localAddress, session.localPort),
                session.proxy.isLocal,
            )

        expected = ([c.GREETING], (PROXY, 49152, PROXY), ("192.0.2.25", 25))
        self.assertGives(
            addresses, [(name, octets, (*expected, it)) for name, octets, it in rows]
        )

    def test_lookup(self) -> None:
        """
        The name that is looked up is that of the client.
        """
        asked: list[str] = []

        def nameOf(session: SMTPSession) -> Deferred[str]:
            asked.append(session.remoteAddress)
            return succeed("client.example.net")

        server = proxied()
        # In place of a resolver, which is asked with the reactor's time.
        server.factory.__dict__["_nameOf"] = nameOf
        client = TLSClient(server)
        self.assertEqual(asked, [])
        client.write(printV1(INFO))
        self.assertEqual(asked, [CLIENT])
        self.assertEqual(client.session.clientHostname, "client.example.net")


class RefusalTests(TableTestCase):
    """A header that is not as it should be, or not where it should be."""

    def test_malformed(self) -> None:
        """
        The connection is aborted without a word, and nobody was told of it.
        """
        rows = [
            ("a command", b"EHLO client.example.com\r\n"),
            ("an empty line", b"\r\n\r\n\r\n"),
            ("lower case", b"proxy TCP4 192.0.2.7 192.0.2.8 1 2\r\n"),
            ("a hello of TLS", CLIENT_HELLO),
            ("no addresses", b"PROXY TCP4\r\n"),
            ("too long", b"PROXY UNKNOWN " + b"x" * 100),
            ("LF alone", b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\n"),
            ("another version", b"\r\n\r\n\0\r\nQUIT\n\x11\x11\x00\x00"),
            ("a wrong family", b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
            ("a command behind", b"PROXY TCP4 x\r\nNOOP\r\n"),
        ]

        def refuse(octets: bytes) -> tuple[bytes, bool, list[Any]]:
            told: list[Any] = []
            server = tlsServer(
                "none", changes=NETWORKS, onConnect=told.append, onClose=told.append
            )
            client = TLSClient(server)
            client.write(octets)
            aborted = client.aborted
            client.write(b"NOOP\r\n" + printV1(INFO))
            client.abort()
            return client.read(), aborted, [*told, *server.clock.getDelayedCalls()]

        self.assertGives(
            refuse, [(name, octets, (b"", True, [])) for name, octets in rows]
        )

    def test_elsewhere(self) -> None:
        """
        From any other network it is an unknown command, and changes nothing.
        """
        client = TLSClient(proxied(), "192.0.2.2")
        self.assertEqual(client.hear(), [c.GREETING])
        before = client.session.asDict()
        client.write(printV1(INFO))
        self.assertEqual(client.hear(), ["500 5.5.1 Command not recognized"])
        self.assertEqual(client.session.asDict(), before)
        client.write(printV2(INFO_2) + b"\r\n")
        self.assertEqual({line[:3] for line in client.hear()}, {"500"})
        self.assertEqual(client.session.asDict(), before)
        self.assertIsNone(client.session.proxy)

    def test_twice(self) -> None:
        """
        There is one header; a second one is an unknown command.
        """
        client = TLSClient(proxied())
        client.write(printV1(INFO) + fromClient("198.51.100.9"))
        self.assertEqual(
            client.hear(), [c.GREETING, "500 5.5.1 Command not recognized"]
        )
        self.assertEqual(client.session.remoteAddress, CLIENT)

    def test_slow(self) -> None:
        """
        One that is not there in time is not waited for, whatever drips in.
        """
        server = proxied(handshakeTimeout=7)
        client = TLSClient(server)
        for octet in printV1(INFO)[:6]:
            server.clock.advance(1)
            client.write(bytes([octet]))
        self.assertFalse(client.aborted)
        server.clock.advance(1.1)
        self.assertTrue(client.aborted)
        client.abort()
        self.assertEqual(client.read(), b"")
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_insideTLS(self) -> None:
        """
        Where the endpoint does TLS by itself, no header can come before it, so that the
        connection is aborted.
        """

        class Endpoint(TLSTransport):
            def __init__(self, **arguments: Any) -> None:
                super().__init__(**arguments)
                directlyProvides(self, ISSLTransport)

        client = TLSClient(proxied(), transport=Endpoint)
        client.protocol.handshakeCompleted()
        client.write(printV1(INFO))
        self.assertTrue(client.aborted)
        self.assertEqual(client.read(), b"")


class TLSTests(TableTestCase):
    """Headers and TLS."""

    def test_implicit(self) -> None:
        """
        The header comes before implicit TLS, and in whatever pieces; what is behind it
        goes to TLS, to the octet.
        """
        wrong = []
        for name, header in HEADERS:
            for how, chunks in cuts(header + CLIENT_HELLO):
                client = TLSClient(tlsServer("implicit", changes=NETWORKS))
                for chunk in chunks:
                    # As a transport hands it out.
                    (client.transport.protocol or client.protocol).dataReceived(chunk)
                heard = client.transport.protocol.received
                if heard != CLIENT_HELLO or client.read():
                    wrong.append(f"{name}, {how}: {heard!r}")
        self.assertNoneWrong(wrong)

    def test_handshake(self) -> None:
        """
        After the handshake the client is greeted, and is where the header said.
        """
        client = TLSClient(tlsServer("implicit", changes=NETWORKS))
        self.assertFalse(client.inTLS)
        client.write(printV2(INFO_2))
        self.assertEqual(client.transport.contexts, [CERTIFICATES])
        self.assertEqual(client.shakeHands(), [c.GREETING])
        session = client.session
        self.assertEqual(session.remoteAddress, CLIENT)
        # Of this TLS, and not of the proxy's.
        self.assertEqual(session.servername, "mx.example.org")

    def test_startTLS(self) -> None:
        """
        STARTTLS does not forget where the client is.
        """
        client = TLSClient(tlsServer(changes=NETWORKS))
        client.write(printV1(INFO))
        client.say(EHLO)
        client.say("STARTTLS")
        client.shakeHands()
        self.assertEqual(client.session.remoteAddress, CLIENT)
        self.assertIsNotNone(client.session.proxy)


class AdmissionTests(TableTestCase):
    """Limits count the clients, and not their proxy."""

    def enter(self, server: MemoryServer, header: bytes) -> tuple[TLSClient, bool]:
        """A client, and whether there is room for it."""
        client = TLSClient(server)
        client.write(header)
        return client, client.hear() == [c.GREETING]

    def test_perAddress(self) -> None:
        """
        Each client has its own count, and IPv6 is counted by /64.
        """
        server = proxied(clientsPerAddress=1)
        rows = [
            ("198.51.100.1", True),
            ("198.51.100.2", True),
            ("198.51.100.1", False),
            ("2001:db8:1::1", True),
            ("2001:db8:1::2", False),
            ("2001:db8:2::1", True),
        ]
        for host, isAdmitted in rows:
            _, entered = self.enter(server, fromClient(host))
            self.assertEqual(entered, isAdmitted, host)

    def test_proxy(self) -> None:
        """
        Connections whose client is not known yet do not count against each other.
        """
        server = proxied(clientsPerAddress=1)
        clients = [TLSClient(server) for _ in range(3)]
        for number, client in enumerate(clients):
            client.write(fromClient(f"198.51.100.{number}"))
            self.assertEqual(client.hear(), [c.GREETING])

    def test_pending(self) -> None:
        """
        Nor do they count against whoever is at the proxy's own address.
        """
        server = proxied(clientsPerAddress=1)
        pending = [TLSClient(server) for _ in range(3)]
        for header in (fromClient(PROXY), b"PROXY UNKNOWN\r\n"):
            client, entered = self.enter(server, header)
            self.assertTrue(entered, header)
            client.leave()
        for client in pending:
            self.assertFalse(client.closed)

    def test_inAll(self) -> None:
        """
        They count in all, and so do those whose header has not come.
        """
        server = proxied(clients=2)
        TLSClient(server)
        self.enter(server, fromClient("198.51.100.1"))
        client, entered = self.enter(server, fromClient("198.51.100.2"))
        self.assertFalse(entered)
        self.assertTrue(client.closed)

    def test_refusal(self) -> None:
        """
        Who there is no room for is told so, once it is known who it is.
        """
        server = proxied(clientsPerAddress=1)
        self.enter(server, fromClient())
        client = TLSClient(server)
        client.write(fromClient())
        self.assertEqual(client.hear(), [TOO_MANY])

    def test_leaving(self) -> None:
        """
        When all have left, however far they came, nothing is counted.
        """
        server = proxied(clients=1, clientsPerAddress=1)
        for octets in (b"", b"PROX", b"HELO\r\n", fromClient(), b"PROXY UNKNOWN\r\n"):
            client = TLSClient(server)
            client.write(octets)
            other = TLSClient(server)
            other.write(fromClient())
            other.leave()
            client.leave()
            client, entered = self.enter(server, fromClient())
            self.assertTrue(entered, octets)
            client.leave()
        self.assertEqual(server.clock.getDelayedCalls(), [])
