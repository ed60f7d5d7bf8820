"""
Implicit TLS on real sockets: the handshake, the callbacks, the end, and backpressure.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smtpsession import (
    MessageAborted,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
    protocol,
)
from smtpsession.ciphers import standardName
from smtpsession.stream import MessageStream
from tests import conversations as c
from tests.integration.secure import Client, certificate
from tests.integration.support import PATIENCE, PendingTestCase, localOptions
from tests.integration.test_vanishing import RCPT, close, reset

HELLO = b"EHLO client.example.com\r\n"
NO_SERVICE = b"503 5.5.1 No service here, only QUIT\r\n"


class TLSTestCase(PendingTestCase):
    """A server with implicit TLS whose callbacks are the test's."""

    def setUp(self) -> None:
        super().setUp()
        self.sessions: list[SMTPSession] = []

    def onConnect(self, session: SMTPSession) -> None:
        self.events.append("connected")
        self.sessions.append(session)

    def onSecure(self, session: SMTPSession) -> None:
        self.events.append("secure")

    async def connect(
        self, options: dict[str, Any] | None = None, **callbacks: Any
    ) -> Client:
        """A client that is connected and has not begun its handshake."""
        os.mkdir(folder := self.mktemp())
        path = os.path.join(folder, "server.pem")
        with open(path, "wb") as file:
            file.write(certificate())
        given = {
            name: getattr(self, name) for name in ("onConnect", "onSecure", "onClose")
        }
        changes = {
            "reverseLookup": False,
            "streamBuffer": 1000,
            # So that no test ends in time by it.
            "closingTimeout": 10 * PATIENCE,
            **(options or {}),
        }
        factory = SMTPServerFactory(
            options=localOptions(**changes), **{**given, **callbacks}
        )
        port = await self.listen(
            factory, f"ssl:0:interface=127.0.0.1:privateKey={path}:certKey={path}"
        )
        client = Client(port.getHost().port)
        self.addCleanup(lambda: client.socket.close())
        return client

    async def begin(self, **callbacks: Any) -> Client:
        """A client that is secure."""
        client = await self.connect(**callbacks)
        await client.secure()
        return client


class SessionTests(TLSTestCase):
    """What a session with TLS is."""

    async def test_greeting(self) -> None:
        """
        The greeting comes after the handshake, and the session says what secures it.
        """
        versions = {
            ssl.TLSVersion.TLSv1_2: "TLSv1.2",
            ssl.TLSVersion.TLSv1_3: "TLSv1.3",
        }
        for version, name in versions.items():
            self.closed = Deferred()
            client = await self.connect()
            await client.secure(version)
            self.assertEqual(await client.line(), f"{c.GREETING}\r\n".encode())
            assert isinstance(client.socket, ssl.SSLSocket)
            cipher = client.socket.cipher()
            assert cipher is not None
            session = self.sessions.pop()
            assert session.tlsOptions is not None
            self.assertTrue(session.secure)
            self.assertEqual(session.tlsOptions.version, name)
            self.assertEqual(session.tlsOptions.name, cipher[0])
            self.assertEqual(session.tlsOptions.standardName, standardName(cipher[0]))
            self.assertEqual(session.remoteAddress, "127.0.0.1")
            await client.send(b"QUIT\r\n")
            await client.line()
            await client.bye()
            await self.closed

    async def test_transmissionType(self) -> None:
        """
        After EHLO the transmission type is ESMTPS.
        """
        client = await self.begin()
        await client.reply()
        await client.send(HELLO)
        self.assertEqual((await client.reply())[:4], b"250 ")
        self.assertEqual(self.sessions[0].transmissionType, "ESMTPS")
        client.socket.close()
        await self.closed

    async def test_order(self) -> None:
        """
        onSecure is called, then onConnect, and onClose in the end.
        """
        client = await self.begin()
        await client.line()
        self.assertEqual(self.events, ["secure", "connected"])
        client.socket.close()
        await self.closed
        self.assertEqual(self.events, ["secure", "connected", "closed"])

    async def test_message(self) -> None:
        """
        A message that comes in one write with its commands is received.
        """
        messages = []

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            messages.append(await stream.read())

        client = await self.begin(onData=onData)
        await client.send(RCPT + b"DATA\r\nHello.\r\n.\r\nQUIT\r\n")
        replies = [await client.reply() for _ in range(7)]
        self.assertEqual(
            [int(reply[:3]) for reply in replies], [220, 250, 250, 250, 354, 250, 221]
        )
        self.assertEqual(await client.bye(), b"")
        self.assertEqual(messages, [b"Hello.\r\n"])


