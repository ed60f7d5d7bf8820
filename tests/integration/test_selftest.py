"""
The self-test as a user runs it, on the service as a user runs it.
"""

from __future__ import annotations

import json
from typing import Any

from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.model import Target
from tests.certificates import selfSigned
from tests.integration.support import LOCAL
from tests.integration.test_twistd import TWISTD, ServiceTestCase

CONFIG = """
hostname = "mx.example.org"
[dns]
reverse-lookup = false
[[listener]]
endpoint = "{endpoint}"
protocol = "{protocol}"
[tls]
certificate = "both.pem"
[[route]]
recipients = ["*@example.org"]
"""
ADDRESSES = (
    *("--mail-from", "alice@example.net"),
    *("--rcpt-to", "bob@example.org"),
)


class ServiceTests(ServiceTestCase):
    """The service passes."""

    async def startIt(self, protocol: str) -> str:
        """Where it listens."""
        config = CONFIG.format(endpoint=LOCAL, protocol=protocol)
        (self.folder / "mail.toml").write_text(config, "utf-8")
        (self.folder / "both.pem").write_bytes(selfSigned("mx.example.org").pem)
        self.service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        return f"127.0.0.1:{await self.service.listening}"

    async def run_(self, *arguments: str) -> tuple[int, str]:
        """The exit status, and what was said."""
        command = self.start("-m", "smtpsession", "selftest", *arguments)
        return await command.ended, command.output

    def assertPassed(self, report: dict[str, Any]) -> None:
        """Every case there is has passed; each was applicable."""
        verdicts = {each["name"]: each["verdict"] for each in report["cases"]}
        names = [each.name for each in corpus(Target("127.0.0.1", 25))]
        self.assertEqual(verdicts, dict.fromkeys(names, "pass"))

    async def test_smtp(self) -> None:
        """
        Over SMTP all cases pass.  Nothing goes wrong that only the log tells of, and
        no message was accepted but those that end as a message does.
        """
        where = await self.startIt("smtp")
        status, output = await self.run_(where, *ADDRESSES, "--json")
        self.assertPassed(json.loads(output))
        self.assertEqual(status, 0)
        self.assertNotIn("Traceback", self.service.output)
        headers = [each.partition(b"\n\n")[0] for each in self.messages()]
        self.assertIn("Subject: smtpsession selftest: crlf-dot-crlf", str(headers))
        self.assertIn("Return-Path: <alice@example.net>", str(headers))
        self.assertNotIn("which nobody sent", str(headers))

    async def test_lmtp(self) -> None:
        """
        So they do over LMTP.
        """
        where = await self.startIt("lmtp")
        status, output = await self.run_(where, "--lmtp", *ADDRESSES, "--json")
        self.assertPassed(json.loads(output))
        self.assertEqual(status, 0)

    async def test_report(self) -> None:
        """
        People read what it was that was tested, and a line for each case.
        """
        where = await self.startIt("smtp")
        names = ("lf-dot-lf", "starttls-injection", "bdat-content")
        only = [word for name in names for word in ("--case", name)]
        status, output = await self.run_(where, *ADDRESSES, *only)
        self.assertEqual(status, 0)
        self.assertTrue(
            output.startswith(f"{where}, SMTP: 220 mx.example.org ESMTP ready\n"),
            output,
        )
        for name in names:
            self.assertIn(f"  pass            {name} ", output)
        self.assertTrue(
            output.endswith(
                "\npass: 3, finding: 0, not applicable: 0, not tested: 0\n"
            ),
            output,
        )
