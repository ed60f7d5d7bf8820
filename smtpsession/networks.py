# -*- test-case-name: tests.test_networks -*-
"""
IP networks: which clients may say what others may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from attrs import field, frozen

#: In place of a network: the clients that have no address, those of a UNIX socket.
UNIX = "unix"

#: For each length of a prefix that occurs: how many bits are behind it, and the
#: prefixes.
_Prefixes = tuple[tuple[int, frozenset[int]], ...]


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv4-mapped IPv6 address stands for, or the same."""
    return getattr(address, "ipv4_mapped", None) or address


def _canonical(networks: Iterable[str]) -> tuple[str, ...]:
    if isinstance(networks, str):
        raise ValueError(f"one text, not a sequence of networks: {networks!r}")
    texts = set(networks)
    parsed = sorted(map(_parse, texts - {UNIX}), key=_order)
    # Two texts may stand for the same network.
    names = dict.fromkeys(map(str, parsed))
    return (*names, *texts & {UNIX})


def _parse(text: str) -> IPv4Network | IPv6Network:
    # Otherwise ip_network() would take numbers for addresses, a mask for the length of
    # a prefix, and the zone of an address for a part of it.
    if not isinstance(text, str) or "%" in text or "." in text.partition("/")[2]:
        raise ValueError(f"not a network: {text!r}")
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"not a network: {text!r}: {error}") from error
    address = unmapped(network.network_address)
    if address.version < network.version and network.prefixlen >= 96:
        return IPv4Network((address.packed, network.prefixlen - 96))
    return network


def _order(network: IPv4Network | IPv6Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


@frozen
class Networks:
    """
    An immutable set of networks; C{"192.0.2.1" in networks} says whether an address is
    in one of them.

    A client has an IPv4 address or an IPv6 address, and C{""} if it has none.  An
    IPv4-mapped IPv6 address is an IPv4 address, and only networks of IPv4 have it:
    C{"::/0"} is all of IPv6, and nothing else.

    @ivar networks: C{"192.0.2.0/24"}, C{"2001:db8::/32"}, C{"::1"}, or C{"unix"} for
        the clients without an address; kept sorted, each once and with its length

    @raise ValueError: one is not a network, or its address has bits behind the prefix
    """

    networks: tuple[str, ...] = field(default=(), converter=_canonical)
    _prefixes: Mapping[int, _Prefixes] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        parsed = [ip_network(each) for each in self.networks if each != UNIX]
        prefixes = {version: _prefixes(parsed, version) for version in (4, 6)}
        object.__setattr__(self, "_prefixes", prefixes)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def __contains__(self, address: str) -> bool:
        if not address:
            return UNIX in self.networks
        if not self.networks:
            return False
        try:
            parsed = unmapped(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        number = int(parsed)
        return any(
            number >> bits in prefixes
            for bits, prefixes in self._prefixes[parsed.version]
        )


def _prefixes(networks: Iterable[IPv4Network | IPv6Network], version: int) -> _Prefixes:
    """The prefixes of this version's networks, the shortest first."""
    byBits: dict[int, set[int]] = {}
    for each in networks:
        if each.version == version:
            bits = each.max_prefixlen - each.prefixlen
            byBits.setdefault(bits, set()).add(int(each.network_address) >> bits)
    return tuple(
        (bits, frozenset(byBits[bits])) for bits in sorted(byBits, reverse=True)
    )
