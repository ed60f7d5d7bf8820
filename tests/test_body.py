"""
Tests of smtpsession.body.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.body import ChunkDecoder, DotDecoder, LineEnds
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

#: What a chunk of BDAT may be.
CHUNKS = [
    # name, octets
    ("one octet", b"a"),
    ("what ends DATA", b"a\r\n.\r\n"),
    ("dots in front of lines", b"..\r\n..a\r\n"),
    ("a command", b"BDAT 3 LAST\r\nabc"),
    ("half of a line end", b"a\r"),
    ("every octet", bytes(range(256))),
]

#: What the line ends of a whole message are.
LINE_ENDS = [
    # name, octets, whether one is bare, octets normalized
    ("nothing", b"", False, b""),
    ("one line", b"a\r\n", False, b"a\r\n"),
    ("no line end", b"a", False, b"a"),
    ("an empty line", b"\r\n", False, b"\r\n"),
    ("empty lines", b"\r\n\r\n", False, b"\r\n\r\n"),
    ("a dot, which is none of its business", b".\r\n..\r\n", False, b".\r\n..\r\n"),
    ("every other octet", OTHER_OCTETS + b"\r\n", False, OTHER_OCTETS + b"\r\n"),
    ("a CR at the end", b"a\r", True, b"a\r\n"),
    ("an LF at the end", b"a\n", True, b"a\r\n"),
    ("only a CR", b"\r", True, b"\r\n"),
    ("only an LF", b"\n", True, b"\r\n"),
    ("a CR in front", b"\ra", True, b"\r\na"),
    ("an LF in front", b"\na", True, b"\r\na"),
    ("CR CR LF", b"\r\r\n", True, b"\r\n\r\n"),
    ("CR LF LF", b"\r\n\n", True, b"\r\n\r\n"),
    ("LF CR", b"\n\r", True, b"\r\n\r\n"),
    ("CR NUL LF", b"\r\0\n", True, b"\r\n\0\r\n"),
    ("a good line and a bad one", b"a\r\nb\nc\r\n", True, b"a\r\nb\r\nc\r\n"),
    ("a bad line and a good one", b"a\rb\r\n", True, b"a\r\nb\r\n"),
    ("what smuggles", b"a\n.\r\nb", True, b"a\r\n.\r\nb"),
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

    def test_bareNewlineInTail(self):
        """A bare CR or LF behind the end of the message is not the message's."""
        self.assertEqual(
            (b"a\r\n", b"NOOP\nQUIT\r\n", False),
            _decode([b"a\r\n.\r\nNOOP\nQUIT\r\n"]),
        )

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


class ChunkDecoderTests(TableTestCase):
    """Chunks taken out of what follows a BDAT."""

    def test_chunks(self):
        """A chunk has as many octets as was said, whatever they are."""
        for name, octets in CHUNKS:
            for how, pieces, tail in feedings(octets, TAIL):
                payloads, rest = _fed(ChunkDecoder(len(octets)), pieces)
                self.assertEqual(
                    (octets, tail), (b"".join(payloads), rest), f"{name}, {how}"
                )

    def test_unfinished(self):
        """Until the last octet has come, each is handed out and more is awaited."""
        for name, octets in CHUNKS:
            for how, pieces in cuts(octets):
                payloads, rest = _fed(ChunkDecoder(len(octets) + 1), pieces)
                self.assertEqual((pieces, None), (payloads, rest), f"{name}, {how}")

    def test_empty(self):
        """A chunk of no octets ends at once; all that comes is behind it."""
        for octets in (b"", b"Q", TAIL):
            self.assertEqual((b"", octets), ChunkDecoder(0).feed(octets))

    def test_emptyPieces(self):
        """Empty pieces change nothing."""
        self.assertEqual(
            ([b"", b"a", b"", b"b"], b""),
            _fed(ChunkDecoder(2), [b"", b"a", b"", b"b", b""]),
        )

    def test_large(self):
        """No size is too large to be counted."""
        self.assertEqual((b"a", None), ChunkDecoder(2**63 - 1).feed(b"a"))

    def test_manyPieces(self):
        """A chunk that comes octet by octet takes no longer than it takes to read."""
        payloads, rest = _fed(ChunkDecoder(300_000), [b"x"] * 300_000)

        self.assertEqual((300_000, b""), (len(payloads), rest))

    @given(chunked(st.binary(max_size=40)), st.integers(0, 40))
    def test_anyPieces(self, whole, size):
        """However the same octets are cut, the first ones are the chunk's."""
        octets, pieces = whole
        payloads, rest = _fed(ChunkDecoder(size), [*pieces, b""])

        self.assertEqual(octets[:size], b"".join(payloads))
        self.assertEqual(octets[size:] if size <= len(octets) else None, rest)


