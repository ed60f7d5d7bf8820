"""
A mail store of other authors behind the service: Dovecot, by LMTP.
"""

from __future__ import annotations

import smtplib
from typing import Any

from twisted.internet.threads import deferToThread

from tests.integration.dovecot import SKIP, Dovecot
from tests.integration.support import LOCAL, MESSAGE, PATIENCE
from tests.integration.test_twistd import TWISTD, ServiceTestCase

PEOPLE = ("bob@example.org", "carol@example.org")


class StoreTests(ServiceTestCase):
    """A route with C{deliver = "lmtp"}."""

    if SKIP is not None:
        skip = SKIP

    async def begin(self, protocol: str = "smtp") -> tuple[Dovecot, int]:
        """Dovecot, and the port of a service in front of it."""
        dovecot = Dovecot(self, PEOPLE)
        await dovecot.process.said("starting up for lmtp")
        (self.folder / "mail.toml").write_text(
            f"""
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[[listener]]
endpoint = "{LOCAL}"
protocol = "{protocol}"
[[route]]
recipients = ["*@example.org"]
deliver = "lmtp"
endpoint = "unix:{dovecot.socket}"
""",
            "utf-8",
        )
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        return dovecot, await service.listening

    async def send(
        self, port: int, *recipients: str, kind: type[smtplib.SMTP] = smtplib.SMTP
    ) -> Any:
        """
        Send a message.

        @return: what was said to those who were refused
        """

        def send() -> Any:
            with kind("127.0.0.1", port, timeout=PATIENCE) as client:
                return client.sendmail(
                    "alice@example.com", recipients, MESSAGE, ["BODY=8BITMIME"]
                )

        return await deferToThread(send)

    async def test_readBack(self) -> None:
        """
        A message is in each mailbox, octet for octet behind the trace of both servers.
        """
        dovecot, port = await self.begin()
        self.assertEqual(await self.send(port, *PEOPLE), {})
        for person in PEOPLE:
            [text] = await dovecot.messages(person)
            trace, _, message = text.partition("From: alice@example.com\n")
            sent = MESSAGE.decode("utf-8", "replace").replace("\r\n", "\n")
            self.assertEqual("From: alice@example.com\n" + message, sent)
            self.assertIn("Return-Path: <alice@example.com>\n", trace)
            self.assertRegex(trace, r"by store\.example\.org with LMTP")
            self.assertRegex(trace, r"by mx\.example\.org[^;]* with ESMTP")

    async def test_unknownRecipient(self) -> None:
        """
        Whom Dovecot does not know is refused while the client can still tell, with
        Dovecot's own codes; the others get the message.
        """
        dovecot, port = await self.begin()
        refused = await self.send(port, "eve@example.org", "bob@example.org")
        code, text = refused["eve@example.org"]
        self.assertEqual((code, text[:6]), (550, b"5.1.1 "))
        self.assertEqual(len(await dovecot.messages("bob@example.org")), 1)

    async def test_lmtp(self) -> None:
        """
        The same where the client speaks LMTP itself.
        """
        dovecot, port = await self.begin("lmtp")
        refused = await self.send(
            port, "eve@example.org", "carol@example.org", kind=LMTP
        )
        self.assertEqual([*refused], ["eve@example.org"])
        self.assertEqual(len(await dovecot.messages("carol@example.org")), 1)

    async def test_storeGone(self) -> None:
        """
        While Dovecot is not there a recipient is told to come again, and afterwards it
        is as before.
        """
        dovecot, port = await self.begin()
        await self.send(port, "bob@example.org")
        await dovecot.process.terminate()
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
            await self.send(port, "bob@example.org")
        [(code, _)] = caught.exception.recipients.values()
        self.assertEqual(code, 451)


class LMTP(smtplib.LMTP):
    """smtplib's own knows no time-out."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