class RefusalTests(TLSTestCase):
    """Clients that are not wanted."""

    async def refusing(self, callback: str, refuse: Callable[..., Any]) -> None:
        """A client that this callback refuses is told so, and may only quit."""
        client = await self.begin(**{callback: refuse})
        self.assertEqual(await client.reply(), b"554 5.7.1 No\r\n")
        await client.send(HELLO + b"NOOP\r\nQUIT\r\n")
        self.assertEqual(await client.reply(), NO_SERVICE)
        self.assertEqual(await client.reply(), NO_SERVICE)
        self.assertEqual(await client.reply(), f"{c.BYE}\r\n".encode())
        self.assertEqual(await client.bye(), b"")

    async def late(self, session: SMTPSession) -> None:
        """A callback that refuses after a turn of the reactor."""
        await deferLater(reactor, 0)
        raise SMTPError(554, "No", "5.7.1")

    def atOnce(self, session: SMTPSession) -> None:
        """A callback that refuses at once."""
        raise SMTPError(554, "No", "5.7.1")

    async def test_onSecure(self) -> None:
        """
        A refusal of onSecure is said, and onConnect is not called.
        """
        await self.refusing("onSecure", self.atOnce)
        self.assertEqual(self.events, [])

    async def test_onSecureLate(self) -> None:
        """
        So it is with one that comes late.
        """
        await self.refusing("onSecure", self.late)
        self.assertEqual(self.events, [])

    async def test_onConnect(self) -> None:
        """
        A refusal of onConnect is said, after onSecure was called.
        """
        await self.refusing("onConnect", self.atOnce)
        await self.closed
        self.assertEqual(self.events, ["secure", "closed"])

    async def test_onConnectLate(self) -> None:
        """
        So it is with one that comes late.
        """
        await self.refusing("onConnect", self.late)
        await self.closed
        self.assertEqual(self.events, ["secure", "closed"])

    async def test_hangUp(self) -> None:
        """
        A 421 that comes late, while nobody reads from the client, really closes.
        """
        question = c.Question()
        asked: Deferred[None] = Deferred()

        def ask(*arguments: Any) -> Deferred[Any]:
            asking = question(*arguments)
            asked.callback(None)
            return asking

        client = await self.begin(onHelo=ask)
        await client.send(HELLO + b"NOOP\r\n")
        await client.reply()
        await asked
        question.answers[0].errback(SMTPError(421, "Enough", "4.3.2"))
        self.assertEqual(await client.reply(), b"421 4.3.2 Enough\r\n")
        self.assertEqual(await client.line(), b"")
        self.assertEqual(await client.bye(), b"")
        await self.closed


class HandshakeTests(TLSTestCase):
    """Clients that do not complete the handshake."""

    async def gone(self, client: Client) -> bool:
        """Whether the server ends the connection with nothing said."""

        def read() -> bool:
            try:
                # What TLS says of a broken handshake is not the server's word.
                while received := client.socket.recv(4096):
                    if b"220" in received or b"421" in received:
                        return False
            except ConnectionError:
                pass
            return True

        return await deferToThread(read)

    async def test_never(self) -> None:
        """
        A client that does not begin it is aborted when the time for that is over.
        """
        client = await self.connect({"handshakeTimeout": 0.05})
        self.assertTrue(await self.gone(client))
        self.assertEqual(self.events, [])

    async def test_inClear(self) -> None:
        """
        One that speaks in clear is not answered, and nothing is logged.
        """
        client = await self.connect()
        await client.send(HELLO)
        self.assertTrue(await self.gone(client))
        self.assertEqual((self.events, self.flushLoggedErrors()), ([], []))


