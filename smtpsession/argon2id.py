# -*- test-case-name: tests.test_passwords -*-
"""
Argon2id, RFC 9106, as C{argon2-cffi} has it.
"""

from __future__ import annotations

import hmac
import re
from secrets import token_bytes
from typing import Any

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

#: RFC 9106, section 4, the second choice: KiB, passes and lanes.
MEMORY, PASSES, LANES = 65_536, 3, 4
#: 256 MiB at once, and 1 GiB in all passes.
MAX_MEMORY, MAX_WORK, MAX_LANES = 2**18, 2**20, 16

_ARGON2ID = re.compile(
    rf"\$argon2id\$v=19\$m=(?P<m>{NUMBER}),t=(?P<t>{NUMBER}),p=(?P<p>{NUMBER})"
    rf"\$(?P<salt>{BASE64})\$(?P<digest>{BASE64})",
    re.ASCII,
)


@frozen
class Argon2id(Secret):
    """
    RFC 9106.

    @ivar memory: in KiB
    @raise ValueError: a parameter is out of bounds, or C{argon2-cffi} is not there
    """

    salt: bytes = field(repr=False, validator=octets(8))
    digest: bytes = field(repr=False, validator=octets(16))
    memory: int
    passes: int
    lanes: int

    def __attrs_post_init__(self) -> None:
        if not (1 <= self.lanes <= MAX_LANES and self.passes >= 1):
            raise ValueError("Argon2id with so many lanes or passes is not done here")
        # RFC 9106, section 3.1: 8 KiB a lane at the least.
        if not 8 * self.lanes <= self.memory <= MAX_MEMORY:
            raise ValueError("Argon2id would take too much memory, or too little")
        if self.memory * self.passes > MAX_WORK:
            raise ValueError("Argon2id would take too much time")
        _argon2()

    @classmethod
    def make(cls, password: str) -> Argon2id:
        """That of a password, with a new salt."""
        parameters = MEMORY, PASSES, LANES
        secret = cls(token_bytes(SALT), bytes(DIGEST), *parameters)
        return evolve(secret, digest=secret._hash(password))

    @classmethod
    def parse(cls, value: str) -> Argon2id:
        """The inverse of C{value}."""
        found = matched(_ARGON2ID, value)
        numbers = (int(each) for each in found.group("m", "t", "p"))
        return cls(parse64(found["salt"]), parse64(found["digest"]), *numbers)

    @property
    def scheme(self) -> str:
        return "ARGON2ID"

    @property
    def value(self) -> str:
        parameters = f"m={self.memory},t={self.passes},p={self.lanes}"
        salt, digest = print64(self.salt), print64(self.digest)
        return f"$argon2id$v=19${parameters}${salt}${digest}"

    @property
    def cost(self) -> int:
        return self.memory * self.passes

    @property
    def parameters(self) -> tuple[object, ...]:
        return (self.scheme, self.memory, self.passes, self.lanes)

    def matches(self, password: str) -> bool:
        return hmac.compare_digest(self._hash(password), self.digest)

    def decoy(self) -> Secret:
        return evolve(self, digest=token_bytes(len(self.digest)))

    def _hash(self, password: str) -> bytes:
        low = _argon2()
        digest: bytes = low.hash_secret_raw(
            password.encode(),
            self.salt,
            time_cost=self.passes,
            memory_cost=self.memory,
            parallelism=self.lanes,
            hash_len=len(self.digest),
            type=low.Type.ID,
        )
        return digest


def _argon2() -> Any:
    """
    The package that only this scheme needs.

    @raise ValueError: it is not there
    """
    try:
        from argon2 import low_level
    except ImportError:
        raise ValueError("{ARGON2ID} needs the package argon2-cffi") from None
    return low_level
