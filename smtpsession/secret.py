# -*- test-case-name: tests.test_passwords -*-
"""
What is kept of one password, and what the schemes for that have in common.
"""

from __future__ import annotations

import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from secrets import token_bytes
from typing import Any

from attrs import evolve, field, frozen

from smtpsession.encodings import parseBase64, printBase64
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.prep import prepare

#: In octets, of a salt that we make; RFC 9106, section 4 recommends as many.
SALT = 16
#: In octets, of a hash that we make.
DIGEST = 32
#: In octets, at the most, of a salt or a hash that we read.
MAX_OCTETS = 64
#: Of SCRAM: twice what OWASP asks of PBKDF2, about a second.
MAX_ITERATIONS = 1_200_000
#: In numbers that are read: what fits.
NUMBER = "[1-9][0-9]{0,9}"
#: Without padding, as the formats of crypt have it.
BASE64 = "[A-Za-z0-9+/]+"


@frozen
class Secret(ABC):
    """
    What is kept of one password.
    """

    @property
    @abstractmethod
    def scheme(self) -> str:
        """What stands between the braces."""

    @property
    @abstractmethod
    def value(self) -> str:
        """What stands behind them."""

    @property
    @abstractmethod
    def cost(self) -> int:
        """About how many microseconds a check takes."""

    @property
    def parameters(self) -> tuple[object, ...]:
        """Secrets that are alike in these take the same work to check."""
        return (self.scheme,)

    @abstractmethod
    def matches(self, password: str) -> bool:
        """
        Whether this is the password; takes as long if it is not.

        @param password: after SASLprep
        """

    @abstractmethod
    def decoy(self) -> Secret:
        """One with the same parameters that no password matches."""

    def __str__(self) -> str:
        return f"{{{self.scheme}}}{self.value}"


def _storable(instance: object, attribute: object, password: str) -> None:
    if not password or prepare(password, isStored=True) != password:
        raise ValueError("not a password after SASLprep")


@frozen
class Plain(Secret):
    """
    The password itself.

    @ivar password: after SASLprep, not empty
    """

    password: str = field(repr=False, validator=_storable)

    @property
    def scheme(self) -> str:
        return "PLAIN"

    @property
    def value(self) -> str:
        return self.password

    @property
    def cost(self) -> int:
        return 0

    def matches(self, password: str) -> bool:
        return hmac.compare_digest(self.password.encode(), password.encode())

    def decoy(self) -> Secret:
        return Plain(token_bytes(DIGEST).hex())


@frozen
class Scram(Secret):
    """
    RFC 5803.  It is for SCRAM, but a password can be checked against it too.

    @raise ValueError: checking would take too long
    """

    keys: ScramKeys

    def __attrs_post_init__(self) -> None:
        if self.keys.iterations > MAX_ITERATIONS:
            raise ValueError(f"more than {MAX_ITERATIONS} iterations")
        if len(self.keys.salt) > MAX_OCTETS:
            raise ValueError(f"a salt of {len(self.keys.salt)} octets")

    @property
    def scheme(self) -> str:
        return f"SCRAM-{self.keys.hashName}"

    @property
    def value(self) -> str:
        return self.keys.asText().partition("$")[2]

    @property
    def cost(self) -> int:
        return self.keys.iterations

    @property
    def parameters(self) -> tuple[object, ...]:
        return (self.scheme, self.keys.iterations)

    def matches(self, password: str) -> bool:
        return self.keys.matches(password)

    def decoy(self) -> Secret:
        size = len(self.keys.storedKey)
        return Scram(evolve(self.keys, storedKey=token_bytes(size)))


def octets(minimum: int) -> Callable[[Any, Any, bytes], None]:
    """A validator of octets: this many at the least, `MAX_OCTETS` at the most."""

    def check(instance: object, attribute: Any, octets: bytes) -> None:
        if not minimum <= len(octets) <= MAX_OCTETS:
            raise ValueError(f"a {attribute.name} of {len(octets)} octets")

    return check


def matched(pattern: re.Pattern[str], value: str) -> re.Match[str]:
    """
    What a pattern finds in all of a value.

    @raise ValueError: it is not of this form; what it was is not told
    """
    found = pattern.fullmatch(value)
    if found is None:
        # Not what it is: it may be the password.
        raise ValueError("not of the form that its scheme has")
    return found


def parse64(text: str) -> bytes:
    """
    Decode base64 without padding.

    @raise ValueError: it is not as it is printed
    """
    return parseBase64((text + "=" * (-len(text) % 4)).encode("ascii"))


def print64(octets: bytes) -> str:
    """The inverse of `parse64`."""
    return printBase64(octets).decode("ascii").rstrip("=")
