# -*- test-case-name: tests.test_router -*-
"""
Patterns of recipients: shell globs over the whole address, the domain without regard to
case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

from smtpsession.addresses import SMTPAddress

#: What a domain is made of, and an address literal, and what stands for some of that.
_DOMAIN = re.compile(r"[a-z0-9_.:*?!\[\]-]+")
#: The one who is there without a domain: RFC 5321, section 4.5.1.
_POSTMASTER = "postmaster"


def compilePattern(pattern: str) -> re.Pattern[str]:
    """
    A pattern, to be matched with an address whose domain is in lower case, in A-labels.

    @raise ValueError: no recipient can be meant; the text says why
    """
    localPart, at, domain = pattern.rpartition("@")
    domain = ".".join(map(_aLabel, domain.lower().split(".")))
    if at and _DOMAIN.fullmatch(domain) is None:
        raise ValueError(f"{pattern!r} has a domain that there cannot be")
    if at and not localPart:
        raise ValueError(f"{pattern!r} has nothing in front of the @")
    if not at and domain != _POSTMASTER and not re.search(r"[*?[]", domain):
        raise ValueError(f"{pattern!r} has no @, and is not {_POSTMASTER}")
    return re.compile(translate(localPart + at + domain))


def compilePatterns(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """
    The same of several.

    @raise ValueError: as `compilePattern`
    """
    return tuple(map(compilePattern, patterns))


def _aLabel(label: str) -> str:
    return label if label.isascii() else SMTPAddress(f"x@{label}").domain
