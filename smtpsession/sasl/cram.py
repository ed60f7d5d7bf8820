# -*- test-case-name: tests.test_sasl_cram -*-
"""
CRAM-MD5, RFC 2195.
"""

from __future__ import annotations

import re

from smtpsession.errors import SASLError
from smtpsession.replies import BAD_EXCHANGE
from smtpsession.sasl.auth import CramMD5Auth
from smtpsession.sasl.encoding import decodeText
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.prep import prepareName

# A user name may have spaces, a digest has none.
_RESPONSE = re.compile(r"(?P<username>.+) (?P<digest>[0-9a-f]{32})", re.DOTALL)


def cramMD5(context: ExchangeContext) -> Exchange:
    """The server says something that it never said before, the client its digest."""
    timestamp = int(context.time())
    challenge = f"<{context.nonce()}.{timestamp}@{context.hostname}>".encode("ascii")
    yield parseCramMD5((yield Challenge(challenge)), challenge)


def parseCramMD5(octets: bytes, challenge: bytes) -> CramMD5Auth:
    """
    Read C{b"tim b913a602c7eda7a495b4e6e7334d3890"}.

    @raise SASLError: 501, it is malformed; 535, SASLprep has no form of the name
    """
    found = _RESPONSE.fullmatch(decodeText(octets))
    if found is None:
        raise SASLError.saying(BAD_EXCHANGE)
    return CramMD5Auth(
        method="CRAM-MD5",
        username=prepareName(found["username"]),
        challenge=challenge,
        digest=found["digest"],
    )


def printCramMD5(auth: CramMD5Auth) -> bytes:
    """The inverse of `parseCramMD5`."""
    return f"{auth.username} {auth.digest}".encode()
