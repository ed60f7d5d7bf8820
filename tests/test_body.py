"""
Tests of smtpsession.body.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.body import DotDecoder
from tests.cases import TableTestCase, cuts, feedings
from tests.strategies import chunked, dottedOctets

#: What a client may send right behind a message.
TAIL = b"QUIT\r\n"

#: (payload, what came behind the end or None, whether there was a bare CR or LF)
Decoded = tuple[bytes, bytes | None, bool]

#: Every octet that means nothing to DATA.
OTHER_OCTETS = bytes(octet for octet in range(256) if octet not in b"\r\n.")

MESSAGES = [
    # name, octets up to the end of the message, payload
    #
    # Empty lines, and none.
    ("an empty message", b".\r\n", b""),
    ("one empty line", b"\r\n.\r\n", b"\r\n"),
    ("two empty lines", b"\r\n\r\n.\r\n", b"\r\n\r\n"),
    ("one line", b"a\r\n.\r\n", b"a\r\n"),
    ("two lines", b"a\r\nb\r\n.\r\n", b"a\r\nb\r\n"),
    ("an empty line between", b"a\r\n\r\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),
    #
    # Dots that were put in front, RFC 5321, section 4.5.2.
    ("a dot", b"..\r\n.\r\n", b".\r\n"),
    ("two dots", b"...\r\n.\r\n", b"..\r\n"),
    ("a line that begins with a dot", b"..a\r\n.\r\n", b".a\r\n"),
    ("it is not the first line", b"a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n"),
    ("one after the other", b"..\r\n..\r\n.\r\n", b".\r\n.\r\n"),
    ("an empty line before", b"\r\n..\r\n.\r\n", b"\r\n.\r\n"),
    # The first dot goes, whether or not the client should have put it there.
    ("a dot in front of a letter", b".a\r\n.\r\n", b"a\r\n"),
    ("it is not the first line either", b"a\r\n.b\r\n.\r\n", b"a\r\nb\r\n"),
    ("a dot in front of a space", b". \r\n.\r\n", b" \r\n"),
    #
    # Dots that stay.
    ("dots within a line", b"a.b..c\r\n.\r\n", b"a.b..c\r\n"),
    ("a dot at the end of a line", b"a.\r\n.\r\n", b"a.\r\n"),
    ("a space and a dot", b" .\r\n.\r\n", b" .\r\n"),
    #
    # What is no line end and no end of the message.
    ("a NUL behind the dot", b"a\r\n.\x00\r\n.\r\n", b"a\r\n\x00\r\n"),
    ("a NUL before the dot", b"a\r\n\x00.\r\n.\r\n", b"a\r\n\x00.\r\n"),
    ("a space behind the dot", b"a\r\n. \r\n.\r\n", b"a\r\n \r\n"),
    ("vertical tabs", b"a\x0b.\x0bb\r\n.\r\n", b"a\x0b.\x0bb\r\n"),
    ("line ends of Latin-1", b"a\x85.\x85b\r\n.\r\n", b"a\x85.\x85b\r\n"),
    ("line ends of Unicode", b"a\xe2\x80\xa8.\r\n.\r\n", b"a\xe2\x80\xa8.\r\n"),
    ("line ends of EBCDIC", b"a\x15.\x15b\r\n.\r\n", b"a\x15.\x15b\r\n"),
    (
        "CR and LF with the high bit",
        b"\x8d\x8a.\x8d\x8a\r\n.\r\n",
        b"\x8d\x8a.\x8d\x8a\r\n",
    ),
    ("a full-width dot", b"a\r\n\xef\xbc\x8e\r\n.\r\n", b"a\r\n\xef\xbc\x8e\r\n"),
    #
    # Other octets are none of our business.
    ("all of them", OTHER_OCTETS + b"\r\n.\r\n", OTHER_OCTETS + b"\r\n"),
    ("8-bit text", b"caf\xe9 \xc3\xa9\r\n.\r\n", b"caf\xe9 \xc3\xa9\r\n"),
    ("a long line", b"x" * 300 + b"\r\n.\r\n", b"x" * 300 + b"\r\n"),
    ("what looks like a command", b"QUIT\r\n.\r\n", b"QUIT\r\n"),
]

#: What a server that reads line ends in another way would take for the end of a
#: message: CVE-2023-51764, CVE-2023-51765, CVE-2023-51766 and their kin.  "b" stands
#: for the commands that are smuggled.
LOOK_ALIKES = [
    # name, octets up to the end of the message, payload, payload normalized
    ("LF . LF", b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n", b"a\r\n.\r\nb\r\n"),
    ("LF . CRLF", b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n", b"a\r\n.\r\nb\r\n"),
    ("LF . CR", b"a\n.\rb\r\n.\r\n", b"a\n.\rb\r\n", b"a\r\n.\r\nb\r\n"),
    ("CR . CR", b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n", b"a\r\n.\r\nb\r\n"),
    ("CR . LF", b"a\r.\nb\r\n.\r\n", b"a\r.\nb\r\n", b"a\r\n.\r\nb\r\n"),
    ("CR . CRLF", b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n", b"a\r\n.\r\nb\r\n"),
    # The line begins behind a CRLF here, so that its dot is one that was put there.
    ("CRLF . LF", b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n", b"a\r\n\r\nb\r\n"),
    ("CRLF . CR", b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", b"a\r\n\r\nb\r\n"),
    (
        "CRLF . CR CRLF",
        b"a\r\n.\r\r\nb\r\n.\r\n",
        b"a\r\n\r\r\nb\r\n",
        b"a\r\n\r\n\r\nb\r\n",
    ),
    ("LF . LF CR", b"a\n.\n\rb\r\n.\r\n", b"a\n.\n\rb\r\n", b"a\r\n.\r\n\r\nb\r\n"),
    (
        "LF CR . LF CR",
        b"a\n\r.\n\rb\r\n.\r\n",
        b"a\n\r.\n\rb\r\n",
        b"a\r\n\r\n.\r\n\r\nb\r\n",
    ),
    (
        "CRLF LF . CRLF",
        b"a\r\n\n.\r\nb\r\n.\r\n",
        b"a\r\n\n.\r\nb\r\n",
        b"a\r\n\r\n.\r\nb\r\n",
    ),
    (
        "CRLF CR . CRLF",
        b"a\r\n\r.\r\nb\r\n.\r\n",
        b"a\r\n\r.\r\nb\r\n",
        b"a\r\n\r\n.\r\nb\r\n",
    ),
    (
        "CR NUL LF . CR NUL LF",
        b"a\r\0\n.\r\0\nb\r\n.\r\n",
        b"a\r\0\n.\r\0\nb\r\n",
        b"a\r\n\0\r\n.\r\n\0\r\nb\r\n",
    ),
    ("LF .. LF", b"a\n..\nb\r\n.\r\n", b"a\n..\nb\r\n", b"a\r\n..\r\nb\r\n"),
    ("at the very beginning, . LF", b".\nb\r\n.\r\n", b"\nb\r\n", b"\r\nb\r\n"),
    ("at the very beginning, . CR", b".\rb\r\n.\r\n", b"\rb\r\n", b"\r\nb\r\n"),
    (
        "at the very beginning, LF . LF",
        b"\n.\nb\r\n.\r\n",
        b"\n.\nb\r\n",
        b"\r\n.\r\nb\r\n",
    ),
]

#: A bare CR or LF beside a line end that is a real one.
BARE = [
    # name, octets up to the end of the message, payload, payload normalized
    ("a bare LF", b"a\nb\r\n.\r\n", b"a\nb\r\n", b"a\r\nb\r\n"),
    ("a bare CR", b"a\rb\r\n.\r\n", b"a\rb\r\n", b"a\r\nb\r\n"),
    ("at the beginning, LF", b"\na\r\n.\r\n", b"\na\r\n", b"\r\na\r\n"),
    ("at the beginning, CR", b"\ra\r\n.\r\n", b"\ra\r\n", b"\r\na\r\n"),
    ("only an LF", b"\n\r\n.\r\n", b"\n\r\n", b"\r\n\r\n"),
    ("only a CR", b"\r\r\n.\r\n", b"\r\r\n", b"\r\n\r\n"),
    ("CR before the end", b"a\r\r\n.\r\n", b"a\r\r\n", b"a\r\n\r\n"),
    ("LF before the end", b"a\n\r\n.\r\n", b"a\n\r\n", b"a\r\n\r\n"),
    ("three CRs", b"\r\r\r\n.\r\n", b"\r\r\r\n", b"\r\n\r\n\r\n"),
    ("three LFs", b"\n\n\n\r\n.\r\n", b"\n\n\n\r\n", b"\r\n\r\n\r\n\r\n"),
    ("LF CR", b"a\n\rb\r\n.\r\n", b"a\n\rb\r\n", b"a\r\n\r\nb\r\n"),
    ("behind a dot, LF", b"a\r\n.\n\r\n.\r\n", b"a\r\n\n\r\n", b"a\r\n\r\n\r\n"),
    ("behind a dot, CR", b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n", b"a\r\n\r\n\r\n"),
]

UNFINISHED = [
    # name, octets, payload so far
    ("nothing", b"", b""),
    ("half of a line", b"a\r\nb", b"a\r\nb"),
    ("a line, which ends here in any case", b"a\r\n", b"a\r\n"),
    ("a CR, which may be bare", b"a\r", b"a"),
    ("a dot, which may be the last line", b"a\r\n.", b"a\r\n"),
    ("a dot and a CR", b"a\r\n.\r", b"a\r\n"),
    ("a dot at the very beginning", b".", b""),
    ("a dot and a CR at the very beginning", b".\r", b""),
    ("a dot that was put in front", b"a\r\n..", b"a\r\n."),
]


class DotDecoderTests(TableTestCase):
    """Messages taken out of what DATA carries."""

    def test_messages(self):
        """Only CRLF.CRLF ends a message, and dots put in front of lines are removed."""
        for name, octets, payload in MESSAGES:
            for how, chunks, tail in feedings(octets, TAIL):
                self.assertEqual(
                    (payload, tail, False), _decode(chunks), f"{name}, {how}"
                )

    def test_normalizeLeavesThemAlone(self):
        """A message without bare CR or LF is the same when these are normalized."""
        for name, octets, payload in MESSAGES:
            for how, chunks, tail in feedings(octets, TAIL):
                self.assertEqual(
                    (payload, tail, False),
                    _decode(chunks, normalize=True),
                    f"{name}, {how}",
                )

    def test_lookAlikes(self):
        """What only looks like the end of a message stays in it, and is noticed."""
        for name, octets, payload, _ in [*LOOK_ALIKES, *BARE]:
            for how, chunks, tail in feedings(octets, TAIL):
                self.assertEqual(
                    (payload, tail, True), _decode(chunks), f"{name}, {how}"
                )

    def test_normalize(self):
        """Where it is wanted, each bare CR and each bare LF becomes CRLF."""
        for name, octets, _, payload in [*LOOK_ALIKES, *BARE]:
            for how, chunks, tail in feedings(octets, TAIL):
                self.assertEqual(
                    (payload, tail, True),
                    _decode(chunks, normalize=True),
                    f"{name}, {how}",
                )

    def test_unfinished(self):
        """What is of the message in any case is handed out, the rest is waited for."""
        for name, octets, payload in UNFINISHED:
            for how, chunks in cuts(octets):
                self.assertEqual(
                    (payload, None, False), _decode(chunks), f"{name}, {how}"
                )

    def test_endInThreePieces(self):
        """The end of a message is found however it is cut."""
        end = b"a\r\n.\r\n"
        for one, other in product(range(len(end) + 1), repeat=2):
            if one <= other:
                chunks = [end[:one], end[one:other], end[other:]]
                self.assertEqual((b"a\r\n", b"", False), _decode(chunks), repr(chunks))

    def test_tailWithAnotherMessage(self):
        """What is behind the end is left alone, whatever it looks like."""
        tail = b"..\r\n.\r\nb\n.\nc\r\n.\r\n"

        self.assertEqual((b"a\r\n", tail, False), _decode([b"a\r\n.\r\n" + tail]))

    def test_emptyChunks(self):
        """Empty chunks change nothing."""
        chunks = [b"", b"", b"a\r", b"", b"\n", b"", b".\r\n", b""]

        self.assertEqual((b"a\r\n", b"", False), _decode(chunks))

    def test_bareNewlineIsKnownEarly(self):
        """A bare CR or LF is known as soon as it cannot be part of a CRLF."""
        decoder = DotDecoder()
        decoder.feed(b"a\r")
        self.assertFalse(decoder.bareNewline)
        decoder.feed(b"b")
        self.assertTrue(decoder.bareNewline)

    def test_bareNewlineInTail(self):
        """One that comes behind the end of the message is not the message's."""
        decoder = DotDecoder()
        decoder.feed(b"a\r\n.\r\nNOOP\nQUIT\r\n")

        self.assertFalse(decoder.bareNewline)

    @given(chunked(dottedOctets), st.booleans())
    def test_anyChunks(self, whole, normalize):
        """However the same octets are cut, what they mean is the same."""
        octets, chunks = whole

        self.assertEqual(_decode([octets], normalize), _decode(chunks, normalize))

    @given(chunked(dottedOctets), st.booleans())
    def test_reference(self, whole, normalize):
        """It is what a decoder gives that reads line by line."""
        octets, chunks = whole
        end = b"\r\n.\r\n"

        self.assertEqual(
            _reference(octets + end, normalize), _decode([*chunks, end], normalize)
        )

    def test_everyShortMessage(self):
        """It is so for each of the messages of up to seven octets that matter."""
        for length in range(8):
            for letters in product(b"\r\n.a", repeat=length):
                octets = bytes(letters) + b"\r\n.\r\n"
                self.assertEqual(_reference(octets, False), _decode([octets]), octets)

    @given(chunked(dottedOctets))
    def test_heldBack(self, whole):
        """Never more than a few octets are held back."""
        octets, chunks = whole
        # Without dots, so that nothing is removed and the octets can be counted.
        decoder, taken, given = DotDecoder(), 0, 0
        for chunk in chunks:
            chunk = chunk.replace(b".", b"b")
            payload, _ = decoder.feed(chunk)
            taken += len(chunk)
            given += len(payload)
            self.assertTrue(taken - given <= 4, f"{taken - given} octets held back")

    @given(st.lists(st.text("\r\n.ab", max_size=10).map(str.encode)))
    def test_stuffed(self, texts):
        """What a client stuffs as the RFC says arrives as it was."""
        message = b"".join(
            text.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" for text in texts
        )
        stuffed = b"".join(
            b"." + line if line.startswith(b".") else line
            for line in message.splitlines(keepends=True)
        )

        self.assertEqual((message, b"", False), _decode([stuffed + b".\r\n"]))


