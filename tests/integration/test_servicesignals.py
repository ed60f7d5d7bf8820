"""
The service and its signals, sockets and service manager, as an operator has them.
"""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import ssl
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.certificates import Identity, selfSigned
from tests.integration.programs import find, missing
from tests.integration.secure import Client
from tests.integration.support import LOCAL, PATIENCE, Service
from tests.integration.test_twistd import TWISTD, ServiceTestCase

GOING_DOWN = b"421 4.3.2 Service is going down, try again later\r\n"
EHLO = b"EHLO client.example.com\r\n"
MAIL = b"MAIL FROM:<alice@example.com>\r\n"
RCPT = b"RCPT TO:<bob@example.org>\r\n"


def configuration(
    maildir: str = "maildir", endpoint: str = LOCAL, top: str = "", more: str = ""
) -> str:
    """
    A whole configuration with one listener and one route.

    @param top: keys of the file
    @param more: keys of the listener, and tables behind it
    """
    return f"""
hostname = "mx.example.org"
{top}

[dns]
reverse-lookup = false

[[listener]]
endpoint = "{endpoint}"
{more}

[[route]]
recipients = ["*@example.org"]
path = "{maildir}"
"""


SECURE = """
tls = "starttls"
auth = "optional"

[tls]
certificate = "server.pem"

[auth]
users = "users"
"""


class SignalTestCase(ServiceTestCase):
    """A service with a configuration in a file."""

    def write(self, name: str, text: str) -> None:
        """Put another file in the place of this one."""
        new = self.folder / "another"
        new.write_text(text, "utf-8")
        os.replace(new, self.folder / name)

    async def serve(self, text: str) -> tuple[Service, int]:
        """Start the service; give it and its port, once it takes signals."""
        self.write("mail.toml", text)
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        port = await service.listening
        # It is whole only when it answers.
        await self.say(port, "QUIT")
        return service, port

    async def connect(self, port: int) -> Client:
        """A client that has said hello."""
        client = await deferToThread(Client, port)
        self.addCleanup(lambda: client.socket.close())
        self.assertRegex(await client.line(), b"^220 ")
        await self.tell(client, EHLO, b"250")
        return client

    async def tell(self, client: Client, octets: bytes, code: bytes) -> None:
        """Say this, and hear this code."""
        await client.send(octets)
        self.assertEqual((await client.reply())[:3], code)

    async def beginMessage(self, client: Client) -> None:
        """Get as far as into the middle of a message."""
        for octets, code in ((MAIL, b"250"), (RCPT, b"250"), (b"DATA\r\n", b"354")):
            await self.tell(client, octets, code)
        await client.send(b"Hello.\r\n")


