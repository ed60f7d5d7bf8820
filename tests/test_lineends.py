"""
Tests of smtpsession.delivery.lineends.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery.lineends import LineEnds

#: What comes, and what it is with LF.
ROWS = [
    (b"", b""),
    (b"\r\n", b"\n"),
    (b"a\r\nb\r\n", b"a\nb\n"),
    (b"\r\n\r\n", b"\n\n"),
    (b"\r", b"\r"),
    (b"\n", b"\n"),
    (b"\r\r\n", b"\r\n"),
    (b"\n\r", b"\n\r"),
    (b"\r\n\r", b"\n\r"),
    (b"a\rb\nc\r\n", b"a\rb\nc\n"),
]


def converted(style: str, *chunks: bytes) -> bytes:
    lines = LineEnds(style)
    return b"".join([*map(lines.convert, chunks), lines.finish()])


class LineEndsTests(SynchronousTestCase):
    """The two styles."""

    def test_lf(self) -> None:
        """
        CRLF becomes LF, wherever the octets are cut, and nothing else changes.
        """
        for given, expected in ROWS:
            octets = [given[i : i + 1] for i in range(len(given))]
            self.assertEqual(converted("lf", *octets), expected, given)
            for cut in range(len(given) + 1):
                chunks = given[:cut], b"", given[cut:]
                self.assertEqual(converted("lf", *chunks), expected, (given, cut))

    def test_crlf(self) -> None:
        """
        Or all stays as it is.
        """
        for given, _ in ROWS:
            for cut in range(len(given) + 1):
                chunks = given[:cut], given[cut:]
                self.assertEqual(converted("crlf", *chunks), given)

    def test_other(self) -> None:
        """
        There are no other line ends.
        """
        for style in ("cr", "LF", ""):
            self.assertRaises(ValueError, LineEnds, style)
