"""
Tests of smtpsession.sasl.mechanisms.
"""

from __future__ import annotations

from functools import partial

from attrs import evolve

from smtpsession.sasl.exchange import KeysWanted
from smtpsession.sasl.gs2 import GS2Header
from smtpsession.sasl.mechanisms import BY_NAME, MECHANISMS, possible
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ScramClient, outcome

PLUS = ("SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")
ALWAYS = (
    *("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"),
    *("OAUTHBEARER", "XOAUTH2", "CRAM-MD5", "PLAIN", "LOGIN"),
)

BOUND = evolve(CONTEXT, channelBindings={"tls-exporter": b"data"})
KNOWN = evolve(CONTEXT, certificate="a certificate")

POSSIBLE = [
    # name, (context, names), possible
    ("without TLS", (CONTEXT, tuple(BY_NAME)), ALWAYS),
    ("with TLS", (BOUND, tuple(BY_NAME)), PLUS + ALWAYS),
    ("with a certificate", (KNOWN, tuple(BY_NAME)), ("EXTERNAL", *ALWAYS)),
    ("a few, in another order", (BOUND, ("PLAIN", PLUS[1])), (PLUS[1], "PLAIN")),
    ("a few that are not possible", (CONTEXT, ("PLAIN", PLUS[1])), ("PLAIN",)),
    ("none", (BOUND, ()), ()),
    ("one that there is not", (BOUND, ("KERBEROS_V4",)), ()),
]


class MechanismsTests(TableTestCase):
    """The table."""

    def test_names(self):
        """Each mechanism stands in it once, the strongest first."""
        names = tuple(mechanism.name for mechanism in MECHANISMS)

        self.assertEqual(("EXTERNAL", *PLUS, *ALWAYS), names)
        self.assertEqual(set(names), set(BY_NAME))

    def test_names4422(self):
        """RFC 4422, section 3.1: a name has at most 20 letters of a few."""
        for name in BY_NAME:
            self.assertRegex(name, r"\A[A-Z0-9_-]{1,20}\Z")

    def test_serverFirst(self):
        """In CRAM-MD5 the server speaks first, and in no other."""
        first = [mechanism.name for mechanism in MECHANISMS if mechanism.isServerFirst]

        self.assertEqual(["CRAM-MD5"], first)

    def test_sendsSecret(self):
        """Four mechanisms need a connection that nobody reads."""
        secret = [mechanism.name for mechanism in MECHANISMS if mechanism.sendsSecret]

        self.assertEqual(["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"], secret)

    def test_hashNames(self):
        """Each SCRAM has the hash function that it is called after."""
        for mechanism in MECHANISMS:
            if mechanism.hashName is None:
                self.assertNotIn("SCRAM", mechanism.name)
            else:
                self.assertIn(f"SCRAM-{mechanism.hashName}", mechanism.name)

    def test_possible(self):
        """Mechanisms are possible where a connection has what they need."""
        self.assertGives(lambda row: possible(*row), POSSIBLE)
        self.assertEqual(PLUS + ALWAYS, possible(BOUND))

    def test_scram(self):
        """Each SCRAM asks for keys of its own hash function."""
        for name in BY_NAME:
            if name.startswith("SCRAM"):
                binding = "tls-exporter" if name in PLUS else None
                header = GS2Header("p" if binding else "n", binding)
                client = ScramClient("bob", "pencil", header=header)
                hashName = BY_NAME[name].hashName or ""
                self.assertEqual(
                    KeysWanted(name, "bob", None, hashName),
                    outcome(partial(BY_NAME[name].start, BOUND), client.first),
                )
