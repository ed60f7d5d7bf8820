"""
Tests of smtpsession.commands.
"""

from __future__ import annotations

from attrs.exceptions import FrozenInstanceError
from hypothesis import example, given
from hypothesis import strategies as st

from smtpsession.addresses import SMTPAddress
from smtpsession.commands import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    Starttls,
    Vrfy,
    Xclient,
    Xforward,
    splitCommand,
)
from smtpsession.errors import SMTPError
from smtpsession.parameters import SMTPAddressArgs
from tests.cases import TableTestCase
from tests.strategies import commands

COMMANDS: dict[str, type[Command]] = {
    command.verb: command
    for command in (
        *(Data, Rset, Quit, Noop, Help, Vrfy, Expn),
        *(Helo, Ehlo, Lhlo, Mail, Rcpt, Bdat, Starttls, Auth, Xclient, Xforward),
    )
}

SPLIT = [
    # name, line, (verb, argument)
    ("a verb alone", b"QUIT", ("QUIT", b"")),
    ("lower case", b"quit", ("QUIT", b"")),
    ("mixed case", b"qUiT", ("QUIT", b"")),
    ("the case of the argument is kept", b"noop Text", ("NOOP", b"Text")),
    ("spaces within the argument", b"NOOP a  b", ("NOOP", b"a  b")),
    ("a second space is the argument's", b"NOOP  a", ("NOOP", b" a")),
    ("white space at the end", b"QUIT \t \t", ("QUIT", b"")),
    ("white space at the end of an argument", b"NOOP a \t", ("NOOP", b"a")),
    ("white space in front", b" QUIT", ("", b"QUIT")),
    ("nothing", b"", ("", b"")),
    ("only white space", b" \t ", ("", b"")),
    ("a verb that there is not", b"FROB x", ("FROB", b"x")),
    ("a verb with more behind it", b"QUIT!", ("QUIT!", b"")),
    ("UTF-8 in the argument", b"NOOP \xc3\xa9", ("NOOP", b"\xc3\xa9")),
]

BAD_LINES = [
    # name, line
    ("a tab for the space", b"NOOP\ttext"),
    ("a tab in the argument", b"NOOP a\tb"),
    ("a NUL", b"NOOP \x00"),
    ("a NUL behind the verb", b"QUIT\x00"),
    ("a bare CR", b"NOOP a\rQUIT"),
    ("a bare LF", b"NOOP a\nQUIT"),
    ("a CR at the end", b"QUIT\r"),
    ("an LF at the end", b"QUIT\n"),
    ("a DEL", b"QUIT\x7f"),
    ("an escape", b"NOOP \x1b[2J"),
    ("a vertical tab at the end, which is no white space", b"QUIT\x0b"),
    ("not UTF-8", b"NOOP \xff"),
    ("UTF-8 cut short", b"NOOP \xc3"),
    ("UTF-8 that is too long for what it says", b"NOOP \xc0\xaf"),
    ("half of a surrogate pair in UTF-8", b"NOOP \xed\xa0\x80"),
    ("Latin-1", b"NOOP caf\xe9"),
    ("a control character beyond ASCII", b"NOOP \xc2\x85"),
    ("the first of these", b"VRFY a\xc2\x80b"),
    ("the last of these", b"\xc2\x9fNOOP"),
    ("a verb that is not ASCII", b"QU\xc3\x8fT"),
    ("a telnet negotiation", b"\xff\xfd\x01QUIT"),
    ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00"),
]

