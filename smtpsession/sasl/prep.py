# -*- test-case-name: tests.test_sasl_prep -*-
"""
SASLprep, RFC 4013: the one form of names and passwords that can be written in several.

It is of Unicode 3.2, and so are the tables of C{stringprep}.  Code points that were
assigned later are let through in what a client sends and refused in what is stored, as
RFC 3454, section 7 has it.
"""

from __future__ import annotations

import re
import stringprep
from unicodedata import ucd_3_2_0

from smtpsession.errors import SASLError
from smtpsession.limits import SASL_TEXT
from smtpsession.replies import AUTHENTICATION_FAILED

_ASCII_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# RFC 4013, section 2.3.  C.1.2 is not there: the mapping leaves nothing of it.
_PROHIBITED = (
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepare(text: str, isStored: bool = False) -> str:
    """
    Apply SASLprep.

    @param isStored: whether this is to be kept, rather than compared with what is kept
    @raise ValueError: it has what SASLprep prohibits, control characters for one, or is
        too long to be normalized
    """
    if text.isascii():
        # Nothing is mapped, and what is prohibited is quickly said.
        if _ASCII_CONTROL.search(text):
            raise ValueError("control characters")
        return text
    # To put very many combining characters in order takes quadratic time.
    if len(text) > SASL_TEXT:
        raise ValueError(f"longer than {SASL_TEXT} characters")
    prepared = ucd_3_2_0.normalize("NFKC", "".join(map(_mapped, text)))
    for character in prepared:
        if any(isIn(character) for isIn in _PROHIBITED):
            raise ValueError("prohibited characters")
        if isStored and stringprep.in_table_a1(character):
            raise ValueError("characters that Unicode 3.2 does not have")
    _checkDirections(prepared)
    return prepared


def prepareName(text: str) -> str:
    """
    The name of a user in its one form.

    @raise SASLError: 535, as RFC 4954, section 4 demands; it has none, or an empty one,
        or is longer than any name
    """
    prepared = preparePassword(text)
    if len(prepared) > SASL_TEXT:
        raise SASLError.saying(AUTHENTICATION_FAILED)
    return prepared


def preparePassword(text: str) -> str:
    """
    A password in its one form.

    @raise SASLError: 535, as RFC 4616, section 2 demands; it has none, or an empty one
    """
    try:
        prepared = prepare(text)
    except ValueError:
        raise SASLError.saying(AUTHENTICATION_FAILED) from None
    # There are directories that take an empty password for a wish to be nobody, and
    # agree.
    if not prepared:
        raise SASLError.saying(AUTHENTICATION_FAILED)
    return prepared


def _mapped(character: str) -> str:
    """RFC 4013, section 2.1.  U+200B is in both tables: it goes."""
    if stringprep.in_table_b1(character):
        return ""
    return " " if stringprep.in_table_c12(character) else character


def _checkDirections(text: str) -> None:
    """RFC 3454, section 6: letters written from the right stand alone."""
    fromRight = [stringprep.in_table_d1(character) for character in text]
    if any(fromRight):
        if any(map(stringprep.in_table_d2, text)):
            raise ValueError("letters written from the right and from the left")
        if not (fromRight[0] and fromRight[-1]):
            raise ValueError("letters written from the right not at both ends")
