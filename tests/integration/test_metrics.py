"""
The monitor of the service, over sockets.
"""

from __future__ import annotations

from http.client import HTTPConnection

from twisted.internet.threads import deferToThread

from tests.integration.support import LOCAL, PATIENCE
from tests.integration.test_twistd import TWISTD, ServiceTestCase
from tests.test_metrics import samples

CONFIGURATION = f"""
[dns]
reverse-lookup = false

[[listener]]
endpoint = "{LOCAL}"

[metrics]
endpoint = "{LOCAL}"

[[route]]
recipients = ["*"]
"""


class MonitorTests(ServiceTestCase):
    """twistd, with a table [metrics]."""

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

    async def test_asked(self) -> None:
        """
        It answers by HTTP, and what it says has the message that has just come.
        """
        (self.folder / "mail.toml").write_text(CONFIGURATION, "utf-8")
        checked = self.start("-m", "smtpsession", "check", "mail.toml")
        self.assertEqual(await checked.ended, 0, checked.output)
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        line = r"listening on .*?port=(\d+)\)"
        found = await service.said(rf"(?s){line}.*?{line}")
        port, monitor = map(int, found.groups())
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