class HangUpTests(SignalTestCase):
    """SIGHUP."""

    def smtp(self, port: int, identity: Identity) -> smtplib.SMTP:
        """A client of Python that has this certificate's word."""
        pem = identity.certificatePEM.decode("ascii")
        context = ssl.create_default_context(cadata=pem)
        client = smtplib.SMTP("localhost", port, timeout=PATIENCE)
        self.addCleanup(client.close)
        client.starttls(context=context)
        client.ehlo()
        return client

    def writePair(self) -> Identity:
        """A new certificate in the place of the old one."""
        identity = selfSigned("localhost")
        self.write("server.pem", identity.pem.decode("ascii"))
        return identity

    async def hangUp(self, service: Service, pattern: str) -> None:
        """Send the signal, and wait for what it has in the log."""
        service.transport.signalProcess(signal.SIGHUP)
        await service.said(pattern)

    async def inThread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await deferToThread(function, *arguments)

    async def test_underLoad(self) -> None:
        """
        While clients send messages it reads its file again and again, and drops none of
        them; a new route has what comes after it.
        """
        service, port = await self.serve(configuration())
        stopped: list[bool] = []

        def send() -> int:
            count = 0
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                while not stopped or not count:
                    client.sendmail("alice@example.com", "bob@example.org", "x" * 9999)
                    count += 1
            return count

        working = [deferToThread(send) for _ in range(3)]
        try:
            for place in range(10):
                self.write("mail.toml", configuration(f"maildir{place}"))
                said = f"(?s)(mail goes to .*maildir{place}\\b.*reloaded)"
                await self.hangUp(service, said)
        finally:
            stopped.append(True)
            counts = [await each for each in working]
        folders = list(self.folder.glob("maildir*"))
        kept = sum(len(self.messages(each.name)) for each in folders)
        self.assertEqual(kept, sum(counts))
        before = len(self.messages("maildir9"))
        client = await self.connect(port)
        await self.beginMessage(client)
        await self.tell(client, b".\r\n", b"250")
        self.assertEqual(len(self.messages("maildir9")), before + 1)
        self.assertEqual(await service.terminate(), 0)
        self.assertNotIn("Traceback", service.output)

    async def test_certificate(self) -> None:
        """
        Who comes later sees the new certificate, and a connection in TLS goes on.
        """
        old = self.writePair()
        self.write("users", "bob:{PLAIN}sesame\n")
        service, port = await self.serve(configuration(more=SECURE))
        client = await self.inThread(self.smtp, port, old)
        new = self.writePair()
        await self.hangUp(service, r"\breloaded")
        await self.inThread(
            client.sendmail, "alice@example.com", "bob@example.org", "Hello."
        )
        self.assertEqual(len(self.messages()), 1)
        await self.inThread(self.smtp, port, new)
        with self.assertRaises(ssl.SSLCertVerificationError):
            await self.inThread(self.smtp, port, old)

    async def test_users(self) -> None:
        """
        Who comes later logs in as the new users file has it.
        """
        identity = self.writePair()
        self.write("users", "bob:{PLAIN}sesame\n")
        service, port = await self.serve(configuration(more=SECURE))
        self.write("users", "eve:{PLAIN}apple\n")
        await self.hangUp(service, r"\breloaded")
        client = await self.inThread(self.smtp, port, identity)
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            await self.inThread(client.login, "bob", "sesame")
        client = await self.inThread(self.smtp, port, identity)
        code, _ = await self.inThread(client.login, "eve", "apple")
        self.assertEqual(code, 235)

    async def test_badFile(self) -> None:
        """
        Where one of the files is bad the log says so, and everything stays: routes,
        certificate and users.
        """
        identity = self.writePair()
        self.write("users", "bob:{PLAIN}sesame\n")
        good = configuration(more=SECURE)
        service, port = await self.serve(good)
        pem = identity.pem.decode("ascii")
        for name, bad, fine in (
            ("mail.toml", configuration("elsewhere", more="colour = 1"), good),
            ("mail.toml", "[", good),
            ("server.pem", "nothing", pem),
            ("users", "bob\n", "bob:{PLAIN}sesame\n"),
        ):
            self.write(name, bad)
            count = service.output.count("not reloaded: ") + 1
            await self.hangUp(service, f"(?s)(not reloaded: .*){{{count}}}")
            client = await self.inThread(self.smtp, port, identity)
            await self.inThread(client.login, "bob", "sesame")
            await self.inThread(
                client.sendmail, "alice@example.com", "bob@example.org", "Hello."
            )
            self.write(name, fine)
        self.assertEqual(len(self.messages()), 4)
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertNotIn("Traceback", service.output)


class TerminationTests(SignalTestCase):
    """SIGTERM."""

    async def test_clients(self) -> None:
        """
        Who is idle is told 421; who is in the middle of a message may finish, gets the
        250 and then the same.  Meanwhile nobody new is let in.
        """
        service, port = await self.serve(configuration())
        idle, busy = await self.connect(port), await self.connect(port)
        await self.beginMessage(busy)
        ending = service.terminate()
        self.assertEqual(await idle.line(), GOING_DOWN)
        self.assertEqual(await idle.line(), b"")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.assertFalse(ending.called)
        await self.tell(busy, b"Bye.\r\n.\r\n", b"250")
        self.assertEqual(await busy.line(), GOING_DOWN)
        self.assertEqual(await ending, 0)
        [message] = self.messages()
        self.assertTrue(message.endswith(b"\nHello.\nBye.\n"))

    async def test_impatience(self) -> None:
        """
        Another SIGTERM, or a SIGHUP, while it stops changes nothing, and is no error.
        """
        service, port = await self.serve(configuration())
        busy = await self.connect(port)
        await self.beginMessage(busy)
        ending = service.terminate()
        await service.said("stopping: no new")
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            service.transport.signalProcess(number)
        await service.said("(?s)(stopping already.*){2}")
        await self.tell(busy, b"Bye.\r\n.\r\n", b"250")
        self.assertEqual(await ending, 0)
        self.assertEqual(len(self.messages()), 1)
        self.assertNotIn("Traceback", service.output)
        self.assertNotIn("reloaded", service.output)

    async def test_timeout(self) -> None:
        """
        Who does not finish within stop-timeout is told 421, and nothing is kept.
        """
        service, port = await self.serve(configuration(top="stop-timeout = 0.5"))
        client = await self.connect(port)
        await self.beginMessage(client)
        ending = service.terminate()
        self.assertEqual(await client.line(), GOING_DOWN)
        self.assertEqual(await client.line(), b"")
        self.assertEqual(await ending, 0)
        self.assertEqual(self.messages(), [])
        self.assertEqual(list(self.folder.glob("maildir/tmp/*")), [])


