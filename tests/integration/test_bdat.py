"""
Messages in parts over real sockets, from a client of a few lines.
"""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from smtpsession import MessageAborted, SMTPSession
from smtpsession.stream import MessageStream
from tests.integration.support import (
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)

OPENING = (
    b"EHLO client.example.com\r\n"
    b"MAIL FROM:<alice@example.com> BODY=BINARYMIME\r\n"
    b"RCPT TO:<bob@example.org>\r\n"
    b"RCPT TO:<carol@example.org>\r\n"
)
#: Every octet there is, and what would end a message or a session elsewhere.
CONTENT = (bytes(range(256)) + b"\r\n.\r\nQUIT\r\n") * 12_000


class AbortingServer(KeepingServer):
    """
    Keeps nothing.

    @ivar asked: fires when a message has begun to come
    @ivar aborted: fires when it is known that it will not be whole
    """

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.asked: Deferred[None] = Deferred()
        self.aborted: Deferred[None] = Deferred()

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        self.asked.callback(None)
        try:
            return str(len(await stream.read()))
        except MessageAborted:
            self.aborted.callback(None)
            raise


def converse(port: int, octets: bytes) -> list[str]:
    """Send all of this at once, read until the server closes, and give its lines."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(octets)
        with client.makefile("r", encoding="ascii", newline="\r\n") as replies:
            return [line.rstrip("\r\n") for line in replies]


def parted(content: bytes, size: int) -> bytes:
    """A message in parts of this size, ended by one that is empty."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    parts = b"".join(b"BDAT %d\r\n%b" % (len(piece), piece) for piece in pieces)
    return parts + b"BDAT 0 LAST\r\n"


class SocketTests(NetworkTestCase):
    """A client that waits for no reply, and one that goes away."""

    async def test_anySize(self) -> None:
        """
        A message of some megabytes arrives as it is, in few parts and in many.
        """
        factory = KeepingServer(options=localOptions(streamBuffer=10_000))
        port = (await self.listen(factory)).getHost().port
        for size in (10_007, 1_000_000, len(CONTENT)):
            octets = OPENING + parted(CONTENT, size) + b"QUIT\r\n"
            heard = await deferToThread(converse, port, octets)
            ended = f"250 2.0.0 {len(CONTENT)} octets"
            self.assertEqual(heard[-2:], [ended, "221 2.0.0 Closing connection"])
            parts = [line for line in heard if line.endswith(" octets received")]
            self.assertEqual(len(parts), -(-len(CONTENT) // size))
            session, content = factory.messages.pop()
            self.assertTrue(content == CONTENT, "the message differs")
            self.assertEqual(len(session["envelope"]["rcptTo"]), 2)
            self.assertEqual(factory.messages, [])

    async def test_refused(self) -> None:
        """
        A message that nobody is to have is skipped, and the session goes on behind it.
        """
        factory = KeepingServer(options=localOptions())
        port = (await self.listen(factory)).getHost().port
        hello = OPENING.split(b"MAIL")[0]
        octets = hello + parted(CONTENT, 1_000_000) + b"NOOP\r\nQUIT\r\n"
        heard = await deferToThread(converse, port, octets)
        self.assertEqual(heard[-2], "250 2.0.0 OK")
        self.assertEqual(heard.count("503 5.5.1 MAIL first"), 5)
        self.assertEqual(factory.messages, [])

    async def test_vanished(self) -> None:
        """
        There is no message from a client that goes away within a part or behind it.
        """
        for part in (b"BDAT 9 LAST\r\nabc", b"BDAT 3\r\nabc"):
            factory = AbortingServer(options=localOptions())
            port = (await self.listen(factory)).getHost().port
            client = socket.create_connection(("127.0.0.1", port), PATIENCE)
            self.addCleanup(client.close)
            client.sendall(OPENING + part)
            await factory.asked
            client.close()
            await factory.aborted
