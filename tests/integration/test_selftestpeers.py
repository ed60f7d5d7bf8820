"""
The self-test on the servers of others, and what the manual says came of it.

The manual is no part of the package; there is nothing to test where it is not at hand.
"""

from __future__ import annotations

import json
import re
import socket
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest

from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.manual import PUBLIC, table, verdictsIn
from smtpsession.selftest.model import Target
from tests.integration.postfix import SKIP, Postfix, freePort
from tests.integration.support import (
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)

CHECKOUT = Path(__file__).parent.parent.parent
PAGE = CHECKOUT / "docs" / "selftest.rst"
ADDRESSES = (
    *("--mail-from", "alice@example.net"),
    *("--rcpt-to", "bob@example.org"),
)
#: What Postfix has for who wants to hear only what the RFC allows.
STRICT = {
    "smtpd_forbid_bare_newline": "normalize",
    # Which are all of this machine, and so would be who tests.
    "smtpd_forbid_bare_newline_exclusions": "",
    "strict_rfc821_envelopes": "yes",
}


def columnsOf(text: str) -> dict[str, dict[str, str]]:
    """The columns of the table in a page: what is in each row, by its name."""
    found = re.search(
        r"^(=+(?:  =+)+)\n(case .*\n)\1\n((?:.*\n)+?)\1\n", text, re.MULTILINE
    )
    assert found is not None, "the page has no table"
    spans = [each.span() for each in re.finditer("=+", found[1])]
    head, *rows = (
        [line[start:end].strip() for start, end in spans]
        for line in (found[2], *found[3].splitlines())
    )
    return {
        name: {row[0]: row[at] for row in rows}
        for at, name in enumerate(head)
        if at > 0
    }


class PeersTests(NetworkTestCase):
    """
    The table is true of the servers that it names, in the versions that it names.  Of
    another version only that it can be tested is known before it is.
    """

    timeout = 120

    async def assertHolds(self, name: str, port: int) -> None:
        """What the page says of a server is what the command says, run by a user."""
        command = self.spawn(
            *("-m", "smtpsession", "selftest", f"127.0.0.1:{port}", "--json"),
            *ADDRESSES,
            folder=str(CHECKOUT),
        )
        self.assertIn(await command.ended, (0, 1), command.output)
        verdicts = verdictsIn(json.loads(command.output))
        expected = columnsOf(PAGE.read_text("utf-8"))
        actual = columnsOf(table({name: verdicts}))
        names = [x.name for x in corpus(Target("", 0)) if x.kind in PUBLIC]
        self.assertEqual(list(actual[name]), names)
        self.assertNotIn("not tested", verdicts.values())
        if name in expected:
            self.assertEqual(actual[name], expected[name])
        self.assertIn(name.split()[0], [each.split()[0] for each in expected])

    async def benchmarked(self, server: str) -> int:
        """The port of one of the servers of the benchmarks, which take everything."""
        port = freePort()
        self.spawn(
            *("-m", f"benchmarks.servers.{server}"),
            *(str(port), "none", str(self.makeFolder())),
            folder=str(CHECKOUT),
        )
        # It does not say when it listens; the test ends in time anyway.
        while not _listens(port):
            await deferLater(reactor, 0.05)
        return port

    async def postfix(self, **parameters: str) -> tuple[str, int]:
        """
        The version and the port of a Postfix that relays what it has accepted to a
        server of this process.
        """
        if SKIP is not None:
            raise SkipTest(SKIP)
        relay = await self.listen(KeepingServer(options=localOptions()))
        postfix = Postfix(
            self,
            relayhost=f"[127.0.0.1]:{relay.getHost().port}",
            **parameters,
        )
        found = await postfix.master.said(r"daemon started -- version ([0-9.]+)")
        return found[1], postfix.port

    def setUp(self) -> None:
        self.isAtHand = PAGE.exists()

    async def test_smtpsession(self) -> None:
        """
        Its own server has no findings.
        """
        if self.isAtHand:
            await self.assertHolds("smtpsession", await self.benchmarked("ours"))
            column = columnsOf(PAGE.read_text("utf-8"))["smtpsession"]
            self.assertEqual(set(column.values()), {"pass"})

    async def test_aiosmtpd(self) -> None:
        """
        aiosmtpd.
        """
        if self.isAtHand:
            if find_spec("aiosmtpd") is None:
                raise SkipTest("aiosmtpd: not installed")
            name = f"aiosmtpd {version('aiosmtpd')}"
            await self.assertHolds(name, await self.benchmarked("aiosmtpd"))

    async def test_twistedMail(self) -> None:
        """
        twisted.mail.
        """
        if self.isAtHand:
            name = f"twisted.mail {version('twisted')}"
            await self.assertHolds(name, await self.benchmarked("twistedmail"))

    async def test_postfix(self) -> None:
        """
        Postfix, with its defaults.
        """
        if self.isAtHand:
            number, port = await self.postfix()
            await self.assertHolds(f"Postfix {number}", port)

    async def test_strictPostfix(self) -> None:
        """
        Postfix, when it is told to be strict.
        """
        if self.isAtHand:
            number, port = await self.postfix(**STRICT)
            await self.assertHolds(f"Postfix {number} strict", port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True
