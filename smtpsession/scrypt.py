# -*- test-case-name: tests.test_passwords -*-
"""
scrypt, RFC 7914: a hash that takes memory, and that Python has.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from secrets import token_bytes

from attrs import evolve, field, frozen

from smtpsession.secret import (
    BASE64,
    DIGEST,
    NUMBER,
    SALT,
    Secret,
    matched,
    octets,
    parse64,
    print64,
)

#: N as its binary logarithm, r and p: 64 MiB and half a second.  OWASP's first choice
#: for N is 17, twice that, which a server with many logins may find too much.
LOG_N, BLOCK, PARALLELISM = 16, 8, 1
#: Of N r, where scrypt takes 128 octets for each: 128 MiB; and of p: that four times.
MAX_BLOCKS, MAX_PARALLELISM = 2**20, 4

_SCRYPT = re.compile(
    rf"\$scrypt\$ln=(?P<logN>{NUMBER}),r=(?P<r>{NUMBER}),p=(?P<p>{NUMBER})"
    rf"\$(?P<salt>{BASE64})\$(?P<digest>{BASE64})",
    re.ASCII,
)


@frozen
class Scrypt(Secret):
    """
    RFC 7914.

    @raise ValueError: a parameter is out of bounds
    """

    salt: bytes = field(repr=False, validator=octets(1))
    digest: bytes = field(repr=False, validator=octets(16))
    logN: int
    r: int
    p: int

    def __attrs_post_init__(self) -> None:
        # N is bounded on its own, for it has to be, and so that nothing is shifted far.
        if not (1 <= self.logN <= 20 and 1 <= self.r <= MAX_BLOCKS):
            raise ValueError("scrypt with such an N or r is not done here")
        if (self.r << self.logN) > MAX_BLOCKS or not 1 <= self.p <= MAX_PARALLELISM:
            raise ValueError("scrypt would take too much memory or time")

    @classmethod
    def make(cls, password: str) -> Scrypt:
        """That of a password, with a new salt."""
        parameters = LOG_N, BLOCK, PARALLELISM
        secret = cls(token_bytes(SALT), bytes(DIGEST), *parameters)
        return evolve(secret, digest=secret._hash(password))

    @classmethod
    def parse(cls, value: str) -> Scrypt:
        """The inverse of C{value}."""
        found = matched(_SCRYPT, value)
        numbers = (int(each) for each in found.group("logN", "r", "p"))
        return cls(parse64(found["salt"]), parse64(found["digest"]), *numbers)

    @property
    def scheme(self) -> str:
        return "SCRYPT"

    @property
    def value(self) -> str:
        salt, digest = print64(self.salt), print64(self.digest)
        return f"$scrypt$ln={self.logN},r={self.r},p={self.p}${salt}${digest}"

    @property
    def cost(self) -> int:
        return (self.r << self.logN) * self.p

    @property
    def parameters(self) -> tuple[object, ...]:
        return (self.scheme, self.logN, self.r, self.p)

    def matches(self, password: str) -> bool:
        return hmac.compare_digest(self._hash(password), self.digest)

    def decoy(self) -> Secret:
        return evolve(self, digest=token_bytes(len(self.digest)))

    def _hash(self, password: str) -> bytes:
        return hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=1 << self.logN,
            r=self.r,
            p=self.p,
            # RFC 7914, section 6: V, B and a block more; OpenSSL counts a little on
            # top.
            maxmem=128 * self.r * ((1 << self.logN) + self.p + 2) + 2**16,
            dklen=len(self.digest),
        )
