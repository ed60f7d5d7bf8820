"""
TLS and PROXY headers through a UNIX socket, whose clients have no address.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.threads import deferToThread

from smtpsession import SMTPSession
from smtpsession.certificates import CertificateStore
from smtpsession.proxyline import ProxyInfo, printV1, printV2
from tests.integration.secure import Client, certificate
from tests.integration.support import NetworkTestCase, localOptions
from tests.integration.test_proxied import Keeping

EHLO = b"EHLO client.example.com\r\n"
MAIL = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
MESSAGE = b"Hello.\r\n"

CLIENT, PORT = "198.51.100.7", 40000
INFO_1 = ProxyInfo(1, "TCP4", CLIENT, PORT, "203.0.113.25", 2525)
INFO_2 = ProxyInfo(2, "TCP6", "2001:db8::7", PORT, "2001:db8::25", 2525)
HEADERS = [(INFO_1, printV1(INFO_1)), (INFO_2, printV2(INFO_2))]


class UnixTestCase(NetworkTestCase):
    """Clients that say exactly what the test wants."""

    async def connect(self, tls: str = "starttls", **options: Any) -> Client:
        """A client of a new server."""
        self.factory = Keeping(
            options=localOptions(
                certificates=CertificateStore(certificate()), tls=tls, **options
            )
        )
        path = self.socketPath()
        await self.listen(self.factory, f"unix:{path}")
        client = Client(path)
        self.addCleanup(lambda: client.socket.close())
        return client

    async def secure(self, client: Client) -> None:
        """Begin TLS in the middle."""
        await self.say(client, b"STARTTLS\r\n", "220")
        await client.secure()

    async def say(self, client: Client, octets: bytes, *codes: str) -> None:
        """Say this, and hear these replies."""
        await client.send(octets)
        heard = [(await client.reply())[:3].decode() for _ in codes]
        self.assertEqual(heard, list(codes))

    async def sendMessage(self, client: Client) -> SMTPSession:
        """Say hello and send a message; the session in which it came."""
        await self.say(client, EHLO, "250")
        await self.say(client, MAIL, "250", "250", "354")
        await self.say(client, MESSAGE + b".\r\nQUIT\r\n", "250", "221")
        [(_, content)] = self.factory.messages
        self.assertEqual(content, MESSAGE)
        [session] = self.factory.sessions
        return session

    def read(self, client: Client) -> Any:
        """All that there is to hear from the server until it has gone."""

        def run() -> bytes:
            try:
                return b"".join(iter(lambda: client.socket.recv(4096), b""))
            except ConnectionError:
                return b""

        return deferToThread(run)


class TLSTests(UnixTestCase):
    """TLS with a client on this machine."""

    async def test_startTLS(self) -> None:
        """
        A message comes in TLS after STARTTLS, from a client that still has no address.
        """
        client = await self.connect("required")
        await self.say(client, EHLO, "220", "250")
        await self.secure(client)
        session = await self.sendMessage(client)
        self.assertEqual(session.transmissionType, "ESMTPS")
        assert session.tlsOptions is not None
        self.assertEqual(session.tlsOptions.version, "TLSv1.3")
        self.assertEqual(
            (session.remoteAddress, session.clientHostname), ("", "localhost")
        )
        self.assertEqual(await client.bye(), b"")

    async def test_implicit(self) -> None:
        """
        So does one with implicit TLS.
        """
        client = await self.connect("implicit")
        await client.secure()
        await client.reply()
        session = await self.sendMessage(client)
        self.assertEqual(session.transmissionType, "ESMTPS")
        self.assertEqual(await client.bye(), b"")


class ProxyTests(UnixTestCase):
    """A proxy on this machine, which is called C{"unix"}."""

    def connectAsProxy(self, tls: str = "starttls", **options: Any) -> Any:
        """A client that has to begin with a header."""
        return self.connect(tls, proxyProtocol=["unix"], **options)

    def assertFollows(self, session: SMTPSession, info: ProxyInfo) -> None:
        """The session is that of the client that the header was about."""
        self.assertEqual(session.proxy, info)
        self.assertEqual(
            (session.remoteAddress, session.remotePort),
            (info.sourceAddress, info.sourcePort),
        )
        self.assertEqual(
            (session.localAddress, session.localPort),
            (info.destinationAddress, info.destinationPort),
        )
        self.assertEqual(session.peerAddress, info.sourceAddress)

    async def test_plain(self) -> None:
        """
        With both versions the session has the addresses that the header says.
        """
        for info, header in HEADERS:
            client = await self.connectAsProxy(reverseLookup=False)
            await self.say(client, header, "220")
            session = await self.sendMessage(client)
            self.assertFollows(session, info)
            self.assertFalse(session.secure)
            self.assertEqual(session.clientHostname, f"[{info.sourceAddress}]")

    async def test_startTLS(self) -> None:
        """
        STARTTLS begins behind it.
        """
        for info, header in HEADERS:
            client = await self.connectAsProxy(reverseLookup=False)
            await self.say(client, header + EHLO, "220", "250")
            await self.secure(client)
            session = await self.sendMessage(client)
            self.assertFollows(session, info)
            self.assertTrue(session.secure)

    async def test_implicit(self) -> None:
        """
        So does implicit TLS.
        """
        for info, header in HEADERS:
            client = await self.connectAsProxy("implicit", reverseLookup=False)
            await client.send(header)
            await client.secure()
            await client.reply()
            session = await self.sendMessage(client)
            self.assertFollows(session, info)
            self.assertTrue(session.secure)

    async def test_socketBehind(self) -> None:
        """
        A header of version 2 may be about a client of a UNIX socket, which has no
        address either.
        """
        info = ProxyInfo(2, "UNIX", "/run/client", None, "/run/proxy", None)
        client = await self.connectAsProxy()
        await self.say(client, printV2(info), "220")
        session = await self.sendMessage(client)
        self.assertEqual(session.proxy, info)
        self.assertEqual(
            (session.remoteAddress, session.clientHostname), ("", "localhost")
        )

    async def test_without(self) -> None:
        """
        Who begins without one is told nothing.
        """
        client = await self.connectAsProxy()
        await client.send(EHLO)
        self.assertEqual(await self.read(client), b"")
        self.assertEqual(self.factory.sessions, [])

    async def test_notBelieved(self) -> None:
        """
        Where only networks are believed, a header from a UNIX socket is no command.
        """
        client = await self.connect(proxyProtocol=["0.0.0.0/0", "::/0"])
        await self.say(client, HEADERS[0][1], "220", "500")
        session = await self.sendMessage(client)
        self.assertIsNone(session.proxy)
        self.assertEqual(session.remoteAddress, "")
