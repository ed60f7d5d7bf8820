"""
The service is killed at any moment, again and again, and what it has accepted is there.
"""

from __future__ import annotations

import os
import random
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.integration.support import LOCAL, PATIENCE
from tests.integration.test_twistd import TWISTD, ServiceTestCase

#: How often in all.  A process takes about a second to start.
KILLS = int(os.environ.get("SMTPSESSION_KILLS", "20"))

#: The seed of what is random, to have it once more.
SEED = int(os.environ.get("SMTPSESSION_SEED", random.randrange(2**32)))

#: Services side by side, and clients of each.
SERVICES, CLIENTS = 3, 3

#: For how many seconds at the most clients are at work before the next kill.
LIFE = 0.4

CONFIG = f"""
hostname = "mx.example.org"

[dns]
reverse-lookup = false

[[listener]]
endpoint = "{LOCAL}"

[[route]]
recipients = ["*@example.org"]
path = "people/{{localpart}}"

[[route]]
recipients = ["*@example.net"]
path = "shared"
"""

_MARK = b"Message-Id: <"

#: What each recipient's Maildir is, and who is written to together.
FOLDERS = {
    "alice@example.org": "people/alice",
    "bob@example.org": "people/bob",
    "carol@example.net": "shared",
}
TOGETHER = [("alice@example.org", "bob@example.org"), ("carol@example.net",)]


def messageOf(identifier: bytes) -> bytes:
    """The one message with this identifier, some hundred KiB, as a file has it."""
    lines = (b"%s %d %s\n" % (identifier, each, b"x" * 60) for each in range(3000))
    text = b"\n.\n..x\n".join([b"".join(lines)] * 2)
    return _MARK + identifier + b">\n\n" + text


def wireOf(message: bytes) -> bytes:
    """The same as it is sent, with its end."""
    wire = message.replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
    return wire + b".\r\n"


class Sender:
    """
    A client that sends one message after the other until the server is no more.

    @ivar accepted: the identifiers of those that got a 250, with their recipients
    """

    def __init__(self, name: str, port: int) -> None:
        self.accepted: dict[bytes, Sequence[str]] = {}
        self._name, self._port = name, port

    def run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), PATIENCE) as link:
                self._talk(link)
        except ConnectionError:
            pass

    def _talk(self, link: socket.socket) -> None:
        replies = link.makefile("rb")

        def say(octets: bytes, code: bytes) -> None:
            link.sendall(octets)
            hear(code)

        def hear(code: bytes) -> None:
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the server has gone")
            assert line.startswith(code), line

        hear(b"220")
        say(b"EHLO client.example.com\r\n", b"250")
        for place in range(2**20):
            identifier = b"%s.%d" % (self._name.encode(), place)
            recipients = TOGETHER[place % len(TOGETHER)]
            say(b"MAIL FROM:<sender@example.com>\r\n", b"250")
            for each in recipients:
                say(b"RCPT TO:<%s>\r\n" % each.encode(), b"250")
            say(b"DATA\r\n", b"354")
            say(wireOf(messageOf(identifier)), b"250")
            self.accepted[identifier] = recipients


class KillingTests(ServiceTestCase):
    """SIGKILL, under load."""

    timeout = PATIENCE + 3 * KILLS

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "mail.toml").write_text(CONFIG, "utf-8")
        self.senders: list[Sender] = []

    async def test_killed(self) -> None:
        """
        Whatever was told 250 is in the Maildir of each of its recipients, whole, and
        nothing that is torn is in any.
        """
        chance = random.Random(SEED)
        shares = [
            [chance.uniform(0, LIFE) for _ in range(first, KILLS, SERVICES)]
            for first in range(SERVICES)
        ]
        await gatherResults(
            Deferred.fromCoroutine(self.killAgainAndAgain(f"{place}", moments))
            for place, moments in enumerate(shares)
        )
        found = await deferToThread(self.find)
        lost = [
            (identifier, recipient)
            for sender in self.senders
            for identifier, recipients in sender.accepted.items()
            for recipient in recipients
            if identifier not in found[FOLDERS[recipient]]
        ]
        self.assertEqual(lost, [], f"lost; SMTPSESSION_SEED={SEED}")
        # Otherwise nothing has been shown.
        self.assertTrue(any(each.accepted for each in self.senders))
        self.assertTrue(any(self.folder.glob("**/tmp/*")), "no message was cut short")

    async def killAgainAndAgain(self, name: str, moments: Sequence[float]) -> None:
        """
        Start the service, and kill it so many seconds after it has its clients; and so
        on.
        """
        for place, moment in enumerate(moments):
            service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
            port = await service.listening
            senders = [
                Sender(f"{name}.{place}.{each}", port) for each in range(CLIENTS)
            ]
            self.senders += senders
            working = [deferToThread(each.run) for each in senders]
            await deferLater(reactor, moment)
            service.kill()
            self.assertEqual(await service.ended, -signal.SIGKILL, service.output)
            await gatherResults(working)
            self.assertNotIn("Traceback", service.output)

    def find(self) -> dict[str, set[bytes]]:
        """The identifiers of the messages in each Maildir, all of which are whole."""
        return {path: set(self.identifiers(path)) for path in FOLDERS.values()}

    def identifiers(self, path: str) -> Iterator[bytes]:
        for file in Path(self.folder, path, "new").glob("*"):
            trace, mark, rest = file.read_bytes().partition(_MARK)
            identifier = rest.partition(b">")[0]
            isWhole = mark and mark + rest == messageOf(identifier)
            self.assertTrue(isWhole, f"torn: {file}; SMTPSESSION_SEED={SEED}")
            yield identifier