PARSED = [
    # name, line, command
    ("DATA", b"DATA", Data()),
    ("RSET", b"RSET", Rset()),
    ("QUIT", b"QUIT", Quit()),
    ("NOOP", b"NOOP", Noop()),
    ("NOOP with text", b"NOOP anything at all", Noop("anything at all")),
    ("HELP", b"HELP", Help()),
    ("HELP on a verb", b"HELP MAIL", Help("MAIL")),
    ("VRFY", b"VRFY bob", Vrfy("bob")),
    ("VRFY with a name", b"VRFY Bob Smith", Vrfy("Bob Smith")),
    ("VRFY in UTF-8", b"VRFY jos\xc3\xa9", Vrfy("jos\xe9")),
    ("EXPN", b"EXPN friends", Expn("friends")),
    ("HELO", b"HELO mx.example.org", Helo("mx.example.org")),
    ("EHLO", b"EHLO [192.0.2.1]", Ehlo("[192.0.2.1]")),
    ("LHLO", b"LHLO localhost", Lhlo("localhost")),
    ("EHLO, as given", b"EHLO MX.Example.org", Ehlo("MX.Example.org")),
    ("MAIL", b"MAIL FROM:<bob@x>", Mail(SMTPAddress("bob@x"))),
    ("MAIL of nobody", b"MAIL FROM:<>", Mail(SMTPAddress(""))),
    ("MAIL in lower case", b"mail from:<bob@x>", Mail(SMTPAddress("bob@x"))),
    ("MAIL with a space behind", b"MAIL FROM:<bob@x> ", Mail(SMTPAddress("bob@x"))),
    (
        "MAIL with parameters",
        b"MAIL FROM:<bob@x> SIZE=1 smtputf8",
        Mail(SMTPAddress("bob@x", SMTPAddressArgs({"SIZE": "1", "SMTPUTF8": True}))),
    ),
    (
        "MAIL with what looks like parameters in quotes",
        b'MAIL FROM:<"> SIZE=1"@x> SIZE=2',
        Mail(SMTPAddress('"> SIZE=1"@x', SMTPAddressArgs({"SIZE": "2"}))),
    ),
    ("MAIL with a route", b"MAIL FROM:<@a,@b:bob@x>", Mail(SMTPAddress("bob@x"))),
    ("RCPT", b"RCPT TO:<bob@x>", Rcpt(SMTPAddress("bob@x"))),
    ("RCPT in mixed case", b"Rcpt To:<bob@x>", Rcpt(SMTPAddress("bob@x"))),
    (
        "RCPT to the postmaster",
        b"RCPT TO:<Postmaster>",
        Rcpt(SMTPAddress("Postmaster")),
    ),
    ("RCPT in UTF-8", b"RCPT TO:<jos\xc3\xa9@x>", Rcpt(SMTPAddress("jos\xe9@x"))),
    (
        "RCPT with a parameter",
        b"RCPT TO:<bob@x> NOTIFY=NEVER",
        Rcpt(SMTPAddress("bob@x", SMTPAddressArgs({"NOTIFY": "NEVER"}))),
    ),
    ("STARTTLS", b"STARTTLS", Starttls()),
    ("STARTTLS in lower case", b"starttls ", Starttls()),
    ("BDAT", b"BDAT 1000", Bdat(1000)),
    ("the last BDAT", b"BDAT 1000 LAST", Bdat(1000, isLast=True)),
    ("BDAT in mixed case", b"bdat 7 Last", Bdat(7, isLast=True)),
    ("BDAT of nothing", b"BDAT 0", Bdat(0)),
    ("BDAT of nothing, the last", b"BDAT 0 LAST", Bdat(0, isLast=True)),
    ("BDAT with zeros in front", b"BDAT 00000000000000000010", Bdat(10)),
    ("the largest BDAT", b"BDAT 9223372036854775807", Bdat(2**63 - 1)),
    ("AUTH", b"AUTH PLAIN", Auth("PLAIN")),
    ("AUTH in lower case", b"auth scram-sha-256", Auth("SCRAM-SHA-256")),
    ("AUTH of a mechanism that there is not", b"AUTH X_9", Auth("X_9")),
    (
        "AUTH with a response",
        b"AUTH PLAIN AGJvYgBzZWNyZXQ=",
        Auth("PLAIN", b"\0bob\0secret"),
    ),
    ("AUTH with an empty response", b"AUTH EXTERNAL =", Auth("EXTERNAL", b"")),
    ("AUTH with any octets", b"AUTH X +/+/", Auth("X", b"\xfb\xff\xbf")),
    (
        "XCLIENT",
        b"XCLIENT NAME=mx.example.org addr=192.0.2.1 Login=[unavailable]",
        Xclient({"NAME": "mx.example.org", "ADDR": "192.0.2.1", "LOGIN": None}),
    ),
    (
        "XFORWARD",
        b"XFORWARD SOURCE=LOCAL IDENT=4XyZ",
        Xforward({"SOURCE": "LOCAL", "IDENT": "4XyZ"}),
    ),
]

