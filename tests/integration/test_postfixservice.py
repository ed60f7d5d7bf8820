"""
Postfix on both sides of the configured service.
"""

from __future__ import annotations

import re

from tests.certificates import selfSigned
from tests.integration.postfix import SKIP, Postfix
from tests.integration.support import (
    LOCAL,
    MESSAGE,
    KeepingServer,
    Service,
    localOptions,
)
from tests.integration.test_twistd import TWISTD, ServiceTestCase

SHORT = b"Subject: test\r\n\r\nHello.\r\n"

SUBMISSION = """
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[[listener]]
endpoint = "{endpoint}"
tls = "required"
auth = "required"
[tls]
certificate = "server.pem"
[auth]
users = "users"
[[route]]
recipients = ["*"]
authenticated = true
deliver = "smtp"
endpoint = "tcp:127.0.0.1:{nextHop}"
tls = "none"
"""

INBOUND = """
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[limits]
message-size = 1000
[[listener]]
endpoint = "{endpoint}"
protocol = "{protocol}"
[[route]]
recipients = ["*@example.org"]
[[route]]
recipients = ["later@example.net"]
deliver = "command"
command = ["/bin/sh", "-c", "exit 75"]
[[route]]
recipients = ["never@example.net"]
deliver = "command"
command = ["/bin/sh", "-c", "exit 67"]
"""


class PostfixServiceTestCase(ServiceTestCase):
    """The service, and Postfixes."""

    if SKIP is not None:
        skip = SKIP

    async def serve(self, text: str) -> tuple[Service, int]:
        (self.folder / "mail.toml").write_text(text, "utf-8")
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        return service, await service.listening


class SubmissionTests(PostfixServiceTestCase):
    """From one Postfix, which logs in over TLS, to another."""

    async def begin(
        self, password: str = "sesame", **nextHop: str
    ) -> tuple[KeepingServer, Postfix, Postfix]:
        """
        The server that has it all in the end, and the Postfixes on both sides.

        @param password: what the first has
        @param nextHop: parameters of the second
        """
        back = KeepingServer(options=localOptions())
        end = (await self.listen(back)).getHost().port
        after = Postfix(self, relayhost=f"[127.0.0.1]:{end}", **nextHop)
        await after.master.said("daemon started")
        (self.folder / "server.pem").write_bytes(selfSigned("mx.example.org").pem)
        (self.folder / "users").write_text("bob:{PLAIN}sesame\n", "utf-8")
        _, port = await self.serve(
            SUBMISSION.format(endpoint=LOCAL, nextHop=after.port)
        )
        before = Postfix(
            self,
            relayhost=f"[127.0.0.1]:{port}",
            smtp_tls_security_level="encrypt",
            smtp_tls_loglevel="1",
            smtp_sasl_auth_enable="yes",
            smtp_sasl_password_maps=f"static:bob:{password}",
            smtp_sasl_security_options="noanonymous",
        )
        return back, before, after

    async def queued(self, postfix: Postfix, log: str) -> None:
        """Wait until a Postfix has done with what another one's log says it has."""
        found = re.search("queued as ([0-9A-F]+)", log)
        assert found is not None, log
        await postfix.settled(found[1])

    async def test_message(self) -> None:
        """
        A message goes the whole way as it is, with what was declared of it, and says
        how it came in.
        """
        back, before, after = await self.begin()
        log = await before.send(
            MESSAGE,
            *("BODY=8BITMIME", "RET=HDRS", "ENVID=e1"),
            recipients={"carol@example.net": ["NOTIFY=NEVER"]},
        )
        self.assertIn("status=sent (250 2.0.0 ", log)
        await self.queued(after, log)
        [(session, content)] = back.messages
        self.assertTrue(content.endswith(b"\r\n" + MESSAGE), content)
        trace = content[: -len(MESSAGE)].decode("ascii")
        self.assertRegex(trace, r"by mx\.example\.org[^;]* with ESMTPSA")
        self.assertRegex(trace, r"TLSv1\.3")
        self.assertEqual(session["envelope"]["bodyType"], "8bitmime")
        self.assertEqual(session["envelope"]["dsn"], {"ret": "HDRS", "envid": "e1"})
        [recipient] = session["envelope"]["rcptTo"]
        self.assertEqual(recipient["dsn"]["notify"], ["NEVER"])

    async def test_internationalized(self) -> None:
        """
        An address in UTF-8 goes the whole way.
        """
        back, before, after = await self.begin()
        log = await before.send(SHORT, "SMTPUTF8", recipients=["b\xfcro@example.net"])
        self.assertIn("status=sent", log)
        await self.queued(after, log)
        [(session, _)] = back.messages
        self.assertTrue(session["envelope"]["smtpUtf8"])

    async def test_refusedByNextHop(self) -> None:
        """
        What the second refuses, for good or for now, the first is told in its words.
        """
        _, before, _ = await self.begin(
            smtpd_recipient_restrictions="check_recipient_access "
            "inline:{ {no@example.net = 554 5.7.1 Not here},"
            " {later@example.net = 450 4.2.1 Not now} }, permit_mynetworks, reject"
        )
        log = await before.send(SHORT, recipients=["no@example.net"])
        self.assertRegex(
            log, r"status=bounced .*554 5\.7\.1 <no@example.net>.*Not here"
        )
        log = await before.send(SHORT, recipients=["later@example.net"])
        self.assertRegex(log, r"status=deferred .*450 4\.2\.1 .*Not now")

    async def test_wrongPassword(self) -> None:
        """
        With a wrong password the message stays where it is.
        """
        back, before, _ = await self.begin("apple")
        log = await before.send(SHORT)
        self.assertRegex(
            log, r"status=deferred .*SASL authentication failed.*535 5\.7\.8"
        )
        self.assertEqual(back.messages, [])


