"""
The standard library's smtplib against a server on a real socket.
"""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread

from tests.integration.support import (
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)


class SmtplibTests(NetworkTestCase):
    """A client of other authors, over TCP."""

    async def talk(
        self, conversation: Callable[[smtplib.SMTP], Any], **options: Any
    ) -> tuple[KeepingServer, Any]:
        """Start a server and hold this conversation with it, in a thread."""
        factory = KeepingServer(options=localOptions(**options))
        port = await self.listen(factory)

        def hold() -> Any:
            with smtplib.SMTP(
                "127.0.0.1",
                port.getHost().port,
                local_hostname="client.example.com",
                timeout=PATIENCE,
            ) as client:
                return conversation(client)

        return factory, await deferToThread(hold)

    async def test_message(self) -> None:
        """
        A message with an attachment arrives as it was sent.
        """
        message = EmailMessage()
        message["From"], message["To"] = "alice@example.com", "bob@example.org"
        message["Subject"] = "Grüße"
        message.set_content("Hello.\n.\n..\n.x\n")
        message.make_mixed(boundary="frontier")
        message.add_attachment(bytes(range(256)) * 100, maintype="x", subtype="y")
        factory, refused = await self.talk(lambda client: client.send_message(message))
        self.assertEqual(refused, {})
        [(session, content)] = factory.messages
        self.assertEqual(content, message.as_bytes().replace(b"\n", b"\r\n"))
        self.assertEqual(
            session["envelope"]["mailFrom"]["address"], "alice@example.com"
        )
        self.assertEqual(session["remoteAddress"], "127.0.0.1")
        self.assertEqual(session["clientHostname"], "localhost")
        self.assertEqual(session["hostNameAppearsAs"], "client.example.com")
        self.assertEqual(session["transmissionType"], "ESMTP")

    async def test_large(self) -> None:
        """
        So does one of many megabytes, with lines that begin with dots.
        """
        body = b"".join(b".%d\r\n" % number for number in range(600_000))
        factory, _ = await self.talk(
            lambda client: client.sendmail("a@example.com", ["b@example.org"], body)
        )
        [(_, content)] = factory.messages
        self.assertTrue(content == body, "the message differs")

    async def test_refusedRecipient(self) -> None:
        """
        A recipient that is refused does not keep the others from theirs.
        """
        factory, refused = await self.talk(
            lambda client: client.sendmail(
                "a@example.com", ["no@example.org", "b@example.org"], b"Hello.\r\n"
            )
        )
        self.assertEqual(refused, {"no@example.org": (550, b"5.1.1 No such recipient")})
        [(session, _)] = factory.messages
        recipients = [each["address"] for each in session["envelope"]["rcptTo"]]
        self.assertEqual(recipients, ["b@example.org"])

    async def test_severalMessages(self) -> None:
        """
        Several messages go over one connection.
        """

        def send(client: smtplib.SMTP) -> None:
            for number in range(3):
                client.sendmail("a@example.com", ["b@example.org"], b"%d\r\n" % number)

        factory, _ = await self.talk(send)
        self.assertEqual(
            [
                (session["transaction"], content)
                for session, content in factory.messages
            ],
            [(0, b"0\r\n"), (1, b"1\r\n"), (2, b"2\r\n")],
        )

    async def test_tooLarge(self) -> None:
        """
        A message that is too large is refused by its declared size, or after its end
        where nothing was declared.
        """

        def declared(client: smtplib.SMTP) -> Any:
            with self.assertRaises(smtplib.SMTPSenderRefused) as caught:
                client.sendmail("a@example.com", ["b@example.org"], b"x" * 2000)
            return caught.exception.smtp_code

        def undeclared(client: smtplib.SMTP) -> Any:
            client.helo()
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                client.sendmail("a@example.com", ["b@example.org"], b"x" * 2000)
            return caught.exception.smtp_code

        for conversation in (declared, undeclared):
            factory, code = await self.talk(conversation, messageSize=1000)
            self.assertEqual(code, 552)
            self.assertEqual(factory.messages, [])

    async def test_internationalized(self) -> None:
        """
        Internationalized addresses go with SMTPUTF8.
        """
        factory, _ = await self.talk(
            lambda client: client.sendmail(
                "jörg@example.com",
                ["δοκιμή@παράδειγμα.example"],
                "Grüße\r\n".encode(),
                mail_options=["SMTPUTF8", "BODY=8BITMIME"],
            )
        )
        [(session, content)] = factory.messages
        self.assertEqual(session["transmissionType"], "UTF8SMTP")
        self.assertEqual(session["envelope"]["bodyType"], "8bitmime")
        self.assertEqual(
            session["envelope"]["rcptTo"][0]["address"], "δοκιμή@παράδειγμα.example"
        )
        self.assertEqual(content, "Grüße\r\n".encode())

    async def test_otherCommands(self) -> None:
        """
        What smtplib knows besides has its replies.
        """

        def ask(client: smtplib.SMTP) -> list[int]:
            return [
                client.helo()[0],
                client.ehlo()[0],
                client.noop()[0],
                client.rset()[0],
                client.verify("bob")[0],
                client.expn("staff")[0],
                client.docmd("HELP")[0],
            ]

        _, codes = await self.talk(ask)
        self.assertEqual(codes, [250, 250, 250, 250, 252, 502, 214])

    async def test_manyClients(self) -> None:
        """
        Many clients at the same time do not disturb each other.
        """
        factory = KeepingServer(options=localOptions())
        port = await self.listen(factory)

        def send(number: int) -> None:
            with smtplib.SMTP("127.0.0.1", port.getHost().port, timeout=PATIENCE) as c:
                for _ in range(5):
                    body = b"%d\r\n" % number * 1000
                    c.sendmail(f"{number}@example.com", ["b@example.org"], body)

        await gatherResults([deferToThread(send, number) for number in range(8)])
        self.assertEqual(len(factory.messages), 40)
        for session, content in factory.messages:
            sender = session["envelope"]["mailFrom"]["localPart"]
            self.assertEqual(content, f"{sender}\r\n".encode() * 1000)


