"""
Who is sent away reads why on a real socket, whatever it has sent meanwhile: a reply and
then the end, and no reset that would take the reply with it.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from twisted.internet.threads import deferToThread

from smtpsession import SMTPServerFactory
from tests.integration.support import PATIENCE, NetworkTestCase, localOptions

#: More than the server reads at once.
MUCH = 100_000
HELLO = b"EHLO client.example.com\r\n"

REFUSALS: list[tuple[dict[str, Any], bytes, bytes]] = [
    # what is limited, what a client sends, and what it reads last
    ({"errors": 0}, b"X\r\n" * MUCH, b"421 4.7.0 Too many errors"),
    (
        {"transactions": 1},
        HELLO + b"MAIL FROM:<a@example.org>\r\nRSET\r\n" * MUCH,
        b"421 4.7.0 Too many messages",
    ),
    ({"commandTimeout": 0.2}, HELLO + b"X" * MUCH, b"421 4.4.2 Waited too long"),
    (
        {"dataTimeout": 0.2},
        HELLO
        + b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
        + b"X" * MUCH,
        b"421 4.4.2 Waited too long",
    ),
]


class RefusalTests(NetworkTestCase):
    """Limits that end a connection."""

    async def heard(self, octets: bytes, others: int = 0, **limits: Any) -> bytes:
        """What a client reads up to the end, with so many others there."""
        options = localOptions(reverseLookup=False, **limits)
        port = await self.listen(SMTPServerFactory(options=options))
        address = "127.0.0.1", port.getHost().port
        for _ in range(others):
            other = await deferToThread(socket.create_connection, address, PATIENCE)
            self.addCleanup(other.close)
            await deferToThread(other.recv, 1000)
        return await deferToThread(_converse, address, octets)

    async def test_late(self) -> None:
        """In the middle of what it sends."""
        for limits, octets, expected in REFUSALS:
            heard = await self.heard(octets, **limits)
            last = heard.splitlines()[-1]
            self.assertTrue(last.startswith(expected), (limits, last))

    async def test_early(self) -> None:
        """Before it was greeted, for which it has waited."""
        for limit in ("clients", "clientsPerAddress"):
            heard = await self.heard(b"", others=1, **{limit: 1})
            self.assertTrue(heard.startswith(b"421 4.7.0 Too many conn"), heard)
            self.assertEqual(heard.count(b"\n"), 1)


def _converse(address: tuple[str, int], octets: bytes) -> bytes:
    """Send all of this and read up to the end; without a reset, then or later."""
    with socket.create_connection(address, PATIENCE) as client:
        client.sendall(octets)
        heard = b""
        while chunk := client.recv(65536):
            heard += chunk
        for _ in range(3 if octets else 0):
            client.sendall(b"NOOP\r\n")
            time.sleep(0.02)
        error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        return heard
