"""
Tests of smtpsession.sasl.external.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509

from smtpsession.sasl.auth import ExternalAuth
from smtpsession.sasl.exchange import Challenge, ExchangeContext
from smtpsession.sasl.external import external, nameIn
from tests.cases import TableTestCase
from tests.exchanges import CONTEXT, ENDED, outcome, play

KEY = Ed25519PrivateKey.generate()


def certificate(
    commonNames: list[str], *alternatives: x509.GeneralName
) -> x509.Certificate:
    """A certificate with these names."""
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example")]
    names += [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in commonNames]
    begin = datetime.datetime(2026, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name(names))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=1))
    )
    if alternatives:
        extension = x509.SubjectAlternativeName(alternatives)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, None)


BOB = certificate(["Bob"], x509.RFC822Name("bob@example.org"))

NAMES = [
    # name, certificate, name in it
    ("an address and a common name", BOB, "bob@example.org"),
    ("the same of pyOpenSSL", X509.from_cryptography(BOB), "bob@example.org"),
    (
        "two addresses and a domain",
        certificate(
            [],
            x509.DNSName("example.org"),
            x509.RFC822Name("one@example.org"),
            x509.RFC822Name("two@example.org"),
        ),
        "one@example.org",
    ),
    ("a common name", certificate(["Bob"]), "Bob"),
    ("beside a domain", certificate(["Bob"], x509.DNSName("example.org")), "Bob"),
    ("the most specific of two", certificate(["Staff", "Bob"]), "Bob"),
]

NO_NAMES = [
    # name, certificate, codes
    ("none", certificate([]), "535 5.7.8"),
    ("only a domain", certificate([], x509.DNSName("example.org")), "535 5.7.8"),
    ("no certificate", None, "535 5.7.8"),
]


def _context(certificate: object) -> ExchangeContext:
    return ExchangeContext(hostname="mx.example.org", certificate=certificate)


class ExternalTests(TableTestCase):
    """EXTERNAL."""

    def test_names(self):
        """A certificate says whose it is."""
        self.assertGives(nameIn, NAMES)

    def test_noNames(self):
        """One that does not is refused."""
        self.assertRefusesWith(nameIn, NO_NAMES)

    def test_exchange(self):
        """The client says nothing, the application decides."""
        for accepted in (True, False):
            self.assertEqual(
                [
                    Challenge(b""),
                    ExternalAuth(
                        method="EXTERNAL", username="bob@example.org", certificate=BOB
                    ),
                    ENDED,
                ],
                play(external(_context(BOB)), b"", accepted),
            )

    def test_authzid(self):
        """Whom the client wants to act as is never taken for its own name."""
        auth = outcome(lambda: external(_context(BOB)), "\u2168".encode())

        assert isinstance(auth, ExternalAuth)
        self.assertEqual(("bob@example.org", "IX"), (auth.username, auth.authzid))

    def test_refused(self):
        """What the client says is a name, and so is what the certificate says."""
        rows = [
            ("a NUL", (BOB, b"bob\0"), "501 5.5.2"),
            ("Latin-1", (BOB, b"caf\xe9"), "501 5.5.2"),
            ("a line end", (BOB, b"bob\n"), "535 5.7.8"),
            ("nothing is left", (BOB, "\u00ad".encode()), "535 5.7.8"),
            ("a NUL inside", (certificate(["bob\0.example.org"]), b""), "535 5.7.8"),
            ("no certificate", (None, b""), "535 5.7.8"),
        ]

        self.assertRefusesWith(
            lambda row: outcome(lambda: external(_context(row[0])), row[1]), rows
        )

    def test_noCertificate(self):
        """Without a certificate there is no authentication."""
        self.assertRefusesWith(
            lambda response: outcome(lambda: external(CONTEXT), response),
            [("nothing", b"", "535 5.7.8"), ("a name", b"bob", "535 5.7.8")],
        )