REFUSED = [
    # name, line, codes
    #
    # Arguments where there are none, and none where there must be.
    ("DATA with an argument", b"DATA now", "501 5.5.4"),
    ("RSET with an argument", b"RSET all", "501 5.5.4"),
    ("QUIT with an argument", b"QUIT please", "501 5.5.4"),
    ("VRFY without", b"VRFY", "501 5.5.4"),
    ("EXPN without", b"EXPN", "501 5.5.4"),
    ("HELO without", b"HELO", "501 5.5.4"),
    ("EHLO without", b"EHLO", "501 5.5.4"),
    ("LHLO without", b"LHLO", "501 5.5.4"),
    ("HELO with only a space", b"HELO ", "501 5.5.4"),
    #
    # Names.
    ("HELO with two spaces", b"HELO  mx.example.org", "501 5.5.4"),
    ("HELO with two names", b"HELO mx example", "501 5.5.4"),
    ("EHLO with an address", b"EHLO bob@example.org", "501 5.5.4"),
    ("EHLO with an empty label", b"EHLO mx..example.org", "501 5.5.4"),
    ("EHLO with a bad literal", b"EHLO [192.0.2.256]", "501 5.5.4"),
    ("EHLO with a U-label", b"EHLO b\xc3\xbccher.example", "501 5.5.4"),
    ("EHLO with 256 octets", b"EHLO " + b"a" * 256, "501 5.5.4"),
    #
    # What is not FROM:<path>.
    ("MAIL alone", b"MAIL", "501 5.5.4"),
    ("MAIL FROM", b"MAIL FROM", "501 5.5.4"),
    ("MAIL FROM:", b"MAIL FROM:", "501 5.5.4"),
    ("MAIL without FROM", b"MAIL <bob@x>", "501 5.5.4"),
    ("MAIL TO", b"MAIL TO:<bob@x>", "501 5.5.4"),
    ("a space behind the colon", b"MAIL FROM: <bob@x>", "501 5.5.4"),
    ("a space before the colon", b"MAIL FROM :<bob@x>", "501 5.5.4"),
    ("spaces around the colon", b"MAIL FROM : <bob@x>", "501 5.5.4"),
    ("two spaces behind the verb", b"MAIL  FROM:<bob@x>", "501 5.5.4"),
    ("no colon", b"MAIL FROM<bob@x>", "501 5.5.4"),
    ("an equals sign for it", b"MAIL FROM=<bob@x>", "501 5.5.4"),
    ("no brackets", b"MAIL FROM:bob@x", "501 5.5.4"),
    ("no closing bracket", b"MAIL FROM:<bob@x", "501 5.5.4"),
    ("no closing bracket and a parameter", b"MAIL FROM:<bob@x SIZE=1", "501 5.5.4"),
    ("no opening bracket", b"MAIL FROM:bob@x>", "501 5.5.4"),
    ("a closing bracket in quotes only", b'MAIL FROM:<"bob>', "501 5.5.4"),
    ("two pairs of brackets", b"MAIL FROM:<<bob@x>>", "501 5.5.4"),
    ("a display name", b"MAIL FROM:Bob <bob@x>", "501 5.5.4"),
    ("a bracket behind", b"MAIL FROM:<bob@x>>", "501 5.5.4"),
    ("something behind", b"MAIL FROM:<bob@x>x", "501 5.5.4"),
    ("a parameter without a space", b"MAIL FROM:<bob@x>SIZE=1", "501 5.5.4"),
    ("another path behind", b"MAIL FROM:<bob@x><eve@x>", "501 5.5.4"),
    ("a comma and another path", b"MAIL FROM:<bob@x>,<eve@x>", "501 5.5.4"),
    ("RCPT alone", b"RCPT", "501 5.5.4"),
    ("RCPT FROM", b"RCPT FROM:<bob@x>", "501 5.5.4"),
    ("RCPT with a space behind the colon", b"RCPT TO: <bob@x>", "501 5.5.4"),
    ("RCPT with a space before the colon", b"RCPT TO :<bob@x>", "501 5.5.4"),
    ("RCPT without brackets", b"RCPT TO:bob@x", "501 5.5.4"),
    ("RCPT with something behind", b"RCPT TO:<bob@x>;", "501 5.5.4"),
    #
    # A path that is none: X.1.7 is the sender's address, X.1.3 the recipient's.
    ("MAIL from the postmaster alone", b"MAIL FROM:<postmaster>", "501 5.1.7"),
    ("MAIL without a domain", b"MAIL FROM:<bob>", "501 5.1.7"),
    ("MAIL from a space", b"MAIL FROM:< >", "501 5.1.7"),
    ("MAIL with a space in the path", b"MAIL FROM:<bob smith@x>", "501 5.1.7"),
    ("MAIL with a bad literal", b"MAIL FROM:<bob@[1.2.3]>", "501 5.1.7"),
    ("MAIL with a bad route", b"MAIL FROM:<@a:>", "501 5.1.7"),
    ("MAIL with a bad U-label", b"MAIL FROM:<bob@\xe2\x98\x83>", "501 5.1.7"),
    ("RCPT to nobody", b"RCPT TO:<>", "501 5.1.3"),
    ("RCPT without a domain", b"RCPT TO:<bob>", "501 5.1.3"),
    ("RCPT with two at signs", b"RCPT TO:<bob@x@y>", "501 5.1.3"),
    ("RCPT with a dot behind", b"RCPT TO:<bob.@x>", "501 5.1.3"),
    ("RCPT to many", b"RCPT TO:<bob@x,eve@x>", "501 5.1.3"),
    #
    # Parameters.
    ("two spaces before a parameter", b"MAIL FROM:<bob@x>  SIZE=1", "501 5.5.4"),
    ("two spaces between", b"MAIL FROM:<bob@x> SIZE=1  X", "501 5.5.4"),
    ("no value", b"MAIL FROM:<bob@x> SIZE=", "501 5.5.4"),
    ("no keyword", b"MAIL FROM:<bob@x> =1", "501 5.5.4"),
    ("a keyword twice", b"MAIL FROM:<bob@x> SIZE=1 size=1", "501 5.5.4"),
    ("a parameter of RCPT", b"RCPT TO:<bob@x> NOTIFY==", "501 5.5.4"),
    #
    # Extensions.
    ("STARTTLS with an argument", b"STARTTLS now", "501 5.5.4"),
    ("BDAT alone", b"BDAT", "501 5.5.4"),
    ("BDAT without a size", b"BDAT LAST", "501 5.5.4"),
    ("BDAT with another word", b"BDAT 5 FIRST", "501 5.5.4"),
    ("BDAT with more behind", b"BDAT 5 LAST LAST", "501 5.5.4"),
    ("BDAT with two sizes", b"BDAT 5 5", "501 5.5.4"),
    ("BDAT with two spaces", b"BDAT 5  LAST", "501 5.5.4"),
    ("BDAT with two spaces in front", b"BDAT  5", "501 5.5.4"),
    ("BDAT without a space", b"BDAT 5LAST", "501 5.5.4"),
    ("a negative BDAT", b"BDAT -5", "501 5.5.4"),
    ("a BDAT with a sign", b"BDAT +5", "501 5.5.4"),
    ("a hexadecimal BDAT", b"BDAT 0x5", "501 5.5.4"),
    ("a BDAT with a fraction", b"BDAT 5.0", "501 5.5.4"),
    ("a BDAT with an underscore", b"BDAT 1_0", "501 5.5.4"),
    ("other digits", "BDAT \u0665".encode(), "501 5.5.4"),
    ("a BDAT that no count holds", b"BDAT 9223372036854775808", "501 5.5.4"),
    ("a BDAT of 21 digits", b"BDAT 000000000000000000001", "501 5.5.4"),
    ("AUTH alone", b"AUTH", "501 5.5.4"),
    ("AUTH with two spaces", b"AUTH  PLAIN", "501 5.5.4"),
    ("AUTH of 21 letters", b"AUTH AAAAAAAAAAAAAAAAAAAAA", "501 5.5.4"),
    ("AUTH with another sign", b"AUTH PLAIN.X", "501 5.5.4"),
    ("AUTH in UTF-8", b"AUTH PL\xc3\x84IN", "501 5.5.4"),
    ("a response that is not base64", b"AUTH PLAIN bob", "501 5.5.2"),
    ("a response without its padding", b"AUTH PLAIN AGJvYgBzZWNyZXQ", "501 5.5.2"),
    ("two spaces before the response", b"AUTH PLAIN  AGJv", "501 5.5.2"),
    ("two responses", b"AUTH PLAIN AGJv AGJv", "501 5.5.2"),
    ("a cancelled response", b"AUTH PLAIN *", "501 5.5.2"),
    ("only padding", b"AUTH PLAIN ==", "501 5.5.2"),
    ("padding and more", b"AUTH PLAIN =AGJv", "501 5.5.2"),
    ("XCLIENT alone", b"XCLIENT", "501 5.5.4"),
    ("XCLIENT with an attribute of XFORWARD", b"XCLIENT IDENT=x", "501 5.5.4"),
    ("XFORWARD alone", b"XFORWARD", "501 5.5.4"),
    ("XFORWARD with an attribute of XCLIENT", b"XFORWARD LOGIN=x", "501 5.5.4"),
    ("XFORWARD with a bad value", b"XFORWARD ADDR=localhost", "501 5.5.4"),
    #
    # What is wrong with the path is not said if the parameters cannot be read.
    ("both wrong", b"MAIL FROM:<bob> SIZE=", "501 5.5.4"),
]

