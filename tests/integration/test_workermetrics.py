"""
The monitor of several processes.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.integration.programs import missing
from tests.integration.support import LOCAL, PATIENCE
from tests.integration.test_metrics import MonitoredTestCase
from tests.test_metrics import samples

# One client for each of the workers, so that two at once are with both.
CONFIGURATION = f"""
workers = 2
hostname = "mx.example.org"
stop-timeout = 30
[dns]
reverse-lookup = false
[limits]
clients = 2
[[listener]]
endpoint = "{LOCAL}"
[metrics]
endpoint = "{LOCAL}"
[[route]]
recipients = ["*"]
"""
BEGINNING = b"HELO client.example.com\r\nMAIL FROM:<alice@example.com>\r\n"
REST = b"RCPT TO:<bob@example.org>\r\nDATA\r\nHello.\r\n.\r\nQUIT\r\n"

ACCEPTED = ("messages_total", "accepted")
ALIVE = ("workers_alive",)
RESTARTS = ("worker_restarts_total",)

Counted = dict[tuple[str, ...], float]


def admitted(port: int, count: int) -> list[socket.socket]:
    """So many clients that are there at once and were greeted."""
    clients: list[socket.socket] = []
    for _ in range(500):
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        if client.recv(3) == b"220":
            clients.append(client)
            if len(clients) == count:
                return clients
        else:
            client.close()
    raise AssertionError(f"{len(clients)} of {count} clients are admitted")


def send(client: socket.socket, octets: bytes) -> bytes:
    """Send this, and give what comes until the end."""
    with client:
        client.sendall(octets)
        return b"".join(iter(lambda: client.recv(4096), b""))


def sendThroughBoth(port: int) -> list[bytes]:
    """A message through each of two workers; what comes of it."""
    return [send(each, BEGINNING + REST) for each in admitted(port, 2)]


class WorkersTests(MonitoredTestCase):
    """Two workers, and one port for metrics."""

    async def reached(
        self, monitor: int, isReached: Callable[[Counted], bool]
    ) -> list[Counted]:
        """Everything that the metrics were until this was so."""
        found: list[Counted] = []
        for _ in range(10 * PATIENCE):
            status, _, text = await self.get(monitor, "/metrics")
            self.assertEqual(status, 200)
            found.append(samples(text))
            if isReached(found[-1]):
                return found
            # Workers report each second.
            await deferLater(reactor, 0.1)
        raise AssertionError(f"it is not reached: {found[-1]}")

    async def test_killed(self) -> None:
        """
        The sum is that of both workers, and stays right when one of them is killed and
        another begins in its place.
        """
        service, port, monitor = await self.startIt(CONFIGURATION)
        await self.reached(monitor, lambda now: now[ALIVE] == 2)
        self.assertEqual((await self.get(monitor, "/health"))[0], 200)
        for replies in await deferToThread(sendThroughBoth, port):
            self.assertIn(b"\r\n354 ", replies)
        [*_, before] = await self.reached(monitor, lambda now: now[ACCEPTED] == 2)
        self.assertEqual(before["delivery_seconds_count", "maildir maildir"], 2)
        [*_, before] = await self.reached(
            monitor, lambda now: now["connections_open",] == 0
        )
        os.kill(service.workers[0], signal.SIGKILL)
        seen = await self.reached(
            monitor, lambda now: now[RESTARTS] == 1 and now[ALIVE] == 2
        )
        self.assertEqual({each[ACCEPTED] for each in seen}, {2})
        for each in seen:
            self.assertEqual(each["connections_total",], before["connections_total",])
        await deferToThread(sendThroughBoth, port)
        [*_, last] = await self.reached(monitor, lambda now: now[ACCEPTED] >= 4)
        self.assertEqual(last[ACCEPTED], 4)
        await self.assertLiked((await self.get(monitor, "/metrics"))[2])
        self.assertEqual(await service.terminate(), 0)
        self.assertNotIn("Traceback", service.output)

    if (reason := missing("promtool")) is not None:
        test_killed.skip = reason  # type: ignore[attr-defined]

    async def test_hangs(self) -> None:
        """
        A worker that hangs delays no answer, and what it told last is in it.
        """
        service, port, monitor = await self.startIt(CONFIGURATION)
        await self.reached(monitor, lambda now: now[ALIVE] == 2)
        await deferToThread(sendThroughBoth, port)
        await self.reached(monitor, lambda now: now[ACCEPTED] == 2)
        worker = service.workers[0]
        os.kill(worker, signal.SIGSTOP)
        try:
            [counted] = await self.reached(monitor, lambda now: True)
            self.assertEqual(counted[ACCEPTED], 2)
        finally:
            os.kill(worker, signal.SIGCONT)
        self.assertEqual(await service.terminate(), 0)

    async def test_draining(self) -> None:
        """
        While the last clients end what they began it is not well, and still answers.
        """
        service, port, monitor = await self.startIt(CONFIGURATION)
        await self.reached(monitor, lambda now: now[ALIVE] == 2)
        [client] = await deferToThread(admitted, port, 1)
        client.sendall(BEGINNING)
        await self.reached(monitor, lambda now: now["transactions_total",] == 1)
        ended = service.terminate()
        for _ in range(10 * PATIENCE):
            status, _, text = await self.get(monitor, "/health")
            if status == 503:
                break
            await deferLater(reactor, 0.1)
        self.assertEqual((status, text), (503, b"stopping\n"))
        self.assertEqual((await self.get(monitor, "/metrics"))[0], 200)
        replies = await deferToThread(send, client, REST)
        self.assertIn(b"\r\n354 ", replies)
        self.assertEqual(await ended, 0)
