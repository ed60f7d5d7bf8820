"""
Exim hands mail on to the library.
"""

from __future__ import annotations

from tests.integration.exim import SKIP, Exim
from tests.integration.support import (
    MESSAGE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)


class EximTests(NetworkTestCase):
    """An Exim that hands all mail on to a server of this process."""

    if SKIP is not None:
        skip = SKIP

    async def begin(
        self, *transport: str, main: str = ""
    ) -> tuple[KeepingServer, Exim]:
        """Start a server, and give it and an Exim that has this transport."""
        factory = KeepingServer(options=localOptions())
        port = await self.listen(factory)
        return factory, Exim(self, port.getHost().port, *transport, main=main)

    async def test_message(self) -> None:
        """
        A message with 8-bit text and dots arrives as it is, for all its recipients.
        """
        factory, exim = await self.begin()
        people = ("bob@example.org", "carol@example.org")
        printed = await exim.send(MESSAGE, recipients=people)
        self.assertIn("=> bob@example.org", printed)
        self.assertIn('C="250 2.0.0 ', printed)
        [(session, content)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        envelope = session["envelope"]
        self.assertEqual(envelope["mailFrom"]["address"], "alice@example.com")
        self.assertGreaterEqual(int(envelope["mailFrom"]["args"]["SIZE"]), len(content))
        self.assertEqual([each["address"] for each in envelope["rcptTo"]], list(people))

    async def test_keptConnection(self) -> None:
        """
        Several messages go over a connection that one process of Exim gives the next.
        """
        factory, exim = await self.begin()
        for _ in range(3):
            await exim.send(MESSAGE, "-odq")
        self.assertEqual(factory.messages, [])
        await exim.sendQueued()
        self.assertEqual(
            [session["transaction"] for session, _ in factory.messages], [0, 1, 2]
        )
        for _, content in factory.messages:
            self.assertHandedOn(content, MESSAGE)

    async def test_large(self) -> None:
        """
        So does a message of some megabytes, each line of which begins with a dot.
        """
        factory, exim = await self.begin()
        message = MESSAGE + b"".join(b".%d\r\n" % number for number in range(300_000))
        await exim.send(message)
        [(_, content)] = factory.messages
        self.assertHandedOn(content, message)

    async def test_chunking(self) -> None:
        """
        By BDAT too, in one part or in several, for all the recipients.
        """
        factory, exim = await self.begin("hosts_try_chunking = *")
        people = ("bob@example.org", "carol@example.org")
        for message in (
            MESSAGE,
            MESSAGE + b"".join(b".%d\r\n" % number for number in range(100_000)),
        ):
            printed = await exim.send(message, recipients=people)
            # In what Exim logs K stands for CHUNKING.
            self.assertRegex(printed, r"=> bob@example\.org .* K ")
            session, content = factory.messages[-1]
            self.assertHandedOn(content, message)
            recipients = session["envelope"]["rcptTo"]
            self.assertEqual([each["address"] for each in recipients], list(people))
        self.assertEqual(len(factory.messages), 2)

    async def test_refusedRecipient(self) -> None:
        """
        A recipient that is refused is reported to the sender, with the server's own
        words; the others get their message.
        """
        factory, exim = await self.begin()
        printed = await exim.send(
            MESSAGE, recipients=("bob@example.org", "no@example.org")
        )
        self.assertRegex(
            printed,
            r"\*\* no@example\.org .* SMTP error from remote mail server after "
            r"RCPT TO:<no@example\.org>: 550 5\.1\.1 No such recipient",
        )
        [(session, content), (bounce, report)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(
            [each["address"] for each in session["envelope"]["rcptTo"]],
            ["bob@example.org"],
        )
        self.assertEqual(bounce["envelope"]["mailFrom"]["address"], "")
        self.assertIn(b"\r\nDiagnostic-Code: smtp; 550 5.1.1 No such recipient", report)

    async def test_internationalized(self) -> None:
        """
        Internationalized addresses go with SMTPUTF8.
        """
        factory, exim = await self.begin(main="smtputf8_advertise_hosts = *")
        await exim.send(
            MESSAGE, sender="jörg@example.com", recipients=("δοκιμή@example.org",)
        )
        [(session, content)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "UTF8SMTP")
        self.assertEqual(
            [each["address"] for each in session["envelope"]["rcptTo"]],
            ["δοκιμή@example.org"],
        )
