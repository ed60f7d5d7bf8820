"""
Tests of smtpsession.networks.
"""

from __future__ import annotations

import copy
import pickle
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from smtpsession.networks import Networks, unmapped
from tests.cases import TableTestCase
from tests.proxystrategies import networks

NETWORKS = [
    # name, networks, as they are kept
    ("none", [], ()),
    ("one", ["10.0.0.0/8"], ("10.0.0.0/8",)),
    ("an address", ["127.0.0.1"], ("127.0.0.1/32",)),
    ("an address of IPv6", ["::1"], ("::1/128",)),
    ("all of IPv4", ["0.0.0.0/0"], ("0.0.0.0/0",)),
    ("all of IPv6", ["::/0"], ("::/0",)),
    ("no address", ["unix"], ("unix",)),
    ("a tuple", ("::1",), ("::1/128",)),
    ("the same twice", ["::1", "::1"], ("::1/128",)),
    ("the same in other words", ["::1/128", "0:0::1"], ("::1/128",)),
    ("upper case and zeros", ["2001:0DB8::/32"], ("2001:db8::/32",)),
    (
        "sorted",
        ["unix", "::1", "10.0.0.0/16", "9.0.0.0/8", "10.0.0.0/8"],
        ("9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "::1/128", "unix"),
    ),
    ("IPv4-mapped", ["::ffff:10.0.0.0/104"], ("10.0.0.0/8",)),
    ("an IPv4-mapped address", ["::ffff:c000:201"], ("192.0.2.1/32",)),
    ("all that are IPv4-mapped", ["::ffff:0:0/96"], ("0.0.0.0/0",)),
    ("more than are IPv4-mapped", ["::/80"], ("::/80",)),
]

BAD_NETWORKS = [
    # name, network
    ("nothing", ""),
    ("a word", "localhost"),
    ("a word in upper case", "UNIX"),
    ("a space in front", " 10.0.0.0/8"),
    ("a space behind", "10.0.0.0/8 "),
    ("a line end", "10.0.0.0/8\n"),
    ("two networks", "10.0.0.0/8,::1"),
    ("bits behind the prefix", "10.0.0.1/8"),
    ("bits behind the prefix of IPv6", "2001:db8::1/32"),
    ("bits behind the prefix of what is IPv4-mapped", "::ffff:10.0.0.1/104"),
    ("a prefix too long", "10.0.0.0/33"),
    ("a prefix of IPv6 too long", "::/129"),
    ("a negative prefix", "10.0.0.0/-8"),
    ("no prefix", "10.0.0.0/"),
    ("two prefixes", "10.0.0.0/8/8"),
    ("only a prefix", "/8"),
    ("a mask", "10.0.0.0/255.0.0.0"),
    ("a mask upside down", "10.0.0.0/0.255.255.255"),
    ("three numbers", "10.0.0/24"),
    ("a dot behind", "10.0.0."),
    ("zeros in front", "010.0.0.0/8"),
    ("a number too high", "10.0.256.0/24"),
    ("digits that are not ASCII", "10.0.0.0/\u0668"),
    ("brackets", "[::1]"),
    ("a zone", "fe80::%eth0/64"),
    ("a number", 2130706433),
    ("octets", b"\x7f\x00\x00\x01"),
    ("nothing at all", None),
]

#: The networks that these addresses are looked for in.
SOME = Networks(
    ["127.0.0.0/8", "192.0.2.1", "192.0.2.128/25", "10.0.0.0/8", "::1", "2001:db8::/32"]
)

ADDRESSES = [
    # name, address, whether it is in them
    ("the first of a network", "10.0.0.0", True),
    ("the last of a network", "10.255.255.255", True),
    ("one before it", "9.255.255.255", False),
    ("one behind it", "11.0.0.0", False),
    ("one within", "127.0.0.1", True),
    ("an address itself", "192.0.2.1", True),
    ("one beside it", "192.0.2.2", False),
    ("the first of half a net", "192.0.2.128", True),
    ("one before that", "192.0.2.127", False),
    ("one of IPv6", "::1", True),
    ("one beside that", "::2", False),
    ("in other words", "0:0:0:0:0:0:0:1", True),
    ("the last of a network of IPv6", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", True),
    ("one behind that", "2001:db9::", False),
    ("upper case", "2001:DB8::A", True),
    ("IPv4-mapped", "::ffff:127.0.0.1", True),
    ("IPv4-mapped in groups", "::FFFF:7f00:1", True),
    ("IPv4-mapped, and not there", "::ffff:192.0.2.2", False),
    ("IPv4-compatible, which is another address", "::127.0.0.1", False),
    ("a number that is one of IPv4", "::7f00:1", False),
    ("a zone", "2001:db8::1%eth0", True),
    ("a zone of another", "fe80::1%eth0", False),
    ("no address", "", False),
    ("no address, by its name", "unix", False),
    ("a host name", "localhost", False),
    ("a network", "10.0.0.0/8", False),
    ("a space", " 10.0.0.1", False),
    ("brackets", "[::1]", False),
]

WHOLE = [
    # name, (networks, address), whether it is in them
    ("all of IPv4", (["0.0.0.0/0"], "203.0.113.1"), True),
    ("all of IPv4, IPv4-mapped", (["0.0.0.0/0"], "::ffff:203.0.113.1"), True),
    ("all of IPv4 and IPv6", (["0.0.0.0/0"], "2001:db8::1"), False),
    ("all of IPv6", (["::/0"], "2001:db8::1"), True),
    ("all of IPv6 and IPv4", (["::/0"], "203.0.113.1"), False),
    ("all of IPv6 and IPv4-mapped", (["::/0"], "::ffff:203.0.113.1"), False),
    ("all of both", (["::/0", "0.0.0.0/0"], "::ffff:203.0.113.1"), True),
    ("all of both, without an address", (["::/0", "0.0.0.0/0"], ""), False),
    ("no address", (["unix"], ""), True),
    ("no address, by its name", (["unix"], "unix"), False),
    ("no address and one", (["unix"], "127.0.0.1"), False),
    ("none", ([], "127.0.0.1"), False),
    ("none and no address", ([], ""), False),
    ("IPv4-mapped networks", (["::ffff:10.0.0.0/104"], "10.1.2.3"), True),
]


class NetworksTests(TableTestCase):
    """Sets of networks."""

    def test_networks(self):
        """Networks are kept in one form and order."""
        self.assertGives(lambda networks: Networks(networks).networks, NETWORKS)

    def test_bad(self):
        """What is not a network is refused, and named."""
        self.assertRefuses(
            ValueError, Networks, [(name, ["::1", bad]) for name, bad in BAD_NETWORKS]
        )
        for name, bad in BAD_NETWORKS:
            error = self.assertRaises(ValueError, Networks, [bad])
            self.assertIn(repr(bad), str(error), name)

    def test_text(self):
        """A text is not taken for a sequence of its characters."""
        self.assertRefuses(ValueError, Networks, [("a text", "::1"), ("none", "")])

    def test_contains(self):
        """An address is in the networks or not, in whatever words it is said."""
        self.assertGives(lambda address: address in SOME, ADDRESSES)

    def test_whole(self):
        """IPv4, IPv6 and having no address are apart, however large a network is."""
        self.assertGives(lambda row: row[1] in Networks(row[0]), WHOLE)

    def test_truth(self):
        """Without networks it is false."""
        self.assertFalse(Networks())
        self.assertTrue(Networks(["unix"]))
        self.assertTrue(SOME)

    def test_again(self):
        """Networks can be made of what is kept of networks."""
        self.assertEqual(SOME, Networks(SOME.networks))

    def test_value(self):
        """Networks are equal where they are the same, and never change."""
        one, other = Networks(["::1", "10.0.0.0/8"]), Networks(
            ["10.0.0.0/8", "::1/128"]
        )

        self.assertEqual({one}, {one, other})
        self.assertNotEqual(one, SOME)
        self.assertEqual("Networks(networks=('10.0.0.0/8', '::1/128'))", repr(one))
        with self.assertRaises(FrozenInstanceError):
            one.networks = ()  # type: ignore[misc]

    def test_copies(self):
        """A copy has the same addresses."""
        for each in (copy.deepcopy(SOME), pickle.loads(pickle.dumps(SOME))):
            self.assertEqual(SOME, each)
            self.assertIn("10.0.0.1", each)

    def test_many(self):
        """In very many networks an address is found as quickly as in a few."""
        many = Networks(f"10.{n >> 8}.{n & 255}.0/24" for n in range(20_000))

        self.assertTrue(all(f"10.0.{n}.1" in many for n in range(256)))
        self.assertFalse(any(f"11.0.{n}.1" in many for n in range(256)))

    @given(st.lists(networks, max_size=6), st.ip_addresses().map(str))
    def test_reference(self, some, address):
        """It is what asking each of the networks gives."""
        asked: Any = unmapped(ip_address(address))
        expected = any(asked in ip_network(each) for each in Networks(some).networks)

        self.assertEqual(expected, address in Networks(some))

    @given(networks, st.integers(0))
    def test_within(self, network, number):
        """Every address of a network is in it, unless it is IPv4 after all."""
        whole = ip_network(network)
        address = whole[number % whole.num_addresses]
        isIPv4 = unmapped(address).version == 4
        only = Networks([network])

        self.assertEqual(isIPv4 == (":" not in only.networks[0]), str(address) in only)

    @given(st.text(max_size=20))
    def test_anyText(self, text):
        """Whatever a text is, it is an address in the networks or it is not."""
        self.assertIn(text in SOME, (True, False))


class UnmappedTests(TableTestCase):
    """IPv4-mapped IPv6 addresses."""

    def test_unmapped(self):
        """An IPv4-mapped address is IPv4, and any other stays."""
        self.assertGives(
            unmapped,
            [
                ("IPv4", IPv4Address("0.0.0.0"), IPv4Address("0.0.0.0")),
                ("IPv6", IPv6Address("::1"), IPv6Address("::1")),
                ("mapped", IPv6Address("::ffff:1.2.3.4"), IPv4Address("1.2.3.4")),
                ("zero", IPv6Address("::ffff:0.0.0.0"), IPv4Address("0.0.0.0")),
            ],
        )
