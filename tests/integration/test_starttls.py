"""
STARTTLS and implicit TLS on real sockets, with clients of the standard library.
"""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from cryptography import x509
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smtpsession import MessageAborted, SMTPSession
from smtpsession.certificates import CertificateStore
from smtpsession.errors import CertificateError
from smtpsession.pem import CertificatePair
from smtpsession.stream import MessageStream
from tests import certificates
from tests.integration.secure import Client, certificate
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)

EHLO = b"EHLO client.example.com\r\n"
MAIL = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\n"


def store(**arguments: Any) -> CertificateStore:
    """Certificates for this machine, and for another name."""
    names = {"mail.example.net": CertificatePair(_pem("mail.example.net"))}
    return CertificateStore(_pem("127.0.0.1"), names=names, **arguments)


def trusting(identity: str | None = None) -> ssl.SSLContext:
    """
    What a client wants to see of a server.

    @param identity: where its own certificate and key are
    """
    authority = certificates.authority().certificatePEM.decode("ascii")
    context = ssl.create_default_context(cadata=authority)
    if identity is not None:
        context.load_cert_chain(identity)
    return context


def presented(client: smtplib.SMTP) -> list[str]:
    """The names in the certificate of the server."""
    assert isinstance(client.sock, ssl.SSLSocket)
    octets = client.sock.getpeercert(binary_form=True)
    assert octets is not None
    extensions = x509.load_der_x509_certificate(octets).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in names]


class StartTLSTestCase(NetworkTestCase):
    """Servers of this process, and clients in threads of it."""

    async def serve(self, tls: str, **options: Any) -> tuple[KeepingServer, int]:
        """A server, and its port."""
        options.setdefault("certificates", store())
        factory = KeepingServer(options=localOptions(tls=tls, **options))
        return factory, (await self.listen(factory)).getHost().port

    def send(
        self,
        port: int,
        context: ssl.SSLContext | None = None,
        servername: str = "127.0.0.1",
        look: Callable[[smtplib.SMTP], Any] = presented,
    ) -> Deferred[Any]:
        """Send a message after STARTTLS; what a look at the client gives."""

        def run() -> Any:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                # By which it asks for a certificate.
                client._host = servername  # type: ignore[attr-defined]
                client.starttls(context=context or trusting())
                client.sendmail("alice@example.com", ["bob@example.org"], MESSAGE)
                return look(client)

        return deferToThread(run)


