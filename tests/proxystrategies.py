"""
What hypothesis draws from: networks, and the headers of the PROXY protocol.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_network

from hypothesis import strategies as st

from smtpsession.proxyline import ProxyInfo
from smtpsession.tlvs import CRC32C, NOOP, ProxyTLS
from tests.strategies import nonAscii, printableAscii

networks = st.tuples(st.ip_addresses(), st.integers(0, 128)).map(
    lambda both: str(
        ip_network((both[0], min(both[1], both[0].max_prefixlen)), strict=False)
    )
)

#: Neither padding, which is not kept, nor a checksum, which is not free.
_tlvTypes = st.integers(0, 255).filter(lambda kind: kind not in (CRC32C, NOOP))
tlvs = st.dictionaries(_tlvTypes, st.binary(max_size=40), max_size=5)
_ports = st.integers(0, 65535)
_ipv4 = st.ip_addresses(v=4).map(str)
# One that is IPv4-mapped is given as IPv4.
_ipv6 = _ipv4 | st.ip_addresses(v=6).map(str).filter(
    lambda address: IPv6Address(address).ipv4_mapped is None
)
_socketNames = st.binary(max_size=107).map(
    lambda octets: octets.replace(b"\0", b"").decode("utf-8", "surrogateescape")
)
_socketPaths = _socketNames | _socketNames.filter(bool).map(lambda name: "\0" + name)


def _ends(
    version: int, protocols: list[str], addresses: st.SearchStrategy[str]
) -> st.SearchStrategy[ProxyInfo]:
    kind = st.sampled_from(protocols)
    fields = tlvs if version == 2 else st.just({})
    ends = (addresses, _ports, addresses, _ports)
    return st.builds(ProxyInfo, st.just(version), kind, *ends, fields)


#: What a header of version 1 can say.
proxyInfosV1 = (
    st.just(ProxyInfo(1, "UNKNOWN"))
    | _ends(1, ["TCP4"], _ipv4)
    | _ends(1, ["TCP6"], _ipv6)
)
#: What a header of version 2 can say.
proxyInfosV2 = st.one_of(
    st.sampled_from((ProxyInfo(2, "UNKNOWN"), ProxyInfo(2, "UNKNOWN", isLocal=True))),
    _ends(2, ["TCP4", "UDP4"], _ipv4),
    _ends(2, ["TCP6", "UDP6"], _ipv6),
    st.builds(
        ProxyInfo,
        st.just(2),
        st.sampled_from(("UNIX", "UNIX_DGRAM")),
        *(_socketPaths, st.none(), _socketPaths, st.none()),
        tlvs,
    ),
)
_asciiTexts = st.text(printableAscii, min_size=1, max_size=20) | st.none()
_utf8Texts = st.text(printableAscii | nonAscii, min_size=1, max_size=20) | st.none()
proxyTLSs = st.builds(
    ProxyTLS,
    *(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    *(_asciiTexts, _utf8Texts, _asciiTexts, _asciiTexts, _asciiTexts),
)
