"""
Tests of smtpsession.derivedkeys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import ScramKeys, derivedkeys
from smtpsession.derivedkeys import DerivedKeys
from smtpsession.sasl.keys import madeUpKeys


class DerivedKeysTests(SynchronousTestCase):
    """Keys of passwords."""

    def setUp(self) -> None:
        self.runs = 0
        self.keys = DerivedKeys(b"secret")

    def find(self, name: str, password: str | None, hashName: str = "SHA-256") -> Any:
        """The keys of a password."""
        found = self.keys.find(name, hashName, password, self.runHere)
        return self.successResultOf(Deferred.fromCoroutine(found))

    def runHere(self, derive: Callable[[], ScramKeys]) -> Deferred[ScramKeys]:
        self.runs += 1
        return succeed(derive())

    def test_derived(self):
        """They are of this password and this hash function, with a salt."""
        for hashName in ("SHA-1", "SHA-256", "SHA-512"):
            keys = self.find("bob", "pencil", hashName)
            self.assertEqual(hashName, keys.hashName)
            self.assertEqual(16, len(keys.salt))
            self.assertTrue(keys.matches("pencil"))

    def test_once(self):
        """They are derived once for each name, password and hash function."""
        first = self.find("bob", "pencil")
        self.assertEqual(first, self.find("bob", "pencil"))
        self.assertEqual(1, self.runs)

        self.find("bob", "eraser")
        self.find("alice", "pencil")
        self.find("bob", "pencil", "SHA-1")
        self.assertEqual(4, self.runs)

    def test_nobody(self):
        """Who has no password has no keys, after the same work."""
        self.assertIsNone(self.find("eve", None))
        self.assertIsNone(self.find("eve", None))
        self.assertEqual(1, self.runs)

    def test_forgotten(self):
        """Those not asked for lately are forgotten, and come back with their salt."""
        self.patch(derivedkeys, "_MAX", 2)
        salt = self.find("bob", "pencil").salt
        self.find("alice", "pencil")
        self.find("bob", "pencil")
        self.find("eve", None)
        self.assertEqual(3, self.runs)

        self.find("bob", "pencil")
        self.assertEqual(3, self.runs)
        self.find("alice", "pencil")
        self.find("eve", None)
        self.assertEqual(salt, self.find("bob", "pencil").salt)
        self.assertEqual(6, self.runs)

    def test_salts(self):
        """Each name has a salt of its own, and each server that has another secret."""
        salts = {self.find(name, "pencil").salt for name in ("bob", "alice")}
        self.keys = DerivedKeys(b"another")
        salts.add(self.find("bob", "pencil").salt)
        self.assertEqual(3, len(salts))

    def test_saltOfNobody(self):
        """
        It is the one that this name would have if there were no such user: in another
        process, or after a restart, a new salt of a name would tell that there is one.
        """
        for hashName in ("SHA-1", "SHA-256", "SHA-512"):
            self.assertEqual(
                madeUpKeys(b"secret", "bob", hashName, 1).salt,
                self.find("bob", "pencil", hashName).salt,
            )
