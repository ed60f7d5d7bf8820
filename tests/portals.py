"""
What the tests of portals share: checkers that do what they are told, a realm that notes
what it was asked, and clients that ask.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.cred.checkers import (
    FilePasswordDB,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.portal import IRealm
from twisted.cred.strcred import makeChecker
from zope.interface import Interface, implementer

from smtpsession import SMTPSession
from smtpsession.cred import PortalLogin
from smtpsession.sasl.auth import Auth, CramMD5Auth, PasswordAuth
from tests.cases import TableTestCase

USERS = {"bob": "hunter2", "jos\xe9": "p\xe4ssword"}
CHALLENGE = b"<1896.697170952@mx.example.org>"


def plain(username: str, password: str, authzid: str | None = None) -> PasswordAuth:
    return PasswordAuth(
        method="PLAIN", username=username, password=password, authzid=authzid
    )


def cram(username: str, password: str) -> CramMD5Auth:
    digest = hmac.new(password.encode(), CHALLENGE, "md5").hexdigest()
    return CramMD5Auth(
        method="CRAM-MD5", username=username, challenge=CHALLENGE, digest=digest
    )


@implementer(ICredentialsChecker)
@define
class Checker:
    """
    A checker of whatever it is told to check.

    @ivar check: given the credentials; what it returns is the avatar identifier
    """

    check: Callable[[Any], Any]
    credentialInterfaces: Any = (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Who has these credentials."""
        return self.check(credentials)


class IMailUser(Interface):
    """What the avatars of the tests are."""


@frozen
class Avatar:
    """A user of a realm."""

    name: Any


@implementer(IRealm)
@define
class Realm:
    """
    A realm that notes what it was asked.

    @ivar answer: gives the answer that it has made in the way that a realm may
    """

    asked: list[tuple[Any, ...]] = field(factory=list)
    left: list[Any] = field(factory=list)
    error: Exception | None = None
    answer: Callable[[Any], Any] = field(default=lambda made: made)

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """The avatar of this name."""
        self.asked.append((avatarId, mind, interfaces))
        if self.error is not None:
            raise self.error
        made = IMailUser, Avatar(avatarId), lambda: self.left.append(avatarId)
        return self.answer(made)


class CredTestCase(TableTestCase):
    """A test case with a session that asks."""

    def setUp(self) -> None:
        self.session = SMTPSession()

    def ask(self, login: PortalLogin, auth: Auth) -> Any:
        """Who the client is."""
        return self.successResultOf(login.onAuth(auth, self.session))

    def passwordFile(self) -> str:
        """A file with the users."""
        path: str = self.mktemp()
        with open(path, "w", encoding="utf-8") as users:
            users.writelines(f"{name}:{USERS[name]}\n" for name in USERS)
        return path

    def memory(self) -> InMemoryUsernamePasswordDatabaseDontUse:
        """The users in memory."""
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        for name, password in USERS.items():
            checker.addUser(name.encode(), password.encode())
        return checker

    def checkers(self) -> list[tuple[str, Any]]:
        """All checkers of passwords that twisted.cred has."""
        text = ":".join(part for pair in USERS.items() for part in pair)
        return [
            ("in memory", self.memory()),
            ("in a file", FilePasswordDB(self.passwordFile())),
            (
                "in a file that is cached",
                FilePasswordDB(self.passwordFile(), cache=True),
            ),
            ("strcred, in memory", makeChecker(f"memory:{text}")),
            ("strcred, in a file", makeChecker(f"file:{self.passwordFile()}")),
        ]