class SurroundingsTests(SignalTestCase):
    """Where it is started, and by whom."""

    async def waitFor(self, isThere: Callable[[], bool]) -> None:
        """Return when this is so; the test ends in time anyway."""
        while not isThere():
            await deferLater(reactor, 0.02)

    async def test_daemon(self) -> None:
        """
        It becomes a daemon, which works elsewhere, with a configuration that has been
        named relative to where it was started; its paths are relative to the file.
        """
        elsewhere = self.makeFolder()
        log = self.folder / "log"
        (self.folder / "etc").mkdir()
        path = self.socketPath()
        text = configuration(endpoint=f"unix:{path}")
        self.write("etc/mail.toml", text)
        pidFile = self.folder / "twistd.pid"
        starting = self.start(
            *(*TWISTD[:2], f"--pidfile={pidFile}", f"--rundir={elsewhere}"),
            *(f"--logfile={log}", "smtpsession", "--config", "etc/mail.toml"),
        )
        self.assertEqual(await starting.ended, 0, starting.output)
        pid = int(pidFile.read_text())
        self.addCleanup(self.killIfThere, pidFile, pid)
        client = Client(path)
        self.addCleanup(lambda: client.socket.close())
        self.assertRegex(await client.line(), b"^220 ")
        await self.tell(client, EHLO, b"250")
        await self.beginMessage(client)
        await self.tell(client, b".\r\n", b"250")
        self.assertEqual(len(self.messages("etc/maildir")), 1)
        self.write("etc/mail.toml", text.replace('"maildir"', '"second"'))
        os.kill(pid, signal.SIGHUP)
        await self.waitFor(lambda: "] reloaded" in log.read_text("utf-8"))
        self.assertTrue((self.folder / "etc" / "second" / "new").is_dir())
        os.kill(pid, signal.SIGTERM)
        await self.waitFor(lambda: not pidFile.exists())
        self.assertNotIn("Traceback", log.read_text("utf-8"))

    def killIfThere(self, pidFile: Path, pid: int) -> None:
        if pidFile.exists():
            os.kill(pid, signal.SIGKILL)

    async def test_mode(self) -> None:
        """
        A UNIX socket has the mode that its endpoint says.
        """
        path = self.socketPath()
        self.write("mail.toml", configuration(endpoint=f"unix:{path}:mode=660"))
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        await service.said("listening on UNIXAddress")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)

    async def test_notify(self) -> None:
        """
        The service manager hears when it is ready, reads its file anew, and stops.
        """
        path = self.socketPath()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            self.patch(os, "environ", {**os.environ, "NOTIFY_SOCKET": path})
            self.write("mail.toml", configuration())
            service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")

            async def hear() -> bytes:
                return await deferToThread(manager.recv, 4096)

            self.assertEqual(await hear(), b"READY=1")
            service.transport.signalProcess(signal.SIGHUP)
            self.assertRegex(await hear(), rb"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
            self.assertEqual(await hear(), b"READY=1")
            ending = service.terminate()
            self.assertEqual(await hear(), b"STOPPING=1")
            self.assertEqual(await ending, 0)


class ActivationTests(SignalTestCase):
    """What systemd does with a socket unit."""

    skip = missing("systemd-socket-activate")

    async def test_index(self) -> None:
        """
        Its first client is the one that has it started, and the next are served too;
        it ends as ever.
        """
        await self.activate("systemd:domain=INET:index=0")

    async def test_name(self) -> None:
        """
        The same with a socket that is called by its name.
        """
        await self.activate("systemd:domain=INET:name=smtp")

    async def activate(self, endpoint: str) -> None:
        """Have it started by its first client."""
        path = find("systemd-socket-activate")
        self.write("mail.toml", configuration(endpoint=endpoint))
        port = _freePort()
        packages = os.pathsep.join(os.path.abspath(each) for each in sys.path)
        service = self.startProgram(
            # systemd gives each socket a name, and Twisted wants one.
            *(path, "--fdname=smtp"),
            *(f"--listen=127.0.0.1:{port}", f"--setenv=PYTHONPATH={packages}"),
            *(sys.executable, *TWISTD, "smtpsession"),
            *("--config", str(self.folder / "mail.toml")),
        )
        await service.said("Listening on")
        for count in (1, 2):
            client = await self.connect(port)
            await self.beginMessage(client)
            await self.tell(client, b".\r\n", b"250")
            self.assertEqual(len(self.messages()), count)
            await self.tell(client, b"QUIT\r\n", b"221")
        self.assertEqual(await service.terminate(), 0)
        self.assertNotIn("Traceback", service.output)


def _freePort() -> int:
    """A port that nobody listens on: what it would be for 0 is not said."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
