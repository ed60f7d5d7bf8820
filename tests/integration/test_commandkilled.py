"""
Programs that read a message while the service is killed.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from textwrap import dedent

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.integration.secure import Client
from tests.integration.support import LOCAL, Service
from tests.integration.test_twistd import TWISTD, ServiceTestCase

PAGE = Path(__file__).parents[2] / "docs" / "operators.rst"
#: That of the manual, which is no part of the package.
SCRIPT = """
cat > part
read -r end <&3
[ "$end" = whole ] || exit 75
mv part message
"""
_SHOWN = re.compile(r"^A program that has to be sure .*::\n\n((?:    .*\n|\n)+)", re.M)

CONFIG = f"""
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[[listener]]
endpoint = "{LOCAL}"
[[route]]
recipients = ["*@example.org"]
deliver = "command"
command = ["/bin/sh", "program"]
"""
MESSAGE = b"Subject: Hello\r\n\r\n" + b"Hello.\r\n" * 10_000


class KilledTests(ServiceTestCase):
    """A program that is as careful as it can be."""

    async def begin(self) -> tuple[Service, Client]:
        """The service, and a client that has sent a message but for its end."""
        # What it says last is whether it has accepted.
        script = SCRIPT.replace("exit 75", "{ echo torn > result; exit 75; }")
        (self.folder / "program").write_text(f"{script}echo whole > result\n", "ascii")
        (self.folder / "mail.toml").write_text(CONFIG, "utf-8")
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        client = Client(await service.listening)
        self.addCleanup(lambda: client.socket.close())
        await client.reply()
        for line in (
            b"EHLO client.example.com\r\n",
            b"MAIL FROM:<alice@example.com>\r\n",
            b"RCPT TO:<bob@example.org>\r\n",
            b"DATA\r\n",
        ):
            await client.send(line)
            self.assertIn((await client.reply())[:1], (b"2", b"3"))
        await client.send(MESSAGE)
        await self.waitFor("part")
        return service, client

    async def waitFor(self, name: str) -> None:
        """Until this file has something in it."""
        file = self.folder / name
        while not (file.exists() and file.stat().st_size):
            await deferLater(reactor, 0.02)

    async def test_whole(self) -> None:
        """
        It is told that the message is whole, and not before.
        """
        service, client = await self.begin()
        self.assertFalse((self.folder / "result").exists())
        await client.send(b".\r\n")
        self.assertEqual((await client.reply())[:3], b"250")
        self.assertEqual((self.folder / "result").read_text(), "whole\n")
        content = (self.folder / "message").read_bytes()
        self.assertTrue(content.endswith(MESSAGE.replace(b"\r\n", b"\n")))
        await client.send(b"QUIT\r\n")
        self.assertEqual(await service.terminate(), 0)

    async def test_torn(self) -> None:
        """
        When the service is killed, it comes to the end of its input all the same, and
        knows that this is not the end of the message.
        """
        service, client = await self.begin()
        ended: Deferred[int] = service.ended
        os.kill(service.transport.pid, signal.SIGKILL)
        self.assertEqual(await ended, -signal.SIGKILL)
        await self.waitFor("result")
        self.assertEqual((self.folder / "result").read_text(), "torn\n")
        self.assertFalse((self.folder / "message").exists())

    def test_manual(self) -> None:
        """
        This is what the manual has.
        """
        if PAGE.exists():
            [shown] = _SHOWN.findall(PAGE.read_text("utf-8"))
            self.assertEqual(dedent(shown).strip(), SCRIPT.strip())
