"""
The decoders of messages: cut anywhere they give the same, and it is what the simplest
decoder would give that sees everything at once.
"""

from __future__ import annotations

import re

from fuzz.pieces import cut
from smtpsession.body import ChunkDecoder, DotDecoder, LineEnds

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def fuzzDots(octets: bytes) -> None:
    """
    @param octets: first one that says how to cut, then what follows DATA
    """
    seed, octets = octets[:1], octets[1:]
    if seed:
        inPieces = _fed(DotDecoder(), cut(octets, seed[0]))
        assert inPieces == _fed(DotDecoder(), [octets] if octets else [])
        payload, rest = inPieces
        before, end, after = (b"\r\n" + octets).partition(b"\r\n.\r\n")
        assert (rest is not None) == bool(end)
        if end:
            whole = (before + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]
            assert (payload, rest) == (whole, after)


def fuzzChunks(octets: bytes) -> None:
    """
    @param octets: first one that says how to cut, then two with the size of the chunk,
        then what follows BDAT
    """
    if len(octets) < 4:
        return
    seed, size, octets = octets[0], int.from_bytes(octets[1:3], "big"), octets[3:]
    payload, rest = _fed(ChunkDecoder(size), cut(octets, seed))
    assert payload == octets[:size]
    assert rest == (octets[size:] if len(octets) >= size else None)


def fuzzLineEnds(octets: bytes) -> None:
    """
    @param octets: first one that says how to cut, then the message
    """
    seed, octets = octets[:1], octets[1:]
    if not seed:
        return
    isBare = _BARE.search(octets) is not None
    for normalize in (False, True):
        checker = LineEnds(normalize)
        parts = [checker.feed(each) for each in cut(octets, seed[0])]
        checked = b"".join([*parts, checker.finish()])
        assert checker.bareNewline == isBare or not octets
        assert checked == (_BARE.sub(b"\r\n", octets) if normalize else octets)


def _fed(
    decoder: DotDecoder | ChunkDecoder, pieces: list[bytes]
) -> tuple[bytes, bytes | None]:
    """All that the decoder gives; what comes behind the end is joined."""
    payloads: list[bytes] = []
    rest: bytes | None = None
    for each in pieces:
        if rest is None:
            payload, rest = decoder.feed(each)
            payloads.append(payload)
        else:
            rest += each
    return b"".join(payloads), rest
