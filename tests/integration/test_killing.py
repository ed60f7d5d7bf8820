"""
The service is killed at any moment, again and again, and what it has accepted is there.
"""

from __future__ import annotations

import os
import random
import signal
import socket
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.integration.programs import isRunning
from tests.integration.support import LOCAL, PATIENCE, Service
from tests.integration.test_twistd import TWISTD, ServiceTestCase

#: How often in all.  A process takes about a second to start.
KILLS = int(os.environ.get("SMTPSESSION_KILLS", "20"))
#: How many times as often at the most, until one kill has come while a message was
#: written: where the disk is quick, that is seldom.
ATTEMPTS = 5

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


def wireOf(message: bytes) -> bytes:
    """A message as it is sent, with its end."""
    wire = message.replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
    return wire + b".\r\n"


#: More than 100 KiB, as a file has it and as it is sent, with C{@} for the identifier.
_LINES = b"".join(b"@ %d %s\n" % (each, b"x" * 60) for each in range(1000))
_MESSAGE = _MARK + b"@>\n\n" + b"\n.\n..x\n".join([_LINES] * 2)
_WIRE = wireOf(_MESSAGE)


def messageOf(identifier: bytes) -> bytes:
    """The one message with this identifier."""
    return _MESSAGE.replace(b"@", identifier)


class Sender:
    """
    A client that sends one message after the other, again to whoever is left when it
    is cut off, until nobody listens.

    @ivar accepted: the identifiers of those that got a 250, with their recipients
    """

    def __init__(self, name: str, port: int) -> None:
        self.accepted: dict[bytes, Sequence[str]] = {}
        self._name, self._port = name, port
        self._places = count()

    def run(self) -> None:
        for _ in range(2**10):
            try:
                with socket.create_connection(
                    ("127.0.0.1", self._port), PATIENCE
                ) as link:
                    self._talk(link)
            except ConnectionRefusedError:
                return
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
            if not line.endswith(b"\r\n") or line.startswith(b"421"):
                raise ConnectionError("the server has gone")
            assert line.startswith(code), line

        hear(b"220")
        say(b"EHLO client.example.com\r\n", b"250")
        for place in self._places:
            identifier = b"%s.%d" % (self._name.encode(), place)
            recipients = TOGETHER[place % len(TOGETHER)]
            say(b"MAIL FROM:<sender@example.com>\r\n", b"250")
            for each in recipients:
                say(b"RCPT TO:<%s>\r\n" % each.encode(), b"250")
            say(b"DATA\r\n", b"354")
            say(_WIRE.replace(b"@", identifier), b"250")
            self.accepted[identifier] = recipients


class KillingTestCase(ServiceTestCase):
    """
    Services that are killed under load.

    @cvar top: what the configuration has besides
    @cvar kills: how often in all
    """

    top = ""
    kills = KILLS
    timeout = PATIENCE + 3 * KILLS * ATTEMPTS

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "mail.toml").write_text(self.top + CONFIG, "utf-8")
        # Clients of a service wait for its end while those of the next are at work.
        threads: Any = reactor
        threads.suggestThreadPoolSize(3 * SERVICES * CLIENTS)
        self.addCleanup(threads.suggestThreadPoolSize, 10)
        self.senders: list[Sender] = []
        self.working: list[Deferred[None]] = []
        self.orphans: list[int] = []

    async def strike(self, service: Service, chance: random.Random) -> int:
        """Kill the service, and give how many kills that took."""
        raise NotImplementedError

    async def assertKept(self) -> None:
        """
        Whatever was told 250 is in the Maildir of each of its recipients, whole, and
        nothing that is torn is in any.
        """
        for attempt in range(ATTEMPTS):
            await gatherResults(
                Deferred.fromCoroutine(self.killAgainAndAgain(f"{attempt}.{place}"))
                for place in range(SERVICES)
            )
            await gatherResults(self.working)
            while any(map(isRunning, self.orphans)):
                await deferLater(reactor, 0.02)
            if self.isCutShort():
                break
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
        self.assertTrue(self.isCutShort(), "no message was cut short")

    def isCutShort(self) -> bool:
        """Whether a kill has come while a message was written."""
        return any(self.folder.glob("**/tmp/*"))

    async def killAgainAndAgain(self, name: str) -> None:
        """Start a service, and kill it when it has its clients; and so on."""
        chance = random.Random(f"{SEED}.{name}")
        kills = 0
        while kills < self.kills / SERVICES:
            service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
            port = await service.listening
            senders = [
                Sender(f"{name}.{kills}.{each}", port) for each in range(CLIENTS)
            ]
            self.senders += senders
            self.working += [deferToThread(each.run) for each in senders]
            kills += await self.strike(service, chance)
            self.assertEqual(await service.ended, -signal.SIGKILL, service.output)
            self.assertNotIn("Traceback", service.output)

    async def pause(self, chance: random.Random) -> None:
        """Let the clients work for a moment."""
        await deferLater(reactor, chance.uniform(0, LIFE))

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


class KillingTests(KillingTestCase):
    """SIGKILL for the one process that there is."""

    async def test_killed(self) -> None:
        """
        Nothing is lost, and nothing is torn.
        """
        await self.assertKept()

    async def strike(self, service: Service, chance: random.Random) -> int:
        await self.pause(chance)
        service.kill()
        return 1


class WorkersTests(KillingTestCase):
    """SIGKILL for any of several processes."""

    top = "workers = 2\n"
    # Three processes take longer to start; with fewer, no message may be cut short.
    kills = max(KILLS // 3, 20)

    async def test_killed(self) -> None:
        """
        Nothing is lost, and nothing is torn.
        """
        await self.assertKept()

    async def strike(self, service: Service, chance: random.Random) -> int:
        """
        Whoever is hit, the first process is in the end: if it is a worker, the clients
        have a moment with those that are left.
        """
        # Each has two destinations.
        await service.said("mail goes to the Maildir", 4)
        first = service.transport.pid
        victim = chance.choice([first, *service.workers])
        kills = 1
        await self.pause(chance)
        if victim != first:
            os.kill(victim, signal.SIGKILL)
            kills += 1
            await self.pause(chance)
        # They end when they hear of it, and another service can begin meanwhile.
        self.orphans += service.workers
        service.kill()
        return kills
