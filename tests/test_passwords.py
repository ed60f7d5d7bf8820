"""
Tests of smtpsession.passwords, and of the schemes that it knows.
"""

from __future__ import annotations

from typing import Any
from unittest import skipIf

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smtpsession import argon2id, scrypt
from smtpsession.argon2id import Argon2id
from smtpsession.passwords import SCHEMES, makeSecret, parseSecret
from smtpsession.sasl.keys import HASHES, ScramKeys
from smtpsession.scrypt import Scrypt
from smtpsession.secret import Plain, Scram, Secret
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

try:
    import argon2
except ImportError:
    hasArgon2 = False
else:
    hasArgon2 = True

needsArgon2 = skipIf(not hasArgon2, "needs argon2-cffi")

#: Those that need no package.
BUILT_IN = tuple(name for name in SCHEMES if name != "ARGON2ID")

#: RFC 7914, section 12, the third one.
SCRYPT = (
    "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU"
    "$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofL"
    "VQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"
)

SCRAM = (
    "4096:c2l4dGVlbiBvY3RldHMuLg==$l9hd/6tvLR09a+LZWBhXDTfcXskcwmUJt8YjkAuezQE="
    ":PSYZASrRQQnGkmfx2Oxenppo6Li+jlYmQk/PeF9dJd0="
)