class InboundTests(PostfixServiceTestCase):
    """From Postfix to a Maildir, and to nobody."""

    async def begin(self, protocol: str) -> Postfix:
        _, port = await self.serve(INBOUND.format(endpoint=LOCAL, protocol=protocol))
        transport = "lmtp:inet" if protocol == "lmtp" else "smtp"
        return Postfix(self, default_transport=f"{transport}:[127.0.0.1]:{port}")

    async def test_lmtp(self) -> None:
        """
        By LMTP each recipient of a message has its own outcome.
        """
        postfix = await self.begin("lmtp")
        people = ["bob@example.org", "later@example.net", "never@example.net"]
        await postfix.send(SHORT, recipients=people)
        for told in (
            r"to=<bob@example.org>.*status=sent \(250 2\.",
            r"to=<later@example.net>.*status=deferred .*said: 451 ",
            r"to=<never@example.net>.*status=bounced .*said: 550 5\.1\.1",
        ):
            await postfix.master.said(told)
        [message] = self.messages()
        self.assertTrue(message.endswith(b"\n\nHello.\n"), message)

    async def test_smtp(self) -> None:
        """
        By SMTP what is refused, for good or for now, is bounced or waits.
        """
        postfix = await self.begin("smtp")
        for recipient, told in (
            ("bob@example.org", r"status=sent \(250 2\."),
            ("later@example.net", r"status=deferred .*said: 451 "),
            ("never@example.net", r"status=bounced .*said: 550 5\.1\.1"),
            ("eve@example.com", r"status=bounced .*said: 550 5\.7\.1 Relaying denied"),
        ):
            log = await postfix.send(SHORT, recipients=[recipient])
            self.assertRegex(log, told)
        log = await postfix.send(SHORT + b"x" * 998 + b"\r\n")
        self.assertRegex(log, "status=bounced .*(size|too large|exceeds)")
        self.assertEqual(len(self.messages()), 1)
