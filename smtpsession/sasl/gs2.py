# -*- test-case-name: tests.test_sasl_gs2 -*-
"""
The header that SCRAM and OAUTHBEARER have from GS2: channel binding, and whom the
client wants to act as.
"""

from __future__ import annotations

import re

from attrs import frozen

from smtpsession.errors import SASLError
from smtpsession.replies import BAD_EXCHANGE
from smtpsession.sasl.encoding import decodeText

# RFC 5802, section 7:
#   saslname        = 1*(value-safe-char / "=2C" / "=3D")
#   value-safe-char = %x01-2B / %x2D-3C / %x3E-7F / UTF8-2 / UTF8-3 / UTF8-4
#                     ;; UTF8-char except NUL, "=", and ","
saslname = rb"(?:[^\x00=,]|=2C|=3D)+"

#   gs2-header    = gs2-cbind-flag "," [ authzid ] ","
#   gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
#   cb-name       = 1*(ALPHA / DIGIT / "." / "-")
#   authzid       = "a=" saslname
_GS2_HEADER = re.compile(
    rb"(?:(?P<flag>[ny])|p=(?P<binding>[A-Za-z0-9.\-]+)),(?:a=(?P<authzid>%b))?,"
    % saslname
)


@frozen
class GS2Header:
    """
    @ivar flag: C{"n"}, the client knows no channel binding; C{"y"}, it knows some but
        thinks that the server does not; C{"p"}, it binds
    @ivar binding: the name of the channel binding with C{"p"}, else None
    @ivar authzid: whom the client wants to act as, or None
    """

    flag: str = "n"
    binding: str | None = None
    authzid: str | None = None


def parseGS2Header(octets: bytes) -> GS2Header:
    """
    Read C{b"p=tls-exporter,a=bob,"}, valid UTF-8.

    @raise SASLError: 501, it is malformed
    """
    found = _GS2_HEADER.fullmatch(octets)
    if found is None:
        raise SASLError.saying(BAD_EXCHANGE)
    authzid = None if found["authzid"] is None else parseName(found["authzid"])
    if found["binding"] is not None:
        return GS2Header("p", found["binding"].decode("ascii"), authzid)
    return GS2Header(found["flag"].decode("ascii"), None, authzid)


def printGS2Header(header: GS2Header) -> bytes:
    """The inverse of `parseGS2Header`."""
    flag = header.flag if header.binding is None else f"p={header.binding}"
    authzid = b"" if header.authzid is None else b"a=" + printName(header.authzid)
    return b"%b,%b," % (flag.encode("ascii"), authzid)


def parseName(octets: bytes) -> str:
    """
    Decode what the pattern C{saslname} has matched.

    @raise SASLError: 501, it is not UTF-8
    """
    return decodeText(octets.replace(b"=2C", b",").replace(b"=3D", b"="))


def printName(name: str) -> bytes:
    """The inverse of `parseName`, for a name that is not empty and has no NUL."""
    return name.encode("utf-8").replace(b"=", b"=3D").replace(b",", b"=2C")
