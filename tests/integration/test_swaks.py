"""
swaks, a mail client that is written in Perl, against the service.
"""

from __future__ import annotations

import shutil

from twisted.internet.utils import getProcessOutputAndValue

from smtpsession import SMTPServerFactory, SMTPSession
from smtpsession.stream import MessageStream
from tests.integration.support import LOCAL, localOptions
from tests.integration.test_twistd import TWISTD, ServiceTestCase

SWAKS = shutil.which("swaks")

#: A message with an attachment, 8-bit text, and lines that begin with dots.
MESSAGE = b"""\
From: alice@example.com
To: bob@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=frontier

--frontier
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Gr\xc3\xbc\xc3\x9fe aus K\xc3\xb6ln
.
..
.a line that begins with a dot
 . and one that does not
\xff\xfe octets that are not UTF-8

--frontier
Content-Type: application/octet-stream; name="data.bin"
Content-Disposition: attachment; filename="data.bin"
Content-Transfer-Encoding: base64

AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=

--frontier--
"""


class SwaksTests(ServiceTestCase):
    """A client of other authors, in a process of its own."""

    if SWAKS is None:
        skip = "swaks is not installed; it is a package of Debian"

    async def swaks(self, *arguments: str) -> bytes:
        """Run swaks, and give what it prints: the conversation."""
        assert SWAKS is not None
        out, err, status = await getProcessOutputAndValue(
            SWAKS, arguments, path=str(self.folder)
        )
        self.assertEqual(status, 0, (out, err))
        assert isinstance(out, bytes)
        return out

    async def send(self, *arguments: str) -> tuple[bytes, bytes]:
        """Send a message to the service; what swaks prints, and the stored message."""
        service = self.start(
            *TWISTD,
            "smtpsession",
            *("--listen", LOCAL, "--maildir", "mail", "--hostname", "mx.example.org"),
        )
        port = await service.listening
        printed = await self.swaks(
            *("--server", f"127.0.0.1:{port}", "--helo", "client.example.com"),
            *("--from", "alice@example.com", "--to", "bob@example.org"),
            *arguments,
        )
        [stored] = self.messages("mail")
        await service.terminate()
        return printed, stored

    def write(self, message: bytes) -> None:
        """Put a message into a file for swaks, which ends the last line by itself."""
        (self.folder / "message").write_bytes(message.removesuffix(b"\n"))

    def assertTraced(self, stored: bytes, message: bytes) -> None:
        """What is stored is trace headers and then the message, octet by octet."""
        trace, rest = stored[: -len(message)], stored[-len(message) :]
        self.assertEqual(rest, message)
        lines = trace.decode("ascii").splitlines()
        self.assertEqual(lines[0], "Return-Path: <alice@example.com>")
        self.assertEqual(lines[1], "Delivered-To: bob@example.org")
        self.assertEqual(
            lines[2], "Received: from client.example.com (localhost [127.0.0.1])"
        )
        self.assertTrue(lines[3].startswith("\tby mx.example.org with ESMTP id "))
        self.assertEqual(lines[4], "\tfor <bob@example.org>;")
        self.assertEqual(len(lines), 6)

    async def test_file(self) -> None:
        """
        A message that is a file is stored as that file, apart from trace headers.
        """
        self.write(MESSAGE)
        _, stored = await self.send("--data", "@message")
        self.assertTraced(stored, MESSAGE)

    async def test_attachment(self) -> None:
        """
        A message that swaks makes, with a body and an attachment, is stored as swaks
        says that it sent it.
        """
        (self.folder / "body").write_bytes("Grüße\n.\n..\n.x\n".encode())
        (self.folder / "data.bin").write_bytes(bytes(range(256)) * 20)
        printed, stored = await self.send(
            *("--body", "@body", "--attach", "@data.bin", "--header", "X-Test: Köln")
        )
        self.assertTraced(stored, _sent(printed))

    async def test_pipelined(self) -> None:
        """
        So is one that is sent with pipelining.
        """
        self.write(MESSAGE)
        _, stored = await self.send("--data", "@message", "--pipeline")
        self.assertTraced(stored, MESSAGE)

    async def test_lmtp(self) -> None:
        """
        swaks also speaks LMTP, through a UNIX socket to a server in this process.
        """
        received: list[bytes] = []

        async def keep(stream: MessageStream, session: SMTPSession) -> list[str]:
            received.append(await stream.read())
            return [f"for {each}" for each in session.envelope.rcptTo]

        factory = SMTPServerFactory(
            onData=keep,
            options=localOptions(protocol="lmtp", reverseLookup=False),
        )
        path = self.socketPath()
        await self.listen(factory, f"unix:{path}")
        self.write(MESSAGE)
        printed = await self.swaks(
            *("--socket", path, "--protocol", "LMTP", "--data", "@message"),
            *("--from", "alice@example.com"),
            *("--to", "bob@example.org,carol@example.org"),
        )
        self.assertEqual(received, [MESSAGE.replace(b"\n", b"\r\n")])
        self.assertIn(b"250 2.0.0 for bob@example.org", printed)
        self.assertIn(b"250 2.0.0 for carol@example.org", printed)


def _sent(printed: bytes) -> bytes:
    """
    The message in a conversation that swaks printed, its transparency dots removed and
    its line ends as LF.
    """
    _, _, after = printed.partition(b"<-  354 ")
    _, _, after = after.partition(b"\n")
    lines = []
    for line in after.split(b"\n"):
        line = line.removeprefix(b" -> ").removesuffix(b"\r")
        if line == b".":
            break
        lines.append(line.removeprefix(b".") + b"\n")
    return b"".join(lines)
