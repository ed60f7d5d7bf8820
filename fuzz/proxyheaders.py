"""
Headers of the PROXY protocol: cut anywhere they say the same, or are refused.
"""

from __future__ import annotations

from fuzz.pieces import cut
from smtpsession.errors import ProxyError
from smtpsession.limits import PROXY_HEADER
from smtpsession.proxyline import ProxyDecoder, ProxyInfo, printV1, printV2


def fuzz(octets: bytes) -> None:
    """
    @param octets: first one that says how to cut, then the header and what follows
    """
    seed, octets = octets[:1], octets[1:]
    if not (seed and octets):
        return
    whole = _decoded([octets])
    inPieces = _decoded(cut(octets, seed[0]))
    # How soon an error is seen depends on the pieces, and with it which one.
    assert inPieces == whole, (inPieces, whole)
    if isinstance(whole, tuple):
        info, _ = whole
        info.asDict()
        again = _decoded([_printed(info)])
        assert isinstance(again, tuple)
        # What a proxy says of itself, and a checksum, need not be the same again.
        if not (info.isLocal or info.tlvs):
            assert again == (info, b""), again


def _decoded(pieces: list[bytes]) -> tuple[ProxyInfo, bytes] | str | None:
    """What the header says and what follows it, "refused", or None: it goes on."""
    decoder = ProxyDecoder()
    found: tuple[ProxyInfo, bytes] | None = None
    size = 0
    for each in pieces:
        if found is not None:
            found = found[0], found[1] + each
            continue
        size += len(each)
        try:
            found = decoder.feed(each)
        except ProxyError:
            return "refused"
        assert found is not None or size <= PROXY_HEADER
    return found


def _printed(info: ProxyInfo) -> bytes:
    return printV1(info) if info.version == 1 else printV2(info)
