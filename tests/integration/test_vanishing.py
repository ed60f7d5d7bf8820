"""
Clients on real sockets that go away without a word, or do not read.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from smtpsession import (
    MessageAborted,
    SMTPServerFactory,
    SMTPSession,
    protocol,
)
from smtpsession.stream import MessageStream
from tests.integration.support import PATIENCE, PendingTestCase, localOptions

RCPT = b"EHLO x\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\n"


def close(client: socket.socket) -> None:
    """Close as usual, with a FIN."""
    client.close()


def reset(client: socket.socket) -> None:
    """Close with a RST: the peer is told of an error."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class VanishingTestCase(PendingTestCase):
    """
    A server whose callbacks the test answers, and a client that is a plain socket.

    The client's calls do not block: the kernel accepts what is little, whether the
    server reads it or not.
    """

    async def connectTo(self, **callbacks: Any) -> socket.socket:
        options = localOptions(reverseLookup=False, streamBuffer=1000)
        factory = SMTPServerFactory(onClose=self.onClose, options=options, **callbacks)
        port = await self.listen(factory)
        client = socket.create_connection(("127.0.0.1", port.getHost().port), PATIENCE)
        self.addCleanup(client.close)
        return client


class QuestionTests(VanishingTestCase):
    """While a callback has not answered, and nobody reads from the connection."""

    async def vanish(
        self, leave: Callable[[socket.socket], None], octets: bytes, **callbacks: Any
    ) -> None:
        client = await self.connectTo(**callbacks)
        client.sendall(octets)
        await self.asked
        leave(client)
        await self.closed
        self.assertEqual(self.events, ["cancelled", "closed"])

    async def test_close(self) -> None:
        """
        A client that closes: the callback is cancelled, then onClose is called.
        """
        await self.vanish(close, RCPT, onRcptTo=self.waitForever)

    async def test_reset(self) -> None:
        """
        So it is with a client that is reset.
        """
        await self.vanish(reset, RCPT, onRcptTo=self.waitForever)

    async def test_unreadCommands(self) -> None:
        """
        So it is where commands wait that have not been read.
        """
        for_later = b"NOOP\r\n" * 1000
        await self.vanish(close, RCPT + for_later, onRcptTo=self.waitForever)

    async def test_unreadCommandsAndReset(self) -> None:
        """
        So it is with both.
        """
        for_later = b"NOOP\r\n" * 1000
        await self.vanish(reset, RCPT + for_later, onRcptTo=self.waitForever)

    async def test_beforeTheGreeting(self) -> None:
        """
        So it is while onConnect has not answered.
        """
        await self.vanish(close, b"", onConnect=self.waitForever)

    async def test_afterTheMessage(self) -> None:
        """
        So it is while onData decides about a message that has come whole.
        """
        octets = RCPT + b"DATA\r\nHello.\r\n.\r\n"
        await self.vanish(close, octets, onData=self.waitForever)

    async def test_commandsSentLate(self) -> None:
        """
        So it is where commands come after the pause, and are never read.
        """
        client = await self.connectTo(onRcptTo=self.waitForever)
        client.sendall(RCPT)
        await self.asked
        client.sendall(b"NOOP\r\n" * 1000)
        client.close()
        await self.closed
        self.assertEqual(self.events, ["cancelled", "closed"])


class MessageTests(VanishingTestCase):
    """In the middle of a message."""

    async def readAll(self, stream: MessageStream, session: SMTPSession) -> None:
        self.asked.callback(None)
        try:
            await stream.read()
        except MessageAborted:
            self.events.append("aborted")
            raise

    async def vanish(
        self, leave: Callable[[socket.socket], None], octets: bytes, onData: Any
    ) -> None:
        client = await self.connectTo(onData=onData)
        client.sendall(RCPT + b"DATA\r\n" + octets)
        await self.asked
        leave(client)
        await self.closed

    async def test_readerAndClose(self) -> None:
        """
        Who reads the message sees MessageAborted, then onClose is called.
        """
        await self.vanish(close, b"Hello.\r\n", self.readAll)
        self.assertEqual(self.events, ["aborted", "closed"])

    async def test_readerAndReset(self) -> None:
        """
        So it is with a client that is reset.
        """
        await self.vanish(reset, b"Hello.\r\n", self.readAll)
        self.assertEqual(self.events, ["aborted", "closed"])

    async def test_fullStreamAndClose(self) -> None:
        """
        Where nobody reads and the stream is full, the callback is cancelled.
        """
        await self.vanish(close, b"x" * 20_000, self.waitForever)
        self.assertEqual(self.events, ["cancelled", "closed"])

    async def test_fullStreamAndReset(self) -> None:
        """
        So it is with a client that is reset.
        """
        await self.vanish(reset, b"x" * 20_000, self.waitForever)
        self.assertEqual(self.events, ["cancelled", "closed"])


class SlowReaderTests(VanishingTestCase):
    """A client that does not take its replies."""

    COUNT = 100_000

    async def startSending(self) -> tuple[socket.socket, Deferred[Any], Any]:
        """
        A client that sends many commands in a thread and does not read, the end of
        that thread, and the transport of the server when it has paused it.
        """
        paused: Deferred[Any] = Deferred()
        pauseProducing = protocol.SMTPProtocol.pauseProducing

        def pause(server: protocol.SMTPProtocol) -> None:
            pauseProducing(server)
            if not paused.called:
                paused.callback(server.transport)

        self.patch(protocol.SMTPProtocol, "pauseProducing", pause)
        client = await self.connectTo()

        def send() -> None:
            try:
                client.sendall(b"HELP\r\n" * self.COUNT + b"QUIT\r\n")
            except OSError:
                # The client has gone in the meantime.
                pass

        sending = deferToThread(send)
        return client, sending, await paused

    async def test_slow(self) -> None:
        """
        The server stops reading, holds little, and goes on when the client reads; no
        reply is lost.
        """
        client, sending, transport = await self.startSending()
        held = len(transport.dataBuffer) + transport._tempDataLen
        # The replies to what one read of the transport brings: 64 KiB of commands.
        self.assertLess(held, 2_000_000)

        def read() -> bytes:
            return b"".join(iter(lambda: client.recv(65536), b""))

        replies = (await deferToThread(read)).split(b"\r\n")
        await sending
        self.assertEqual(sum(each[:4] == b"214 " for each in replies), self.COUNT)
        await self.closed

    async def test_never(self) -> None:
        """
        A client that never reads and then goes away leaves nothing behind.
        """
        client, sending, _ = await self.startSending()
        client.shutdown(socket.SHUT_RDWR)
        await sending
        reset(client)
        await self.closed
        self.assertEqual(self.events, ["closed"])
