"""
C{twistd --uid}: the service opens its ports as root, and goes on as somebody else.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
from pathlib import Path

from twisted.internet.threads import deferToThread

from tests.integration.secure import Client
from tests.integration.support import Service
from tests.integration.test_servicesignals import configuration
from tests.integration.test_twistd import TWISTD, ServiceTestCase

USER, GROUP = "nobody", "nogroup"


class PrivilegeTests(ServiceTestCase):
    """Started by root."""

    if os.geteuid() != 0:
        skip = "only root can become another user"

    def setUp(self) -> None:
        super().setUp()
        # Trial's own folders can be reached by root alone.
        self.folder = self.makeFolder()
        self.closed = self.folder / "closed"
        self.closed.mkdir(mode=0o700)
        self.user = pwd.getpwnam(USER)
        self.mail = self.folder / "mail"
        self.mail.mkdir()
        os.chown(self.mail, self.user.pw_uid, self.user.pw_gid)

    def begin(self) -> Service:
        """Start it with a port, a socket where only root may make one, and a log."""
        text = configuration(
            "mail/box",
            top='events = "mail/events"',
            more=f"""
[[listener]]
endpoint = "unix:{self.closed}/socket"
[log]
file = "mail/log"
""",
        )
        (self.folder / "mail.toml").write_text(text, "utf-8")
        return self.start(
            *(*TWISTD, "--uid", USER, "--gid", GROUP),
            *("smtpsession", "--config", "mail.toml"),
        )

    async def sendOne(self, port: int) -> None:
        client = await deferToThread(Client, port)
        self.addCleanup(lambda: client.socket.close())
        await client.reply()
        for octets in (
            b"EHLO client.example.com\r\n",
            b"MAIL FROM:<alice@example.com>\r\n",
            b"RCPT TO:<bob@example.org>\r\n",
            b"DATA\r\n",
            b"Hello.\r\n.\r\n",
        ):
            await client.send(octets)
            self.assertIn((await client.reply())[:1], (b"2", b"3"))

    def ids(self, pid: int) -> set[str]:
        """The user and group IDs that a process has, of all kinds."""
        status = Path(f"/proc/{pid}/status").read_text()
        return {
            number
            for line in re.findall(r"^(?:Uid|Gid):\t(.*)$", status, re.M)
            for number in line.split()
        }

    def assertNobodys(self) -> None:
        """What was made since belongs to the user."""
        made = [*self.mail.rglob("*")]
        self.assertTrue({"box", "events", "log"} <= {each.name for each in made})
        for each in made:
            self.assertEqual(each.stat().st_uid, self.user.pw_uid, each)

    async def test_user(self) -> None:
        """
        It has the socket that only root could open, delivers as the user, and reads
        its files anew as the user.
        """
        service = self.begin()
        port = await service.listening
        await self.sendOne(port)
        self.assertTrue((self.closed / "socket").is_socket())
        expected = {str(self.user.pw_uid), str(self.user.pw_gid)}
        self.assertEqual(self.ids(service.transport.pid), expected)
        self.assertNobodys()
        service.transport.signalProcess(signal.SIGHUP)
        await service.said(r"\breloaded")
        await self.sendOne(port)
        self.assertEqual(len([*(self.mail / "box" / "new").iterdir()]), 2)
        await service.terminate()
