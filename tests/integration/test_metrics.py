"""
The monitor of the service, over sockets, and what Prometheus's own tool says of it.
"""

from __future__ import annotations

import smtplib
import ssl
from http.client import HTTPConnection

from twisted.internet.threads import deferToThread

from tests.certificates import selfSigned
from tests.integration.programs import find, missing
from tests.integration.support import LOCAL, PATIENCE, Service
from tests.integration.test_twistd import TWISTD, ServiceTestCase
from tests.test_metrics import samples

CONFIGURATION = f"""
[dns]
reverse-lookup = false

[[listener]]
endpoint = "{LOCAL}"
auth = "optional"

[tls]
certificate = "server.pem"

[auth]
users = "users"

[metrics]
endpoint = "{LOCAL}"

[[route]]
recipients = ["*"]
"""


class MonitoredTestCase(ServiceTestCase):
    """A service with a monitor."""

    async def startIt(self, configuration: str) -> tuple[Service, int, int]:
        """The service, the port for mail, and that for the monitor."""
        (self.folder / "mail.toml").write_text(configuration, "utf-8")
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        line = r"listening on .*?port=(\d+)\)"
        found = await service.said(rf"(?s){line}.*?{line}")
        port, monitor = map(int, found.groups())
        return service, port, monitor

    async def get(self, port: int, path: str) -> tuple[int, str, bytes]:
        """The status, the type and the text."""

        def ask() -> tuple[int, str, bytes]:
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                kind = answer.getheader("Content-Type", "")
                return answer.status, kind, answer.read()
            finally:
                connection.close()

        return await deferToThread(ask)

    async def assertLiked(self, text: bytes) -> None:
        """C{promtool} finds nothing wrong with these metrics."""
        said = await self.runProgram(find("promtool"), "check", "metrics", given=text)
        self.assertEqual(said, "")


class MonitorTests(MonitoredTestCase):
    """twistd, with a table [metrics]."""

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "server.pem").write_bytes(selfSigned("mx.example.org").pem)
        (self.folder / "users").write_text("bob:{PLAIN}sesame\n", "utf-8")

    async def test_asked(self) -> None:
        """
        It answers by HTTP, and what it says has the message that has just come.
        """
        service, port, monitor = await self.startIt(CONFIGURATION)
        checked = self.start("-m", "smtpsession", "check", "mail.toml")
        self.assertEqual(await checked.ended, 0, checked.output)
        status, _, text = await self.get(monitor, "/health")
        self.assertEqual((status, text), (200, b"ok\n"))
        await self.say(
            port,
            *("HELO client.example.com", "MAIL FROM:<alice@example.com>"),
            *("RCPT TO:<bob@example.org>", "DATA", "Hello.", ".", "QUIT"),
        )
        status, kind, text = await self.get(monitor, "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(kind.startswith("text/plain; version="), kind)
        counted = samples(text)
        self.assertEqual(counted["messages_total", "accepted"], 1)
        self.assertEqual(counted["delivery_seconds_count", "maildir maildir"], 1)
        status, _, _ = await self.get(monitor, "/other")
        self.assertEqual(status, 404)
        self.assertEqual(await service.terminate(), 0)
        self.assertNotIn("Traceback", service.output)

    async def test_promtool(self) -> None:
        """
        The tool of Prometheus has no complaint, with values in each metric.
        """
        service, port, monitor = await self.startIt(CONFIGURATION)
        await deferToThread(self.submit, port)
        _, _, text = await self.get(monitor, "/metrics")
        await self.assertLiked(text)
        counted = samples(text)
        for name in (
            ("connections_total",),
            ("tls_handshakes_total", "TLSv1.3"),
            ("logins_total", "PLAIN", "succeeded"),
            ("transactions_total",),
            ("messages_total", "accepted"),
            ("replies_total", "354"),
            ("callback_seconds_count", "onAuth"),
            ("delivery_seconds_count", "maildir maildir"),
        ):
            self.assertEqual(counted.get(name), 1, name)
        self.assertEqual(counted["message_octets_total",], 8)
        self.assertEqual(counted["connections_open",], 0)
        self.assertEqual(await service.terminate(), 0)

    if (reason := missing("promtool")) is not None:
        test_promtool.skip = reason  # type: ignore[attr-defined]

    def submit(self, port: int) -> None:
        """Send a message as bob, over TLS."""
        context = ssl.create_default_context(cafile=self.folder / "server.pem")
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            client.starttls(context=context)
            client.ehlo()
            client.login("bob", "sesame")
            client.sendmail("bob@example.org", ["alice@example.com"], "Hello.\r\n")