class LinearTimeTests(TableTestCase):
    """No message costs more than its octets; a quadratic decoder would not return."""

    def test_largeChunks(self):
        """Messages of a megabyte and more, of what is searched for and replaced."""
        for name, octets in [
            ("dots", b"." * 1_000_000),
            ("empty lines", b"\r\n" * 1_000_000),
            ("dots that were put in front", b"\r\n.." * 500_000),
            ("nearly the end", b"\r\n.\r" * 500_000),
            ("bare CRs", b"\r" * 1_000_000),
            ("bare LFs", b"\n" * 1_000_000),
            ("both in the other order", b"\n\r" * 500_000),
        ]:
            for normalize in (False, True):
                chunks = [octets, b"\r\n.\r\n"]
                _, rest, _ = _decode(chunks, normalize)
                self.assertEqual(b"", rest, name)

    def test_smallChunks(self):
        """Very much of what may be the end of the message, octet by octet."""
        for octets in (b"\r\n..", b"\r", b"."):
            chunks = [octets[at : at + 1] for at in range(len(octets))] * 100_000
            self.assertEqual(b"", _decode([*chunks, b"\r\n", b".\r\n"])[1])


def _decode(chunks: Iterable[bytes], normalize: bool = False) -> Decoded:
    """What a decoder makes of the chunks; those behind the end are not its own."""
    decoder = DotDecoder(normalize=normalize)
    payload: list[bytes] = []
    rest: bytes | None = None
    for chunk in chunks:
        if rest is None:
            more, rest = decoder.feed(chunk)
            payload.append(more)
        else:
            rest += chunk
    return b"".join(payload), rest, decoder.bareNewline


def _reference(octets: bytes, normalize: bool) -> Decoded:
    """The same for a message that ends, in a way that is slow and obvious."""
    payload = b""
    bareNewline = False
    lines = octets.split(b"\r\n")
    while (line := lines.pop(0)) != b".":
        # RFC 5321, section 4.5.2: if there are other characters on the line.
        if line.startswith(b"."):
            line = line[1:]
        # No CRLF is left in a line, so whatever CR or LF is there is a bare one.
        for octet in (b"\r", b"\n"):
            bareNewline = bareNewline or octet in line
        if normalize:
            line = b"".join(
                b"\r\n" if octet in b"\r\n" else bytes([octet]) for octet in line
            )
        payload += line + b"\r\n"
    return payload, b"\r\n".join(lines), bareNewline
