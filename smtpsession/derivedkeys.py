# -*- test-case-name: tests.test_derivedkeys -*-
"""
SCRAM's keys of passwords that are kept in clear, derived when somebody asks for them.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial

from smtpsession.sasl.keys import ITERATIONS, ScramKeys, madeUpKeys

#: How many are remembered.
_MAX = 4096

#: Runs a function where it keeps nobody waiting.
Run = Callable[[Callable[[], ScramKeys]], Awaitable[ScramKeys]]


class DerivedKeys:
    """
    Keys that are remembered, so that they are derived once.

    Those of names without a password are derived, and remembered, too: else it would
    tell who has one that the first answer for a name takes long, or the second does
    not.
    """

    def __init__(self, secret: bytes) -> None:
        """
        @param secret: what the salts of users that there are not are made of.  Those of
            the others are made as these, so that no salt tells who is who.
        """
        self._keys: OrderedDict[tuple[bytes, str, str | None], ScramKeys] = (
            OrderedDict()
        )
        # A salt is the same each time, even when keys were forgotten in between, and in
        # each process, as those of users that there are not: RFC 5802, section 9.
        self._secret = secret

    async def find(
        self, name: str, hashName: str, password: str | None, run: Run
    ) -> ScramKeys | None:
        """
        The keys of a password.

        @param password: None if this name has none, or none is needed
        @param run: derives them elsewhere
        @return: None for a name without a password, after the same work
        """
        known = (_digestOf(name), hashName, password)
        keys = self._keys.get(known)
        if keys is None:
            keys = await run(partial(self._derive, name, hashName, password))
            self._keys[known] = keys
            if len(self._keys) > _MAX:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(known)
        return None if password is None else keys

    def _derive(self, name: str, hashName: str, password: str | None) -> ScramKeys:
        salt = madeUpKeys(self._secret, name, hashName, ITERATIONS).salt
        return ScramKeys.derive(password or "nobody's", hashName, salt)


def _digestOf(name: str) -> bytes:
    """As long for each name, for a client chooses those that are remembered."""
    return hashlib.sha256(name.encode()).digest()
