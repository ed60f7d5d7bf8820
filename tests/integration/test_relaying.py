"""
Postfix as the next hop.
"""

from __future__ import annotations

import re
import smtplib
from typing import Any

from twisted.internet.ssl import Certificate, trustRootFromCertificates

from tests import certificates
from tests.integration.postfix import SKIP, Postfix
from tests.integration.support import MESSAGE
from tests.integration.test_nexthop import Back, NextHopTestCase


class PostfixTests(NextHopTestCase):
    """What Postfix has said is what our client is told."""

    if SKIP is not None:
        skip = SKIP

    async def begin(self, *, tls: str = "none", **parameters: str) -> tuple[Back, int]:
        """
        Start a front, Postfix behind it, and a back behind that, and give the back and
        the port of the front.
        """
        back = Back()
        relayhost = f"[127.0.0.1]:{(await self.listen(back)).getHost().port}"
        self.postfix = Postfix(self, relayhost=relayhost, **parameters)
        await self.postfix.master.said("daemon started")
        authority = Certificate.loadPEM(certificates.authority().certificatePEM)
        port = await self.front(
            f"tcp:127.0.0.1:{self.postfix.port}",
            tls=tls,
            serverName="127.0.0.1",
            trustRoot=trustRootFromCertificates([authority]),
        )
        return back, port

    async def settled(self, text: bytes) -> None:
        """Wait until the message that Postfix has said this about is where it goes."""
        found = re.fullmatch(rb"2\.0\.0 Ok: queued as ([0-9A-F]+)", text)
        assert found is not None, text
        await self.postfix.settled(found[1].decode("ascii"))

    async def test_message(self) -> None:
        """
        A message with 8-bit text and dots arrives as it is, with the parameters of DSN,
        and one recipient is refused in the words of Postfix.
        """
        back, port = await self.begin(
            smtpd_recipient_restrictions="check_recipient_access "
            "inline:{ {no@example.org = 554 5.7.1 Not here} }, permit_mynetworks, "
            "reject"
        )

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com", ["BODY=8BITMIME", "RET=HDRS", "ENVID=e1"])
            refused = client.rcpt("no@example.org")
            client.rcpt("bob@example.org", ["NOTIFY=FAILURE"])
            client.rcpt('"d d"@example.net')
            return refused, client.data(MESSAGE)

        refused, (code, text) = await self.talk(port, send)
        self.assertEqual(refused[0], 554)
        self.assertIn(b"5.7.1 <no@example.org>", refused[1])
        self.assertIn(b"Not here", refused[1])
        self.assertEqual(code, 250)
        await self.settled(text)
        [(session, content)] = back.messages
        self.assertTrue(content.endswith(b"\r\n" + MESSAGE), content)
        envelope = session["envelope"]
        self.assertEqual(envelope["dsn"], {"ret": "HDRS", "envid": "e1"})
        self.assertEqual(
            sorted(each["address"] for each in envelope["rcptTo"]),
            ['"d d"@example.net', "bob@example.org"],
        )

    async def test_severalOverTLS(self) -> None:
        """Several messages go over one connection, which is verified."""
        path = self.makeFolder() / "postfix.pem"
        path.write_bytes(certificates.server("127.0.0.1").pem)
        back, port = await self.begin(
            tls="required",
            smtpd_tls_security_level="encrypt",
            smtpd_tls_chain_files=str(path),
            smtpd_tls_loglevel="1",
        )

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com")
            client.rcpt("bob@example.org")
            return client.data(MESSAGE.replace(b"\xff", b"x"))

        for _ in range(3):
            code, text = await self.talk(port, send)
            self.assertEqual(code, 250)
            await self.settled(text)
        self.assertEqual(len(back.messages), 3)
        log = self.postfix.master.output
        self.assertEqual(log.count("TLS connection established from"), 1, log)

    async def test_notWhole(self) -> None:
        """Of a message that is too large for us Postfix keeps nothing."""
        back, port = await self.begin()

        def send(client: smtplib.SMTP, size: int = 3_000_000) -> Any:
            client.ehlo()
            client.mail("alice@example.com")
            client.rcpt("bob@example.org")
            return client.data(b"x\r\n" * (size // 3))

        code, _ = await self.talk(port, lambda client: send(client, 27_000_000))
        self.assertEqual(code, 552)
        await self.postfix.master.said("lost connection after DATA")
        code, text = await self.talk(port, send)
        self.assertEqual(code, 250)
        await self.settled(text)
        self.assertEqual(len(back.messages), 1)
