"""
Several instances behind a balancer, as the manual has them.

The manual is no part of the package; there is nothing to start where it is not at hand.
"""

from __future__ import annotations

import re
import smtplib
import socket
from pathlib import Path
from textwrap import dedent
from typing import Any

from twisted.internet.threads import deferToThread

from smtpsession import SMTPSession
from smtpsession.stream import MessageStream
from tests.integration.postfix import freePort
from tests.integration.programs import find, missing
from tests.integration.support import (
    PATIENCE,
    KeepingServer,
    Service,
    localOptions,
)
from tests.integration.test_twistd import TWISTD, ServiceTestCase

PAGE = Path(__file__).parent.parent.parent / "docs" / "cluster.rst"
_BLOCK = r"^\.\. code-block:: {kind}\n\n((?:    .*\n|\n)+)"

Addresses = tuple[str, str]


def block(kind: str, *changes: Addresses) -> str:
    """
    The page's only block of this kind.

    @param changes: pairs of what stands there once, and what it is here
    """
    [text] = re.findall(_BLOCK.format(kind=kind), PAGE.read_text("utf-8"), re.M)
    for there, here in changes:
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return dedent(text)


def deliver(port: int, message: str) -> bool:
    """
    Send a message.

    @return: False if the instance stops just now, and says so with 421
    """
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            code, _ = client.ehlo()
            if code == 250:
                code, _ = client.mail("alice@example.com")
            if code == 250:
                code, _ = client.rcpt("bob@example.org")
            if code == 250:
                code, _ = client.data(message)
            assert code in (250, 421), code
            client.close()
    except smtplib.SMTPServerDisconnected:
        # Between the last connection that it accepts and the end of its port.
        return False
    return code == 250


class Store(KeepingServer):
    """Has it all, by LMTP."""

    async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        await super().onData(stream, session)
        return None


class Instance:
    """One of the instances, and its ports."""

    def __init__(self, test: ServiceTestCase, name: str, store: int) -> None:
        self._test = test
        self._file = f"{name}.toml"
        self.port, self.health = freePort(), freePort()
        text = block(
            "toml",
            ("tcp:25", f"tcp:{self.port}:interface=127.0.0.1"),
            ("192.0.2.10", "127.0.0.1"),
            ("tcp:9100", f"tcp:{self.health}:interface=127.0.0.1"),
            ("tcp:192.0.2.20:24", f"tcp:127.0.0.1:{store}"),
        )
        (test.folder / self._file).write_text(text, "utf-8")
        self.service: Service

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self.service = self._test.start(*TWISTD, "smtpsession", "--config", self._file)
        await self.service.said(f"port={self.port}")

    async def takes(self, count: int) -> None:
        """Wait until it has accepted so many messages more."""
        await self.service.said("\\] message from ", self.accepted + count)

    @property
    def accepted(self) -> int:
        """How many messages it has accepted, since it was started."""
        return self.service.output.count("] message from ")


class ClusterTests(ServiceTestCase):
    """Two instances behind HAProxy."""

    skip = missing("haproxy")
    # HAProxy asks for health each second.
    timeout = 2 * PATIENCE

    async def balance(self, one: Instance, two: Instance) -> int:
        """Start HAProxy, and give its port."""
        text = block(
            "text",
            ("bind :25", "bind fd@3"),
            (" port 9100", ""),
            ("192.0.2.11:25", f"127.0.0.1:{one.port} port {one.health}"),
            ("192.0.2.12:25", f"127.0.0.1:{two.port} port {two.health}"),
        )
        path = self.makeFolder() / "haproxy.cfg"
        path.write_text(text)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.haproxy = self.startProgram(
                *(find("haproxy"), "-db", "-f", str(path)),
                childFDs={0: "w", 1: "r", 2: "r", 3: listening.fileno()},
            )
            port: int = listening.getsockname()[1]
            return port

    async def test_drain(self) -> None:
        """
        Under load one instance is taken out and comes back: no client comes in vain,
        and every message that was accepted is there once.
        """
        if not PAGE.exists():
            return
        store = Store(options=localOptions(protocol="lmtp"))
        end = (await self.listen(store)).getHost().port
        one, two = (Instance(self, name, end) for name in ("one", "two"))
        for each in (one, two):
            await each.start()
        port = await self.balance(one, two)
        stopped: list[bool] = []

        def send(place: int) -> int:
            """Send one message after the other, each over a connection of its own."""
            count = 0
            while not stopped:
                text = f"Subject: {place} {count}\r\n\r\n" + "Hello.\r\n" * 999
                if not deliver(port, text):
                    # The instance stops, and the next connection is to another.
                    assert deliver(port, text)
                count += 1
            return count

        working = [deferToThread(send, place) for place in range(4)]
        try:
            await one.takes(5)
            await two.takes(5)
            self.assertEqual(await one.service.terminate(), 0)
            await self.haproxy.said("Server instances/one is DOWN")
            await two.takes(5)
            await one.start()
            await self.haproxy.said("Server instances/one is UP")
            await one.takes(5)
        finally:
            stopped.append(True)
            counts = [await each for each in working]
        subjects = sorted(
            content.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
            for _, content in store.messages
        )
        sent = [
            f"{place} {n}" for place, count in enumerate(counts) for n in range(count)
        ]
        self.assertEqual(subjects, sorted(sent))
        for each in (one, two):
            self.assertNotIn("Traceback", each.service.output)
            self.assertIn("[127.0.0.1] message from", each.service.output)