class LineEndsTests(TableTestCase):
    """The line ends of a message, checked while it passes."""

    def test_messages(self):
        """It is known whether there is a bare CR or LF, however the message comes."""
        for name, octets, bareNewline, _ in LINE_ENDS:
            for how, pieces in cuts(octets):
                self.assertEqual(
                    (octets, bareNewline), _checked(pieces), f"{name}, {how}"
                )

    def test_normalize(self):
        """Where it is wanted, each bare CR and each bare LF becomes CRLF."""
        for name, octets, bareNewline, normalized in LINE_ENDS:
            for how, pieces in cuts(octets):
                self.assertEqual(
                    (normalized, bareNewline),
                    _checked(pieces, normalize=True),
                    f"{name}, {how}",
                )

    def test_knownEarly(self):
        """A bare CR or LF is known as soon as it cannot be part of a CRLF."""
        lineEnds = LineEnds()
        lineEnds.feed(b"a\r")
        self.assertFalse(lineEnds.bareNewline)
        lineEnds.feed(b"b")
        self.assertTrue(lineEnds.bareNewline)

    def test_heldBack(self):
        """A CR at the end waits for what follows it, and nothing else does."""
        lineEnds = LineEnds()

        self.assertEqual(b"a", lineEnds.feed(b"a\r"))
        self.assertEqual(b"", lineEnds.feed(b""))
        self.assertEqual(b"\r\nb", lineEnds.feed(b"\nb"))
        self.assertEqual(b"\n", lineEnds.feed(b"\n"))
        self.assertEqual(b"", lineEnds.finish())

    def test_finish(self):
        """A CR that is the last octet of all is a bare one."""
        lineEnds = LineEnds()
        lineEnds.feed(b"a\r")

        self.assertEqual(b"\r", lineEnds.finish())
        self.assertTrue(lineEnds.bareNewline)

    def test_manyPieces(self):
        """Very many CRs, octet by octet, take no longer than it takes to read them."""
        self.assertEqual(
            (b"\r\n" * 100_000, True), _checked([b"\r"] * 100_000, normalize=True)
        )

    @given(chunked(dottedOctets), st.booleans())
    def test_anyPieces(self, whole, normalize):
        """However the same octets are cut, they come to the same."""
        octets, pieces = whole

        self.assertEqual(_checked([octets], normalize), _checked(pieces, normalize))

    @given(chunked(dottedOctets), st.data(), st.booleans())
    def test_anyChunks(self, whole, data, normalize):
        """Nor does it matter how BDAT cuts the message and the network cuts that."""
        octets, chunks = whole
        places = st.lists(st.integers(0, len(octets)), max_size=8).map(sorted)
        pieces = [
            octets[a:b] for a, b in pairwise([0, *data.draw(places), len(octets)])
        ]

        self.assertEqual(
            _checked([octets], normalize),
            _converse(map(len, chunks), pieces, normalize),
        )


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
    """What DATA makes of the chunks; those behind the end are not the message's."""
    lineEnds = LineEnds(normalize)
    payload, rest = _fed(DotDecoder(), chunks)
    # What a DotDecoder hands out never ends between a CR and its LF.
    checked = [lineEnds.feed(each) for each in payload]
    return b"".join(checked), rest, lineEnds.bareNewline


def _fed(
    decoder: DotDecoder | ChunkDecoder, chunks: Iterable[bytes]
) -> tuple[list[bytes], bytes | None]:
    """The payloads, and what is behind the end; chunks there are not the decoder's."""
    payloads: list[bytes] = []
    rest: bytes | None = None
    for chunk in chunks:
        if rest is None:
            payload, rest = decoder.feed(chunk)
            payloads.append(payload)
        else:
            rest += chunk
    return payloads, rest


def _checked(pieces: Iterable[bytes], normalize: bool = False) -> tuple[bytes, bool]:
    """The message that these pieces make, and whether it has a bare CR or LF."""
    lineEnds = LineEnds(normalize)
    payload = b"".join(map(lineEnds.feed, pieces)) + lineEnds.finish()
    return payload, lineEnds.bareNewline


def _converse(
    sizes: Iterable[int], pieces: list[bytes], normalize: bool
) -> tuple[bytes, bool]:
    """What a message comes to that BDAT cuts so, and the network in another way."""
    lineEnds = LineEnds(normalize)
    message = b""
    waiting = [*pieces, b""]
    for size in sizes:
        decoder = ChunkDecoder(size)
        rest: bytes | None = None
        while rest is None:
            payload, rest = decoder.feed(waiting.pop(0))
            message += lineEnds.feed(payload)
        waiting.insert(0, rest)
    return message + lineEnds.finish(), lineEnds.bareNewline


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
