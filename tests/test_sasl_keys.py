"""
Tests of smtpsession.sasl.keys.
"""

from __future__ import annotations

from functools import partial

from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramMechanism  # type: ignore[import-untyped]

from smtpsession.sasl.keys import HASHES, ITERATIONS, ScramKeys, madeUpKeys
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

SALT = b"sixteen octets.."

KEYS = ScramKeys.derive("pencil", salt=SALT, iterations=4096)

TEXT = (
    "SCRAM-SHA-256$4096:c2l4dGVlbiBvY3RldHMuLg=="
    "$l9hd/6tvLR09a+LZWBhXDTfcXskcwmUJt8YjkAuezQE="
    ":PSYZASrRQQnGkmfx2Oxenppo6Li+jlYmQk/PeF9dJd0="
)

MALFORMED = [
    # name, text
    ("nothing", ""),
    ("no scheme", TEXT.removeprefix("SCRAM-")),
    ("another hash function", TEXT.replace("256", "224")),
    ("lower case", TEXT.replace("SHA", "sha")),
    ("that of a -PLUS mechanism", TEXT.replace("$4096", "-PLUS$4096")),
    ("keys too short for it", TEXT.replace("SHA-256", "SHA-512")),
    ("keys too long for it", TEXT.replace("SHA-256", "SHA-1")),
    ("no iterations", TEXT.replace("4096", "")),
    ("zero", TEXT.replace("4096", "0")),
    ("a leading zero", TEXT.replace("4096", "04096")),
    ("digits that are not ASCII", TEXT.replace("4096", "\u0664096")),
    ("more than a client can count", TEXT.replace("4096", "2147483648")),
    ("no salt", TEXT.replace("c2l4dGVlbiBvY3RldHMuLg==", "")),
    ("a salt that is not base64", TEXT.replace("Lg==", "Lg=")),
    ("a key that is not base64", TEXT.replace("QE=", "Q==")),
    ("one key", TEXT.rpartition(":")[0]),
    ("three keys", TEXT + ":AAAA"),
    ("a space behind", TEXT + " "),
    ("a line end behind", TEXT + "\n"),
]

IMPOSSIBLE = [
    # name, what differs
    ("another hash function", {"hashName": "MD5"}),
    ("no salt", {"salt": b""}),
    ("no iterations", {"iterations": 0}),
    ("too many iterations", {"iterations": 2**31}),
    ("a short stored key", {"storedKey": b"x" * 31}),
    ("a long server key", {"serverKey": b"x" * 33}),
]


@st.composite
def _scramKeys(draw: st.DrawFn) -> ScramKeys:
    name = draw(st.sampled_from(sorted(HASHES)))
    key = st.binary(min_size=HASHES[name][1], max_size=HASHES[name][1])
    salt = draw(st.binary(min_size=1, max_size=40))
    iterations = draw(st.integers(1, 2**31 - 1))
    return ScramKeys(name, salt, iterations, draw(key), draw(key))


class ScramKeysTests(TableTestCase):
    """What is stored of a password."""

    def test_reference(self):
        """Keys are those that another library derives, with each hash function."""
        for name in HASHES:
            for password in ("pencil", "p\u00e9ncil", "I\u00adX", "\u2168 \u00a0"):
                mechanism = ScramMechanism(f"SCRAM-{name}")
                salt, stored, server, count = mechanism.make_auth_info(
                    password, iteration_count=5000, salt=SALT
                )
                self.assertEqual(
                    ScramKeys(name, salt, count, stored, server),
                    ScramKeys.derive(password, name, SALT, 5000),
                )

    def test_defaults(self):
        """By default a salt is new, and the iterations are what RFC 7677 says."""
        one, other = ScramKeys.derive("pencil"), ScramKeys.derive("pencil")

        self.assertEqual(("SHA-256", 15_000), (one.hashName, one.iterations))
        self.assertEqual(16, len(one.salt))
        self.assertNotEqual(one.salt, other.salt)

    def test_noPassword(self):
        """A password that SASLprep does not let be stored has no keys."""
        rows = [
            ("nothing", ""),
            ("nothing is left", "\u00ad"),
            ("a control character", "a\0b"),
            ("what Unicode 3.2 does not have", "\U0001f600"),
        ]

        self.assertRefuses(ValueError, ScramKeys.derive, rows)

    def test_noHash(self):
        """There are keys of the hash functions of SCRAM only."""
        derive = partial(ScramKeys.derive, "pencil")

        self.assertRefuses(ValueError, derive, [("MD5", "MD5"), ("sha256", "sha256")])

    def test_impossible(self):
        """Keys that nobody could have derived cannot be made."""
        self.assertRefuses(ValueError, lambda row: evolve(KEYS, **row), IMPOSSIBLE)

    def test_matches(self):
        """Keys tell their password from others."""
        rows = [
            ("the same", "pencil", True),
            ("the same after SASLprep", "pen\u00adcil", True),
            ("another", "Pencil", False),
            ("none", "", False),
            ("a prohibited one", "pencil\0", False),
        ]

        self.assertGives(KEYS.matches, rows)

    def test_text(self):
        """Keys are stored as RFC 5803 has it."""
        self.assertEqual(KEYS, ScramKeys.parse(TEXT))
        self.assertEqual(TEXT, KEYS.asText())

    def test_malformed(self):
        """What is not of this form is refused, without telling what it was."""
        self.assertRefuses(ValueError, ScramKeys.parse, MALFORMED)
        error = self.assertRaises(ValueError, ScramKeys.parse, "hunter2")
        self.assertNotIn("hunter2", str(error))

    @given(_scramKeys())
    def test_roundTrip(self, keys):
        """Reading what is printed gives the same keys."""
        self.assertEqual(keys, ScramKeys.parse(keys.asText()))

    def test_repr(self):
        """Keys do not show what is to be kept."""
        self.assertEqual("ScramKeys(hashName='SHA-256', iterations=4096)", repr(KEYS))

    def test_frozen(self):
        """Keys never change."""
        with self.assertRaises(FrozenInstanceError):
            KEYS.iterations = 1  # type: ignore[misc]

    def test_proves(self):
        """A proof of another length is none."""
        for size in (0, 1, 31, 33, 64):
            self.assertFalse(KEYS.proves(b"message", b"x" * size))

    def test_madeUp(self):
        """Made-up keys are the same for the same user, and look like any others."""
        first = madeUpKeys(b"secret", "bob", "SHA-256", ITERATIONS)

        self.assertEqual(first, madeUpKeys(b"secret", "bob", "SHA-256", ITERATIONS))
        self.assertEqual(16, len(first.salt))
        self.assertEqual(3, len({first.salt, first.storedKey, first.serverKey}))
        for other in (
            madeUpKeys(b"other", "bob", "SHA-256", ITERATIONS),
            madeUpKeys(b"secret", "alice", "SHA-256", ITERATIONS),
            madeUpKeys(b"secret", "bob", "SHA-512", ITERATIONS),
            madeUpKeys(b"secret", "bob", "SHA-1", ITERATIONS),
        ):
            self.assertNotEqual(first.salt, other.salt)
            self.assertEqual(16, len(other.salt))
