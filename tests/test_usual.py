"""
Tests of smtpsession.usual: what is read in one go is what a closer look makes of it.
"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.addresses import SMTPAddress
from smtpsession.commands import (
    Command,
    Data,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    splitCommand,
)
from smtpsession.parameters import DSNRcpt, SMTPAddressArgs
from smtpsession.usual import usualCommand
from tests import strategies

GOOD = ["MAIL FROM:<", "RCPT TO:<", "mail From:<"]
BAD = ["RCPT  TO:<", "RCPT TO: <", "MAIL TO:<", "VRFY <", "RSET", ""]
verbs = st.sampled_from(GOOD) | st.sampled_from(GOOD + BAD)
#: What looks like a path, and mostly is one.
paths = st.from_regex(r"\A[aB1!]{1,3}[.-]{0,2}[aB1]@[aB1]{1,3}[.-]{0,2}[aB1]>[ \t]?\Z")
#: What looks like parameters, and mostly are some.
parameters = st.from_regex(r"\A(?: [aA]{1,2}[=-]?[aA]{0,2}){0,2}[ \t]?\Z")
anything = st.text('aB1.-_@ <>:"[]=\t\xe9\u017f', max_size=20)


def closeLook(line: bytes) -> Mail | Rcpt:
    """What a line is read as without a short cut."""
    verb, argument = splitCommand(line)
    return Mail.parse(argument) if verb == "MAIL" else Rcpt.parse(argument)


class UsualCommandTests(SynchronousTestCase):
    """Commands read in one go."""

    def test_usual(self) -> None:
        """MAIL and RCPT with a plain address are, in whatever case they come."""
        address = SMTPAddress("Bob.Smith+x@Mail-1.Example.org")
        for line, command in (
            (f"MAIL FROM:<{address}>", Mail(address)),
            (f"RCPT TO:<{address}>", Rcpt(address)),
            (f"rcpt To:<{address}>", Rcpt(address)),
        ):
            self.assertEqual(command, usualCommand(line.encode()), line)

    def test_parameters(self) -> None:
        """So is one with parameters."""
        sized = SMTPAddressArgs({"SIZE": "1024", "SMTPUTF8": True})
        self.assertEqual(
            Mail(SMTPAddress("bob@example.org", sized)),
            usualCommand(b"MAIL FROM:<bob@example.org> size=1024 SMTPUTF8"),
        )
        never = SMTPAddressArgs({"NOTIFY": "NEVER"})
        self.assertEqual(
            Rcpt(SMTPAddress("bob@example.org", never, DSNRcpt())),
            usualCommand(b"RCPT TO:<bob@example.org> NOTIFY=NEVER", DSNRcpt()),
        )

    def test_alone(self) -> None:
        """So are the verbs that come alone in every transaction."""
        for command in (Data(), Rset(), Noop(), Quit()):
            self.assertEqual(command, usualCommand(str(command).encode()))

    def test_unusual(self) -> None:
        """Whatever needs a closer look is left to that."""
        for line in (
            b"",
            b"data",
            b"DATA ",
            b"HELP",
            b"VRFY <bob@example.org>",
            b"MAIL FROM:<>",
            b"RCPT TO:<postmaster>",
            b"RCPT TO:<bob@example.org> ",
            b"RCPT TO:<bob@example.org>NOTIFY=NEVER",
            b"RCPT TO:<bob@example.org>  NOTIFY=NEVER",
            b"RCPT TO:<bob@example.org> NOTIFY=NEVER ",
            b"RCPT TO:<bob@example.org> NOTIFY=NEVER NOTIFY=NEVER",
            b"RCPT TO:<bob@example.org> NOTIFY==NEVER",
            b"MAIL FROM:<bob@example.org> SMTPUTF8=\xc3\xa9",
            b"MAIL FROM:<bob@example.org> SIZE=1\tSMTPUTF8",
            b"RCPT TO:<bob@example.org>\r",
            b"RCPT TO:<bob@example.org>\n",
            b"RCPT TO:<bob@\xc3\xa9.example>",
            b"RCPT TO:<\xe9@example.org>",
            b'RCPT TO:<"bob"@example.org>',
            b"RCPT TO:<bob@[192.0.2.1]>",
            b"RCPT TO:<@a:bob@example.org>",
            b"RCPT TO:<bob@-example.org>",
            b"RCPT TO:<bob@example.org.>",
            b"RCPT TO:<bob.@example.org>",
            b"RCPT TO:<bob@" + b"a" * 64 + b">",
            b"RCPT TO:<" + b"a" * 65 + b"@b>",
        ):
            self.assertIs(None, usualCommand(line), line)

    def test_linearTime(self) -> None:
        """No line keeps the pattern busy for longer than it takes to read it."""
        for line in (
            b"MAIL FROM:<" + b"a" * 100_000,
            b"MAIL FROM:<" + b"a." * 50_000,
            b"MAIL FROM:<" + b"a@" * 50_000,
            b"RCPT TO:<a@" + b"a-" * 50_000 + b">",
            b"RCPT TO:<a@" + b"a" * 100_000 + b"> A=1 " + b" " * 100_000,
            b"RCPT TO:<a@b>" + b" A" * 50_000,
            b"RCPT TO:<a@b> " + b"A" * 100_000 + b"\x80",
        ):
            self.assertIs(None, usualCommand(line), line[:20])

    @given(st.builds("".join, st.tuples(verbs, paths | paths | anything, parameters)))
    @example("RCPT TO:<a@" + "b" * 59 + ">")
    @example("MAIL FROM:<" + "a" * 57 + "@b>")
    def test_same(self, text: str) -> None:
        """A command that is read so is what a closer look makes of its line."""
        line = text.encode("utf-8")
        usual = usualCommand(line)
        if isinstance(usual, (Mail, Rcpt)):
            close = closeLook(line)
            self.assertEqual(close, usual)
            for name in ("localPart", "domain", "args", "dsn", "rrvs"):
                self.assertEqual(
                    getattr(close.address, name), getattr(usual.address, name), line
                )

    @given(strategies.commands)
    def test_everyCommand(self, command: Command) -> None:
        """What any command prints is taken for that one, or for none."""
        usual = usualCommand(str(command).encode("utf-8"))
        self.assertIn(usual, (None, command))
