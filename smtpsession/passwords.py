# -*- test-case-name: tests.test_passwords -*-
"""
What is kept of a password, in the schemes of the users file: C{{SCHEME}value}.

 - C{{PLAIN}hunter2}: the password itself.

 - C{{SCRYPT}$scrypt$ln=16,r=8,p=1$salt$hash}: RFC 7914, with N as its binary logarithm,
   and salt and hash in base64 without padding.

 - C{{SCRAM-SHA-256}15000:salt$storedKey:serverKey}, and the same with C{SHA-1} and
   C{SHA-512}: what RFC 5803 has behind the name of the mechanism.

 - C{{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=4$salt$hash}: RFC 9106, with C{argon2-cffi}.

Whoever writes such a value decides what a login costs; hence every parameter has an
upper bound.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpsession.argon2id import Argon2id
from smtpsession.sasl.keys import HASHES, ScramKeys
from smtpsession.sasl.prep import prepare
from smtpsession.scrypt import Scrypt
from smtpsession.secret import Plain, Scram, Secret


def _parsePlain(value: str) -> Plain:
    return Plain(prepare(value, isStored=True))


def _parseScram(hashName: str) -> Callable[[str], Secret]:
    return lambda value: Scram(ScramKeys.parse(f"SCRAM-{hashName}${value}"))


def _makeScram(hashName: str) -> Callable[[str], Secret]:
    return lambda password: Scram(ScramKeys.derive(password, hashName))


_PARSE: dict[str, Callable[[str], Secret]] = {
    "PLAIN": _parsePlain,
    "SCRYPT": Scrypt.parse,
    **{f"SCRAM-{name}": _parseScram(name) for name in HASHES},
    "ARGON2ID": Argon2id.parse,
}
_MAKE: dict[str, Callable[[str], Secret]] = {
    "PLAIN": Plain,
    "SCRYPT": Scrypt.make,
    **{f"SCRAM-{name}": _makeScram(name) for name in HASHES},
    "ARGON2ID": Argon2id.make,
}

#: The names of the schemes.
SCHEMES = tuple(_PARSE)


def parseSecret(scheme: str, value: str) -> Secret:
    """
    Read what C{scheme} and C{value} of a secret give.  A password in clear is taken
    after SASLprep.

    @raise ValueError: there is no such scheme, or the value is not of its form, or out
        of bounds; without telling what the value was
    """
    if scheme not in _PARSE:
        raise ValueError(f"no scheme for passwords: {{{scheme}}}")
    return _PARSE[scheme](value)


def makeSecret(scheme: str, password: str) -> Secret:
    """
    What to keep of a password.

    @raise ValueError: there is no such scheme, or SASLprep (RFC 4013) has no form of
        the password that may be stored, or an empty one
    """
    if scheme not in _MAKE:
        raise ValueError(f"no scheme for passwords: {{{scheme}}}")
    prepared = prepare(password, isStored=True)
    if not prepared:
        raise ValueError("an empty password")
    return _MAKE[scheme](prepared)
