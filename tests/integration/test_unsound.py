"""
The self-test on servers that are not sound, over real sockets.
"""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from smtpsession import SMTPAddress, SMTPError, SMTPServerFactory, SMTPSession
from smtpsession.__main__ import main
from smtpsession.selftest import probe
from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.model import Target
from tests.integration.support import LOCAL, NetworkTestCase, localOptions
from tests.unsound import (
    BusyServer,
    ClearServer,
    DeafServer,
    PiecemealServer,
    TalkativeServer,
    UnsoundServer,
)

#: What a server must do; all other cases are about what it must not.
DUTIES = {"crlf-dot-crlf", "empty-message"}


class UnsoundTestCase(NetworkTestCase):
    """A test case whose servers are all kinds of server."""

    # There are many cases.
    timeout = 300

    async def serve(self, server: type[Protocol] | Factory) -> str:
        """Where it listens, until the end of the test."""
        factory = server if isinstance(server, Factory) else Factory.forProtocol(server)
        port = await serverFromString(reactor, LOCAL).listen(factory)
        self.addCleanup(port.stopListening)
        return f"127.0.0.1:{port.getHost().port}"

    async def run_(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status, the output and the errors."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = await deferToThread(main, ["selftest", *arguments])
        return status, output.getvalue(), errors.getvalue()

    async def report(self, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit status, and what came of each case by its name."""
        status, output, _ = await self.run_(*arguments, "--json")
        return status, {each["name"]: each for each in json.loads(output)["cases"]}


class FindingTests(UnsoundTestCase):
    """Each case can fail."""

    async def test_all(self) -> None:
        """
        A server that does all that it must not fails all cases about that, with a
        reason and what was said.
        """
        status, cases = await self.report(await self.serve(UnsoundServer))
        self.assertEqual(status, 1)
        self.assertEqual(list(cases), [x.name for x in corpus(Target("", 0))])
        passed = {x["name"] for x in cases.values() if x["verdict"] != "finding"}
        self.assertEqual(passed, DUTIES)
        for name, case in cases.items():
            if name not in DUTIES:
                self.assertTrue(case["reason"] and case["sent"] and case["received"])

    async def test_duties(self) -> None:
        """
        A server that misses the end of a message fails the others.
        """
        where = await self.serve(DeafServer)
        only = [word for name in DUTIES for word in ("--case", name)]
        status, cases = await self.report(where, "--timeout", "2", *only)
        self.assertEqual(status, 1)
        self.assertEqual(set(cases), DUTIES)
        for name in DUTIES:
            self.assertEqual(cases[name]["verdict"], "finding", name)
            self.assertTrue(cases[name]["reason"].startswith("only 0 replies in time"))

    async def test_accepted(self) -> None:
        """
        It is said when a smuggled message was accepted, and when it is less than that.
        """
        only = ("--case", "lf-dot-lf", "--case", "bare-lf")
        _, cases = await self.report(await self.serve(UnsoundServer), *only)
        self.assertEqual(
            cases["lf-dot-lf"]["reason"],
            "6 replies where 2 were due: a message that nobody had sent was accepted",
        )
        self.assertEqual(
            cases["bare-lf"]["reason"],
            "3 replies where 2 were due: what was no command was taken for one",
        )

    async def test_apart(self) -> None:
        """
        A server that takes look-alikes for what they are, but for those that come
        octet by octet, has not passed.
        """
        self.patch(probe, "BETWEEN", 0.3)
        where = await self.serve(PiecemealServer)
        only = ("--case", "lf-dot-lf", "--case", "vt-dot-vt")
        status, cases = await self.report(where, *only)
        self.assertEqual(status, 1)
        for case in cases.values():
            self.assertEqual(case["verdict"], "finding")
            self.assertIn("(octet by octet)", case["sent"][1])

    async def test_report(self) -> None:
        """
        People read of a finding why it is one, what was sent and what came back.
        """
        where = await self.serve(UnsoundServer)
        only = ("--case", "bare-cr", "--case", "reply-verb")
        status, output, _ = await self.run_(where, *only)
        self.assertEqual(status, 1)
        self.assertIn(
            "  finding         bare-cr               CR alone does not end a command\n"
            "    because:  3 replies where 2 were due: what was no command was taken "
            "for one\n"
            "    ground:   RFC 5321, section 2.3.8: nothing but CRLF may be recognized "
            "as the end of\n"
            "              a line\n"
            "    sent:     NOOP first\\rNOOP second\\r\\n\n"
            "    sent:     (a pause)\n"
            "    sent:     QUIT\\r\\n\n"
            "    received: 250 your wish is my command, and always was: NOOP first\n"
            "    received: 250 your wish is my command, and always was: NOOP second\n"
            "    received: 221 bye\n",
            output,
        )
        # A terminal is safe from what a server repeats.
        self.assertNotIn("\x1b", output)


class UntestedTests(UnsoundTestCase):
    """What cannot be tested has not passed."""

    async def assertNoServer(
        self, server: type[Protocol], timeout: str, reason: str
    ) -> None:
        """It is no server that there is anything to test of."""
        where = await self.serve(server)
        self.assertEqual(
            await self.run_(where, "--timeout", timeout),
            (2, "", f"smtpsession selftest: {reason}\n"),
        )

    async def test_nobody(self) -> None:
        """
        Nobody is there.
        """
        port = await serverFromString(reactor, LOCAL).listen(Factory())
        where = f"127.0.0.1:{port.getHost().port}"
        await port.stopListening()
        status, output, errors = await self.run_(where)
        self.assertEqual((status, output), (2, ""))
        self.assertTrue(errors.startswith("smtpsession selftest: cannot connect: "))

    async def test_silent(self) -> None:
        """
        Somebody is there who says nothing.
        """
        reason = "connecting: no reply within 0.5 seconds"
        await self.assertNoServer(Protocol, "0.5", reason)

    async def test_talkative(self) -> None:
        """
        Somebody does not stop talking: what is kept of that is bounded.
        """
        reason = "the server says more than 1048576 octets"
        await self.assertNoServer(TalkativeServer, "60", reason)

    async def test_refused(self) -> None:
        """
        The server does not take the recipient: what needs one has not passed, and the
        status says so.
        """

        def onRcptTo(address: SMTPAddress, session: SMTPSession) -> None:
            raise SMTPError(550, "Relaying denied", "5.7.1")

        server = SMTPServerFactory(
            onRcptTo=onRcptTo, options=localOptions(reverseLookup=False)
        )
        where = await self.serve(server)
        status, cases = await self.report(where, "--rcpt-to", "bob@example.net")
        self.assertEqual(status, 2)
        for name in ("lf-dot-lf", "crlf-dot-crlf", "bdat-content", "pipelined-order"):
            self.assertEqual(cases[name]["verdict"], "not tested", name)
            self.assertEqual(
                cases[name]["reason"],
                "RCPT TO:<bob@example.net>: 550 5.7.1 Relaying denied",
            )
        self.assertEqual(cases["bare-lf"]["verdict"], "pass")
        self.assertEqual(cases["starttls-injection"]["verdict"], "not applicable")

    async def test_unanswered(self) -> None:
        """
        A server that does not say goodbye has not passed.
        """
        where = await self.serve(DeafServer)
        arguments = ("--timeout", "2", "--case", "lf-dot-lf")
        status, cases = await self.report(where, *arguments)
        self.assertEqual(status, 2)
        self.assertEqual(cases["lf-dot-lf"]["verdict"], "not tested")
        self.assertEqual(
            cases["lf-dot-lf"]["reason"], "no answer to QUIT within 2 seconds"
        )

    async def test_noTLS(self) -> None:
        """
        Nor one that has no TLS for now.
        """
        where = await self.serve(BusyServer)
        status, cases = await self.report(where, "--case", "starttls-injection")
        self.assertEqual(status, 2)
        [case] = cases.values()
        self.assertEqual(case["verdict"], "not tested")
        self.assertEqual(case["reason"], "STARTTLS: 454 not now")

    async def test_brokenTLS(self) -> None:
        """
        Nor one whose TLS fails, where nothing was sent that it would fail for.
        """
        where = await self.serve(ClearServer)
        status, cases = await self.report(where, "--case", "starttls-transaction")
        self.assertEqual(status, 2)
        [case] = cases.values()
        self.assertEqual(case["verdict"], "not tested")
        self.assertTrue(case["reason"].startswith("TLS: "), case["reason"])