#: By the program of the reference implementation: for "password" and "somesalt", in
#: its own tests.
ARGON2ID = (
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
    "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)

MALFORMED: list[tuple[str, tuple[str, str]]] = [
    # name, (scheme, value)
    ("no scheme", ("", "pencil")),
    ("an unknown scheme", ("MD5", "pencil")),
    ("a scheme in lower case", ("plain", "pencil")),
    ("no password", ("PLAIN", "")),
    ("a password of which nothing is left", ("PLAIN", "\u00ad")),
    ("a password with a control character", ("PLAIN", "pen\tcil")),
    ("a password that Unicode 3.2 does not have", ("PLAIN", "\U0001f600")),
    ("a password for SCRYPT", ("SCRYPT", "pencil")),
    ("a space behind", ("SCRYPT", SCRYPT + " ")),
    ("padding", ("SCRYPT", SCRYPT + "=")),
    ("bits behind the last octet", ("SCRYPT", SCRYPT[:-1] + "x")),
    ("no salt", ("SCRYPT", SCRYPT.replace("U29kaXVtQ2hsb3JpZGU", ""))),
    ("a long salt", ("SCRYPT", SCRYPT.replace("U29k", "U29k" * 20))),
    ("a short hash", ("SCRYPT", SCRYPT.rpartition("$")[0] + "$cCO9yzr9")),
    ("N=1", ("SCRYPT", SCRYPT.replace("ln=14", "ln=0"))),
    ("N for 256 MiB", ("SCRYPT", SCRYPT.replace("ln=14", "ln=18"))),
    ("a huge N", ("SCRYPT", SCRYPT.replace("ln=14", "ln=14294967295"))),
    ("r for 256 MiB", ("SCRYPT", SCRYPT.replace("r=8", "r=131072"))),
    ("a huge r", ("SCRYPT", SCRYPT.replace("r=8", "r=9999999999"))),
    ("p of five", ("SCRYPT", SCRYPT.replace("p=1", "p=5"))),
    ("a leading zero", ("SCRYPT", SCRYPT.replace("p=1", "p=01"))),
    ("keys of another hash", ("SCRAM-SHA-512", SCRAM)),
    ("no hash", ("SCRAM", SCRAM)),
    ("that of a -PLUS mechanism", ("SCRAM-SHA-256-PLUS", SCRAM)),
    ("the name of the mechanism twice", ("SCRAM-SHA-256", "SCRAM-SHA-256$" + SCRAM)),
    ("too many iterations", ("SCRAM-SHA-256", SCRAM.replace("4096", "1200001"))),
    ("a long salt", ("SCRAM-SHA-256", SCRAM.replace("c2l4", "c2l4" * 20))),
    ("Argon2i", ("ARGON2ID", ARGON2ID.replace("argon2id", "argon2i"))),
    ("another version", ("ARGON2ID", ARGON2ID.replace("v=19", "v=16"))),
    ("too little memory", ("ARGON2ID", ARGON2ID.replace("m=256", "m=7"))),
    ("512 MiB", ("ARGON2ID", ARGON2ID.replace("m=256", "m=524288"))),
    ("5000 passes", ("ARGON2ID", ARGON2ID.replace("t=2", "t=5000"))),
    ("seventeen lanes", ("ARGON2ID", ARGON2ID.replace("p=1", "p=17"))),
    ("a short salt", ("ARGON2ID", ARGON2ID.replace("c29tZXNhbHQ", "c29tZQ"))),
]


def _parse(row: tuple[str, str]) -> Secret:
    return parseSecret(*row)


_passwords = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
_salts = st.binary(min_size=8, max_size=64)
_digests = st.binary(min_size=16, max_size=64)


@st.composite
def _scrams(draw: st.DrawFn) -> Scram:
    name = draw(st.sampled_from(sorted(HASHES)))
    key = st.binary(min_size=HASHES[name][1], max_size=HASHES[name][1])
    iterations = draw(st.integers(1, 1_200_000))
    return Scram(ScramKeys(name, draw(_salts), iterations, draw(key), draw(key)))


_secrets = st.one_of(
    st.builds(Plain, _passwords),
    st.builds(
        Scrypt, _salts, _digests, st.integers(1, 17), st.just(8), st.integers(1, 4)
    ),
    _scrams(),
)
_argons = st.builds(
    Argon2id,
    _salts,
    _digests,
    st.integers(128, 2**18),
    st.integers(1, 4),
    st.integers(1, 16),
)


class ParseTests(TableTestCase):
    """What stands in a file."""

    def test_parse(self):
        """A value of each scheme is printed as it was written."""
        rows = [
            ("PLAIN", "hunter2"),
            ("PLAIN", " p\u00e4ss:{word}# "),
            ("SCRYPT", SCRYPT),
            ("SCRAM-SHA-256", SCRAM),
        ]
        for scheme, value in rows:
            secret = parseSecret(scheme, value)
            self.assertEqual((scheme, value), (secret.scheme, secret.value))
            self.assertEqual(f"{{{scheme}}}{value}", str(secret))

    def test_malformed(self):
        """What is malformed or out of bounds is refused."""
        self.assertRefuses(ValueError, _parse, MALFORMED)

    def test_discreet(self):
        """An error does not tell the password, nor does a secret."""
        for scheme in SCHEMES:
            if scheme != "PLAIN":
                error = self.assertRaises(ValueError, parseSecret, scheme, "hunter2")
                self.assertNotIn("hunter2", str(error))
        self.assertNotIn("hunter2", repr(Plain("hunter2")))
        self.assertNotIn("cCO9", repr(parseSecret("SCRYPT", SCRYPT)))

    def test_prepared(self):
        """A password in clear is taken after SASLprep."""
        self.assertEqual(Plain("IX"), parseSecret("PLAIN", "I\u00adX"))
        self.assertRaises(ValueError, Plain, "I\u00adX")

    @given(_secrets)
    def test_roundTrip(self, secret):
        """Reading what is printed gives the same secret."""
        self.assertEqual(secret, parseSecret(secret.scheme, secret.value))

    @needsArgon2
    @given(_argons)
    def test_argon2RoundTrip(self, secret):
        """The same for Argon2id."""
        self.assertEqual(secret, parseSecret("ARGON2ID", secret.value))

    def test_noArgon2(self):
        """Where its package is not there, the scheme says which it is."""
        self.patch(argon2id, "_argon2", _missing)

        error = self.assertRaises(ValueError, parseSecret, "ARGON2ID", ARGON2ID)

        self.assertIn("argon2-cffi", str(error))


def _missing() -> Any:
    raise ValueError("{ARGON2ID} needs the package argon2-cffi")


class MatchTests(TableTestCase):
    """Whether a password is the right one."""

    def setUp(self) -> None:
        # What is made here costs as little as it can.
        self.patch(scrypt, "LOG_N", 1)

    def test_reference(self):
        """What other programs have made is recognized."""
        rows = [("SCRYPT", SCRYPT, "pleaseletmein"), ("SCRAM-SHA-256", SCRAM, "pencil")]
        for scheme, value, password in rows:
            secret = parseSecret(scheme, value)
            self.assertTrue(secret.matches(password))
            self.assertFalse(secret.matches(password + "s"))

    @needsArgon2
    def test_argon2(self):
        """The same for Argon2id, also by the high-level interface of its package."""
        self.assertTrue(parseSecret("ARGON2ID", ARGON2ID).matches("password"))
        self.assertFalse(parseSecret("ARGON2ID", ARGON2ID).matches("Password"))

        hasher = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=2)
        secret = parseSecret("ARGON2ID", hasher.hash("p\u00e4ssword"))
        self.assertTrue(secret.matches("p\u00e4ssword"))
        self.assertFalse(secret.matches("password"))

    @needsArgon2
    def test_argon2Default(self):
        """What is made by default is what the package reads."""
        secret = makeSecret("ARGON2ID", "pencil")

        self.assertTrue(argon2.PasswordHasher().verify(secret.value, "pencil"))

    def test_made(self):
        """What is made of a password matches it, and nothing else."""
        for scheme in BUILT_IN:
            secret = makeSecret(scheme, "p\u00e9n\u00adcil")
            self.assertEqual(scheme, secret.scheme)
            self.assertTrue(secret.matches("p\u00e9ncil"))
            self.assertFalse(secret.matches("pencil"))
            self.assertFalse(secret.matches(""))

    def test_new(self):
        """The same password twice gives two values."""
        for scheme in BUILT_IN[1:]:
            one, other = makeSecret(scheme, "pencil"), makeSecret(scheme, "pencil")
            self.assertNotEqual(one.value, other.value)

    def test_notMade(self):
        """Nothing is made of what may not be stored, nor by an unknown scheme."""
        rows = [
            ("nothing", ("PLAIN", "")),
            ("nothing is left", ("SCRYPT", "\u00ad")),
            ("a control character", ("SCRAM-SHA-1", "a\0b")),
            ("what Unicode 3.2 does not have", ("SCRYPT", "\U0001f600")),
            ("an unknown scheme", ("CRYPT", "pencil")),
        ]
        self.assertRefuses(ValueError, lambda row: makeSecret(*row), rows)

    def test_decoys(self):
        """A decoy costs what its original does, and no password matches it."""
        for scheme in BUILT_IN:
            secret = makeSecret(scheme, "pencil")
            decoy = secret.decoy()
            self.assertEqual(secret.parameters, decoy.parameters)
            self.assertEqual(secret.cost, decoy.cost)
            self.assertFalse(decoy.matches("pencil"))

    def test_costs(self):
        """Costs are in the order of the work."""
        plain = Plain("pencil")
        scram = Scram(ScramKeys.derive("pencil", iterations=4096))
        hashed = Scrypt(b"salt", bytes(32), 16, 8, 1)
        self.assertTrue(plain.cost < scram.cost < hashed.cost)
        self.assertTrue(hashed.cost < evolve(hashed, p=2).cost)
        self.assertNotEqual(hashed.parameters, evolve(hashed, p=2).parameters)


class DefaultTests(TableTestCase):
    """What is made by default."""

    def test_scrypt(self):
        """scrypt takes 64 MiB, and the largest that is read can be computed."""
        secret = makeSecret("SCRYPT", "pencil")
        self.assertIn("$ln=16,r=8,p=1$", secret.value)
        self.assertTrue(secret.matches("pencil"))
        self.assertFalse(Scrypt(b"salt", bytes(64), 17, 8, 1).matches("pencil"))
