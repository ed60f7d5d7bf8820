# -*- test-case-name: tests.test_encodings -*-
"""
How any octets travel in a command line: xtext and base64, parse and print.

xtext may encode what could stand for itself.  base64 has one spelling for the same
octets: a second would be a way past whoever compares what was sent.
"""

from __future__ import annotations

import binascii

from smtpsession._grammar import HEXCHAR, NOT_XCHAR, XTEXT


def parseXtextOctets(octets: bytes) -> bytes:
    """
    Decode xtext, RFC 3461, section 4.  What it hides is for the caller to look at.

    @raise ValueError: it is not xtext
    """
    if XTEXT.fullmatch(octets) is None:
        raise ValueError(f"not xtext: {octets!r}")
    return HEXCHAR.sub(lambda found: bytes.fromhex(found[0][1:].decode()), octets)


def printXtextOctets(octets: bytes) -> bytes:
    """The inverse of `parseXtextOctets`."""
    return NOT_XCHAR.sub(lambda found: b"+%02X" % found[0][0], octets)


def parseBase64(octets: bytes) -> bytes:
    """
    Decode base64, RFC 4648, section 4: nothing outside of the alphabet, the padding
    there, the bits under it zero (section 3.5).

    @raise ValueError: it is not such base64; what it was is not told, for it may have
        been a password
    """
    try:
        decoded = binascii.a2b_base64(octets)
    except ValueError:
        raise ValueError("not base64") from None
    # The decoder skips what it does not know, unless it is told not to, which before
    # Python 3.11 it cannot be.
    if printBase64(decoded) != octets:
        raise ValueError("not base64 as it is printed")
    return decoded


def printBase64(octets: bytes) -> bytes:
    """The inverse of `parseBase64`."""
    return binascii.b2a_base64(octets, newline=False)
