"""
curl sends mail to the library.
"""

from __future__ import annotations

from tests.integration.programs import find, missing
from tests.integration.support import (
    MESSAGE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)


class CurlTests(NetworkTestCase):
    """curl, which sends mail as it sends anything."""

    if (reason := missing("curl")) is not None:
        skip = reason

    async def send(
        self, message: bytes, *arguments: str, **options: object
    ) -> tuple[KeepingServer, str]:
        """Have curl send a message to a server of this process; what it prints."""
        factory = KeepingServer(options=localOptions(**options))
        port = (await self.listen(factory)).getHost().port
        path = self.makeFolder() / "message"
        path.write_bytes(message)
        printed = await self.runProgram(
            *(find("curl"), "--disable", "--noproxy", "*", "--verbose", "--silent"),
            *("--url", f"smtp://127.0.0.1:{port}/client.example.com"),
            *("--mail-from", "alice@example.com", "--upload-file", str(path)),
            *("--mail-rcpt", "bob@example.org", *arguments),
        )
        return factory, printed

    async def test_message(self) -> None:
        """
        A message with 8-bit text and dots arrives as it is.
        """
        factory, printed = await self.send(MESSAGE)
        self.assertIn(f"< 250 2.0.0 {len(MESSAGE)} octets", printed)
        [(session, content)] = factory.messages
        self.assertEqual(content, MESSAGE)
        self.assertEqual(session["hostNameAppearsAs"], "client.example.com")
        self.assertEqual(
            session["envelope"]["mailFrom"]["args"], {"SIZE": str(len(MESSAGE))}
        )

    async def test_large(self) -> None:
        """
        So does a message of some megabytes, each line of which begins with a dot.
        """
        message = b"".join(b".%d\r\n" % number for number in range(300_000))
        factory, _ = await self.send(message)
        [(_, content)] = factory.messages
        self.assertTrue(content == message, "the message differs")

    async def test_refusedRecipient(self) -> None:
        """
        Where it is told to, it goes on without the recipients that are refused.
        """
        factory, _ = await self.send(
            MESSAGE, "--mail-rcpt", "no@example.org", "--mail-rcpt-allowfails"
        )
        [(session, _)] = factory.messages
        self.assertEqual(
            [each["address"] for each in session["envelope"]["rcptTo"]],
            ["bob@example.org"],
        )

    async def test_internationalized(self) -> None:
        """
        Internationalized addresses go with SMTPUTF8.
        """
        factory, _ = await self.send(MESSAGE, "--mail-from", "jörg@example.com")
        [(session, content)] = factory.messages
        self.assertEqual(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "UTF8SMTP")
        self.assertEqual(session["envelope"]["mailFrom"]["address"], "jörg@example.com")
