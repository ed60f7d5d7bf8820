"""
The page for who begins, followed from its beginning to its end.

The manual is no part of the package; there is nothing to follow where it is not.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from textwrap import dedent

from tests.integration.programs import find, missing
from tests.integration.support import LOCAL
from tests.integration.test_twistd import TWISTD, ServiceTestCase

PAGE = Path(__file__).parent.parent.parent / "docs" / "getting-started.rst"
_BLOCK = re.compile(r"^\.\. code-block:: \w+\n\n((?:    .*\n|\n)+)", re.MULTILINE)
_SHOWN = re.compile(r"^This is what has come::\n\n((?:    .*\n|\n)+)", re.MULTILINE)
_ADDRESS, _ENDPOINT = "127.0.0.1:2525", "tcp:2525:interface=127.0.0.1"
#: As C{python server.py}, with a log that has the port.
_PROGRAM = """
import runpy, sys
from twisted.python.log import startLogging
startLogging(sys.stdout)
runpy.run_path("server.py", run_name="__main__")
"""


class GettingStartedTests(ServiceTestCase):
    """Everything on the page works as it stands there, but for the port."""

    skip = missing("bash", "curl", "openssl")
    timeout = 180

    async def shell(self, commands: str, port: int = 0) -> str:
        """What a reader types, and what comes of it; it has to succeed."""
        if port:
            self.assertIn(_ADDRESS, commands)
        typed = commands.replace(_ADDRESS, f"127.0.0.1:{port}")
        before = f"cd '{self.folder}'\npython() {{ '{sys.executable}' \"$@\"; }}\n"
        path = os.pathsep.join(os.path.abspath(each) for each in sys.path)
        return await self.runProgram(
            find("bash"),
            *("-e", "-c", before + typed),
            environment={"PYTHONPATH": path},
        )

    def save(self, name: str, text: str) -> None:
        """A file that a reader writes, with a port that is free."""
        self.assertEqual(text.count(_ENDPOINT), 1)
        (self.folder / name).write_text(text.replace(_ENDPOINT, LOCAL), "utf-8")

    async def test_page(self) -> None:
        """
        The first message comes as it is shown; the second with TLS and a login, and
        not without; and the third to the program.
        """
        if not PAGE.exists():
            return
        page = PAGE.read_text("utf-8")
        blocks = [dedent(each).strip("\n") for each in _BLOCK.findall(page)]
        start, send, config, prepare, startTLS, login, program, run = blocks

        self.assertEqual(start, "twistd -n smtpsession")
        # A name of another length would have its line folded elsewhere.
        named = ("--listen", LOCAL, "--hostname", "mx.example.org")
        service = self.start(*TWISTD, "smtpsession", *named)
        come = await self.shell(send, await service.listening)
        [shown] = _SHOWN.findall(page)
        pattern = re.escape(dedent(shown).strip("\n")).replace(r"\.\.\.", ".*")
        self.assertRegex(come.expandtabs(4), rf"\A{pattern}\n\Z")
        [identifier] = re.findall(r" id (\S+)\n", come)
        await service.said(f" {re.escape(identifier)} ")
        await service.terminate()

        self.save("mail.toml", config)
        await self.shell(prepare)
        self.assertEqual(startTLS, "twistd -n smtpsession --config mail.toml")
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        port = await service.listening
        self.assertIn(" with ESMTPSA\n", await self.shell(login, port))
        nameless = login.partition("\ncat ")[0].replace("--user alice:sesame ", "")
        self.assertNotEqual(nameless, login)
        refused = await self.shell(f"! {nameless}", port)
        self.assertIn("530", refused)
        await service.terminate()
        lines = (self.folder / "mail.log").read_text("ascii").splitlines()
        events = [json.loads(line)["event"] for line in lines]
        for name in ("message-accepted", "command-refused"):
            self.assertEqual(events.count(name), 1, name)

        self.assertEqual(run, "python server.py")
        self.assertEqual(sum(bool(line) for line in program.split("\n")), 10)
        self.save("server.py", program)
        own = self.start("-c", _PROGRAM)
        begun = await own.said(r" starting on (\d+)\n")
        await self.shell(send.partition("\ncat ")[0], int(begun[1]))
        await own.said(r"alice@example\.com b'.*The first message\.")
