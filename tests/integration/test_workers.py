"""
Several processes behind the same ports.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.integration.programs import isRunning
from tests.integration.support import LOCAL, PATIENCE, Service
from tests.integration.test_twistd import TWISTD, ServiceTestCase

CONFIG = f"""
workers = 2
hostname = "mx.example.org"
stop-timeout = 5
[dns]
reverse-lookup = false
[limits]
clients = 4
[[listener]]
endpoint = "{LOCAL}"
[[listener]]
endpoint = "unix:socket"
[[route]]
recipients = ["*@example.org"]
"""
LOG = """
[log]
file = "log"
format = "json"
"""
AUTH = """
[auth]
users = "users"
"""
OPEN = f"""
endpoint = "{LOCAL}"
auth = "optional"
allow-insecure-auth = true
limits = {{auth-failures-per-address = 3}}
"""
MESSAGE = (
    "HELO client.example.com",
    "MAIL FROM:<alice@example.com>",
    "RCPT TO:<bob@example.org>",
    "DATA",
    "Hello.",
    ".",
    "QUIT",
)
ACCEPTED = "220 250 250 250 354 250 221".split()


class WorkersTests(ServiceTestCase):
    """Two workers."""

    async def startIt(
        self, more: str = "", config: str = CONFIG
    ) -> tuple[Service, int]:
        """The service, when both workers serve, and its port."""
        (self.folder / "mail.toml").write_text(config + more, "utf-8")
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        port = await service.listening
        await self.begun(service, 2)
        return service, port

    async def begun(self, service: Service, count: int) -> None:
        """So many workers have begun, since the service has."""
        await service.said("(?s)" + "mail goes to the Maildir.*" * count)

    async def codes(self, port: int) -> list[str]:
        return [line[:3] for line in await self.say(port, *MESSAGE)]

    async def test_both(self) -> None:
        """
        Both serve the port, and the UNIX socket stays though one of them is killed;
        the other goes on at once, and soon there are two again.  All log to one file.
        """
        service, port = await self.startIt(LOG)
        before = service.workers
        self.assertEqual(len(before), 2)
        self.assertEqual(await self.codes(port), ACCEPTED)
        os.kill(before[0], signal.SIGKILL)
        for _ in range(5):
            self.assertEqual(await self.codes(port), ACCEPTED)
        await self.begun(service, 3)
        self.assertEqual(len(service.workers), 2)
        self.assertEqual(len(self.messages()), 6)
        self.assertTrue((self.folder / "socket").is_socket())
        greeting = await deferToThread(self.greetingOfSocket)
        self.assertTrue(greeting.startswith(b"220 mx.example.org"))
        self.assertEqual(await service.terminate(), 0)
        self.assertFalse((self.folder / "socket").exists())
        self.assertNotIn("Traceback", service.output)
        logged = (self.folder / "log").read_text("ascii").splitlines()
        events = [json.loads(line) for line in logged]
        said = [(each.get("worker"), each["event"]) for each in events]
        self.assertEqual(said.count((None, "listening")), 2)
        self.assertEqual(said.count((None, "worker-ended")), 1)
        for place in (0, 1):
            self.assertIn((place, "stopping"), said)
        accepted = [each for _, each in said if each == "message-accepted"]
        self.assertEqual(len(accepted), 6)
        self.assertNotIn("message from", service.output)

    def greetingOfSocket(self) -> bytes:
        """What is said through the UNIX socket."""
        folder = os.open(self.folder, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                # The name of a socket is short, and the folders of tests are not.
                client.connect(f"/proc/self/fd/{folder}/socket")
                return client.recv(100)
        finally:
            os.close(folder)

    async def test_orphans(self) -> None:
        """
        When the first process is killed, the others end too, and the port is free.
        """
        service, port = await self.startIt()
        workers = service.workers
        service.transport.signalProcess("KILL")
        await service.ended
        while any(map(isRunning, workers)):
            await deferLater(reactor, 0.02)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE)

    async def test_limits(self) -> None:
        """
        What is limited for the server is so for the workers together: none refuses who
        may come in, and none lets in who may not.
        """
        service, port = await self.startIt()
        for _ in range(2):
            greetings = await deferToThread(self.greetings, port, 12)
            self.assertEqual(greetings, [b"220"] * 4 + [b"421"] * 8)
            await self.empty(port)
        await service.terminate()

    async def empty(self, port: int) -> None:
        """Wait until those who were there are not counted any more."""
        while (await deferToThread(self.greetings, port, 4)) != [b"220"] * 4:
            await deferLater(reactor, 0.02)
        await deferLater(reactor, 0.1)

    async def test_failedLogins(self) -> None:
        """
        Who has failed too often with both together is let in by neither.
        """
        (self.folder / "users").write_text("bob:{PLAIN}sesame\n", "utf-8")
        config = CONFIG.replace(f'endpoint = "{LOCAL}"', OPEN)
        service, port = await self.startIt(AUTH, config)
        login = base64.b64encode(b"\0bob\0wrong").decode()
        for _ in range(4):
            said = await self.say(port, "EHLO c.example", f"AUTH PLAIN {login}", "QUIT")
            self.assertIn("535", [line[:3] for line in said])
        greetings = await deferToThread(self.greetings, port, 6)
        self.assertEqual(greetings, [b"421"] * 6)
        await service.terminate()

    def greetings(self, port: int, count: int) -> list[bytes]:
        """What so many clients are told, one after the other, that then stay."""
        with ExitStack() as stack:
            heard = []
            for _ in range(count):
                client = socket.create_connection(("127.0.0.1", port), PATIENCE)
                stack.enter_context(client)
                heard.append(client.recv(100)[:3])
            return heard

    async def test_refusedByWorkers(self) -> None:
        """
        What only the workers find to be bad is kept by none, nor by who begins later.
        """
        service, port = await self.startIt()
        (self.folder / "loop").symlink_to("loop")
        bad = CONFIG + 'path = "loop/mail"\n'
        (self.folder / "mail.toml").write_text(bad, "utf-8")
        service.transport.signalProcess("HUP")
        await service.said("(?s)not reloaded.*not reloaded")
        for each in service.workers:
            os.kill(each, signal.SIGKILL)
        await self.begun(service, 4)
        for _ in range(4):
            self.assertEqual(await self.codes(port), ACCEPTED)
        # They have tried what the file says, too.
        await service.said("not reloaded", 4)
        await service.terminate()

    async def test_reloadAndStop(self) -> None:
        """
        Reload and stop reach both: a new route holds, and all processes end with 0.
        """
        service, port = await self.startIt()
        changed = CONFIG.replace("*@example.org", "*@example.net")
        (self.folder / "mail.toml").write_text(changed, "utf-8")
        service.transport.signalProcess("HUP")
        await service.said("(?s)reloaded.*reloaded")
        for _ in range(6):
            codes = await self.codes(port)
            self.assertEqual(codes[3], "550")
        (self.folder / "mail.toml").write_text("hostnam = 1", "utf-8")
        service.transport.signalProcess("HUP")
        await service.said("not reloaded: .*hostnam")
        # Who begins now has what was good, and not what is in the file.
        os.kill(service.workers[0], signal.SIGKILL)
        await service.said("mail goes to the Maildir", 3)
        for _ in range(6):
            self.assertEqual((await self.codes(port))[3], "550")
        workers = service.workers
        self.assertEqual(len(workers), 2)
        self.assertEqual(await service.terminate(), 0)
        for each in workers:
            self.assertFalse(Path(f"/proc/{each}").exists())
