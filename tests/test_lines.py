"""
Tests of smtpsession.lines.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.lines import VERB, LineSplitter, Overlong
from tests.cases import TableTestCase, cuts
from tests.strategies import chunked

Line = bytes | Overlong
OVERLONG = Overlong()

#: Of a line with its CRLF, in the tables below.
LIMIT = 8

TABLE = [
    # name, octets, lines, rest
    ("nothing", b"", [], b""),
    ("one line", b"NOOP\r\n", [b"NOOP"], b""),
    ("an empty line", b"\r\n", [b""], b""),
    ("two lines", b"NOOP\r\nQUIT\r\n", [b"NOOP", b"QUIT"], b""),
    ("empty lines between", b"a\r\n\r\n\r\nb\r\n", [b"a", b"", b"", b"b"], b""),
    ("the beginning of a line", b"NOOP\r\nQU", [b"NOOP"], b"QU"),
    ("a line without its LF", b"NOOP\r\nQUIT\r", [b"NOOP"], b"QUIT\r"),
    #
    # Only CRLF ends a line.
    ("a bare LF", b"a\nb\r\n", [b"a\nb"], b""),
    ("a bare CR", b"a\rb\r\n", [b"a\rb"], b""),
    ("LF CR", b"a\n\rb\r\n", [b"a\n\rb"], b""),
    ("two CRs", b"a\r\r\nb\r\n", [b"a\r", b"b"], b""),
    ("two LFs", b"a\r\n\nb\r\n", [b"a", b"\nb"], b""),
    ("only LFs", b"a\nb\n", [], b"a\nb\n"),
    ("a NUL", b"a\x00b\r\n", [b"a\x00b"], b""),
    ("all high octets", b"\x80\xff\r\n", [b"\x80\xff"], b""),
    #
    # At the limit, and one octet over it.
    ("at the limit", b"123456\r\na\r\n", [b"123456", b"a"], b""),
    ("one over", b"1234567\r\na\r\n", [OVERLONG, b"a"], b""),
    ("two over", b"12345678\r\na\r\n", [OVERLONG, b"a"], b""),
    ("far over", b"1" * 100 + b"\r\na\r\n", [OVERLONG, b"a"], b""),
    ("at the limit, ends with CR", b"12345\r\r\na\r\n", [b"12345\r", b"a"], b""),
    ("one over, ends with CR", b"123456\r\r\na\r\n", [OVERLONG, b"a"], b""),
    ("many CRs", b"\r" * 100 + b"\na\r\n", [OVERLONG, b"a"], b""),
    ("bare line ends in it", b"1\n2\r3\n4\r5\r\na\r\n", [OVERLONG, b"a"], b""),
    (
        "what looks like a command in it",
        b"1" * 9 + b"\nQUIT\r\na\r\n",
        [OVERLONG, b"a"],
        b"",
    ),
    (
        "two in a row",
        b"1" * 9 + b"\r\n" + b"2" * 9 + b"\r\na\r\n",
        [OVERLONG] * 2 + [b"a"],
        b"",
    ),
    ("an empty line behind", b"1" * 9 + b"\r\n\r\na\r\n", [OVERLONG, b"", b"a"], b""),
]


class LineSplitterTests(TableTestCase):
    """Octets cut into lines."""

    def test_table(self):
        """A line ends with CRLF and nothing else, however its octets come."""
        for name, octets, lines, rest in TABLE:
            for how, chunks in cuts(octets):
                splitter = LineSplitter(LIMIT)
                self.assertEqual(lines, _split(splitter, chunks), f"{name}, {how}")
                self.assertEqual(rest, splitter.takeRest(), f"{name}, {how}")

    def test_tableAtOnce(self):
        """It does not matter if lines are taken only when all octets are there."""
        for name, octets, lines, rest in TABLE:
            for how, chunks in cuts(octets):
                splitter = LineSplitter(LIMIT)
                for chunk in chunks:
                    splitter.feed(chunk)
                self.assertEqual(lines, _drain(splitter), f"{name}, {how}")
                self.assertEqual(rest, splitter.takeRest(), f"{name}, {how}")

    def test_takeRestBetweenLines(self):
        """Whoever reads something else gets all that was not handed out, once."""
        splitter = LineSplitter(LIMIT)
        splitter.feed(b"DATA\r\nA line far too long to be a command\r\n.\r\nQUIT\r\n")

        self.assertEqual(b"DATA", splitter.nextLine())
        self.assertEqual(
            b"A line far too long to be a command\r\n.\r\nQUIT\r\n", splitter.takeRest()
        )
        self.assertEqual(b"", splitter.takeRest())
        self.assertEqual(None, splitter.nextLine())

    def test_feedTheRestAgain(self):
        """What is given back is cut into lines as if it had just come."""
        splitter = LineSplitter(LIMIT)
        splitter.feed(b"DATA\r\nQUIT\r\nNO")
        splitter.nextLine()
        splitter.feed(splitter.takeRest())
        splitter.feed(b"OP\r\n")

        self.assertEqual([b"QUIT", b"NOOP"], _drain(splitter))

    def test_clear(self):
        """What was not handed out can be forgotten, a line too long among it."""
        splitter = LineSplitter(LIMIT)
        splitter.feed(b"a\r\nb\r\nand far too much of this")
        self.assertEqual([b"a", b"b"], _drain(splitter))
        splitter.clear()

        self.assertEqual(b"", splitter.takeRest())
        splitter.feed(b"c\r\n")
        self.assertEqual([b"c"], _drain(splitter))

    def test_clearLines(self):
        """Whole lines that were not handed out are forgotten too."""
        splitter = LineSplitter(LIMIT)
        splitter.feed(b"a\r\nb\r\nc\r\n")
        splitter.nextLine()
        splitter.clear()

        self.assertEqual(None, splitter.nextLine())

    def test_higherLimit(self):
        """A limit raised between two lines holds for the next, though it has begun."""
        splitter = LineSplitter(LIMIT)
        splitter.feed(b"EHLO x\r\n1234567")
        self.assertEqual(b"EHLO x", splitter.nextLine())
        splitter.limit = 20
        splitter.feed(b"890\r\n")

        self.assertEqual([b"1234567890"], _drain(splitter))

    def test_lowerLimit(self):
        """So does a limit that is lowered."""
        splitter = LineSplitter(20)
        splitter.feed(b"HELO x\r\n1234567")
        self.assertEqual(b"HELO x", splitter.nextLine())
        splitter.limit = LIMIT
        splitter.feed(b"890\r\na\r\n")

        self.assertEqual([OVERLONG, b"a"], _drain(splitter))

    def test_beginning(self):
        """What an overlong line began with is known, however it comes."""
        splitter = LineSplitter(512)
        for name, line in (
            ("one over", b"BDAT 5 " + b" " * 504),
            ("far over", b"BDAT 5 " + b" " * 5000),
            ("another line", b"NOOP " + b"x" * 5000),
        ):
            for how, chunks in cuts(line + b"\r\nQUIT\r\n"):
                lines = _split(splitter, chunks)
                self.assertEqual([OVERLONG, b"QUIT"], lines, f"{name}, {how}")
                assert isinstance(lines[0], Overlong)
                self.assertEqual(line[:VERB], lines[0].beginning, f"{name}, {how}")

    @given(chunked(st.text("\r\nab", max_size=40).map(str.encode)), st.integers(2, 12))
    def test_anyChunks(self, whole, limit):
        """However the same octets are cut, the lines are the same."""
        octets, chunks = whole
        splitter = LineSplitter(limit)

        self.assertEqual(_reference(octets, limit), _split(splitter, chunks))


class MemoryTests(TableTestCase):
    """What is held of the octets that have come."""

    def test_unfinishedLine(self):
        """Of a line that is not finished no more is held than the limit."""
        splitter = LineSplitter(512)
        most = 0
        for _ in range(1000):
            splitter.feed(b"x" * 10)
            self.assertEqual(None, splitter.nextLine())
            most = max(most, _held(splitter))

        # With the chunk that was the last to come.
        self.assertTrue(most <= 512 + 10, f"{most} octets held")

    def test_unfinishedLineBehindAnother(self):
        """Nor of one behind another that was too long."""
        splitter = LineSplitter(512)
        splitter.feed(b"x" * 600)
        splitter.nextLine()
        splitter.feed(b"\r\n" + b"y" * 511)
        self.assertEqual([OVERLONG], _drain(splitter))

        self.assertTrue(_held(splitter) <= 512, f"{_held(splitter)} octets held")

    def test_unfinishedLineInOneChunk(self):
        """Nor when it has come in a single large chunk."""
        splitter = LineSplitter(512)
        splitter.feed(b"x" * 65_536)
        self.assertEqual(None, splitter.nextLine())

        self.assertTrue(_held(splitter) <= 512, f"{_held(splitter)} octets held")

    def test_finishedLines(self):
        """Of lines that were handed out nothing is held."""
        splitter = LineSplitter(512)
        splitter.feed(b"NOOP\r\n" * 10_000 + b"QU")
        self.assertEqual(10_000, len(_drain(splitter)))

        self.assertTrue(_held(splitter) <= 512, f"{_held(splitter)} octets held")

    def test_restIsNotHeld(self):
        """Of the rest that was taken nothing is held."""
        splitter = LineSplitter(512)
        splitter.feed(b"x" * 65_536)
        splitter.takeRest()

        self.assertEqual(0, _held(splitter))


class LinearTimeTests(TableTestCase):
    """No input costs more than its octets; a quadratic splitter would not return."""

    def test_emptyLines(self):
        """A million empty lines in one chunk."""
        splitter = LineSplitter(512)
        splitter.feed(b"\r\n" * 1_000_000)

        self.assertEqual(1_000_000, len(_drain(splitter)))

    def test_emptyLinesInChunks(self):
        """A million empty lines in chunks as a transport reads them."""
        splitter = LineSplitter(512)

        self.assertEqual(
            1_000_000,
            len(_split(splitter, [b"\r\n" * 32_768] * 30 + [b"\r\n" * 16_960])),
        )

    def test_endlessLine(self):
        """A megabyte and more of a line that does not end, octet by octet."""
        splitter = LineSplitter(512)

        for octet in (b"x", b"\n", b"\r"):
            self.assertEqual([], _split(splitter, [octet] * 500_000))
        self.assertEqual([OVERLONG, b"QUIT"], _split(splitter, [b"\r\nQUIT\r\n"]))


def _drain(splitter: LineSplitter) -> list[Line]:
    """All lines that are complete."""
    lines = []
    while (line := splitter.nextLine()) is not None:
        lines.append(line)
    return lines


def _split(splitter: LineSplitter, chunks: Iterable[bytes]) -> list[Line]:
    """All lines that become complete, each taken as soon as it is."""
    lines = []
    for chunk in chunks:
        splitter.feed(chunk)
        lines += _drain(splitter)
    return lines


def _held(splitter: LineSplitter) -> int:
    """How many octets a splitter keeps in memory."""
    values = (getattr(splitter, name) for name in splitter.__slots__)
    return sum(len(each) for each in values if isinstance(each, bytes))


def _reference(octets: bytes, limit: int) -> list[Line]:
    """The same, in a way that is slow and obvious."""
    return [
        OVERLONG if len(line) + 2 > limit else line
        for line in octets.split(b"\r\n")[:-1]
    ]
