# -*- test-case-name: tests.test_sasl_bearer -*-
"""
OAUTHBEARER, RFC 7628, and XOAUTH2, which Google had before it.

The client sends a token, and learns in a challenge of its own if it is not accepted.
"""

from __future__ import annotations

import re

from smtpsession.errors import SASLError
from smtpsession.replies import AUTHENTICATION_FAILED, BAD_EXCHANGE
from smtpsession.sasl.auth import BearerAuth
from smtpsession.sasl.encoding import decodeText
from smtpsession.sasl.exchange import Challenge, Exchange, ExchangeContext
from smtpsession.sasl.gs2 import GS2Header, parseGS2Header, printGS2Header
from smtpsession.sasl.prep import prepareName

#: RFC 7628, section 3.2.2.
OAUTHBEARER_ERROR = b'{"status":"invalid_token"}'
#: As Google's servers say it, for the clients that look at it.
XOAUTH2_ERROR = b'{"status":"401","schemes":"bearer"}'

# RFC 7628, section 3.1:
#   kvsep  = %x01
#   key    = 1*(ALPHA)
#   value  = *(VCHAR / SP / HTAB / CR / LF )
#   kvpair = key "=" value kvsep
# The user of XOAUTH2 may have letters beyond ASCII.
_KVPAIR = re.compile(
    r"(?P<key>[A-Za-z]+)=(?P<value>[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*)"
)

# RFC 6750, section 2.1:
#   b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
#   credentials = "Bearer" 1*SP b64token
_CREDENTIALS = re.compile(r"(?i:bearer) +(?P<token>[A-Za-z0-9\-._~+/]+=*)", re.ASCII)

_HOST = re.compile(r"[!-~]{1,255}")
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


def oauthBearer(context: ExchangeContext) -> Exchange:
    """A token, and the server's objections to it if it has any."""
    auth = parseOAuthBearer((yield Challenge(b"")))
    if not auth.accessToken:
        # RFC 7628, section 3.2.2: a client that has none yet asks what is wanted.
        yield Challenge(OAUTHBEARER_ERROR)
        raise SASLError.saying(AUTHENTICATION_FAILED)
    if not (yield auth):
        yield Challenge(OAUTHBEARER_ERROR)


def xoauth2(context: ExchangeContext) -> Exchange:
    """The same in Google's words."""
    if not (yield parseXOAuth2((yield Challenge(b"")))):
        yield Challenge(XOAUTH2_ERROR)


def parseOAuthBearer(octets: bytes) -> BearerAuth:
    r"""
    Read C{b"n,a=bob,\1host=mx.example.org\1port=587\1auth=Bearer vF9d\1\1"}.  Keys that
    we do not know are ignored.

    @return: with an empty C{accessToken} if the client sent an empty C{auth}
    @raise SASLError: 501, it is malformed or names a key twice; 535, SASLprep has no
        form of the name, or it wants to bind to the channel, for which there is no
        mechanism
    """
    decodeText(octets)
    start, separator, rest = octets.partition(b"\1")
    header = parseGS2Header(start)
    pairs = _parsePairs(rest)
    if not (separator and rest.isascii() and "auth" in pairs):
        raise SASLError.saying(BAD_EXCHANGE)
    if header.flag == "p":
        raise SASLError.saying(AUTHENTICATION_FAILED)
    authzid = None if header.authzid is None else prepareName(header.authzid)
    return BearerAuth(
        method="OAUTHBEARER",
        username=authzid or "",
        authzid=authzid,
        accessToken=_token(pairs["auth"]) if pairs["auth"] else "",
        host=_matching(_HOST, pairs.get("host")),
        port=_port(pairs.get("port")),
    )


def printOAuthBearer(auth: BearerAuth) -> bytes:
    """The inverse of `parseOAuthBearer`."""
    token = f"Bearer {auth.accessToken}" if auth.accessToken else ""
    pairs = {"host": auth.host, "port": auth.port, "auth": token}
    header = printGS2Header(GS2Header(authzid=auth.authzid))
    return header + b"\1" + _printPairs(pairs)


def parseXOAuth2(octets: bytes) -> BearerAuth:
    r"""
    Read C{b"user=bob@example.org\1auth=Bearer ya29\1\1"}.

    @raise SASLError: 501, it is malformed; 535, SASLprep has no form of the name
    """
    pairs = _parsePairs(octets)
    if list(pairs) != ["user", "auth"]:
        raise SASLError.saying(BAD_EXCHANGE)
    return BearerAuth(
        method="XOAUTH2",
        username=prepareName(pairs["user"]),
        accessToken=_token(pairs["auth"]),
    )


def printXOAuth2(auth: BearerAuth) -> bytes:
    """The inverse of `parseXOAuth2`."""
    return _printPairs({"user": auth.username, "auth": f"Bearer {auth.accessToken}"})


def _parsePairs(octets: bytes) -> dict[str, str]:
    """C{*kvpair kvsep}, in order."""
    *pairs, last, end = ["", *decodeText(octets).split("\1")]
    if last or end:
        raise SASLError.saying(BAD_EXCHANGE)
    values: dict[str, str] = {}
    for pair in pairs[1:]:
        found = _KVPAIR.fullmatch(pair)
        if found is None or found["key"] in values:
            raise SASLError.saying(BAD_EXCHANGE)
        values[found["key"]] = found["value"]
    return values


def _printPairs(pairs: dict[str, str | int | None]) -> bytes:
    given = (f"{key}={pairs[key]}\1" for key in pairs if pairs[key] is not None)
    return "".join([*given, "\1"]).encode("utf-8")


def _token(credentials: str) -> str:
    found = _CREDENTIALS.fullmatch(credentials)
    if found is None:
        raise SASLError.saying(BAD_EXCHANGE)
    return found["token"]


def _port(text: str | None) -> int | None:
    port = _matching(_PORT, text)
    if port is None:
        return None
    if int(port) > 65535:
        raise SASLError.saying(BAD_EXCHANGE)
    return int(port)


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    if text is not None and pattern.fullmatch(text) is None:
        raise SASLError.saying(BAD_EXCHANGE)
    return text
