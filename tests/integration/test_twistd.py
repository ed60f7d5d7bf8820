"""
The service as it is run: C{twistd smtpsession} and C{twist smtpsession}.
"""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.internet.threads import deferToThread

from tests.integration.support import LOCAL, PATIENCE, NetworkTestCase, Service

TWISTD = ("-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")
TWIST = ("-m", "twisted", "--log-format=text")


class ServiceTestCase(NetworkTestCase):
    """A service in a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def start(self, *arguments: str) -> Service:
        return self.spawn(*arguments, folder=str(self.folder))

    def messages(self, maildir: str = "maildir") -> list[bytes]:
        """What is in the Maildir."""
        return [each.read_bytes() for each in (self.folder / maildir / "new").iterdir()]

    async def say(self, port: int, *lines: str) -> list[str]:
        """Send these lines at once, and give what comes back until the end."""

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                client.sendall("".join(f"{line}\r\n" for line in lines).encode())
                return b"".join(iter(lambda: client.recv(4096), b""))

        return (await deferToThread(talk)).decode("ascii").splitlines()


class TwistdTests(ServiceTestCase):
    """twistd."""

    async def test_startAndStop(self) -> None:
        """
        It starts, says where it listens and where mail goes, and ends when the
        operating system asks it to.
        """
        service = self.start(*TWISTD, "smtpsession", "--listen", LOCAL)
        # It is whole only when it answers.
        await self.say(await service.listening, "QUIT")
        self.assertEqual(await service.terminate(), 0)
        self.assertIn(str(self.folder / "maildir"), service.output)
        self.assertNotIn("Traceback", service.output)

    async def test_message(self) -> None:
        """
        A message is in the Maildir when its sender is told so, and has a log line.
        """
        service = self.start(
            *TWISTD,
            "smtpsession",
            *("--listen", LOCAL, "--maildir", "mail", "--hostname", "mx.example.org"),
        )
        port = await service.listening
        replies = await self.say(
            port,
            "HELO client.example.com",
            "MAIL FROM:<alice@example.com>",
            "RCPT TO:<anybody@example.net>",
            "DATA",
            "Hello.",
            ".",
            "QUIT",
        )
        self.assertEqual(replies[0], "220 mx.example.org ESMTP ready")
        self.assertEqual(
            [each[:3] for each in replies[1:]], "250 250 250 354 250 221".split()
        )
        [message] = self.messages("mail")
        self.assertTrue(message.endswith(b"\nHello.\n"))
        await service.terminate()
        self.assertIn("<alice@example.com>", service.output)
        self.assertIn("<anybody@example.net>", service.output)

    async def test_twoListeners(self) -> None:
        """
        --listen may be given twice.
        """
        service = self.start(
            *TWISTD, "smtpsession", "--listen", "unix:socket", "--listen", LOCAL
        )
        await service.listening
        self.assertTrue((self.folder / "socket").is_socket())
        await service.terminate()

    async def test_portInUse(self) -> None:
        """
        Where the port is taken it ends, with an error and a status that is not zero.
        """
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            service = self.start(*TWISTD, "smtpsession", "--listen", endpoint)
            status = await service.ended
        self.assertGreater(status, 0, service.output)
        self.assertIn("in use", service.output)
        self.assertNotIn("Traceback", service.output)

    async def test_badOption(self) -> None:
        """
        A wrong command line is told to the user, without a traceback.
        """
        service = self.start(*TWISTD, "smtpsession", "--listen", "carrier-pigeon")
        # With which status is Twisted's: that of 26.4 was 0.
        await service.ended
        self.assertIn("--listen", service.output)
        self.assertNotIn("Traceback", service.output)

    async def test_badMaildir(self) -> None:
        """
        So is a Maildir that cannot be made.
        """
        (self.folder / "file").write_bytes(b"")
        service = self.start(
            *TWISTD, "smtpsession", "--maildir", "file", "--listen", LOCAL
        )
        self.assertGreater(await service.ended, 0, service.output)
        self.assertIn("cannot use", service.output)
        self.assertNotIn("Traceback", service.output)

    async def test_help(self) -> None:
        """
        twistd --help lists the service.
        """
        service = self.start(*TWISTD, "--help")
        self.assertEqual(await service.ended, 0)
        self.assertRegex(service.output, r"(?m)^ *smtpsession ")


class TwistTests(ServiceTestCase):
    """twist."""

    async def test_message(self) -> None:
        """
        It runs the service as well.
        """
        service = self.start(*TWIST, "smtpsession", "--listen", LOCAL)
        port = await service.listening
        replies = await self.say(port, "QUIT")
        self.assertEqual([each[:3] for each in replies], ["220", "221"])
        self.assertEqual(await service.terminate(), 0)

    async def test_portInUse(self) -> None:
        """
        Where the port is taken it ends with a status that is not zero, too.
        """
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            service = self.start(*TWIST, "smtpsession", "--listen", endpoint)
            status = await service.ended
        self.assertGreater(status, 0, service.output)
