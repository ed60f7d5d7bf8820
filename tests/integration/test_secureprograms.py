"""
Programs of other authors that speak TLS with the library.
"""

from __future__ import annotations

import re
from typing import Any

from smtpsession import SMTPError, SMTPSession
from smtpsession.stream import MessageStream
from tests import certificates
from tests.integration.postfix import SKIP as NO_POSTFIX
from tests.integration.postfix import Postfix
from tests.integration.programs import find, missing
from tests.integration.support import (
    MESSAGE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store


class Delivering(KeepingServer):
    """Speaks LMTP, and delivers to each recipient but C{full@...}."""

    async def onData(  # type: ignore[override]
        self, stream: MessageStream, session: SMTPSession
    ) -> list[str | SMTPError]:
        await super().onData(stream, session)
        return [
            (
                SMTPError(452, "Mailbox full", "4.2.2")
                if each.localPart == "full"
                else f"for {each}"
            )
            for each in session.envelope.rcptTo
        ]


class SecureTestCase(NetworkTestCase):
    """A server with TLS in this process."""

    async def serve(self, tls: str, **options: Any) -> tuple[KeepingServer, int]:
        """A server, and its port."""
        kind = Delivering if options.get("protocol") == "lmtp" else KeepingServer
        factory = kind(options=localOptions(tls=tls, certificates=store(), **options))
        return factory, (await self.listen(factory)).getHost().port

    def authority(self) -> str:
        """Where the certificate of the authority is."""
        path = self.makeFolder() / "ca.pem"
        path.write_bytes(certificates.authority().certificatePEM)
        path.chmod(0o644)
        return str(path)

    def message(self, octets: bytes = MESSAGE) -> str:
        """Where a message is."""
        path = self.makeFolder() / "message"
        path.write_bytes(octets)
        return str(path)

    def assertReceived(self, factory: KeepingServer) -> None:
        """The one message has come in TLS, as it was."""
        [(session, content)] = factory.messages
        self.assertEqual(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "ESMTPS")
        self.assertTrue(session["secure"])


class OpenSSLTests(SecureTestCase):
    """The client of OpenSSL, which says what it is told."""

    if (reason := missing("openssl")) is not None:
        skip = reason

    async def talk(self, tls: str, *arguments: str) -> str:
        """What it prints of a conversation that ends with QUIT."""
        _, port = await self.serve(tls)
        return await self.runProgram(
            *(find("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"),
            *("-CAfile", self.authority(), "-verify_return_error", "-ign_eof"),
            *("-crlf", *arguments),
            given=b"EHLO client.example.com\nQUIT\n",
        )

    async def test_startTLS(self) -> None:
        """
        With -starttls smtp it finds the certificate good, and the offer without
        STARTTLS.
        """
        printed = await self.talk("starttls", "-starttls", "smtp")
        self.assertIn("Verify return code: 0 (ok)", printed)
        self.assertIn("250-mx.example.org", printed)
        self.assertNotIn("STARTTLS", printed.partition("250-mx.example.org")[2])
        self.assertIn("221 2.0.0 ", printed)

    async def test_implicit(self) -> None:
        """
        Without it implicit TLS is the same, with either version.
        """
        for version in ("-tls1_2", "-tls1_3"):
            printed = await self.talk("implicit", version)
            self.assertIn("Verify return code: 0 (ok)", printed)
            self.assertIn("220 mx.example.org ESMTP ready", printed)
            self.assertIn("221 2.0.0 ", printed)

    async def test_lmtp(self) -> None:
        """
        With -starttls lmtp it says LHLO, and then a message gets a reply for each
        recipient.
        """
        factory, port = await self.serve("required", protocol="lmtp")
        printed = await self.runProgram(
            *(find("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"),
            *("-CAfile", self.authority(), "-verify_return_error", "-ign_eof"),
            *("-crlf", "-starttls", "lmtp"),
            given=b"LHLO client.example.com\nMAIL FROM:<alice@example.com>\n"
            b"RCPT TO:<bob@example.org>\nRCPT TO:<full@example.org>\n"
            b"RCPT TO:<no@example.org>\nDATA\nHello.\n.\nQUIT\n",
        )
        said = re.findall(r"(?m)^([2-5][0-9][0-9] .*?)\r?$", printed)
        self.assertEqual(
            said[said.index("354 End with <CRLF>.<CRLF>") - 1 :],
            [
                "550 5.1.1 No such recipient",
                "354 End with <CRLF>.<CRLF>",
                "250 2.0.0 for bob@example.org",
                "452 4.2.2 Mailbox full",
                "221 2.0.0 Closing connection",
            ],
        )
        [(session, content)] = factory.messages
        self.assertEqual(content, b"Hello.\r\n")
        self.assertEqual(session["transmissionType"], "LMTPS")

    async def test_old(self) -> None:
        """
        TLS 1.1 is not spoken, however little the client cares for safety.
        """
        _, port = await self.serve("implicit")
        program = self.startProgram(
            *(find("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"),
            *("-tls1_1", "-cipher", "ALL@SECLEVEL=0"),
        )
        self.assertNotEqual(await program.ended, 0)
        self.assertNotIn("ESMTP", program.output)


class SwaksTests(SecureTestCase):
    """swaks, which is written in Perl."""

    if (reason := missing("swaks")) is not None:
        skip = reason

    async def send(self, tls: str, option: str) -> None:
        """Have it send a message to a server."""
        factory, port = await self.serve(tls)
        printed = await self.runProgram(
            *(find("swaks"), "--server", f"127.0.0.1:{port}", option),
            *("--helo", "client.example.com", "--from", "alice@example.com"),
            *("--to", "bob@example.org", "--data", "Subject: test\\n\\nHello.\\n"),
            *("--tls-ca-path", self.authority()),
        )
        self.assertIn("TLS started with cipher", printed)
        [(session, content)] = factory.messages
        self.assertTrue(content.startswith(b"Subject: test\r\n\r\nHello.\r\n"))
        self.assertEqual(session["transmissionType"], "ESMTPS")

    async def test_startTLS(self) -> None:
        """
        It sends a message with --tls.
        """
        await self.send("required", "--tls")

    async def test_implicit(self) -> None:
        """
        So it does with --tls-on-connect.
        """
        await self.send("implicit", "--tls-on-connect")

    async def test_lmtp(self) -> None:
        """
        So it does with LMTP, where each recipient has a reply, and is told of one that
        has not got the message.
        """
        factory, port = await self.serve("required", protocol="lmtp")
        program = self.startProgram(
            *(find("swaks"), "--server", f"127.0.0.1:{port}", "--protocol", "LMTPS"),
            *(
                "--tls-ca-path",
                self.authority(),
                "--data",
                "Subject: test\\n\\nHello.\\n",
            ),
            *("--helo", "client.example.com", "--from", "alice@example.com"),
            *("--to", "bob@example.org,full@example.org,carol@example.org"),
        )
        await program.ended
        self.assertIn("TLS started with cipher", program.output)
        _, _, said = program.output.partition(" ~> .\n")
        self.assertEqual(
            re.findall(r"(?m)^<~. +(.*)$", said),
            [
                "250 2.0.0 for bob@example.org",
                "452 4.2.2 Mailbox full",
                "250 2.0.0 for carol@example.org",
                "221 2.0.0 Closing connection",
            ],
        )
        [(session, content)] = factory.messages
        self.assertTrue(content.startswith(b"Subject: test\r\n\r\nHello.\r\n"))
        self.assertEqual(session["transmissionType"], "LMTPS")


class CurlTests(SecureTestCase):
    """curl, with both kinds of TLS."""

    if (reason := missing("curl")) is not None:
        skip = reason

    async def send(self, tls: str, scheme: str, *arguments: str) -> KeepingServer:
        """Have it send a message to a server."""
        factory, port = await self.serve(tls)
        await self.runProgram(
            *(find("curl"), "--disable", "--noproxy", "*", "--verbose", "--silent"),
            *("--url", f"{scheme}://127.0.0.1:{port}/client.example.com"),
            *("--mail-from", "alice@example.com", "--upload-file", self.message()),
            *("--mail-rcpt", "bob@example.org", "--cacert", self.authority()),
            *arguments,
        )
        return factory

    async def test_startTLS(self) -> None:
        """
        With --ssl-reqd it does not go on without TLS.
        """
        self.assertReceived(await self.send("starttls", "smtp", "--ssl-reqd"))

    async def test_implicit(self) -> None:
        """
        smtps:// is implicit TLS.
        """
        self.assertReceived(await self.send("implicit", "smtps"))


class PostfixTests(SecureTestCase):
    """Postfix, which hands mail on in TLS only."""

    if NO_POSTFIX is not None:
        skip = NO_POSTFIX

    async def test_encrypt(self) -> None:
        """
        With smtp_tls_security_level=encrypt its mail arrives in TLS.
        """
        factory, port = await self.serve("required")
        postfix = Postfix(
            self,
            relayhost=f"[127.0.0.1]:{port}",
            smtp_tls_security_level="encrypt",
            smtp_tls_loglevel="1",
        )
        log = await postfix.send(MESSAGE, "BODY=8BITMIME")
        self.assertIn("status=sent", log)
        self.assertIn("TLS connection established to 127.0.0.1", postfix.master.output)
        [(session, content)] = factory.messages
        self.assertHandedOn(content, MESSAGE)
        self.assertEqual(session["transmissionType"], "ESMTPS")

    async def test_inClear(self) -> None:
        """
        It keeps a message that it could only hand on in clear.
        """
        factory, port = await self.serve("none")
        postfix = Postfix(
            self, relayhost=f"[127.0.0.1]:{port}", smtp_tls_security_level="encrypt"
        )
        log = await postfix.send(MESSAGE, "BODY=8BITMIME")
        self.assertIn("status=deferred", log)
        self.assertEqual(factory.messages, [])
