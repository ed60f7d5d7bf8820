# -*- test-case-name: tests.test_pem -*-
"""
Certificates and keys in PEM, RFC 7468, from files or from memory.

Whatever is wrong with them is a `CertificateError` that names the file.
"""

from __future__ import annotations

import os
from typing import TypeAlias

from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from smtpsession.errors import CertificateError

#: The path of a file, or, as bytes, what would be in it.
Source: TypeAlias = str | os.PathLike[str] | bytes

#: The kinds of keys that certificates for TLS have.
Key: TypeAlias = (
    RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
)


def nameOf(source: Source | None) -> str:
    """What people call a source; never what is in it."""
    if isinstance(source, bytes):
        return "PEM in memory"
    return "None" if source is None else os.fspath(source)


@frozen
class Credential:
    """
    What a server proves with who it is.

    @ivar source: where the certificate came from
    @ivar certificate: the server's own
    @ivar chain: those of the authorities in between
    @ivar key: the private key of the certificate
    """

    source: str
    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: Key = field(repr=False)


@frozen
class CertificatePair:
    """
    Where a certificate and its key are.

    @ivar certificate: the certificate, and behind it those of the authorities in
        between, each signed by the next
    @ivar key: its key, without a passphrase; None where that is in the same file
    """

    certificate: Source = field(repr=nameOf)
    key: Source | None = field(default=None, repr=nameOf)

    def read(self) -> Credential:
        """
        Read both, and be sure that they go together.

        @raise CertificateError: they do not, or one of them cannot be read
        """
        certificate, *chain = readCertificates(self.certificate)
        source = self.certificate if self.key is None else self.key
        key = readKey(source)
        if key.public_key() != certificate.public_key():
            raise CertificateError(
                nameOf(source),
                "its key is not that of the first certificate in "
                + nameOf(self.certificate),
            )
        return Credential(nameOf(self.certificate), certificate, tuple(chain), key)


def readCertificates(source: Source) -> list[Certificate]:
    """
    Read all certificates that there are, at least one.

    @raise CertificateError: there is none, or one that cannot be read
    """
    octets = _octets(source)
    try:
        certificates = load_pem_x509_certificates(octets)
        for each in certificates:
            # They are parsed when they are looked at.
            each.public_key()
            each.not_valid_after_utc  # noqa: B018
    except (ValueError, UnsupportedAlgorithm) as error:
        found = "that can be read" if b"BEGIN CERTIFICATE" in octets else "in PEM"
        raise CertificateError(
            nameOf(source), f"there is no certificate {found} in it"
        ) from error
    return certificates


def readKey(source: Source) -> Key:
    """
    Read the first private key that there is.

    @raise CertificateError: there is none, or one that is of no use
    """
    octets = _octets(source)
    try:
        key = load_pem_private_key(octets, None)
    except TypeError as error:
        raise CertificateError(
            nameOf(source), "its key is encrypted, and there is nobody to ask"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        found = "that can be read" if b"PRIVATE KEY" in octets else "in PEM"
        raise CertificateError(
            nameOf(source), f"there is no private key {found} in it"
        ) from error
    if not isinstance(key, Key):
        raise CertificateError(nameOf(source), "its key is of a kind unknown to TLS")
    return key


def _octets(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with open(source, "rb") as file:
            return file.read()
    except OSError as error:
        raise CertificateError(
            nameOf(source), error.strerror or "cannot be read"
        ) from error
