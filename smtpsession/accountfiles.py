# -*- test-case-name: tests.test_accountfiles -*-
"""
What the users file and the tokens file say, read as a whole.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from attrs import define, field, frozen

from smtpsession.accountlines import (
    AccountsError,
    Digest,
    Line,
    parseLines,
    parseToken,
    parseUser,
)
from smtpsession.sasl.keys import HASHES
from smtpsession.secret import Plain, Scram, Secret

T = TypeVar("T")

#: Passwords that a name can have.  Each login may have to check all of them.
MAX_PASSWORDS = 16
#: Decoys that a login may have to check.
MAX_DECOYS = 16


@frozen(kw_only=True)
class Users:
    """
    The users file.

    @ivar secrets: what there is of the passwords of each name, in the order of the file
    @ivar certificates: names by the SHA-256 of their certificates
    @ivar names: of everybody who has a line
    @ivar hasPlain: whether there is a password in clear
    @ivar decoys: for each kind of secret, as many as the name has that has most of it:
        what a login has to check if all logins are to take as long as each other.  The
        costliest come first, and there are no more than `MAX_DECOYS`.
    """

    secrets: Mapping[str, Sequence[Secret]] = field(factory=dict, repr=False)
    certificates: Mapping[bytes, str] = field(factory=dict, repr=False)
    names: frozenset[str] = field(init=False, repr=False)
    hasPlain: bool = field(init=False)
    decoys: Sequence[Secret] = field(init=False, repr=False)

    @names.default
    def _findNames(self) -> frozenset[str]:
        return frozenset(self.secrets) | frozenset(self.certificates.values())

    @hasPlain.default
    def _findPlain(self) -> bool:
        return any(isinstance(each, Plain) for each in self._everything())

    @decoys.default
    def _makeDecoys(self) -> Sequence[Secret]:
        most: Counter[tuple[object, ...]] = Counter()
        examples: dict[tuple[object, ...], Secret] = {}
        for secrets in self.secrets.values():
            costly = [each for each in secrets if each.cost]
            most |= Counter(each.parameters for each in costly)
            examples.update((each.parameters, each) for each in costly)
        decoys = [examples[each].decoy() for each in most.elements()]
        return sorted(decoys, key=lambda each: -each.cost)[:MAX_DECOYS]

    def decoysBeside(self, secrets: Iterable[Secret]) -> list[Secret]:
        """The decoys for whom the secrets are, so that all take as long."""
        own = Counter(each.parameters for each in secrets)
        decoys = []
        for each in self.decoys:
            if own[each.parameters]:
                own[each.parameters] -= 1
            else:
                decoys.append(each)
        return decoys

    def plain(self, name: str) -> list[Plain]:
        """The passwords of a name that are there in clear."""
        return [each for each in self.secrets.get(name, ()) if isinstance(each, Plain)]

    def scram(self, name: str, hashName: str) -> Scram | None:
        """The first keys of a name that are of this hash function."""
        for each in self.secrets.get(name, ()):
            if isinstance(each, Scram) and each.keys.hashName == hashName:
                return each
        return None

    @property
    def hashNames(self) -> frozenset[str]:
        """The hash functions of SCRAM that somebody has keys for, or a password."""
        if self.hasPlain:
            return frozenset(HASHES)
        return frozenset(
            each.keys.hashName for each in self._everything() if isinstance(each, Scram)
        )

    def _everything(self) -> Iterator[Secret]:
        return (each for secrets in self.secrets.values() for each in secrets)


def parseUsers(octets: bytes, source: str) -> Users:
    """
    Read the users file.

    @param source: what it is called in problems
    @raise AccountsError: with everything that is wrong
    """
    lines = parseLines(octets, source, parseUser)
    secrets: dict[str, list[Secret]] = {}
    digests: list[Line[Digest]] = []
    problems: list[str] = []
    for line in lines:
        entry = line.entry
        if isinstance(entry, Digest):
            digests.append(Line(line.number, line.name, entry))
            continue
        own = secrets.setdefault(line.name, [])
        own.append(entry)
        if len(own) == MAX_PASSWORDS + 1:
            problems.append(
                f"{source}:{line.number}: more than {MAX_PASSWORDS} passwords of a name"
            )
    certificates = _byDigest(digests, source, problems)
    if problems:
        raise AccountsError(*problems)
    return Users(secrets=secrets, certificates=certificates)


def parseTokens(octets: bytes, source: str) -> Mapping[bytes, str]:
    """
    Read the tokens file.

    @param source: what it is called in problems
    @return: names by the SHA-256 of their tokens
    @raise AccountsError: with everything that is wrong
    """
    problems: list[str] = []
    tokens = _byDigest(parseLines(octets, source, parseToken), source, problems)
    if problems:
        raise AccountsError(*problems)
    return tokens


def _byDigest(
    lines: Iterable[Line[Digest]], source: str, problems: list[str]
) -> dict[bytes, str]:
    """One thing cannot say that its owner is two people."""
    names: dict[bytes, str] = {}
    for line in lines:
        if names.setdefault(line.entry.octets, line.name) != line.name:
            problems.append(f"{source}:{line.number}: another name has this one")
    return names


@define
class WatchedFile(Generic[T]):
    """
    A file that may change.

    @ivar path: where it is, or None for a file that is not there and says nothing
    @ivar parse: given the content and the path
    @ivar value: what it says, for whoever loads it to set
    """

    path: str | None
    parse: Callable[[bytes, str], T]
    value: T
    _stamp: tuple[int, ...] | None = None

    def hasChanged(self) -> bool:
        """Whether it is another than when it was read."""
        if self.path is None:
            return False
        try:
            return _stampOf(os.stat(self.path)) != self._stamp
        except OSError:
            return self._stamp is not None

    def load(self) -> T:
        """
        Read it.

        @raise AccountsError: it cannot be read, or something in it is wrong
        """
        if self.path is None:
            return self.value
        self._stamp = None
        try:
            with open(self.path, "rb") as file:
                self._stamp = _stampOf(os.fstat(file.fileno()))
                octets = file.read()
        except OSError as error:
            raise AccountsError(f"{self.path}: {error.strerror}") from error
        return self.parse(octets, self.path)


def _stampOf(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_mtime_ns, status.st_ino, status.st_size)