class StandardLibraryTests(StartTLSTestCase):
    """smtplib, which is a client that checks certificates."""

    async def test_both(self) -> None:
        """
        A listener with STARTTLS and one with implicit TLS live in one process, with one
        store.
        """
        shared = store()
        starting, startingPort = await self.serve("starttls", certificates=shared)
        implicit, implicitPort = await self.serve("implicit", certificates=shared)

        def send() -> None:
            with smtplib.SMTP_SSL(
                "127.0.0.1", implicitPort, timeout=PATIENCE, context=trusting()
            ) as client:
                client.sendmail("alice@example.com", ["bob@example.org"], MESSAGE)

        await self.send(startingPort)
        await deferToThread(send)
        for factory in (starting, implicit):
            [(session, content)] = factory.messages
            self.assertEqual(content, MESSAGE)
            self.assertTrue(session["secure"])
            self.assertEqual(session["transmissionType"], "ESMTPS")
            self.assertEqual(session["tlsOptions"]["version"], "TLSv1.3")
            self.assertIsNone(session["peerCertificate"])

    async def test_serverName(self) -> None:
        """
        The client gets the certificate for the name that it asks for.
        """
        factory, port = await self.serve("required")
        self.assertEqual(await self.send(port), ["127.0.0.1"])
        names = await self.send(port, servername="mail.example.net")
        self.assertEqual(names, ["mail.example.net"])
        self.assertEqual(
            [each["servername"] for each, _ in factory.messages],
            [None, "mail.example.net"],
        )

    async def test_requested(self) -> None:
        """
        A client's certificate that was requested is in the session; one that has none
        comes in as well.
        """
        factory, port = await self.serve(
            "starttls", certificates=self.asking("request")
        )
        sessions: list[SMTPSession] = []
        factory.onSecure = sessions.append  # type: ignore[method-assign,assignment]
        await self.send(port, trusting(self.identity()))
        await self.send(port)
        self.assertEqual(sessions[0].peerCertificate, certificates.client().certificate)
        self.assertIsNone(sessions[1].peerCertificate)
        self.assertEqual(len(factory.messages), 2)

    async def test_required(self) -> None:
        """
        Where it is required, a client without one gets nowhere.
        """
        factory, port = await self.serve(
            "starttls", certificates=self.asking("require")
        )
        await self.send(port, trusting(self.identity()))
        with self.assertRaises((OSError, smtplib.SMTPException)):
            await self.send(port)
        self.assertEqual(len(factory.messages), 1)

    def asking(self, clientCertificates: str) -> CertificateStore:
        """Certificates that want some of clients."""
        ca = certificates.authority().certificatePEM
        return store(clientCertificates=clientCertificates, ca=ca)

    def identity(self) -> str:
        """Where the client's certificate is."""
        path = self.makeFolder() / "client.pem"
        path.write_bytes(certificates.client().pem)
        return str(path)

    async def test_reload(self) -> None:
        """
        After a reload new connections get the new certificate, and old ones go on; a
        bad one changes nothing.
        """
        path = self.makeFolder() / "server.pem"
        path.write_bytes(_pem("127.0.0.1"))
        reloaded = CertificateStore(str(path))
        factory, port = await self.serve("starttls", certificates=reloaded)
        old = await deferToThread(self.open, port)
        path.write_bytes(certificates.issue("127.0.0.1", "new.example.org").pem)
        reloaded.reload()
        self.assertEqual(await self.send(port), ["127.0.0.1", "new.example.org"])
        path.write_bytes(b"nothing")
        self.assertRaises(CertificateError, reloaded.reload)
        self.flushLoggedErrors()
        self.assertEqual(len(await self.send(port)), 2)
        self.assertEqual(await deferToThread(old.noop), (250, b"2.0.0 OK"))
        self.assertEqual(presented(old), ["127.0.0.1"])
        await deferToThread(old.quit)
        self.assertEqual(len(factory.messages), 2)

    def open(self, port: int) -> smtplib.SMTP:
        """A client that is secure."""
        client = smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)
        self.addCleanup(client.close)
        client.starttls(context=trusting())
        client.ehlo()
        return client


