"""
Tests of the extensions that an application brings itself.

The one of the manual stands in C{tests.ownextension}, from which the manual quotes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    Command,
    Extension,
    MailParameter,
    RcptParameter,
    Reply,
    Rule,
    SMTPError,
    SMTPSession,
    State,
)
from smtpsession.extensions import BUILT_IN
from smtpsession.rules import ALWAYS
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.ownextension import TICKET

MANUAL = Path(__file__).parent.parent / "docs" / "extensions.rst"
EXAMPLE = Path(__file__).parent / "ownextension.py"


OK = "250 2.0.0 OK"
RECIPIENT_OK = "250 2.1.5 Recipient OK"
LOCAL_ERROR = "451 4.3.0 Local error in processing"


def _fail(*ignored: Any) -> Any:
    raise ZeroDivisionError("in an extension")


class Xping(Command):
    """A verb without an argument."""

    verb = syntax = "XPING"


def connect(
    *extensions: Extension, hello: str = "EHLO", **options: Any
) -> MemoryClient:
    settings = memoryOptions(extensions=[*BUILT_IN, *extensions], **options)
    client = MemoryServer(options=settings).connect()
    client.hear()
    client.say(f"{hello} client.example.com")
    return client


def pinging(run: Any) -> Extension:
    return Extension(keyword="XPING", rfc="none", verbs=(Rule(Xping, run=run),))


class VerbTests(SynchronousTestCase):
    """Verbs of an application's own."""

    def test_answers(self) -> None:
        """Whatever a callback may say to a message, a verb may say too."""
        for answer, expected in (
            (None, "250 2.0.0 OK"),
            ("pong", "250 2.0.0 pong"),
            (Reply(252, "pong", "2.1.5"), "252 2.1.5 pong"),
            (SMTPError(450, "busy", "4.2.1"), "450 4.2.1 busy"),
            (SMTPError(421, "gone", "4.2.1"), "421 4.2.1 gone"),
        ):

            def run(command: Xping, session: SMTPSession, answer: Any = answer) -> Any:
                if isinstance(answer, SMTPError):
                    raise answer
                return answer

            self.assertEqual(connect(pinging(run)).say("XPING"), [expected])

    def test_late(self) -> None:
        """The client waits for the answer, and what it sent meanwhile waits too."""
        answer: Deferred[str] = Deferred()
        client = connect(pinging(lambda command, session: answer))
        self.assertEqual(client.say("xping", "NOOP"), [])
        answer.callback("pong")
        self.assertEqual(client.hear(), ["250 2.0.0 pong", "250 2.0.0 OK"])

    def test_fault(self) -> None:
        """An error of the application, or an answer that is none, is told as 451."""
        for run in (lambda command, session: 1 / 0, lambda command, session: 17):
            heard = connect(pinging(run)).say("XPING", "NOOP")
            expected = ["451 4.3.0 Local error in processing", "250 2.0.0 OK"]
            self.assertEqual(heard, expected)
        self.assertEqual(len(self.flushLoggedErrors()), 2)

    def test_betweenParts(self) -> None:
        """Nobody can be asked between two parts of a message: onData still is."""
        for columns in ({"run": lambda *ignored: None}, {"ask": "onHelo"}):
            self.assertRaises(ValueError, Rule, Xping, legal=ALWAYS, **columns)

    def test_legalNowhere(self) -> None:
        """A row need not say what is said in each state where its verb is not legal."""
        rule = Rule(
            Xping,
            run=lambda *ignored: "pong",
            legal=frozenset({State.READY}),
            outOfOrder={State.SENDER: Reply(503, "Not now", "5.5.1")},
        )
        client = connect(Extension(keyword="XPING", rfc="none", verbs=(rule,)))
        client.say("MAIL FROM:<alice@example.com>")
        self.assertEqual(client.say("XPING"), ["503 5.5.1 Not now"])
        client.say("RCPT TO:<bob@example.org>")
        self.assertEqual(
            client.say("XPING"), ["503 5.5.1 Already in a mail transaction"]
        )

    def test_arguments(self) -> None:
        """An argument that the command does not read is refused."""
        heard = connect(pinging(lambda *ignored: "pong")).say("XPING now")
        self.assertEqual(heard, ["501 5.5.4 Syntax: XPING"])

    def test_notOffered(self) -> None:
        """Where its extension is not offered, the verb is not there."""
        extension = Extension(
            keyword="XPING",
            rfc="none",
            offer=lambda session, settings: None,
            verbs=(Rule(Xping, run=lambda *ignored: "pong"),),
        )
        self.assertEqual(connect(extension).say("XPING")[0][:3], "502")
        ping = pinging(lambda *ignored: "pong")
        self.assertEqual(connect(ping, hello="HELO").say("XPING")[0][:3], "502")

    def test_legal(self) -> None:
        """It comes where its row says, and by default not within a message."""
        client = connect(pinging(lambda *ignored: "pong"))
        client.say("MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>")
        client.write(b"BDAT 1\r\nx")
        client.hear()
        self.assertEqual(client.say("XPING"), ["503 5.5.1 The message is not complete"])
        rule = Rule(Xping, run=lambda *ignored: "pong", legal=frozenset({State.SENDER}))
        client = connect(Extension(keyword="XPING", rfc="none", verbs=(rule,)))
        self.assertEqual(client.say("XPING"), ["503 5.5.1 MAIL first"])
        client.say("MAIL FROM:<a@example.com>")
        self.assertEqual(client.say("XPING"), ["250 2.0.0 pong"])

    def test_lmtp(self) -> None:
        """Under LMTP it has one reply as well."""
        ping = pinging(lambda *ignored: "pong")
        client = connect(ping, hello="LHLO", protocol="lmtp")
        self.assertEqual(client.say("XPING"), ["250 2.0.0 pong"])


