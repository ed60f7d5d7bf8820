# -*- test-case-name: tests.test_sasl_encoding -*-
"""
What exchanges are written in: UTF-8 and base64, both without any leniency.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from smtpsession.errors import SASLError
from smtpsession.replies import BAD_EXCHANGE


def decodeText(octets: bytes) -> str:
    """
    The text that a client sent.

    @raise SASLError: 501, it is not UTF-8
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise SASLError.saying(BAD_EXCHANGE) from None


def parseBase64(text: bytes) -> bytes:
    """
    Decode base64, RFC 4648, section 4.

    @raise ValueError: it is not base64, or not what an encoder makes: white space, bits
        or padding too many
    """
    octets = b64decode(text, validate=True)
    if b64encode(octets) != text:
        raise ValueError("not as base64 is printed")
    return octets


def printBase64(octets: bytes) -> bytes:
    """The inverse of `parseBase64`."""
    return b64encode(octets)
