"""
Tests of smtpsession.accountfiles.
"""

from __future__ import annotations

import os
from typing import Any

from smtpsession.accountfiles import (
    MAX_DECOYS,
    Users,
    WatchedFile,
    parseTokens,
    parseUsers,
)
from smtpsession.accountlines import AccountsError
from smtpsession.sasl.keys import ScramKeys
from smtpsession.scrypt import Scrypt
from smtpsession.secret import Plain, Scram
from tests.cases import FilesTestCase, TableTestCase

HEX = "ab" * 32

SCRYPT = Scrypt(b"salt", bytes(32), 2, 8, 1)
COSTLY = Scrypt(b"salt", bytes(32), 3, 8, 1)
SCRAM = Scram(ScramKeys.derive("pencil", iterations=8))
SCRAM_1 = Scram(ScramKeys.derive("pencil", "SHA-1", iterations=8))


def _parameters(secrets: Any) -> list[tuple[object, ...]]:
    return [each.parameters for each in secrets]


class UsersTests(TableTestCase):
    """The users file."""

    def test_parse(self):
        """What it says, in its order."""
        text = f"a:{{PLAIN}}x\nb:{{EXTERNAL}}{HEX}\nb:{{EXTERNAL}}{HEX}\na:{SCRYPT}\n"
        users = parseUsers(text.encode(), "users")
        self.assertEqual({"a": [Plain("x"), SCRYPT]}, users.secrets)
        self.assertEqual({bytes.fromhex(HEX): "b"}, users.certificates)
        self.assertEqual({"a", "b"}, users.names)

    def test_ambiguous(self):
        """A certificate, or a token, is of one name."""
        text = f"a:{{EXTERNAL}}{HEX}\nb:{{EXTERNAL}}{HEX}\n"
        error = self.assertRaises(AccountsError, parseUsers, text.encode(), "users")
        self.assertEqual(("users:2: another name has this one",), error.problems)

        text = text.replace("EXTERNAL", "SHA256")
        error = self.assertRaises(AccountsError, parseTokens, text.encode(), "tokens")
        self.assertEqual(("tokens:2: another name has this one",), error.problems)

    def test_many(self):
        """A name has a limit of passwords, for a login may try all of them."""
        parseUsers(b"a:{PLAIN}x\n" * 16, "users")
        error = self.assertRaises(
            AccountsError, parseUsers, b"a:{PLAIN}x\n" * 20, "users"
        )
        self.assertEqual(
            ("users:17: more than 16 passwords of a name",), error.problems
        )

    def test_tokens(self):
        """The tokens file, where a name may have several."""
        text = f"a:{{SHA256}}{HEX}\na:{{SHA256}}{'cd' * 32}\n"
        self.assertEqual(
            {b"\xab" * 32: "a", b"\xcd" * 32: "a"}, parseTokens(text.encode(), "tokens")
        )

    def test_decoys(self):
        """All failed logins do the same work, whoever they are for."""
        users = Users(
            secrets={
                "a": [SCRYPT],
                "b": [COSTLY, Plain("x")],
                "c": [SCRAM, SCRAM],
                "d": [Plain("x")],
            }
        )
        self.assertEqual(_parameters([COSTLY, SCRYPT, SCRAM, SCRAM]), _work(users))
        for name in ("a", "b", "c", "d", "nobody"):
            own = [s for s in users.secrets.get(name, ()) if s.cost]
            work = [*own, *users.decoysBeside(own)]
            self.assertEqual(sorted(_work(users)), sorted(_parameters(work)))

    def test_manyDecoys(self):
        """There is a limit to that work; the costliest come first."""
        secrets = {
            str(n): [Scram(ScramKeys("SHA-1", b"s", n, bytes(20), bytes(20)))]
            for n in range(1, 40)
        }
        decoys = Users(secrets=secrets).decoys
        self.assertEqual(MAX_DECOYS, len(decoys))
        self.assertEqual(39, decoys[0].cost)

    def test_hashNames(self):
        """For which hash functions there are keys, or what they can be made of."""
        rows = [
            ("nothing", [], set()),
            ("keys", [SCRAM, SCRYPT], {"SHA-256"}),
            ("others", [SCRAM, SCRAM_1], {"SHA-256", "SHA-1"}),
            ("a password", [Plain("x")], {"SHA-1", "SHA-256", "SHA-512"}),
        ]
        self.assertGives(lambda secrets: Users(secrets={"a": secrets}).hashNames, rows)

    def test_scram(self):
        """The keys of a name are the first of their hash function."""
        other = Scram(ScramKeys.derive("eraser", iterations=8))
        users = Users(secrets={"a": [SCRAM_1, SCRAM, other]})
        self.assertEqual(SCRAM, users.scram("a", "SHA-256"))
        self.assertIsNone(users.scram("a", "SHA-512"))
        self.assertIsNone(users.scram("b", "SHA-256"))

    def test_discreet(self):
        """Nothing of it is shown."""
        self.assertEqual(
            "Users(hasPlain=True)", repr(Users(secrets={"a": [Plain("x")]}))
        )


def _work(users: Users) -> list[tuple[object, ...]]:
    """The work of a login."""
    return _parameters(users.decoys)


class WatchedFileTests(FilesTestCase):
    """A file that changes."""

    def watch(self, path: str | None) -> WatchedFile[bytes]:
        """One whose value is its content."""
        return WatchedFile(path, lambda octets, source: octets, b"nothing")

    def test_none(self):
        """What is not there does not change."""
        file = self.watch(None)
        self.assertEqual((b"nothing", False), (file.load(), file.hasChanged()))

    def test_changes(self):
        """It has changed when its time, its size or the file itself is another."""
        path = self.write("users", b"one")
        file = self.watch(path)
        self.assertEqual(b"one", file.load())
        self.assertFalse(file.hasChanged())
        status = os.stat(path)

        self.write("users", b"other")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertTrue(file.hasChanged())
        self.assertEqual(b"other", file.load())

        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        self.assertTrue(file.hasChanged())
        file.load()

        new = self.write("new", b"third")
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        os.replace(new, path)
        self.assertTrue(file.hasChanged())
        self.assertEqual(b"third", file.load())
        self.assertFalse(file.hasChanged())

    def test_gone(self):
        """A file that is gone is told of once, and read when it is back."""
        path = self.write("users", b"one")
        file = self.watch(path)
        file.load()
        os.remove(path)
        self.assertTrue(file.hasChanged())

        error = self.assertRaises(AccountsError, file.load)
        self.assertEqual((f"{path}: No such file or directory",), error.problems)
        self.assertFalse(file.hasChanged())

        self.write("users", b"back")
        self.assertTrue(file.hasChanged())
