"""
Postfix hands mail on to the library, over SMTP and LMTP.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from smtpsession import SMTPError, SMTPSession
from smtpsession.stream import MessageStream
from tests.integration.postfix import SKIP, Postfix
from tests.integration.support import (
    MESSAGE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)

SHORT = b"Subject: test\r\n\r\nHello.\r\n"


class LMTPServer(KeepingServer):
    """Has a reply for each recipient, and refuses C{full@...} after the message."""

    async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        await super().onData(stream, session)
        return [
            (
                SMTPError(552, "Mailbox full", "5.2.2")
                if each.localPart == "full"
                else f"for {each}"
            )
            for each in session.envelope.rcptTo
        ]


class PostfixTestCase(NetworkTestCase):
    """A Postfix that hands all mail on to a server of this process."""

    if SKIP is not None:
        skip = SKIP

    async def begin(
        self, factory: KeepingServer | None = None, **parameters: str
    ) -> tuple[KeepingServer, Postfix]:
        """Start both."""
        factory = factory or KeepingServer(options=localOptions())
        port = (await self.listen(factory)).getHost().port
        return factory, Postfix(self, relayhost=f"[127.0.0.1]:{port}", **parameters)


class DeliveryTests(PostfixTestCase):
    """What Postfix has been given, the server gets."""

    async def test_message(self) -> None:
        """
        A message with 8-bit text and dots arrives as it is, for all its recipients in
        one transaction, with the parameters that the extensions bring.
        """
        factory, postfix = await self.begin()
        people = ['"d d"@example.net', "bob@example.org", "carol@example.org"]
        log = await postfix.send(MESSAGE, "BODY=8BITMIME", recipients=people)
        self.assertEqual(log.count("status=sent (250 2.0.0 "), 3, log)
        [(session, content)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(session["hostNameAppearsAs"], "client.example.com")
        self.assertEqual(session["transmissionType"], "ESMTP")
        envelope = session["envelope"]
        self.assertEqual(envelope["mailFrom"]["address"], "alice@example.com")
        self.assertEqual(
            envelope["mailFrom"]["args"],
            {"SIZE": str(len(content)), "BODY": "8BITMIME"},
        )
        self.assertEqual(envelope["bodyType"], "8bitmime")
        self.assertEqual([each["address"] for each in envelope["rcptTo"]], people)

    async def test_xforward(self) -> None:
        """
        With XFORWARD it says where it has the message from.
        """
        options = localOptions(xforward=["127.0.0.0/8"])
        factory, postfix = await self.begin(
            KeepingServer(options=options), smtp_send_xforward_command="yes"
        )
        await postfix.send(MESSAGE)
        [(session, _)] = factory.messages
        forwarded = session["xForward"]
        self.assertEqual(forwarded["ADDR"], "127.0.0.1")
        self.assertEqual(forwarded["PROTO"], "ESMTP")
        self.assertTrue(forwarded["HELO"])

    async def test_keptConnection(self) -> None:
        """
        Several messages go over a connection that Postfix keeps for them.
        """
        factory, postfix = await self.begin(
            smtp_connection_cache_destinations="127.0.0.1",
            smtp_destination_concurrency_limit="1",
        )
        for _ in range(3):
            log = await postfix.send(MESSAGE, "BODY=8BITMIME")
            self.assertIn("status=sent", log)
        self.assertEqual(
            [each["transaction"] for each, _ in factory.messages], [0, 1, 2]
        )
        for _, content in factory.messages:
            self.assertHandedOn(content, MESSAGE)

    async def test_manyMessages(self) -> None:
        """
        Many large messages at the same time do not disturb each other.
        """
        factory, postfix = await self.begin(default_destination_concurrency_limit="10")
        bodies = [b"\r\n" + b".%d\r\n" % number * 100_000 for number in range(10)]
        await gatherResults(
            [Deferred.fromCoroutine(postfix.send(body)) for body in bodies]
        )
        contents = sorted(content for _, content in factory.messages)
        self.assertEqual(len(contents), 10)
        for content in contents:
            _, _, body = content.partition(b"\r\n\r\n")
            self.assertIn(b"\r\n" + body, bodies)

    async def test_dsn(self) -> None:
        """
        What the author asked of delivery status notifications is handed on.
        """
        factory, postfix = await self.begin()
        await postfix.send(
            SHORT,
            *("RET=HDRS", "ENVID=a+2Bb"),
            recipients={
                "bob@example.org": ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;b+2Bb@x"],
                "carol@example.org": ["NOTIFY=NEVER"],
            },
        )
        [(session, _)] = factory.messages
        envelope = session["envelope"]
        self.assertEqual(envelope["dsn"], {"ret": "HDRS", "envid": "a+b"})
        self.assertEqual(
            [each["dsn"] for each in envelope["rcptTo"]],
            [
                {"notify": ["SUCCESS", "DELAY"], "orcpt": "rfc822;b+b@x"},
                {"notify": ["NEVER"], "orcpt": "rfc822;carol@example.org"},
            ],
        )

    async def test_internationalized(self) -> None:
        """
        Internationalized addresses and headers go with SMTPUTF8.
        """
        factory, postfix = await self.begin()
        log = await postfix.send(
            MESSAGE,
            *("SMTPUTF8", "BODY=8BITMIME"),
            sender="jörg@example.com",
            recipients=["δοκιμή@παράδειγμα.example"],
        )
        self.assertIn("status=sent", log)
        [(session, content)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "UTF8SMTP")
        envelope = session["envelope"]
        self.assertEqual(envelope["mailFrom"]["address"], "jörg@example.com")
        [recipient] = envelope["rcptTo"]
        self.assertEqual(recipient["address"], "δοκιμή@παράδειγμα.example")
        self.assertEqual(recipient["dsn"]["orcpt"], "rfc822;δοκιμή@παράδειγμα.example")


class RefusalTests(PostfixTestCase):
    """What the server refuses."""

    async def test_recipient(self) -> None:
        """
        A recipient that is refused is reported to the sender, with the server's own
        words; the others get their message.
        """
        factory, postfix = await self.begin()
        log = await postfix.send(
            SHORT, recipients=["bob@example.org", "no@example.org"]
        )
        self.assertRegex(
            log,
            r"to=<no@example\.org>.* dsn=5\.1\.1, status=bounced \(host .* said: "
            r"550 5\.1\.1 No such recipient \(in reply to RCPT TO command\)\)",
        )
        self.assertRegex(log, r"to=<bob@example\.org>.* status=sent")
        self.assertIn("status=sent", await postfix.bounced(log))
        [(session, _), (bounce, report)] = factory.messages
        self.assertEqual(
            [each["address"] for each in session["envelope"]["rcptTo"]],
            ["bob@example.org"],
        )
        self.assertEqual(bounce["envelope"]["mailFrom"]["address"], "")
        self.assertEqual(
            [each["address"] for each in bounce["envelope"]["rcptTo"]],
            ["alice@example.com"],
        )
        self.assertIn(b"\r\nFinal-Recipient: rfc822; no@example.org\r\n", report)
        self.assertIn(b"\r\nStatus: 5.1.1\r\n", report)

    async def test_later(self) -> None:
        """
        After a temporary refusal of the message Postfix keeps it for another attempt.
        """

        class BusyServer(KeepingServer):
            async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
                raise SMTPError(452, "Disk full", "4.3.1")

        _, postfix = await self.begin(BusyServer(options=localOptions()))
        self.assertRegex(
            await postfix.send(SHORT),
            r"dsn=4\.3\.1, status=deferred \(host .* said: 452 4\.3\.1 Disk full "
            r"\(in reply to end of DATA command\)\)",
        )

    async def test_size(self) -> None:
        """
        Postfix believes the size limit that the server announces.
        """
        factory, postfix = await self.begin(
            KeepingServer(options=localOptions(messageSize=1000))
        )
        log = await postfix.send(SHORT + b"x" * 2000)
        self.assertRegex(log, "status=bounced .* exceeds size limit 1000 of server")
        self.assertEqual(factory.messages, [])


class LMTPTests(PostfixTestCase):
    """Postfix's LMTP client."""

    async def test_eachRecipient(self) -> None:
        """
        Each recipient has its own reply: one is refused when the message is there.
        """
        factory = LMTPServer(options=localOptions(protocol="lmtp"))
        path = self.makeFolder() / "socket"
        await self.listen(factory, f"unix:{path}")
        postfix = Postfix(self, default_transport=f"lmtp:unix:{path}")
        log = await postfix.send(
            MESSAGE,
            "BODY=8BITMIME",
            recipients=["bob@example.org", "full@example.org", "no@example.org"],
        )
        for name, outcome in (
            ("bob", "status=sent (250 2.0.0 for bob@example.org)"),
            ("full", "said: 552 5.2.2 Mailbox full (in reply to end of DATA command)"),
            ("no", "said: 550 5.1.1 No such recipient (in reply to RCPT TO command)"),
        ):
            [line] = [each for each in log.splitlines() if f"to=<{name}@" in each]
            self.assertIn(outcome, line)
        await postfix.bounced(log)
        (session, content), _ = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "LMTP")
