# -*- test-case-name: tests.test_sasl_plain -*-
"""
PLAIN, RFC 4616.
"""

from __future__ import annotations

from smtpsession.errors import SASLError
from smtpsession.replies import BAD_EXCHANGE
from smtpsession.sasl.auth import PasswordAuth
from smtpsession.sasl.encoding import decodeText
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.prep import prepareName, preparePassword


def plain(context: ExchangeContext) -> Exchange:
    """One message from the client, which has it all."""
    yield parsePlain((yield Challenge(b"")))


def parsePlain(octets: bytes) -> PasswordAuth:
    r"""
    Read C{b"authzid\0username\0password"}, where C{authzid} may be empty.

    @raise SASLError: 501, it is malformed; 535, SASLprep has no form of one of its
        parts
    """
    parts = decodeText(octets).split("\0")
    # RFC 4616, section 2: authcid = 1*SAFE, passwd = 1*SAFE.
    if len(parts) != 3 or not (parts[1] and parts[2]):
        raise SASLError.saying(BAD_EXCHANGE)
    authzid, username, password = parts
    return PasswordAuth(
        method="PLAIN",
        username=prepareName(username),
        authzid=prepareName(authzid) if authzid else None,
        password=preparePassword(password),
    )


def printPlain(auth: PasswordAuth) -> bytes:
    """The inverse of `parsePlain`."""
    parts = (auth.authzid or "", auth.username, auth.password)
    return "\0".join(parts).encode("utf-8")
