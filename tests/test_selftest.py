"""
Tests of smtpsession.selftest: what is heard, how it is judged, what is said of it.

That each case can fail, and all pass, is tested over real sockets.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from pathlib import Path

from smtpsession.__main__ import main
from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.heard import Heard, shown
from smtpsession.selftest.judges import (
    atMost,
    exactly,
    forgotten,
    inOrder,
    noMessage,
    notInjected,
    oneReply,
    proper,
    refused,
)
from smtpsession.selftest.manual import page, table, verdictsIn
from smtpsession.selftest.model import (
    Begin,
    Handshake,
    Kind,
    Pause,
    Result,
    Send,
    SendApart,
    Target,
    Verdict,
)
from smtpsession.selftest.probe import Introduction
from smtpsession.selftest.report import data, text
from tests.cases import TableTestCase, cuts

ATTACKS = Path(__file__).parent.parent / "docs" / "attacks.rst"
TARGET = Target("127.0.0.1", 25)
CASES = {each.name: each for each in corpus(TARGET)}


def heard(*lines: str | bytes, isClosed: bool = False) -> Heard:
    """These lines were heard."""
    it = Heard(isClosed=isClosed)
    for line in lines:
        it.feed((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
    return it


class HeardTests(TableTestCase):
    """Heard."""

    def test_answers(self) -> None:
        """However it is cut, the same replies are heard."""
        octets = b"220 a\r\n250-b\r\n250-c\r\n250 d\r\n250\r\n221 e\r\n"
        for how, chunks in cuts(octets):
            it = Heard()
            for chunk in chunks:
                it.feed(chunk)
            self.assertEqual(it.codes, [220, 250, 250, 221], how)
            self.assertEqual(it.answers[1].lines, (b"250-b", b"250-c", b"250 d"), how)
            self.assertTrue(it.saidGoodbye, how)
            self.assertIsNone(it.improper, how)

    def test_unfinished(self) -> None:
        """A reply that has not ended is none yet."""
        self.assertEqual(heard("250-a", "250-b").codes, [])
        it = Heard()
        it.feed(b"250 a")
        self.assertEqual(it.codes, [])

    def test_improper(self) -> None:
        """What is no reply line is found wherever it is."""
        self.assertGives(
            lambda octets: heard(octets).improper,
            [
                ("a reply", b"250 OK", None),
                ("a tab", b"250 a\tb", None),
                ("nothing behind the code", b"250", None),
                ("the longest", b"250 " + b"x" * 506, None),
                ("longer", b"250 " + b"x" * 507, b"250 " + b"x" * 507),
                ("8 bits", b"250 \xff", b"250 \xff"),
                ("a control character", b"250 \x1b", b"250 \x1b"),
                ("CR", b"250 \r250 x", b"250 \r250 x"),
                ("no code", b"hello", b"hello"),
                ("no such code", b"150 x", b"150 x"),
                ("in a reply", b"250-\x07\r\n250 x", b"250-\x07"),
                ("before a reply", b"oops\r\n250 x", b"oops"),
            ],
        )

    def test_shown(self) -> None:
        """What is shown is printable and not long."""
        self.assertEqual(shown(b"a\r\n\x1b\xff"), "a\\r\\n\\x1b\\xff")
        self.assertEqual(shown(b"x" * 9, 5), "xxxxx... (9 octets)")


class JudgeTests(TableTestCase):
    """The judges."""

    def test_atMost(self) -> None:
        """More replies than commands are a finding, fewer are not."""
        self.assertGives(
            atMost(2),
            [
                ("as many", heard("250 a", "221 b"), None),
                ("one, and closed", heard("421 a", isClosed=True), None),
                ("none", heard(), None),
                (
                    "more",
                    heard("250 a", "250 b", "221 c"),
                    "3 replies where 2 were due: what was no command was taken for one",
                ),
                (
                    "a message is refused",
                    heard("250 a", "354 b", "550 c", "221 d"),
                    "4 replies where 2 were due: what was no command was taken for one",
                ),
                (
                    "a message is begun",
                    heard("250 a", "250 b", "354 c"),
                    "3 replies where 2 were due: what was no command was taken for one",
                ),
                (
                    "a message is accepted",
                    heard("250 a", "354 b", "250 c", "221 d"),
                    "4 replies where 2 were due: a message that nobody had sent was "
                    "accepted",
                ),
            ],
        )

    def test_exactly(self) -> None:
        """So are fewer, but for a server that says why it hangs up."""
        self.assertGives(
            exactly(2),
            [
                ("as many", heard("250 a", "221 b"), None),
                ("closed", heard("421 a", isClosed=True), None),
                (
                    "closed without a word",
                    heard(isClosed=True),
                    "it hung up, and said nothing where 2 replies were due",
                ),
                ("fewer", heard("250 a"), "only 1 replies in time where 2 were due"),
                (
                    "more",
                    heard("250 a", "250 b", "221 c"),
                    "3 replies where 2 were due: what was no command was taken for one",
                ),
            ],
        )

    def test_oneReply(self) -> None:
        """A line has one reply, or none if the server hangs up."""
        finding = "3 replies to one line and QUIT: its parts were taken for lines"
        self.assertGives(
            oneReply,
            [
                ("one", heard("500 a", "221 b"), None),
                ("closed", heard("500 a", isClosed=True), None),
                ("two", heard("500 a", "500 b", "221 c"), finding),
            ],
        )

    def test_refused(self) -> None:
        """It is the first reply that counts."""
        self.assertGives(
            refused,
            [
                ("5xx", heard("501 a", "221 b"), None),
                ("4xx", heard("450 a", "221 b"), None),
                ("none", heard(isClosed=True), None),
                ("2xx", heard("250 a", "221 b"), "accepted: 250 a"),
                ("252", heard("252-a", "252 b"), "accepted: 252 b"),
            ],
        )

    def test_proper(self) -> None:
        """All has to be."""
        self.assertGives(
            proper,
            [
                ("proper", heard("500 a", "221 b"), None),
                ("not", heard("500 a", b"221 \xff"), "not a reply line: b'221 \\xff'"),
            ],
        )

    def test_inOrder(self) -> None:
        """Each reply is of the class that its command has; a server may hang up."""
        self.assertGives(
            inOrder(2, 5, None, 2),
            [
                ("in order", heard("250 a", "501 b", "554 c", "221 d"), None),
                ("closed", heard("250 a", "501 b", isClosed=True), None),
                (
                    "closed out of order",
                    heard("501 a", "250 b", isClosed=True),
                    "501 250 where 2xx 5xx xxx 2xx were due",
                ),
                (
                    "out of order",
                    heard("501 a", "250 b", "250 c", "221 d"),
                    "501 250 250 221 where 2xx 5xx xxx 2xx were due",
                ),
                ("too few, which QUIT tells", heard("250 a"), None),
                (
                    "too many",
                    heard("250 a", "501 b", "250 c", "250 d", "221 e"),
                    "250 501 250 250 221 where 2xx 5xx xxx 2xx were due",
                ),
            ],
        )

    def test_notInjected(self) -> None:
        """Behind a 220 only QUIT has a good answer."""
        finding = "answered, though it came before TLS: 250 b"
        self.assertGives(
            notInjected,
            [
                ("forgotten", heard("220 a", "221 b"), None),
                ("closed", heard("220 a", isClosed=True), None),
                ("no TLS", heard("554 a", "250 b", "221 c"), None),
                ("told to go", heard("220 a", "421 b", isClosed=True), None),
                ("in the clear", heard("220 a", "250 b"), finding),
                ("in TLS", heard("220 a", "250 b", "221 c"), finding),
            ],
        )

    def test_forgotten(self) -> None:
        """A recipient needs a sender that was given in TLS."""
        self.assertGives(
            forgotten,
            [
                ("forgotten", heard("220 a", "250 b", "503 c", "221 d"), None),
                ("no TLS now", heard("503 a", "221 b"), None),
                ("not", heard("220 a", "250 b", "250 c", "221 d"), "accepted: 250 c"),
            ],
        )

    def test_noMessage(self) -> None:
        """A message is a 354 and a 2xx."""
        self.assertGives(
            noMessage,
            [
                ("none", heard("500 a", "250 b", "221 c"), None),
                ("refused", heard("354 a", "550 b"), None),
                ("begun", heard("354 a"), None),
                ("accepted", heard("354 a", "250 b"), "a message was accepted"),
            ],
        )


class CorpusTests(TableTestCase):
    """The cases."""

    def test_names(self) -> None:
        """No two have the same name, and each says what has to be and why."""
        names = Counter(each.name for each in corpus(TARGET))
        self.assertEqual({each for each in names.values()}, {1})
        self.assertNoneWrong(
            each.name for each in CASES.values() if not (each.title and each.ground)
        )

    def test_kinds(self) -> None:
        """There are some of each kind."""
        self.assertEqual({each.kind for each in CASES.values()}, set(Kind))

    def test_begin(self) -> None:
        """A case about the end of a message begins in one."""
        self.assertEqual(
            {x.begin for x in CASES.values() if x.kind is Kind.END_OF_DATA},
            {Begin.DATA},
        )

    def test_addresses(self) -> None:
        """Octets of the addresses that were given are in those that are sent."""
        target = Target("h", 1, mailFrom="a@example.net", rcptTo="b@example.org")
        octets = b"".join(
            step.octets
            for case in corpus(target)
            for trial in case.trials
            for step in trial
            if isinstance(step, (Send, SendApart))
        )
        self.assertIn(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>", octets)
        self.assertIn(b"RCPT TO:<self\x00test@example.org>", octets)
        self.assertNotIn(b"postmaster", octets)

    def test_address(self) -> None:
        """A target is written as it was given."""
        self.assertEqual(Target("mx.example.org", 25).address, "mx.example.org:25")
        self.assertEqual(Target("::1", 2525).address, "[::1]:2525")

    def test_hello(self) -> None:
        """What says hello in the middle of a case says LHLO where that is due."""
        for isLMTP, due, other in ((False, b"EHLO", b"LHLO"), (True, b"LHLO", b"EHLO")):
            target = Target("h", 1, isLMTP=isLMTP)
            steps = repr([each.trials for each in corpus(target)]).encode()
            self.assertIn(due, steps)
            self.assertNotIn(other, steps)

    def test_apart(self) -> None:
        """Every look-alike is tried in one piece, and octet by octet."""
        for case in CASES.values():
            if case.kind is Kind.END_OF_DATA:
                kinds = [
                    any(isinstance(step, SendApart) for step in trial)
                    for trial in case.trials
                ]
                self.assertEqual(kinds, [False, True], case.name)
                whole, apart = (
                    b"".join(getattr(step, "octets", b"") for step in trial)
                    for trial in case.trials
                )
                self.assertEqual(whole, apart)


class ReportTests(TableTestCase):
    """What is said of the results."""

    introduction = Introduction("220 mx", ("PIPELINING", "SIZE"))

    def results(self) -> list[Result]:
        steps = (Send(b"NOOP\r\n"), SendApart(b"\n"), Pause(), Handshake())
        said = heard("250-\x1b", "250 b", isClosed=True)
        bare, nul = CASES["bare-lf"], CASES["nul"]
        return [
            Result(CASES["lf-dot-lf"], Verdict.PASS, "", steps, said),
            Result(bare, Verdict.FINDING, "because of it", steps, said),
            Result(nul, Verdict.UNTESTED, "no time", steps),
            Result(CASES["bdat-size"], Verdict.NOT_APPLICABLE, "CHUNKING is not"),
        ]

    def test_text(self) -> None:
        """All is told of a finding, and of nothing else more than why."""
        self.assertEqual(
            text(TARGET, self.introduction, self.results(), False).splitlines(),
            [
                "127.0.0.1:25, SMTP: 220 mx",
                "offers: PIPELINING SIZE",
                "",
                "end of data",
                "  pass            lf-dot-lf             "
                "LF . LF does not end a message",
                "",
                "parsing",
                "  finding         bare-lf               "
                "LF alone does not end a command",
                "    because:  because of it",
                "    ground:   RFC 5321, section 2.3.8: nothing but CRLF may be "
                "recognized as the end of",
                "              a line",
                "    sent:     NOOP\\r\\n",
                "    sent:     \\n (octet by octet)",
                "    sent:     (a pause)",
                "    sent:     (TLS, if the server says 220)",
                "    received: 250-\\x1b",
                "    received: 250 b",
                "    received: (closed)",
                "  not tested      nul                   " "NUL does not end a command",
                "    because:  no time",
                "",
                "CHUNKING",
                "  not applicable  bdat-size             "
                "a size of more than 64 bits is not what is left of it",
                "    because:  CHUNKING is not",
                "",
                "pass: 1, finding: 1, not applicable: 1, not tested: 1",
            ],
        )

    def test_verbose(self) -> None:
        """On demand all is told of what passed too."""
        lines = text(
            Target("h", 1, isLMTP=True),
            Introduction("220 mx", ()),
            self.results(),
            True,
        ).splitlines()
        self.assertEqual(lines[:2], ["h:1, LMTP: 220 mx", "offers: nothing"])
        self.assertEqual(lines[5].split()[:2], ["ground:", "RFC"])
        self.assertEqual(lines.count("    sent:     NOOP\\r\\n"), 2)

    def test_data(self) -> None:
        """Programs get all of it, as JSON can have it."""
        it = json.loads(json.dumps(data(TARGET, self.introduction, self.results())))
        self.assertEqual(it["counts"]["finding"], 1)
        self.assertEqual(it["extensions"], ["PIPELINING", "SIZE"])
        self.assertEqual(
            it["cases"][1],
            {
                "name": "bare-lf",
                "kind": "parsing",
                "title": "LF alone does not end a command",
                "ground": CASES["bare-lf"].ground,
                "verdict": "finding",
                "reason": "because of it",
                "sent": [
                    "NOOP\\r\\n",
                    "\\n (octet by octet)",
                    "(a pause)",
                    "(TLS, if the server says 220)",
                ],
                "received": ["250-\\x1b", "250 b", "(closed)"],
            },
        )
        self.assertEqual(verdictsIn(it)["lf-dot-lf"], "pass")


class CommandTests(TableTestCase):
    """The arguments."""

    def test_wrong(self) -> None:
        """What is not right is said, with the status for that."""
        rows = [
            [],
            ["127.0.0.1"],
            ["127.0.0.1:"],
            [":25"],
            ["127.0.0.1:0"],
            ["127.0.0.1:65536"],
            ["127.0.0.1:smtp"],
            ["h:25", "--timeout", "0"],
            ["h:25", "--timeout", "nan"],
            ["h:25", "--timeout", "inf"],
            ["h:25", "--timeout", "soon"],
            ["h:25", "--rcpt-to", "<a@example.org>"],
            ["h:25", "--mail-from", "a\r\nb"],
            ["h:25", "--case", "no-such"],
        ]
        for arguments in rows:
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                ended = self.assertRaises(SystemExit, main, ["selftest", *arguments])
            self.assertEqual(ended.code, 2, arguments)
            self.assertIn("usage: python -m smtpsession selftest", errors.getvalue())


class ManualTests(TableTestCase):
    """What the manual has."""

    def test_current(self) -> None:
        """The page in the manual, where it is at hand, is what the cases are now."""
        if ATTACKS.exists():
            self.assertEqual(ATTACKS.read_text("utf-8"), page())

    def test_complete(self) -> None:
        """It has every case."""
        for name in CASES:
            self.assertIn(f"``{name}``\n", page())

    def test_table(self) -> None:
        """
        A table has a row for each case about the end of a message and about parsing,
        and for no other.
        """
        verdicts = dict.fromkeys(CASES, "pass")
        lines = table({"one": verdicts, "two": {**verdicts, "nul": "finding"}})
        rows = [line.split() for line in lines.splitlines()]
        self.assertEqual(rows[1], ["case", "one", "two"])
        self.assertIn(["nul", "pass", "**finding**"], rows)
        self.assertIn(["lf-dot-lf", "pass", "pass"], rows)
        self.assertEqual(
            [row[0] for row in rows[3:-1]],
            [
                each.name
                for each in CASES.values()
                if each.kind in (Kind.END_OF_DATA, Kind.PARSING)
            ],
        )
