"""
How an input says into which pieces it is to be cut.
"""

from __future__ import annotations

import random


def cut(octets: bytes, seed: int) -> list[bytes]:
    """
    The octets in pieces, always the same for the same seed; none of them is empty.

    @param seed: 0 for an octet at a time, anything else for at most 8 pieces
    """
    if seed == 0:
        return [octets[at : at + 1] for at in range(len(octets))]
    places = random.Random(seed)
    ends = sorted(places.randint(0, len(octets)) for _ in range(7))
    edges = [0, *ends, len(octets)]
    pieces = [octets[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    return [each for each in pieces if each]
