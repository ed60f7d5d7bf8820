"""
The units for systemd, as systemd reads them, and the service as they start it.

They are no part of the package; there is nothing to read where they are not at hand.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from twisted.internet.threads import deferToThread

from tests.integration.programs import Program, find, missing
from tests.integration.secure import Client, certificate
from tests.integration.support import LOCAL, PATIENCE, NetworkTestCase
from tests.integration.unitfile import UNITS, Unit

PAGE = UNITS.parents[1] / "docs" / "systemd.rst"
SERVICE, SOCKET = "smtpsession.service", "smtpsession.socket"
#: Tenths of what C{systemd-analyze security} calls exposure; 100 is no protection.
EXPOSURE = 25
#: The configuration of the page, and the endpoint of the socket.
_CONFIG = re.compile(r"^This is an .*::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
_ENDPOINT = re.compile(r'^    (endpoint = "systemd:.*")$', re.MULTILINE)
#: C{twistd} of a virtual environment.
_TWISTD = f"""#!{sys.executable}
import sys
sys.path[:0] = {[os.path.abspath(each) for each in sys.path]}
from twisted.scripts.twistd import run
sys.exit(run())
"""


class UnitTestCase(NetworkTestCase):
    """The units on a machine whose root is a folder."""

    def setUp(self) -> None:
        self.isThere = UNITS.exists()
        if not self.isThere:
            return
        self.root = self.makeFolder()
        self.unit = Unit(SERVICE, self.root)
        self.unit.prepare()
        self.etc = self.root / "etc" / "smtpsession"
        twistd = self.root / "opt" / "smtpsession" / "bin" / "twistd"
        twistd.parent.mkdir()
        twistd.write_text(_TWISTD, "utf-8")
        twistd.chmod(0o755)


class AnalyzeTests(UnitTestCase):
    """What C{systemd-analyze} says."""

    skip = missing("systemd-analyze")

    async def analyze(self, *arguments: str) -> str:
        """What it says of both, where C{twistd} is where they want it."""
        if not self.isThere:
            return ""
        units = [self.root / name for name in (SERVICE, SOCKET)]
        for unit in units:
            text = (UNITS / unit.name).read_text("utf-8")
            unit.write_text(self.unit.moved(text), "utf-8")
        path = find("systemd-analyze")
        paths = map(str, units if arguments[-1] == "verify" else units[:1])
        return await self.runProgram(path, "--no-pager", *arguments, *paths)

    async def test_verify(self) -> None:
        """
        systemd has nothing to say against them.
        """
        self.assertEqual(await self.analyze("--man=no", "verify"), "")

    async def test_hardening(self) -> None:
        """
        The service may do little that it does not need.
        """
        await self.analyze("--offline=true", f"--threshold={EXPOSURE}", "security")


class StartTests(UnitTestCase):
    """
    The command line of the unit, in its folder, with its environment and its umask, and
    the configuration of the page.
    """

    skip = missing("env", "sh", "systemd-socket-activate")

    def configure(self, endpoint: str) -> None:
        """Write what the page has, with this endpoint."""
        [found] = _CONFIG.findall(PAGE.read_text("utf-8"))
        text = self.unit.moved(dedent(found))
        self.assertEqual(text.count('endpoint = "tcp:25"'), 1)
        text = text.replace('endpoint = "tcp:25"', endpoint)
        (self.etc / "mail.toml").write_text(text, "utf-8")
        for name in ("fullchain.pem", "privkey.pem"):
            (self.etc / name).write_bytes(certificate())
        self.before = self.files()

    def files(self) -> set[Path]:
        """All there is on the machine."""
        return {path for path in self.root.rglob("*") if path.is_file()}

    def begin(self, *activate: str, **more: str) -> Program:
        """
        Start it.

        @param activate: what runs it, with arguments
        @param more: additions to its environment
        """
        variables = {**self.unit.environment(), **more}
        umask = self.unit.setting("Service", "UMask")
        return self.startProgram(
            find("env"),
            *("-i", "-C", self.unit.workingDirectory()),
            *(f"{name}={value}" for name, value in variables.items()),
            *("sh", "-c", f'umask {umask} && exec "$@"', "sh"),
            *(*activate, *self.unit.command()),
        )

    async def deliver(self, port: int) -> None:
        """A message through TLS; the folder of the service has that and no more."""
        client: Any = await deferToThread(Client, port)
        self.addCleanup(lambda: client.socket.close())
        self.assertEqual(await client.reply(), b"220 mx.example.org ESMTP ready\r\n")
        await self.tell(client, "EHLO client.example.com", "STARTTLS")
        await client.secure()
        await self.tell(
            client,
            *("EHLO client.example.com", "MAIL FROM:<alice@example.com>"),
            *("RCPT TO:<bob@example.org>", "DATA", "Hello.\r\n.", "QUIT"),
        )
        await client.bye()
        [mail] = Path(self.unit.workingDirectory()).iterdir()
        [message] = (mail / "example.org" / "bob" / "new").iterdir()
        self.assertTrue(message.read_bytes().endswith(b"\nHello.\n"))
        self.assertEqual(mail.stat().st_mode & 0o777, 0o700)

    async def tell(self, client: Any, *lines: str) -> None:
        """Commands that are accepted."""
        for line in lines:
            await client.send(f"{line}\r\n".encode())
            self.assertIn((await client.reply())[:1], (b"2", b"3"), line)

    def assertWrittenWhereItMay(self) -> None:
        """What is new is where systemd lets the service write."""
        places = [Path(self.unit.moved(path)) for path in self.unit.folders()]
        made = self.files() - self.before
        for path in made:
            self.assertTrue(any(each in path.parents for each in places), path)
        self.assertIn("mail.log", {path.name for path in made})

    async def test_service(self) -> None:
        """
        It tells systemd that it is ready, delivers, writes nowhere but where it may,
        and ends with 0 when it is told to.
        """
        if not self.isThere:
            return
        self.configure(f'endpoint = "{LOCAL}"')
        path = self.socketPath()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            service = self.begin(NOTIFY_SOCKET=path)
            self.assertEqual(await deferToThread(manager.recv, 100), b"READY=1")
        said = r"listening on IPv4Address\(.*port=([0-9]+)\)"
        await self.deliver(int((await service.said(said))[1]))
        self.assertEqual(await service.terminate(), 0, service.output)
        self.assertNotIn("Traceback", service.output)
        self.assertWrittenWhereItMay()

    async def test_socket(self) -> None:
        """
        The socket has it started by its first client, with the endpoint of the page
        and of the unit's own comment.
        """
        if not self.isThere:
            return
        unit = Unit(SOCKET, self.root)
        [endpoint] = _ENDPOINT.findall(PAGE.read_text("utf-8"))
        self.assertIn(f"#     {endpoint}\n", unit.path.read_text("utf-8"))
        self.configure(endpoint)
        host, _, number = unit.setting("Socket", "ListenStream").partition(":")
        self.assertEqual((host, number), ("0.0.0.0", "25"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        activate = find("systemd-socket-activate")
        assert activate is not None
        kept = [f"--setenv={name}" for name in self.unit.environment()]
        service = self.begin(
            *(activate, f"--listen=127.0.0.1:{port}", *kept),
            "--fdname=" + unit.setting("Socket", "FileDescriptorName"),
        )
        await service.said("Listening on")
        await self.deliver(port)
        self.assertEqual(await service.terminate(), 0, service.output)
        self.assertNotIn("Traceback", service.output)
        self.assertWrittenWhereItMay()
