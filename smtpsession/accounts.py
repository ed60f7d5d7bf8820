# -*- test-case-name: tests.test_accounts -*-
"""
The accounts of a server, in files::

    accounts = Accounts("users", "tokens")
    accounts.start()
    SMTPServerFactory(
        onAuth=accounts.onAuth, options=ServerOptions(mechanisms=accounts.mechanisms)
    )

What the files look like is said in L{smtpsession.accountlines}.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Union

from cryptography.hazmat.primitives import hashes
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smtpsession.accountfiles import (
    Users,
    WatchedFile,
    parseTokens,
    parseUsers,
)
from smtpsession.accountlines import AccountsError
from smtpsession.derivedkeys import DerivedKeys
from smtpsession.hashing import HashingPool
from smtpsession.logins import logged
from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    XClientAuth,
)
from smtpsession.sasl.exchange import SECRET
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.mechanisms import MECHANISMS, Mechanism
from smtpsession.sasl.prep import prepare
from smtpsession.secret import Secret
from smtpsession.session import SMTPSession

#: Of a file.
Path = Union[str, "os.PathLike[str]"]

#: Seconds between two looks at the files.
_INTERVAL = 1.0


class Accounts:
    """
    Logs clients in who have a line in the users file or in the tokens file.

    The user of the session is the name of the line.  Nobody may act as anybody else:
    an C{authzid} that is not this name is refused.  A file that has changed is read
    again when somebody logs in; if it is bad then, what it said before still holds, and
    the log says what is wrong.

    Each failed password takes as long as any other, whether there is such a user or
    not: as long as it takes to check each kind of hash in the file, as often as one
    name has it.  So hashes should be alike for all users.  The iterations of SCRAM's
    keys should be 15000, for anybody can ask for those, and a name that is not there
    has as many.

    Each login has an event in the log, of L{smtpsession.logins}.
    """

    _log = Logger()

    def __init__(
        self,
        users: Path | None = None,
        tokens: Path | None = None,
        *,
        threads: int = 4,
        queue: int = 64,
        scramSecret: bytes = SECRET,
        reactor: Any = None,
    ) -> None:
        """
        Read the files.

        @param users: the path of the users file, if there is one
        @param tokens: the path of the tokens file, if there is one
        @param threads: how many passwords are hashed at a time; each may take the
            memory that the costliest line asks for
        @param queue: how many more logins may wait for that; 454 beyond
        @param scramSecret: the one in `ServerOptions`, if that is given: passwords that
            are kept as such get their salts for SCRAM from it
        @param reactor: for the time and for threads; by default the one that runs
        @raise AccountsError: a file cannot be used
        """
        if reactor is None:
            from twisted.internet import reactor
        self._reactor = reactor
        self._users = WatchedFile(_absolute(users), parseUsers, Users())
        self._tokens: WatchedFile[Mapping[bytes, str]] = WatchedFile(
            _absolute(tokens), parseTokens, {}
        )
        self._pool = HashingPool(threads, queue, reactor)
        self._derived = DerivedKeys(scramSecret)
        self._ask = logged(self._authenticate)
        self._looked = 0.0
        self._load()

    def start(self) -> None:
        """Start the threads, before the first login."""
        self._pool.start()

    def stop(self) -> Deferred[None]:
        """
        Stop the threads.

        @return: fires when they have ended, in a second or so where one is at work
        """
        return self._pool.stop()

    def reload(self) -> None:
        """
        Read both files anew, for the logins to come.

        @raise AccountsError: one of them cannot be used; everything stays as it was
        """
        try:
            self._load()
        except AccountsError as error:
            self._log.error(
                "accounts not reloaded:\n{error}",
                event="accounts-not-reloaded",
                error=error,
            )
            raise
        self._log.info(
            "accounts reloaded: {users} users, {tokens} tokens",
            event="accounts-reloaded",
            users=len(self._users.value.names),
            tokens=len(self._tokens.value),
        )

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """
        The names of the mechanisms that serve at least one account, the strongest
        first.  CRAM-MD5 is not among them, though C{{PLAIN}} serves it.

        Many clients take the first that they know, and no other when that fails.  Where
        some users have keys for SCRAM and others have not, it may be better to offer
        less.
        """
        return tuple(each.name for each in MECHANISMS if self._serves(each))

    async def onAuth(self, auth: Auth, session: SMTPSession) -> str | None:
        """
        Log a client in.

        @return: the name of its account, or None if it is refused
        @raise SMTPError: 454, too many are being logged in
        """
        self._refresh()
        user: str | None = await self._ask(auth, session)
        return user

    async def _authenticate(self, auth: Auth, session: SMTPSession) -> str | None:
        if isinstance(auth, ScramAuth):
            return await self._scram(auth)
        user = None
        if isinstance(auth, PasswordAuth):
            user = await self._password(auth)
        elif isinstance(auth, CramMD5Auth):
            user = self._cramMD5(auth)
        elif isinstance(auth, BearerAuth):
            user = self._bearer(auth)
        elif isinstance(auth, ExternalAuth):
            user = self._external(auth)
        elif isinstance(auth, XClientAuth):
            user = self._xClient(auth)
        return user if auth.authzid in (None, "", user) else None

    async def _password(self, auth: PasswordAuth) -> str | None:
        users = self._users.value
        secrets = users.secrets.get(auth.username, ())
        decoys = users.decoysBeside(secrets)
        isRight = await self._pool.run(lambda: _check(auth.password, secrets, decoys))
        return auth.username if isRight else None

    def _cramMD5(self, auth: CramMD5Auth) -> str | None:
        plain = self._users.value.plain(auth.username)
        passwords = [each.password for each in plain] or [token_hex()]
        # All are looked at: a generator would stop at the first that is right.
        return auth.username if any([*map(auth.validatePassword, passwords)]) else None

    async def _scram(self, auth: ScramAuth) -> str | None:
        keys = await self._keysOf(auth.username, auth.hashName)
        # In any case: who is not known has to get as far as any other.  And the same
        # keys whatever the authzid: another salt for one would tell who is known.
        isProven = await auth.validateKeys(keys)
        isOwn = auth.authzid in (None, "", auth.username)
        return auth.username if isProven and isOwn else None

    async def _keysOf(self, name: str, hashName: str) -> ScramKeys | None:
        users = self._users.value
        kept = users.scram(name, hashName)
        keys = None
        if users.hasPlain:
            # For those who have keys, and for those who are not there, too.
            plain = [] if kept else users.plain(name)
            keys = await self._derived.find(
                name, hashName, plain[0].password if plain else None, self._pool.run
            )
        return keys if kept is None else kept.keys

    def _bearer(self, auth: BearerAuth) -> str | None:
        digest = hashlib.sha256(auth.accessToken.encode("ascii")).digest()
        user = self._tokens.value.get(digest)
        return user if auth.username in ("", user) else None

    def _external(self, auth: ExternalAuth) -> str | None:
        certificate = auth.certificate
        if hasattr(certificate, "to_cryptography"):
            certificate = certificate.to_cryptography()
        fingerprint = certificate.fingerprint(hashes.SHA256())
        return self._users.value.certificates.get(fingerprint)

    def _xClient(self, auth: XClientAuth) -> str | None:
        try:
            name = prepare(auth.username)
        except ValueError:
            return None
        isThere = name in self._users.value.names or name in self._tokens.value.values()
        return name if isThere else None

    def _serves(self, mechanism: Mechanism) -> bool:
        users = self._users.value
        kinds: dict[type[Auth], object] = {
            ScramAuth: mechanism.hashName in users.hashNames,
            PasswordAuth: users.secrets,
            ExternalAuth: users.certificates,
            BearerAuth: self._tokens.value,
        }
        return bool(kinds.get(mechanism.authType))

    def _refresh(self) -> None:
        """Look at the files, if nobody has for a while."""
        now = self._reactor.seconds()
        if now - self._looked < _INTERVAL:
            return
        self._looked = now
        if self._users.hasChanged() or self._tokens.hasChanged():
            try:
                self.reload()
            except AccountsError:
                # The log has it, and has it once: until it changes again, the file is
                # the one that was read.
                pass

    def _load(self) -> None:
        self._looked = self._reactor.seconds()
        problems = list[str]()
        users, tokens = self._users.value, self._tokens.value
        try:
            users = self._users.load()
        except AccountsError as error:
            problems.extend(error.problems)
        try:
            tokens = self._tokens.load()
        except AccountsError as error:
            problems.extend(error.problems)
        if problems:
            raise AccountsError(*problems)
        self._users.value, self._tokens.value = users, tokens


def _absolute(path: Path | None) -> str | None:
    """The same path when the process has gone to another folder."""
    return None if path is None else os.path.abspath(path)


def _check(password: str, secrets: Sequence[Secret], decoys: Sequence[Secret]) -> bool:
    """Whether one of the secrets is of this password; if none is, in the same time."""
    for secret in sorted(secrets, key=lambda each: each.cost):
        if secret.matches(password):
            return True
    for decoy in decoys:
        decoy.matches(password)
    return False