class VanishingTests(TLSTestCase):
    """Clients that go away without a word, while nobody reads from them."""

    async def vanish(
        self, leave: Callable[[Any], None], octets: bytes, **callbacks: Any
    ) -> None:
        client = await self.begin(**callbacks)
        await client.send(octets)
        await self.asked
        leave(client.socket)
        await self.closed

    async def test_close(self) -> None:
        """
        Where it closes, the callback is cancelled, then onClose is called.
        """
        await self.vanish(close, RCPT, onRcptTo=self.waitForever)
        self.assertEqual(self.events[-2:], ["cancelled", "closed"])

    async def test_reset(self) -> None:
        """
        So it is where it is reset.
        """
        await self.vanish(reset, RCPT, onRcptTo=self.waitForever)
        self.assertEqual(self.events[-2:], ["cancelled", "closed"])

    async def test_unreadCommands(self) -> None:
        """
        So it is where commands wait that have not been read.
        """
        octets = RCPT + b"NOOP\r\n" * 10_000
        await self.vanish(close, octets, onRcptTo=self.waitForever)
        self.assertEqual(self.events[-2:], ["cancelled", "closed"])

    async def test_beforeTheGreeting(self) -> None:
        """
        So it is during onConnect.
        """
        await self.vanish(reset, b"", onConnect=self.waitForever)
        self.assertEqual(self.events, ["secure", "cancelled", "closed"])

    async def test_fullStream(self) -> None:
        """
        So it is in the middle of a message that nobody reads.
        """
        octets = RCPT + b"DATA\r\n" + b"x" * 20_000
        for leave in (close, reset):
            self.asked, self.closed = Deferred(), Deferred()
            await self.vanish(leave, octets, onData=self.waitForever)
            self.assertEqual(self.events[-2:], ["cancelled", "closed"])

    async def test_reader(self) -> None:
        """
        Who reads the message sees MessageAborted: an end without that of TLS, which
        anybody on the way could make, does not end a message.
        """

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            self.asked.callback(None)
            try:
                await stream.read()
            except MessageAborted:
                self.events.append("aborted")
                raise

        await self.vanish(close, RCPT + b"DATA\r\nHello.\r\n", onData=onData)
        self.assertEqual(self.events[-2:], ["aborted", "closed"])


class BackpressureTests(TLSTestCase):
    """A message that comes faster than it is read."""

    SIZE = 8_000_000

    async def test_large(self) -> None:
        """
        It arrives whole, and the client waits while nobody reads.
        """
        paused: Deferred[None] = Deferred()
        hold = protocol.SMTPProtocol.hold

        def note(server: protocol.SMTPProtocol, reason: str) -> None:
            hold(server, reason)
            if reason == "stream" and not paused.called:
                paused.callback(None)

        self.patch(protocol.SMTPProtocol, "hold", note)
        held = []

        async def onData(stream: MessageStream, session: SMTPSession) -> str:
            await paused
            held.append(stream.byteLength)
            digest = hashlib.sha256()
            async for chunk in stream:
                digest.update(chunk)
                await deferLater(reactor, 0)
            return digest.hexdigest()

        line = bytes(range(ord("A"), ord("A") + 62)) + b"\r\n"
        message = line * (self.SIZE // len(line))
        client = await self.begin(onData=onData)
        await client.send(RCPT + b"DATA\r\n" + message + b".\r\nQUIT\r\n")
        replies = [await client.reply() for _ in range(7)]
        expected = hashlib.sha256(message).hexdigest()
        self.assertEqual(replies[5], f"250 2.0.0 {expected}\r\n".encode())
        self.assertEqual(replies[6], f"{c.BYE}\r\n".encode())
        self.assertEqual(await client.bye(), b"")
        # One read of the transport, 64 KiB, on top of the buffer.
        self.assertLessEqual(held[0], 1000 + 2**16)