class FaultTests(SynchronousTestCase):
    """Whatever an extension does wrong is told as 451, and the conversation goes on."""

    def assertFails(self, extension: Extension, *lines: str) -> MemoryClient:
        """The last of these lines is answered so, and nothing has come of it."""
        client = connect(extension)
        client.say(*lines[:-1])
        self.assertEqual(client.say(lines[-1], "NOOP"), [LOCAL_ERROR, OK])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        return client

    def test_parse(self) -> None:
        """A command that cannot be parsed for another reason than its syntax."""

        class Broken(Xping):
            @classmethod
            def parse(cls, argument: bytes) -> Any:
                raise ZeroDivisionError("in an extension")

        rule = Rule(Broken, run=lambda *ignored: "pong")
        self.assertFails(Extension(keyword="X", rfc="none", verbs=(rule,)), "XPING")

    def test_columns(self) -> None:
        """The columns of its row."""
        for column in ("check", "proceed"):
            columns: dict[str, Any] = {column: _fail}
            rule = Rule(Xping, **columns)
            extension = Extension(keyword="X", rfc="none", verbs=(rule,))
            self.assertFails(extension, "XPING")

    def test_mailParameter(self) -> None:
        """No transaction begins."""
        parameter = MailParameter("XPING", _fail, takesValue=False)
        extension = Extension(keyword="X", rfc="none", mailParameters=(parameter,))
        client = self.assertFails(extension, "MAIL FROM:<alice@example.com> XPING")
        self.assertIsNone(client.session.envelope.mailFrom)

    def test_rcptParameter(self) -> None:
        """No recipient is taken."""
        parameter = RcptParameter("XPING", _fail, takesValue=False)
        extension = Extension(keyword="X", rfc="none", rcptParameters=(parameter,))
        client = self.assertFails(
            extension,
            "MAIL FROM:<alice@example.com>",
            "RCPT TO:<bob@example.org> XPING",
        )
        self.assertEqual(client.session.envelope.rcptTo, [])

    def test_prepare(self) -> None:
        """What it makes of each envelope and of each recipient."""
        for column, lines in (
            ("prepareEnvelope", ["MAIL FROM:<>"]),
            ("prepareRecipient", ["MAIL FROM:<>", "RCPT TO:<bob@example.org>"]),
        ):
            columns: dict[str, Any] = {column: _fail}
            extension = Extension(keyword="X", rfc="none", **columns)
            self.assertFails(extension, *lines)

    def test_newState(self) -> None:
        """What it keeps cannot be made: the client has not said hello again."""
        fails = [False]

        def newState() -> list[str]:
            return _fail() if fails[0] else []

        client = connect(Extension(keyword="X", rfc="none", newState=newState))
        kept = client.session.state["X"]
        client.say("MAIL FROM:<alice@example.com>")
        fails[0] = True
        self.assertEqual(client.say("EHLO again.example.com"), [LOCAL_ERROR])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIs(client.session.state["X"], kept)
        self.assertEqual(client.say("RCPT TO:<bob@example.org>"), [RECIPIENT_OK])


class ManualTests(SynchronousTestCase):
    """The example of the manual."""

    def test_conversation(self) -> None:
        """It does what the manual says."""
        client = connect(TICKET)
        client.play("""
            C: XTICKET 4711
            S: 250 2.0.0 Ticket 4711 is yours
            C: XTICKET lost
            S: 501 5.5.4 Syntax: XTICKET number
            C: MAIL FROM:<alice@example.com> XURGENT=1
            S: 250 2.1.0 Sender OK
            C: RCPT TO:<bob@example.org> XROOM=12a
            S: 250 2.1.5 Recipient OK
            C: RCPT TO:<bob@example.org> XROOM=-
            S: 501 5.5.4 Bad value of parameter XROOM
            """)
        session = client.session
        self.assertEqual(session.state["XTICKET"], [4711])
        self.assertEqual(session.envelope.state["XURGENT"], True)
        self.assertEqual(session.envelope.rcptTo[0].args["XROOM"], "12a")

    def test_offer(self) -> None:
        """It is one line of the answer to EHLO, which begins a new list of tickets."""
        client = connect(TICKET)
        client.say("XTICKET 1")
        offered = client.say("EHLO client.example.com")
        self.assertIn("250 XTICKET 9999", offered)
        self.assertEqual(client.session.state["XTICKET"], [])

    def test_forgotten(self) -> None:
        """RFC 3207, section 4.2: what was kept before TLS is gone after it."""
        client = connect(TICKET)
        client.say("XTICKET 4711")
        client.session.state["mine"] = "stays"
        client.protocol._dialogue.secured()
        self.assertEqual(client.session.state, {"mine": "stays"})

    def test_helo(self) -> None:
        """HELO offers nothing, and so nothing is kept."""
        client = connect(TICKET)
        client.say("XTICKET 4711", "HELO client.example.com")
        self.assertEqual(client.session.state, {})

    def test_quoted(self) -> None:
        """The manual, where it is at hand, quotes it to the letter."""
        if MANUAL.exists():
            source = EXAMPLE.read_text("utf-8").split("# Begin", 1)[1].split("\n", 1)[1]
            quoted = "".join(
                f"    {line}\n" if line else "\n" for line in source.splitlines()
            )
            self.assertIn(quoted, MANUAL.read_text("utf-8"))