TOO_LONG = [
    # name, line
    ("a local part of 65 octets", b"%b<" + b"a" * 65 + b"@example.org>"),
    ("a label of 64 octets", b"%b<bob@" + b"a" * 64 + b">"),
    ("a path of 257 octets", b"%b<a@" + b"a." * 126 + b"a>"),
    ("a path of 100 KB", b"%b<" + b"a" * 100_000 + b">"),
]


class SplitCommandTests(TableTestCase):
    """Command lines split."""

    def test_split(self):
        """The verb is in upper case, and one space parts it from its argument."""
        self.assertGives(splitCommand, SPLIT)

    def test_badLines(self):
        """A line with control characters, or not in UTF-8, is refused with 500."""
        self.assertRefusesWith(
            splitCommand, [(name, line, "500 5.5.2") for name, line in BAD_LINES]
        )

    def test_everyControlCharacter(self):
        """No control character is let through, wherever it stands."""
        for octet in (*range(32), 127):
            control = bytes([octet])
            for line in (
                control + b"NOOP",
                b"NO" + control + b"OP",
                b"NOOP a" + control,
            ):
                if line != b"NOOP a\t":
                    self.assertRaises(SMTPError, splitCommand, line)

    def test_longLine(self):
        """A very long line takes no longer than it takes to read it."""
        for line in (b" " * 100_000, b"A" * 100_000, b"NOOP " + b"\t" * 100_000 + b"a"):
            try:
                splitCommand(line)
            except SMTPError:
                pass