class SocketTests(StartTLSTestCase):
    """Clients that say exactly what the test wants."""

    async def connect(self, **arguments: Any) -> Client:
        """A client that has been told to begin TLS."""
        factory, port = await self.serve(
            "starttls", certificates=CertificateStore(certificate()), **arguments
        )
        self.factory = factory
        client = Client(port)
        self.addCleanup(lambda: client.socket.close())
        await client.send(EHLO + b"NOOP\r\nSTARTTLS\r\n")
        codes = [(await client.reply())[:3] for _ in range(4)]
        self.assertEqual(codes, [b"220", b"250", b"250", b"220"])
        return client

    async def secure(self) -> Client:
        """One that has said hello in TLS."""
        client = await self.connect()
        await client.secure()
        await client.send(EHLO)
        await client.reply()
        return client

    async def test_inClear(self) -> None:
        """
        Who goes on in clear is not heard, and not answered in clear.
        """
        client = await self.connect()
        await client.send(MAIL)

        def read() -> bytes:
            try:
                return b"".join(iter(lambda: client.socket.recv(4096), b""))
            except ConnectionError:
                return b""

        self.assertNotIn(b"\r\n", await deferToThread(read))
        self.assertEqual(self.factory.messages, [])

    async def test_stalled(self) -> None:
        """
        Who says nothing more is aborted in time.
        """
        client = await self.connect(handshakeTimeout=0.05)

        def read() -> bytes:
            try:
                return client.socket.recv(1)
            except ConnectionError:
                return b""

        self.assertEqual(await deferToThread(read), b"")

    async def aborted(self, octets: bytes) -> None:
        """What comes before the end of TLS is no message."""
        client = await self.secure()
        failed: Deferred[type[Exception]] = Deferred()

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            try:
                await stream.read()
            except Exception as error:
                failed.callback(type(error))
                raise

        self.factory.onData = onData  # type: ignore[method-assign,assignment]
        await client.send(octets)

        def end() -> None:
            assert isinstance(client.socket, ssl.SSLSocket)
            try:
                # The server's answers, then its own end of TLS.
                while client.socket.recv(4096):
                    client.socket.unwrap()
            except (OSError, ValueError):
                pass

        await deferToThread(end)
        self.assertIs(await failed, MessageAborted)

    async def test_endInDATA(self) -> None:
        """
        A close_notify in the middle of DATA is a lost connection.
        """
        await self.aborted(MAIL + b"DATA\r\nHello.\r\n")

    async def test_endInBDAT(self) -> None:
        """
        So it is in the middle of a chunk, and between two.
        """
        await self.aborted(MAIL + b"BDAT 100 LAST\r\nHello.\r\n")
        await self.aborted(MAIL + b"BDAT 8\r\nHello.\r\n")

    async def test_slowReader(self) -> None:
        """
        A message of a megabyte arrives whole where the callback takes its time.
        """
        client = await self.secure()

        async def onData(stream: MessageStream, session: SMTPSession) -> str:
            digest = hashlib.sha256()
            async for chunk in stream:
                digest.update(chunk)
                await deferLater(reactor, 0)
            return digest.hexdigest()

        self.factory.onData = onData  # type: ignore[method-assign]
        message = b"".join(b"%077d\r\n" % number for number in range(13_000))
        await client.send(MAIL + b"DATA\r\n" + message + b".\r\nQUIT\r\n")
        replies = [await client.reply() for _ in range(5)]
        expected = hashlib.sha256(message).hexdigest()
        self.assertEqual(replies[3], f"250 2.0.0 {expected}\r\n".encode())
        self.assertEqual(await client.bye(), b"")

    async def test_slowWriter(self) -> None:
        """
        A client that sends its handshake in the smallest pieces gets through.
        """
        client = await self.connect()
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cadata=certificate().decode("ascii"))
        tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

        def run() -> bytes:
            def step(method: Callable[..., Any], *arguments: Any) -> Any:
                while True:
                    try:
                        return method(*arguments)
                    except ssl.SSLWantReadError:
                        for octet in outgoing.read():
                            client.socket.sendall(bytes([octet]))
                        incoming.write(client.socket.recv(4096))

            step(tls.do_handshake)
            tls.write(b"NOOP\r\n")
            found: bytes = step(tls.read, 100)
            return found

        self.assertEqual(await deferToThread(run), b"250 2.0.0 OK\r\n")

    async def test_manyReplies(self) -> None:
        """
        A client that pipelines more than the way holds in front of STARTTLS, and reads
        late, hears every reply in order and gets its handshake.
        """
        factory, port = await self.serve(
            "starttls", certificates=CertificateStore(certificate())
        )
        client = Client(port)
        self.addCleanup(lambda: client.socket.close())
        count = 50_000
        await client.send(EHLO)
        await client.reply()
        await client.reply()
        writing = client.send(b"NOOP\r\n" * count + b"STARTTLS\r\n")

        def read() -> bytes:
            expected = len(b"250 2.0.0 OK\r\n") * count
            octets = b""
            while len(octets) < expected:
                octets += client.socket.recv(min(4096, expected - len(octets)))
            return octets

        octets = await deferToThread(read)
        await writing
        self.assertTrue(octets == b"250 2.0.0 OK\r\n" * count)
        self.assertEqual(await client.line(), b"220 2.0.0 Ready to start TLS\r\n")
        await client.secure()
        await client.send(b"NOOP\r\n")
        self.assertEqual(await client.line(), b"250 2.0.0 OK\r\n")


def _pem(*names: str) -> bytes:
    return certificates.server(*names).pem
