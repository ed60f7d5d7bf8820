# -*- test-case-name: tests.test_sasl_encoding -*-
"""
What exchanges are written in: UTF-8 and base64, both without any leniency.
"""

from __future__ import annotations

from smtpsession.encodings import parseBase64, printBase64
from smtpsession.errors import SASLError
from smtpsession.replies import BAD_EXCHANGE

__all__ = ["decodeText", "parseBase64", "printBase64"]


def decodeText(octets: bytes) -> str:
    """
    The text that a client sent.

    @raise SASLError: 501, it is not UTF-8
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise SASLError.saying(BAD_EXCHANGE) from None