class ParseTests(TableTestCase):
    """Commands parsed."""

    def test_parse(self):
        """Each command is read from its line."""
        self.assertGives(_command, PARSED)

    def test_refused(self):
        """What is not of a command's syntax is refused as a whole."""
        self.assertRefusesWith(_command, REFUSED)

    def test_tail(self):
        """A command with something behind it that is not its own is refused."""
        lines = [
            *(b"DATA ", b"RSET ", b"QUIT ", b"MAIL FROM:<>", b"MAIL FROM:<bob@x>"),
            *(b"RCPT TO:<bob@x>", b"RCPT TO:<Postmaster>", b"STARTTLS ", b"BDAT 5"),
            *(b"BDAT 5 LAST", b"AUTH PLAIN AGJv", b"XCLIENT PORT=25"),
        ]
        tails = [b"x", b">", b"=", b" =", b'"', b" <eve@x>", b",<eve@x>", b"\x00"]
        rows = [(line.decode(), line + tail) for line in lines for tail in tails]

        self.assertRefuses(SMTPError, _command, rows)

    def test_syntaxIsTold(self):
        """Who gets the syntax wrong is told the right one."""
        rows = [
            ("QUIT", b"QUIT x", "501 5.5.4 Syntax: QUIT"),
            ("HELO", b"HELO", "501 5.5.4 Syntax: HELO hostname"),
            ("VRFY", b"VRFY", "501 5.5.4 Syntax: VRFY string"),
            (
                "MAIL",
                b"MAIL bob@x",
                "501 5.5.4 Syntax: MAIL FROM:<reverse-path> [parameters]",
            ),
            (
                "RCPT",
                b"RCPT bob@x",
                "501 5.5.4 Syntax: RCPT TO:<forward-path> [parameters]",
            ),
        ]

        self.assertGives(
            lambda line: str(self.assertRaises(SMTPError, _command, line)), rows
        )

    def test_tooLongForwardPath(self):
        """RFC 5321, section 4.5.3.1.10: a path that is too long is refused with 501."""
        self.assertRefusesWith(
            _command,
            [(name, line % b"RCPT TO:", "501 5.1.3") for name, line in TOO_LONG],
        )

    def test_tooLongReversePath(self):
        """RFC 3463, section 3.2: of a sender's address the code is X.1.7."""
        self.assertRefusesWith(
            _command,
            [(name, line % b"MAIL FROM:", "501 5.1.7") for name, line in TOO_LONG],
        )

    def test_linearTime(self):
        """No line keeps the parser busy for longer than it takes to read it."""
        for line in [
            b"MAIL FROM:<" + b'"' * 100_001,
            b"MAIL FROM:<" + b'"a"' * 33_000,
            b"MAIL FROM:<" + b'"\\' * 50_000,
            b"MAIL FROM:<" + b"@a," * 33_000 + b">",
            b"MAIL FROM:" + b"<" * 100_000,
            b"MAIL FROM:<a@b> " + b"A=1 " * 25_000 + b"=",
            b"RCPT TO:<a@b> " + b"A" * 100_000 + b"=",
            b"EHLO " + b"a." * 50_000,
            b"EHLO [IPv6:" + b":" * 100_000 + b"]",
            b"BDAT " + b"9" * 100_000,
            b"AUTH PLAIN " + b"A" * 100_001,
            b"AUTH " + b"A" * 100_000,
            b"XCLIENT " + b"PORT=1 " * 15_000,
            b"XFORWARD IDENT=" + b"+20" * 33_000,
        ]:
            self.assertTrue(_isRefused(line), repr(line[:40]))

    def test_causeIsKept(self):
        """Why a path is refused is with the error, for a log."""
        error = self.assertRaises(SMTPError, _command, b"RCPT TO:<bob>")

        self.assertIn("bob", str(error.__cause__))

    @given(st.binary(max_size=60), st.sampled_from(sorted(COMMANDS)))
    def test_anyArgument(self, octets, verb):
        """Whatever the argument is, it is read or refused with an `SMTPError`."""
        try:
            command = _command(verb.encode() + b" " + octets)
        except SMTPError:
            return
        self.assertEqual(verb, command.verb)


