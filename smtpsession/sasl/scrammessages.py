# -*- test-case-name: tests.test_sasl_scrammessages -*-
"""
The messages of SCRAM, RFC 5802, section 7: parse and print.

Printing what was parsed gives the very octets again, for both sides make the hash of
the messages that the proof is about.
"""

from __future__ import annotations

import re

from attrs import frozen

from smtpsession.errors import SASLError
from smtpsession.limits import SASL_TEXT
from smtpsession.replies import BAD_EXCHANGE
from smtpsession.sasl.encoding import decodeText, parseBase64, printBase64
from smtpsession.sasl.gs2 import (
    GS2Header,
    parseGS2Header,
    parseName,
    printGS2Header,
    printName,
    saslname,
)

#   printable  = %x21-2B / %x2D-7E
#   nonce      = "r=" c-nonce [s-nonce]
nonce = rb"[!-+\--~]+"

#   extensions = attr-val *("," attr-val)
#   attr-val   = ALPHA "=" value
#   value      = 1*value-char
# We know none, and so ignore all, but for "m", which section 5.1 has us refuse.  "p" is
# the proof, which comes last and once.
extensions = rb"(?:,[A-Za-lnoq-z]=[^\x00,]+)*"

#   client-first-message-bare = [reserved-mext ","] username "," nonce
#                               ["," extensions]
# reserved-mext is what section 5.1 has us refuse.
_CLIENT_FIRST_BARE = re.compile(
    rb"n=(?P<username>%b),r=(?P<nonce>%b)(?P<extensions>%b)"
    % (saslname, nonce, extensions)
)

#   server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count
#                          ["," extensions]
#   salt                 = "s=" base64
#   iteration-count      = "i=" posit-number
_SERVER_FIRST = re.compile(
    rb"r=(?P<nonce>%b),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<iterations>[1-9][0-9]{0,9})%b"
    % (nonce, extensions)
)

#   client-final-message-without-proof = channel-binding "," nonce ["," extensions]
#   client-final-message = client-final-message-without-proof "," proof
#   channel-binding      = "c=" base64
#   proof                = "p=" base64
_CLIENT_FINAL = re.compile(
    rb"c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>%b)(?P<extensions>%b)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)" % (nonce, extensions)
)


@frozen
class ClientFirst:
    """
    @ivar username: not prepared yet
    @ivar extensions: with a comma before each
    """

    header: GS2Header
    username: str
    nonce: str
    extensions: bytes = b""

    @property
    def bare(self) -> bytes:
        """The C{client-first-message-bare}."""
        name, nonce = printName(self.username), self.nonce.encode("ascii")
        return b"n=%b,r=%b%b" % (name, nonce, self.extensions)


def parseClientFirst(octets: bytes) -> ClientFirst:
    """
    Read C{b"n,,n=user,r=fyko"}.

    @raise SASLError: 501, it is malformed or demands an extension
    """
    decodeText(octets)
    flag, authzid, bare = _threeParts(octets)
    found = _CLIENT_FIRST_BARE.fullmatch(bare)
    # The nonce goes back to the client, with ours.
    if found is None or len(found["nonce"]) > SASL_TEXT:
        raise SASLError.saying(BAD_EXCHANGE)
    return ClientFirst(
        parseGS2Header(b"%b,%b," % (flag, authzid)),
        parseName(found["username"]),
        found["nonce"].decode("ascii"),
        found["extensions"],
    )


def printClientFirst(message: ClientFirst) -> bytes:
    """The inverse of `parseClientFirst`."""
    return printGS2Header(message.header) + message.bare


def printServerFirst(nonce: str, salt: bytes, iterations: int) -> bytes:
    """The C{server-first-message}."""
    encoded = nonce.encode("ascii")
    return b"r=%b,s=%b,i=%d" % (encoded, printBase64(salt), iterations)


def parseServerFirst(octets: bytes) -> tuple[str, bytes, int]:
    """
    The inverse of `printServerFirst`, for who is the client.

    @raise SASLError: 501, it is malformed or demands an extension
    """
    found = _SERVER_FIRST.fullmatch(octets)
    if found is None:
        raise SASLError.saying(BAD_EXCHANGE)
    try:
        salt = parseBase64(found["salt"])
    except ValueError:
        raise SASLError.saying(BAD_EXCHANGE) from None
    return found["nonce"].decode("ascii"), salt, int(found["iterations"])


@frozen
class ClientFinal:
    """
    @ivar binding: C{cbind-input}: the header of the first message, and the data of the
        channel binding if it names one
    @ivar extensions: with a comma before each
    """

    binding: bytes
    nonce: str
    proof: bytes
    extensions: bytes = b""

    @property
    def withoutProof(self) -> bytes:
        """The C{client-final-message-without-proof}."""
        binding, nonce = printBase64(self.binding), self.nonce.encode("ascii")
        return b"c=%b,r=%b%b" % (binding, nonce, self.extensions)


def parseClientFinal(octets: bytes) -> ClientFinal:
    """
    Read C{b"c=biws,r=fyko3rfc,p=dHzb"}.

    @raise SASLError: 501, it is malformed
    """
    decodeText(octets)
    found = _CLIENT_FINAL.fullmatch(octets)
    if found is None:
        raise SASLError.saying(BAD_EXCHANGE)
    try:
        binding, proof = parseBase64(found["binding"]), parseBase64(found["proof"])
    except ValueError:
        raise SASLError.saying(BAD_EXCHANGE) from None
    nonce = found["nonce"].decode("ascii")
    return ClientFinal(binding, nonce, proof, found["extensions"])


def printClientFinal(message: ClientFinal) -> bytes:
    """The inverse of `parseClientFinal`."""
    return message.withoutProof + b",p=" + printBase64(message.proof)


def printServerFinal(signature: bytes) -> bytes:
    """The C{server-final-message} of a client that is who it says."""
    return b"v=" + printBase64(signature)


def _threeParts(octets: bytes) -> list[bytes]:
    """The two parts of the header, which have no comma of their own, and the rest."""
    parts = octets.split(b",", 2)
    if len(parts) < 3:
        raise SASLError.saying(BAD_EXCHANGE)
    return parts