class LMTPTests(NetworkTestCase):
    """LMTP through a UNIX socket."""

    async def listenOnSocket(self) -> tuple[KeepingServer, str]:
        path = self.socketPath()
        factory = KeepingServer(options=localOptions(protocol="lmtp"))
        await self.listen(factory, f"unix:{path}")
        return factory, path

    async def test_smtplib(self) -> None:
        """
        smtplib delivers a message.
        """
        factory, path = await self.listenOnSocket()

        def send() -> Any:
            with smtplib.LMTP(path) as client:
                return client.sendmail("a@example.com", ["b@example.org"], b"Hi.\r\n")

        self.assertEqual(await deferToThread(send), {})
        [(session, content)] = factory.messages
        self.assertEqual(content, b"Hi.\r\n")
        self.assertEqual(session["transmissionType"], "LMTP")
        self.assertEqual(session["remoteAddress"], "")
        self.assertEqual(session["clientHostname"], "localhost")

    async def test_pipelined(self) -> None:
        """
        A whole pipelined session gets a reply for each recipient.
        """
        factory, path = await self.listenOnSocket()

        def talk() -> bytes:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(path)
                client.sendall(
                    b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\n"
                    b"RCPT TO:<no@example.org>\r\nRCPT TO:<b@example.org>\r\n"
                    b"DATA\r\nHi.\r\n.\r\nQUIT\r\n"
                )
                return b"".join(iter(lambda: client.recv(4096), b""))

        replies = (await deferToThread(talk)).splitlines()
        self.assertEqual(
            replies[-8:],
            [
                b"250 2.1.0 Sender OK",
                b"250 2.1.5 Recipient OK",
                b"550 5.1.1 No such recipient",
                b"250 2.1.5 Recipient OK",
                b"354 End with <CRLF>.<CRLF>",
                b"250 2.0.0 5 octets",
                b"250 2.0.0 5 octets",
                b"221 2.0.0 Closing connection",
            ],
        )
