"""
Certificates for tests: a small authority, and what it signs.

Keys are those of elliptic curves, which are made at once, and each name has only one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TypeAlias

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from smtpsession.pem import Key

#: What signs.
Hash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

#: Certificates are valid for so long, unless the test says otherwise.
VALIDITY = timedelta(days=100)


@frozen(eq=False)
class Identity:
    """
    A certificate with its key, both as objects and as PEM.

    @ivar chain: the certificates of the authorities in between
    """

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def certificatePEM(self) -> bytes:
        """The certificate and its chain."""
        return b"".join(
            each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain)
        )

    @property
    def keyPEM(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def pem(self) -> bytes:
        """All of it in one piece."""
        return self.keyPEM + self.certificatePEM


#: The authority that signs, unless the test says otherwise.
AUTHORITY = "Test Authority"

_authorities: dict[str, Identity] = {}


def authority(name: str = AUTHORITY, signer: str | None = None) -> Identity:
    """
    The one authority of this name.

    @param signer: who has signed its certificate; by default it did itself
    """
    if name not in _authorities:
        _authorities[name] = newAuthority(name, signer)
    return _authorities[name]


def newAuthority(
    name: str, signer: str | None = None, permitted: str | None = None
) -> Identity:
    """
    An authority that is none of those, even where it has the name of one.

    @param permitted: the domain that it may sign for, if it may not for all
    """
    key = ec.generate_private_key(ec.SECP256R1())
    above = None if signer is None else authority(signer)
    builder = _builder(name, above, key, VALIDITY).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    if permitted is not None:
        constraints = x509.NameConstraints([x509.DNSName(permitted)], None)
        builder = builder.add_extension(constraints, critical=True)
    return Identity(_signed(builder, above, key), key)


def issue(
    *names: str,
    by: Identity | None = None,
    expiresIn: timedelta = VALIDITY,
    key: Key | None = None,
    isClient: bool = False,
    hash: Hash | None = None,
) -> Identity:
    """
    A new certificate for these hosts or IP addresses, or for this client.

    @param by: who signs it; `authority` by default
    @param expiresIn: from now on, and so negative for one that has expired
    @param key: its key, or a new one
    @param hash: the hash function of its signature, SHA-256 by default
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    by = by or authority()
    usage = (
        ExtendedKeyUsageOID.CLIENT_AUTH if isClient else ExtendedKeyUsageOID.SERVER_AUTH
    )
    builder = (
        _builder(names[0], by, key, expiresIn)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return Identity(_signed(builder, by, key, hash), key)


def selfSigned(name: str, key: Key | None = None) -> Identity:
    """A new certificate for a host or an IP address that its own key has signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, None, key, VALIDITY).add_extension(
        x509.SubjectAlternativeName(_general([name])), critical=False
    )
    return Identity(_signed(builder, None, key), key)


@cache
def server(*names: str) -> Identity:
    """The one certificate that `authority` has issued for these names."""
    return issue(*names)


@cache
def client(name: str = "client.example.com") -> Identity:
    """The one certificate that `authority` has issued for this client."""
    return issue(name, isClient=True)


@cache
def rsaKey() -> Key:
    """Some key of RSA, which takes its time to be made."""
    return rsa.generate_private_key(65537, 2048)


@cache
def weakKey() -> Key:
    """A key that nobody takes seriously any more."""
    return rsa.generate_private_key(65537, 1024)


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_generalName(name) for name in names]


def _generalName(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    name: str, signer: Identity | None, key: Key, expiresIn: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if signer is None else signer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + expiresIn) - timedelta(days=1))
        .not_valid_after(now + expiresIn)
    )


def _signed(
    builder: x509.CertificateBuilder,
    signer: Identity | None,
    key: Key,
    hash: Hash | None = None,
) -> x509.Certificate:
    signing = key if signer is None else signer.key
    if isinstance(signing, ed25519.Ed25519PrivateKey):
        return builder.sign(signing, None)
    return builder.sign(signing, hash or hashes.SHA256())
