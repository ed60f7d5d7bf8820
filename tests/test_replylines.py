"""
Tests of smtpsession.delivery.replylines.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.delivery.replylines import LINE, LINES, ReplyDecoder
from smtpsession.replies import Reply
from tests.cases import TableTestCase, cuts
from tests.strategies import enhancedCodes

REPLIES = [
    ("code only", b"250\r\n", Reply(250, "")),
    ("code and space", b"250 \r\n", Reply(250, "")),
    ("text", b"250 OK\r\n", Reply(250, "OK")),
    ("enhanced code", b"250 2.1.0 Sender OK\r\n", Reply(250, "Sender OK", "2.1.0")),
    ("nothing behind it", b"550 5.7.1\r\n", Reply(550, "", "5.7.1")),
    ("more digits", b"550 5.7.30 No\r\n", Reply(550, "No", "5.7.30")),
    ("one that contradicts", b"550 4.7.1 No\r\n", Reply(550, "4.7.1 No")),
    ("one that is none", b"550 5.7.1234 No\r\n", Reply(550, "5.7.1234 No")),
    ("one with zeros", b"550 5.07.001 No\r\n", Reply(550, "No", "5.7.1")),
    ("3xx has none", b"354 2.0.0 Go\r\n", Reply(354, "2.0.0 Go")),
    ("lines", b"250-a\r\n250-b\r\n250 c\r\n", Reply(250, "a\nb\nc")),
    ("empty lines", b"250-\r\n250\r\n", Reply(250, "\n")),
    (
        "enhanced codes in all lines",
        b"550-5.1.1 No\r\n550 5.1.1 body\r\n",
        Reply(550, "No\nbody", "5.1.1"),
    ),
    (
        "in the first line only",
        b"550-5.1.1 No\r\n550 body\r\n",
        Reply(550, "No\nbody", "5.1.1"),
    ),
    (
        "another in the second",
        b"550-5.1.1 No\r\n550 5.2.2 body\r\n",
        Reply(550, "No\n5.2.2 body", "5.1.1"),
    ),
    ("hyphen in the text", b"250 a-b\r\n", Reply(250, "a-b")),
    ("bare LF in the text", b"250 a\nb\r\n", Reply(250, "a\nb")),
    ("not ASCII", b"250 \xc3\xbc\r\n", Reply(250, "\ufffd\ufffd")),
    ("longest", b"250 %s\r\n" % (b"x" * (LINE - 6)), Reply(250, "x" * (LINE - 6))),
    (
        "most lines",
        b"250-x\r\n" * (LINES - 1) + b"250 x\r\n",
        Reply(250, "\n".join("x" * LINES)),
    ),
]

NO_REPLIES = [
    ("empty line", b"\r\n"),
    ("no code", b"OK\r\n"),
    ("short code", b"25 OK\r\n"),
    ("long code", b"2500 OK\r\n"),
    ("1xx", b"150 Go on\r\n"),
    ("6xx", b"600 No\r\n"),
    ("other digits", "２50 OK\r\n".encode()),
    ("tab", b"250\tOK\r\n"),
    ("text in front", b" 250 OK\r\n"),
    ("codes that differ", b"250-a\r\n251 b\r\n"),
    ("too long", b"250 %s\r\n" % (b"x" * (LINE - 5))),
    ("too many lines", b"250-x\r\n" * LINES + b"250 x\r\n"),
    ("without an end", b"250-x\r\n" * (LINES + 1)),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n"),
]


def decode(chunks: list[bytes]) -> list[Reply]:
    decoder = ReplyDecoder()
    return [reply for chunk in chunks for reply in decoder.feed(chunk)]


class ReplyDecoderTests(TableTestCase):
    """Replies, however they are cut."""

    def test_replies(self) -> None:
        """
        A reply is the same whole, byte by byte and in two pieces, and so is the one
        behind it.
        """
        tail = b"421 4.3.2 Bye\r\n"
        bye = Reply(421, "Bye", "4.3.2")
        for name, octets, expected in REPLIES:
            if len(octets) > 500:
                self.assertEqual(decode([octets, tail]), [expected, bye], name)
                continue
            for how, chunks in cuts(octets):
                self.assertEqual(decode(chunks), [expected], f"{name}, {how}")
            for how, chunks in cuts(octets + tail):
                self.assertEqual(decode(chunks), [expected, bye], f"{name}, {how}")

    def test_refused(self) -> None:
        """What is no reply, or too much of one, is an error."""
        self.assertRefuses(
            ValueError, decode, [(name, [octets]) for name, octets in NO_REPLIES]
        )

    def test_bounded(self) -> None:
        """Of a line that does not end little is kept."""
        decoder = ReplyDecoder()
        for _ in range(100):
            self.assertEqual(decoder.feed(b"250 " + b"x" * 10_000), [])
        self.assertRaises(ValueError, decoder.feed, b"\r\n")

    def test_midway(self) -> None:
        """It is known whether a reply has begun."""
        decoder = ReplyDecoder()
        states = []
        for octet in b"250-a\r\n250 b\r\n":
            states.append(decoder.isMidway)
            decoder.feed(bytes([octet]))
        self.assertEqual(states, [False] + 13 * [True])
        self.assertFalse(decoder.isMidway)

    @given(
        enhancedCodes,
        st.lists(st.text("aZ09 .-", max_size=40), min_size=1, max_size=5),
        st.data(),
    )
    def test_roundTrip(self, enhanced, texts, data):
        """What a server of ours says is read as it was meant, however it is cut."""
        reply = Reply(enhanced.category * 100 + 50, "\n".join(texts), enhanced)
        octets = reply.encode()
        at = data.draw(st.integers(0, len(octets)))
        self.assertEqual(decode([octets[:at], octets[at:]]), [reply])
