"""
HAProxy in front of the library, which says by the PROXY protocol who its clients are.
"""

from __future__ import annotations

import smtplib
import socket
from typing import Any

from twisted.internet.threads import deferToThread

from smtpsession import SMTPSession
from tests import certificates
from tests.integration.haproxy import SKIP, HAProxy
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store, trusting

#: Where the clients are, which the proxy is not.
CLIENT = "127.0.0.2"


class Keeping(KeepingServer):
    """
    Keeps the sessions themselves too.

    @ivar sessions: of each connection
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sessions: list[SMTPSession] = []

    def onConnect(self, session: SMTPSession) -> None:
        self.sessions.append(session)


class ProxiedTests(NetworkTestCase):
    """Clients that come through a proxy, by every kind of listener."""

    if SKIP is not None:
        skip = SKIP

    async def begin(
        self, tls: str, server: str, *options: str, bind: str = ""
    ) -> tuple[Keeping, HAProxy]:
        """Start both."""
        factory = Keeping(
            options=localOptions(
                tls=tls,
                certificates=store(),
                proxyProtocol=["127.0.0.1"],
                clientsPerAddress=1,
            )
        )
        port = (await self.listen(factory)).getHost().port
        return factory, HAProxy(self, port, server, *options, bind=bind)

    async def send(self, proxy: HAProxy, tls: str) -> tuple[str, int]:
        """Send a message from `CLIENT`; the address that it came from."""
        host, port, source = "127.0.0.1", proxy.port, (CLIENT, 0)

        def connect() -> smtplib.SMTP:
            if tls == "implicit":
                return smtplib.SMTP_SSL(
                    host,
                    port,
                    timeout=PATIENCE,
                    source_address=source,
                    context=trusting(),
                )
            return smtplib.SMTP(host, port, timeout=PATIENCE, source_address=source)

        def run() -> tuple[str, int]:
            with connect() as client:
                if tls == "starttls":
                    client.starttls(context=trusting())
                client.sendmail("alice@example.com", ["bob@example.org"], MESSAGE)
                assert client.sock is not None
                address: tuple[str, int] = client.sock.getsockname()
                return address

        return await deferToThread(run)

    async def check(self, tls: str, server: str) -> SMTPSession:
        """The session of a client is that of the client."""
        factory, proxy = await self.begin(tls, server)
        address = await self.send(proxy, tls)
        [(_, content)] = factory.messages
        [session] = factory.sessions
        self.assertEqual(content, MESSAGE)
        self.assertEqual((session.remoteAddress, session.remotePort), address)
        self.assertEqual(session.localAddress, "127.0.0.1")
        self.assertEqual(session.localPort, proxy.port)
        self.assertEqual(session.secure, tls != "none")
        assert session.proxy is not None
        self.assertEqual(session.proxy.sourceAddress, CLIENT)
        self.assertEqual(session.proxy.version, 2 if "v2" in server else 1)
        return session

    async def test_plain(self) -> None:
        """
        In clear, with both versions.
        """
        await self.check("none", "send-proxy")
        await self.check("none", "send-proxy-v2")

    async def test_startTLS(self) -> None:
        """
        With STARTTLS, which begins behind the header.
        """
        await self.check("starttls", "send-proxy")
        await self.check("starttls", "send-proxy-v2")

    async def test_implicit(self) -> None:
        """
        With implicit TLS: the header comes in clear before it.
        """
        await self.check("implicit", "send-proxy")
        await self.check("implicit", "send-proxy-v2")

    async def test_fields(self) -> None:
        """
        What HAProxy says of its own TLS with the client, and of the connection; it
        checks the header by a checksum.
        """
        path = self.makeFolder() / "proxy.pem"
        path.write_bytes(certificates.server("127.0.0.1").pem)
        factory, proxy = await self.begin(
            "none",
            "send-proxy-v2-ssl-cn proxy-v2-options authority,unique-id,crc32c",
            "unique-id-format id-%pid-%rt",
            bind=f"ssl crt {path}",
        )

        def run() -> str | None:
            raw = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
            context = trusting()
            context.check_hostname = False
            with context.wrap_socket(raw, server_hostname="mail.example.net") as client:
                client.recv(4096)
                client.sendall(b"QUIT\r\n")
                client.recv(4096)
                return client.version()

        version = await deferToThread(run)
        [session] = factory.sessions
        # It is not this server that has done TLS.
        self.assertFalse(session.secure)
        self.assertIsNone(session.servername)
        proxied = session.proxy
        assert proxied is not None and proxied.tls is not None
        self.assertEqual(proxied.authority, "mail.example.net")
        assert proxied.uniqueId is not None
        self.assertRegex(proxied.uniqueId, rb"\Aid-[0-9]+-[0-9]+\Z")
        self.assertEqual(proxied.tls.version, version)

    async def test_healthCheck(self) -> None:
        """
        The proxy's own check says that it is one, and finds the server well.
        """
        factory, proxy = await self.begin(
            "none",
            "send-proxy-v2 check check-send-proxy inter 50",
            "option smtpchk EHLO proxy.example.com",
            "option log-health-checks",
        )
        await proxy.process.said("server smtp/library succeeded")
        session = factory.sessions[0]
        assert session.proxy is not None
        self.assertTrue(session.proxy.isLocal)
        self.assertEqual(session.remoteAddress, "127.0.0.1")

    async def test_silentProxy(self) -> None:
        """
        Without the header the server says nothing, and nobody is let in.
        """
        factory, proxy = await self.begin("none", "")

        def run() -> bytes:
            address = ("127.0.0.1", proxy.port)
            with socket.create_connection(address, PATIENCE) as client:
                client.sendall(b"EHLO client.example.com\r\n")
                try:
                    return client.recv(4096)
                except ConnectionError:
                    return b""

        self.assertEqual(await deferToThread(run), b"")
        self.assertEqual(factory.sessions, [])
