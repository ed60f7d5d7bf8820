"""
The configurations in the manual, started and asked.

The manual is no part of the package; there is nothing to start where it is not at hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from tests.certificates import selfSigned
from tests.integration.support import LOCAL
from tests.integration.test_twistd import TWISTD, ServiceTestCase

PAGE = Path(__file__).parent.parent.parent / "docs" / "operators.rst"
_BLOCK = re.compile(r"^\.\. code-block:: toml\n\n((?:    .*\n|\n)+)", re.MULTILINE)
#: Where they listen is taken, or not ours to take.
_ENDPOINT = re.compile(
    r'^endpoint = "tcp:(\d+)(:interface=127\.0\.0\.1)?"$', re.MULTILINE
)


def configurations() -> list[str]:
    """Those of the page; none where there is no manual."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return [dedent(each) for each in _BLOCK.findall(text)]


class OperatorTests(ServiceTestCase):
    """Each is good, starts, answers, and stops."""

    # There are many.
    timeout = 300

    async def startIt(self, text: str) -> str:
        """
        Start this, with the files that it names, and ask it.

        @return: what it says first
        """
        changed, count = _ENDPOINT.subn(f'endpoint = "{LOCAL}"', text)
        (self.folder / "mail.toml").write_text(changed, "utf-8")
        pem = selfSigned("mx.example.org").pem
        for name in ("fullchain.pem", "privkey.pem"):
            (self.folder / name).write_bytes(pem)
        (self.folder / "secret").write_text("sesame\n", "utf-8")
        (self.folder / "users").write_text("bob:{PLAIN}sesame\n", "utf-8")
        checked = self.start("-m", "smtpsession", "check", "mail.toml")
        self.assertEqual(await checked.ended, 0, checked.output)
        service = self.start(*TWISTD, "smtpsession", "--config", "mail.toml")
        try:
            if not count:
                await service.said("listening on UNIXAddress")
                return ""
            return (await self.say(await service.listening, "QUIT"))[0]
        finally:
            await service.terminate()

    async def test_all(self) -> None:
        """
        All of them, with the name that they say.
        """
        for text in configurations():
            heard = await self.startIt(text)
            name = re.search('^hostname = "(.*)"$', text, re.MULTILINE)
            if heard and name is not None:
                self.assertTrue(heard.startswith(f"220 {name[1]} "), heard)

    async def test_count(self) -> None:
        """
        The page has as many as it says.
        """
        if PAGE.exists():
            self.assertEqual(len(configurations()), 6)
