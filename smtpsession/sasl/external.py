# -*- test-case-name: tests.test_sasl_external -*-
"""
EXTERNAL, RFC 4422, appendix A: the client's certificate says who it is.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from smtpsession.errors import SASLError
from smtpsession.replies import AUTHENTICATION_FAILED, BAD_EXCHANGE
from smtpsession.sasl.auth import ExternalAuth
from smtpsession.sasl.encoding import decodeText
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.prep import prepareName


def external(context: ExchangeContext) -> Exchange:
    """
    The client says at most whom it wants to act as.

    Were that taken for its own name, whoever has any certificate could be anybody.
    """
    octets = yield Challenge(b"")
    if b"\0" in octets:
        raise SASLError.saying(BAD_EXCHANGE)
    authzid = prepareName(decodeText(octets)) if octets else None
    yield ExternalAuth(
        method="EXTERNAL",
        username=prepareName(nameIn(context.certificate)),
        authzid=authzid,
        certificate=context.certificate,
    )


def nameIn(certificate: Any) -> str:
    """
    Whose certificate this is: the first e-mail address in its alternative names (RFC
    5280, section 4.2.1.6), or else the most specific common name of its subject.

    @param certificate: of pyOpenSSL or of cryptography, or None
    @raise SASLError: 535, there is none, or it has neither, or it cannot be read
    """
    if certificate is None:
        raise SASLError.saying(AUTHENTICATION_FAILED)
    if hasattr(certificate, "to_cryptography"):
        certificate = certificate.to_cryptography()
    try:
        return _nameIn(certificate)
    except (LookupError, ValueError, x509.DuplicateExtension):
        raise SASLError.saying(AUTHENTICATION_FAILED) from None


def _nameIn(certificate: x509.Certificate) -> str:
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        addresses = []
    else:
        addresses = extension.value.get_values_for_type(x509.RFC822Name)
    if addresses:
        return addresses[0]
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value)
