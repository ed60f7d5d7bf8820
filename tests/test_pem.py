"""
Tests of smtpsession.pem.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import dsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from smtpsession.errors import CertificateError
from smtpsession.pem import CertificatePair, Key, nameOf, readCertificates, readKey
from tests.cases import FilesTestCase, TableTestCase
from tests.certificates import Identity, authority, issue, rsaKey, server

IDENTITY, OTHER = server("mx.example"), server("other.example")
CERTIFICATE, KEY = IDENTITY.certificatePEM, IDENTITY.keyPEM

#: What other programs write around the blocks.
TEXT = b"Bag Attributes\n    friendlyName: mx\nsubject=CN = mx.example\n"

#: A certificate of which the second half of the lines is missing.
TORN = b"".join(CERTIFICATE.splitlines(True)[:4])

#: Well-formed PEM of what is not a certificate, or not a key.
NONSENSE = b"-----BEGIN %b-----\nMAMCAQE=\n-----END %b-----\n"


def _private(key: Key | dsa.DSAPrivateKey | x25519.X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _traditional(key: Key) -> bytes:
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )


ENCRYPTED = IDENTITY.key.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
)

CERTIFICATES = [
    # name, PEM, certificates
    ("one", CERTIFICATE, [IDENTITY.certificate]),
    (
        "two, in their order",
        OTHER.certificatePEM + CERTIFICATE,
        [OTHER.certificate, IDENTITY.certificate],
    ),
    ("behind a key", KEY + CERTIFICATE, [IDENTITY.certificate]),
    ("before a key", CERTIFICATE + KEY, [IDENTITY.certificate]),
    ("text around", TEXT + CERTIFICATE + TEXT, [IDENTITY.certificate]),
    ("lines with CRLF", CERTIFICATE.replace(b"\n", b"\r\n"), [IDENTITY.certificate]),
]

NO_CERTIFICATES = [
    # name, PEM, what is wrong
    ("nothing", b"", "there is no certificate in PEM in it"),
    ("a key", KEY, "there is no certificate in PEM in it"),
    ("text", TEXT, "there is no certificate in PEM in it"),
    (
        "DER",
        IDENTITY.certificate.public_bytes(Encoding.DER),
        "there is no certificate in PEM in it",
    ),
    ("torn", TORN, "there is no certificate that can be read in it"),
    (
        "another kind of thing",
        NONSENSE % (b"CERTIFICATE", b"CERTIFICATE"),
        "there is no certificate that can be read in it",
    ),
    (
        "behind a good one",
        CERTIFICATE + NONSENSE % (b"CERTIFICATE", b"CERTIFICATE"),
        "there is no certificate that can be read in it",
    ),
]

KEYS = [
    # name, PEM, the key
    ("PKCS#8", KEY, IDENTITY.key),
    ("with its curve in its label", _traditional(IDENTITY.key), IDENTITY.key),
    (
        "with its curve in front, as openssl ecparam writes it",
        b"-----BEGIN EC PARAMETERS-----\n"
        b"BggqhkjOPQMBBw==\n"
        b"-----END EC PARAMETERS-----\n" + _traditional(IDENTITY.key),
        IDENTITY.key,
    ),
    ("RSA", _private(rsaKey()), rsaKey()),
    ("RSA with that in its label", _traditional(rsaKey()), rsaKey()),
    ("behind a certificate", CERTIFICATE + KEY, IDENTITY.key),
    ("before a certificate", KEY + CERTIFICATE, IDENTITY.key),
    ("text around", TEXT + KEY + TEXT, IDENTITY.key),
]

NO_KEYS = [
    # name, PEM, what is wrong
    ("nothing", b"", "there is no private key in PEM in it"),
    ("a certificate", CERTIFICATE, "there is no private key in PEM in it"),
    ("text", TEXT, "there is no private key in PEM in it"),
    (
        "encrypted",
        ENCRYPTED,
        "its key is encrypted, and there is nobody to ask",
    ),
    (
        "another kind of thing",
        NONSENSE % (b"PRIVATE KEY", b"PRIVATE KEY"),
        "there is no private key that can be read in it",
    ),
    (
        "one that cannot sign",
        _private(x25519.X25519PrivateKey.generate()),
        "its key is of a kind unknown to TLS",
    ),
    (
        "DSA, which went with TLS 1.3",
        _private(dsa.generate_private_key(1024)),
        "its key is of a kind unknown to TLS",
    ),
]


class ReadTests(TableTestCase):
    """What is read from PEM."""

    def test_certificates(self):
        """All certificates are read, in their order."""
        self.assertGives(readCertificates, CERTIFICATES)

    def test_keys(self):
        """The key is read, whatever it is written like."""

        def public(pem: bytes) -> object:
            return readKey(pem).public_key()

        self.assertGives(
            public, [(name, pem, key.public_key()) for name, pem, key in KEYS]
        )

    def test_kinds(self):
        """A key of an Edwards curve is one."""
        key = Ed25519PrivateKey.generate()
        self.assertEqual(key.public_key(), readKey(_private(key)).public_key())

    def test_noCertificates(self):
        """What is no certificate is refused, and the error says why."""
        self.assertGives(lambda pem: _problem(readCertificates, pem), NO_CERTIFICATES)

    def test_noKeys(self):
        """What is no key is refused, and the error says why."""
        self.assertGives(lambda pem: _problem(readKey, pem), NO_KEYS)


def _problem(read: object, pem: bytes) -> str:
    assert callable(read)
    try:
        read(pem)
    except CertificateError as error:
        assert error.source == "PEM in memory", error.source
        return error.problem
    return "nothing"


class PairTests(FilesTestCase):
    """A certificate and its key."""

    def test_memory(self):
        """Both may be in memory, together or apart."""
        for pair in (CertificatePair(IDENTITY.pem), CertificatePair(CERTIFICATE, KEY)):
            credential = pair.read()
            self.assertEqual(IDENTITY.certificate, credential.certificate)
            self.assertEqual(IDENTITY.key.public_key(), credential.key.public_key())
            self.assertEqual("PEM in memory", credential.source)

    def test_files(self):
        """Both may be in files, together or apart, whose paths are of either kind."""
        both = self.write("both.pem", IDENTITY.pem)
        apart = self.write("c.pem", CERTIFICATE), self.write("k.pem", KEY)
        for pair in (
            CertificatePair(both),
            CertificatePair(Path(both)),
            CertificatePair(*apart),
            CertificatePair(*map(Path, apart)),
        ):
            credential = pair.read()
            self.assertEqual(IDENTITY.certificate, credential.certificate)
            self.assertEqual(nameOf(pair.certificate), credential.source)

    def test_chain(self):
        """What comes behind the certificate is its chain."""
        between = authority("Intermediate", signer="Test Authority")
        leaf = issue("mx.example", by=between)
        identity = Identity(leaf.certificate, leaf.key, (between.certificate,))
        credential = CertificatePair(identity.pem).read()
        self.assertEqual(leaf.certificate, credential.certificate)
        self.assertEqual((between.certificate,), credential.chain)

    def test_mismatch(self):
        """The key has to be that of the certificate."""
        path = self.write("other.key", OTHER.keyPEM)
        error = self.assertRaises(
            CertificateError, CertificatePair(CERTIFICATE, path).read
        )
        self.assertEqual(
            f"{path}: its key is not that of the first certificate in PEM in memory",
            str(error),
        )

    def test_chainFirst(self):
        """The certificate has to come first."""
        pem = authority().certificatePEM + IDENTITY.pem
        self.assertRaises(CertificateError, CertificatePair(pem).read)

    def test_missing(self):
        """A file that cannot be read is named."""
        certificate = self.write("certificate.pem", CERTIFICATE)
        missing = os.path.join(self.folder, "missing.pem")
        for pair in (
            CertificatePair(missing),
            CertificatePair(certificate, missing),
            CertificatePair(missing, certificate),
        ):
            error = self.assertRaises(CertificateError, pair.read)
            self.assertEqual(f"{missing}: No such file or directory", str(error))

    def test_folder(self):
        """A folder is not a file."""
        error = self.assertRaises(CertificateError, CertificatePair(self.folder).read)
        self.assertEqual(f"{self.folder}: Is a directory", str(error))

    def test_repr(self):
        """What shows a pair or a credential shows no key."""
        pair = CertificatePair(CERTIFICATE, KEY)
        self.assertEqual(
            "CertificatePair(certificate=PEM in memory, key=PEM in memory)", repr(pair)
        )
        self.assertEqual(
            "CertificatePair(certificate=a.pem, key=None)",
            repr(CertificatePair("a.pem")),
        )
        self.assertNotIn("key", repr(pair.read()).lower())
