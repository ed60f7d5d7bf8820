"""
Delivery to real programs.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from smtpsession import SMTPError, SMTPServerFactory, SMTPSession
from smtpsession.delivery.command import Command
from smtpsession.stream import MessageStream
from tests.deliveries import newSession, newStream
from tests.integration.support import MESSAGE, PATIENCE, NetworkTestCase, localOptions
from tests.integration.test_vanishing import RCPT


class CommandTestCase(NetworkTestCase):
    """Programs in a folder of their own."""

    def setUp(self) -> None:
        self.folder = self.makeFolder()

    def command(self, *arguments: str, **options: Any) -> Command:
        command = Command(
            reactor=reactor,
            hostname="mx.example.org",
            arguments=arguments,
            directory=str(self.folder),
            **{"timeout": PATIENCE, **options},
        )
        command.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(command.stop()))
        return command

    def shell(self, script: str, **options: Any) -> Command:
        return self.command("/bin/sh", "-c", script, **options)

    async def deliver(
        self,
        command: Command,
        *chunks: bytes,
        session: SMTPSession | None = None,
    ) -> None:
        session = session or newSession()
        stream = newStream(*chunks)
        await command.deliver(stream, session, session.envelope.rcptTo)

    async def replyTo(self, command: Command, *chunks: bytes) -> str:
        """The reply by which a message is refused."""
        delivery: Deferred[Any] = Deferred.fromCoroutine(self.deliver(command, *chunks))
        error = await self.assertFailure(delivery, SMTPError)
        return str(error)

    def content(self, name: str = "out") -> bytes:
        return (self.folder / name).read_bytes()


class ProgramTests(CommandTestCase):
    """Messages that come whole."""

    async def test_message(self) -> None:
        """
        The program reads every octet of the message, and so is done before we are.
        """
        for style, expected in (
            ("crlf", MESSAGE),
            ("lf", MESSAGE.replace(b"\r\n", b"\n")),
        ):
            command = self.shell("cat > out", lineEndings=style)
            await self.deliver(command, MESSAGE)
            content = self.content()
            self.assertTrue(content.startswith(b"Return-Path: <alice@example.com>"))
            self.assertEqual(content[-len(expected) :], expected)

    async def test_large(self) -> None:
        """
        So it is with one that is larger than any buffer, and a program that is slower.
        """
        code = (
            "import sys\n"
            "total = 0\n"
            "while chunk := sys.stdin.buffer.read(4096):\n"
            "    total += len(chunk)\n"
            "open('out', 'w').write(str(total))\n"
        )
        chunks = [b"x" * 998 + b"\r\n"] * 3000
        await self.deliver(self.command(sys.executable, "-c", code), *chunks)
        self.assertGreater(int(self.content()), 999 * 3000)
        self.assertLess(int(self.content()), 999 * 3000 + 1000)

    async def test_noShell(self) -> None:
        """
        Arguments are arguments, whatever they look like.
        """
        text = "$(touch hacked); `touch hacked` > hacked"
        code = "import sys; open('out', 'w').write(sys.argv[1])"
        await self.deliver(self.command(sys.executable, "-c", code, text), MESSAGE)
        self.assertEqual(self.content().decode(), text)
        self.assertFalse((self.folder / "hacked").exists())

    async def test_environment(self) -> None:
        """
        The environment has the session, PATH, what is named, and nothing else.
        """
        self.patch(os, "environ", {**os.environ, "TOKEN": "secret", "GIVEN": "x"})
        code = "import json, os; json.dump(dict(os.environ), open('out', 'w'))"
        command = self.command(sys.executable, "-c", code, inherit=["GIVEN"])
        session = newSession("jörg@example.org", user="alice")
        await self.deliver(command, MESSAGE, session=session)
        found = json.loads(self.content())
        # Python sets this by itself where there is no locale.
        found.pop("LC_CTYPE", None)
        self.assertEqual(json.loads(found.pop("SESSION_JSON")), session.asDict())
        self.assertEqual(
            {
                "PATH": os.environ["PATH"],
                "GIVEN": "x",
                "SENDER": "alice@example.com",
                "RECIPIENT": "jörg@example.org",
                "RECIPIENTS": "jörg@example.org",
                "CLIENT_ADDRESS": "192.0.2.1",
                "CLIENT_NAME": "client.example.com",
                "HELO_NAME": "client",
                "PROTOCOL": "ESMTPA",
                "USER_NAME": "alice",
                "SESSION_ID": "session",
                "MESSAGE_ID": "session.0",
            },
            found,
        )

    async def test_manyRecipients(self) -> None:
        """
        A program can be started with the longest addresses there are.
        """
        address = f"{'a' * 64}@{'.'.join(['b' * 60] * 3)}"
        await self.deliver(
            self.shell('echo "$RECIPIENTS" | wc -l > out'),
            MESSAGE,
            session=newSession(*[address] * 100),
        )
        self.assertEqual(int(self.content()), 100)

    async def test_statuses(self) -> None:
        """
        Every status that a program can exit with is a reply.
        """
        for status, expected in (
            (67, "550 5.1.1 No such recipient"),
            (65, "554 5.6.0 Message not acceptable"),
            (75, "451 4.3.0 Cannot be delivered now, try again later"),
            (1, "451 4.3.0 Cannot be delivered now, try again later"),
        ):
            command = self.shell(f"cat >/dev/null; echo no >&2; exit {status}")
            self.assertEqual(await self.replyTo(command, MESSAGE), expected)

    async def test_signal(self) -> None:
        """
        One that is killed by somebody has not accepted.
        """
        self.assertIn("451", await self.replyTo(self.shell("kill -9 $$"), MESSAGE))

    async def test_readsNothing(self) -> None:
        """
        One that does not read has a say nevertheless, be the message small or large.
        """
        for chunks in ([MESSAGE], [b"x" * 100_000] * 30):
            await self.deliver(self.command("/bin/true"), *chunks)
            await self.deliver(self.shell("exec <&-; sleep 0.05"), *chunks)
            reply = await self.replyTo(self.shell("exit 77"), *chunks)
            self.assertIn("550 5.7.0", reply)

    async def test_background(self) -> None:
        """
        What it leaves in the background, with all that it has open, is not waited for.
        """
        script = "sleep 30 & echo $! > child; exit 65"
        chunks = [b"x" * 100_000] * 30
        try:
            reply = await self.replyTo(self.shell(script), *chunks)
        finally:
            os.kill(int(self.content("child")), signal.SIGKILL)
        self.assertIn("554 5.6.0", reply)

    async def test_chatty(self) -> None:
        """
        One that writes without end while it reads blocks nobody, and its output is not
        kept.
        """
        code = (
            "import sys\n"
            "for stream in (sys.stdout, sys.stderr):\n"
            "    for _ in range(50):\n"
            "        stream.write('x' * 100000)\n"
            "sys.stdin.read()\n"
        )
        await self.deliver(self.command(sys.executable, "-c", code), MESSAGE)

    async def test_vanished(self) -> None:
        """
        A program that is not there any more is a failure of ours, which the client is
        told as 451.
        """
        path = self.folder / "program"
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        command = self.command(str(path))
        path.unlink()
        self.assertIn("451 4.3.0", await self.replyTo(command, MESSAGE))


class EndTests(CommandTestCase):
    """Programs that have to be ended."""

    async def vanishes(self, pid: int) -> None:
        """Wait until a process has ended, be its parent told so or not."""
        path = Path(f"/proc/{pid}/stat")
        for _ in range(PATIENCE * 100):
            try:
                if path.read_text().rpartition(")")[2].split()[0] == "Z":
                    return
            except (FileNotFoundError, ProcessLookupError):
                return
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.01, pause.callback, None)
            await pause
        self.fail(f"{pid} is there still")

    def assertGone(self) -> None:
        pid = int(self.content("pid"))
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)

    async def test_overdue(self) -> None:
        """
        One that does not end gets SIGTERM, and the message is not accepted.
        """
        script = "trap 'echo TERM > out; exit 0' TERM; echo $$ > pid; exec 3<&0;"
        command = self.shell(script + " while :; do sleep 0.01; done", timeout=0.5)
        self.assertIn("451 4.3.0", await self.replyTo(command, MESSAGE))
        await command.stop()
        self.assertEqual(self.content(), b"TERM\n")
        self.assertGone()

    async def test_stubborn(self) -> None:
        """
        One that does not heed that gets SIGKILL.
        """
        script = "trap '' TERM; echo $$ > pid; while :; do sleep 0.01; done"
        command = self.shell(script, timeout=0.5, grace=0.1)
        self.assertIn("451 4.3.0", await self.replyTo(command, MESSAGE))
        await command.stop()
        self.assertGone()

    async def test_group(self) -> None:
        """
        What it has started ends with it, whether that heeds the signal or not.
        """
        for child in (
            "exec sleep 30",
            "trap '' TERM; while :; do sleep 0.01; done",
            "exec >&- 2>&-; trap '' TERM; while :; do sleep 0.01; done",
        ):
            script = f"({child}) & echo $! > pid; wait"
            command = self.shell(script, timeout=0.5, grace=0.1)
            self.assertIn("451 4.3.0", await self.replyTo(command, MESSAGE))
            await command.stop()
            await self.vanishes(int(self.content("pid")))

    async def test_doesNotRead(self) -> None:
        """
        One that does not read a message larger than the pipe is overdue as well.
        """
        command = self.shell("echo $$ > pid; exec sleep 30", timeout=0.5)
        chunks = [b"x" * 100_000] * 30
        self.assertIn("451 4.3.0", await self.replyTo(command, *chunks))
        await command.stop()
        self.assertGone()

    async def test_concurrency(self) -> None:
        """
        Only so many run at once, and all messages are delivered.
        """
        script = "cat >/dev/null; mkdir lock || exit 65; sleep 0.02; rmdir lock"
        command = self.shell(script, concurrency=1)
        deliveries = [
            Deferred.fromCoroutine(self.deliver(command, MESSAGE)) for _ in range(5)
        ]
        for delivery in deliveries:
            await delivery


class ClientTests(CommandTestCase):
    """Through a server."""

    async def serve(self, command: Command, **options: Any) -> int:
        self.outcome: Deferred[Any] = Deferred()

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            try:
                await command.deliver(stream, session, session.envelope.rcptTo)
            finally:
                self.outcome.callback(None)

        factory = SMTPServerFactory(
            onData=onData, options=localOptions(reverseLookup=False, **options)
        )
        port = await self.listen(factory)
        number: int = port.getHost().port
        return number

    async def test_delivered(self) -> None:
        """
        The client is told 250 when the program has accepted.
        """
        port = await self.serve(self.shell("cat > out.new; mv out.new out"))

        def send() -> dict[str, Any]:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                return client.sendmail(
                    "alice@example.com", ["bob@example.org"], MESSAGE
                )

        self.assertEqual(await deferToThread(send), {})
        self.assertTrue(self.content().endswith(MESSAGE.replace(b"\r\n", b"\n")))

    async def test_leaves(self) -> None:
        """
        When the client leaves in the middle of the message, the program is ended, and
        does not take what it has for all of it.
        """
        code = (
            "import os, sys\n"
            "open('pid.new', 'w').write(str(os.getpid()))\n"
            "os.rename('pid.new', 'pid')\n"
            "sys.stdin.read()\n"
            "open('out', 'w')\n"
        )
        command = self.command(sys.executable, "-c", code)
        port = await self.serve(command)
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(client.close)
        client.sendall(RCPT + b"DATA\r\nHello.\r\n")
        await self.appears(self.folder / "pid")
        client.close()
        await self.outcome
        await command.stop()
        self.assertRaises(ProcessLookupError, os.kill, int(self.content("pid")), 0)
        self.assertFalse((self.folder / "out").exists())

    async def appears(self, path: Path) -> None:
        """Wait for a file."""
        for _ in range(PATIENCE * 100):
            if path.exists():
                return
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.01, pause.callback, None)
            await pause
        self.fail(f"there is no {path}")