class PrintTests(TableTestCase):
    """Commands printed."""

    def test_print(self):
        """A command is printed as a client sends it."""
        rows = [
            ("without an argument", Quit(), "QUIT"),
            ("without its text", Noop(), "NOOP"),
            ("with its text", Vrfy("bob"), "VRFY bob"),
            ("with a name", Ehlo("mx.example.org"), "EHLO mx.example.org"),
            ("a chunk", Bdat(5), "BDAT 5"),
            ("the last chunk", Bdat(5, isLast=True), "BDAT 5 LAST"),
            ("a mechanism", Auth("PLAIN"), "AUTH PLAIN"),
            ("with an empty response", Auth("EXTERNAL", b""), "AUTH EXTERNAL ="),
            ("with a response", Auth("PLAIN", b"\0b\0s"), "AUTH PLAIN AGIAcw=="),
            (
                "attributes",
                Xclient({"NAME": None, "ADDR": "2001:db8::1"}),
                "XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1",
            ),
            ("a null reverse-path", Mail(SMTPAddress("")), "MAIL FROM:<>"),
            (
                "a path with parameters",
                Rcpt(SMTPAddress("bob@x", SMTPAddressArgs({"A": "b", "C": True}))),
                "RCPT TO:<bob@x> A=b C",
            ),
        ]

        self.assertGives(str, rows)

    def test_frozen(self):
        """A command never changes."""
        with self.assertRaises(FrozenInstanceError):
            Noop("a").text = "b"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            Ehlo("a").hostname = "b"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            Mail(SMTPAddress("")).address = SMTPAddress("a@b")  # type: ignore[misc]

    def test_attributesAreTheirOwn(self):
        """Nor do its attributes change, whatever happens to what they were made of."""
        attributes: dict[str, str | None] = {"PORT": "25"}
        command = Xclient(attributes)
        attributes["PORT"] = None

        self.assertEqual({"PORT": "25"}, dict(command.attributes))
        with self.assertRaises(TypeError):
            command.attributes["PORT"] = None  # type: ignore[index]

    def test_hash(self):
        """Commands that are equal have the same hash."""
        self.assertEqual(
            1, len({Xclient({"PORT": "25"}), Xclient({"PORT": "25"})}), "XCLIENT"
        )
        self.assertEqual(2, len({Auth("PLAIN", b"a"), Auth("PLAIN", b"b")}), "AUTH")

    def test_secrets(self):
        """What may be a password is not shown to who debugs."""
        shown = repr(Auth("PLAIN", b"\0bob\0secret"))
        error = self.assertRaises(SMTPError, _command, b"AUTH PLAIN c2VjcmV0c2VjcmV0=")

        self.assertEqual("Auth(mechanism='PLAIN')", shown)
        self.assertNotIn("c2Vj", f"{error} {error.__cause__}")

    @given(commands)
    # The space that does not break is text; only SPACE and TAB at the end are not.
    @example(Noop("a\xa0"))
    @example(Vrfy("\u3000"))
    def test_roundTrip(self, command):
        """Reading what is printed gives the same command."""
        self.assertEqual(command, _command(str(command).encode("utf-8")))


def _command(line: bytes) -> Command:
    verb, argument = splitCommand(line)
    return COMMANDS[verb].parse(argument)


def _isRefused(line: bytes) -> bool:
    try:
        _command(line)
    except SMTPError:
        return True
    return False
