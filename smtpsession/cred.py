# -*- test-case-name: tests.test_cred -*-
"""
The users of C{twisted.cred} as the users of a server: a C{Portal}, or only checkers::

    login = PortalLogin.fromCheckers(makeChecker("file:/etc/mail/users"))
    SMTPServerFactory(onAuth=login.onAuth, onClose=login.onClose)

Credentials have names, passwords and tokens in octets, as those of C{twisted.cred} do:
UTF-8, after SASLprep (RFC 4013).  For what C{twisted.cred} has no interface, there is
one here.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from twisted.cred.checkers import (
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import (
    ICredentials,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from twisted.cred.error import LoginFailed, Unauthorized
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface, implementer

from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    XClientAuth,
)
from smtpsession.sasl.keys import HASHES, ScramKeys
from smtpsession.sasl.mechanisms import MECHANISMS, Mechanism
from smtpsession.session import SMTPSession

# What a portal fails with where the client is not let in.
_REFUSALS = (LoginFailed, Unauthorized)


class INames(ICredentials):
    """
    What the credentials of this module have in common.
    """

    username: bytes = Attribute("The name of the user.")
    authzid: bytes | None = Attribute("Whom the user wants to act as.")


class IScramCredentials(INames):
    """
    A client wants to prove that it knows a password, whose keys the checker has.

    A checker that lacks the keys of some hash functions says so: its attribute
    C{hashNames} has the names of the others, as C{("SHA-256",)}.
    """

    hashName: str = Attribute("The hash function that the keys have to be of.")

    def validateKeys(keys: ScramKeys | None) -> Awaitable[bool]:
        """
        Let the client prove it; once.

        @param keys: None if there is no such user, or if it has no keys
        @return: whether it did; False for None
        """


class IBearerCredentials(INames):
    """
    A client has a token, which alone says whose it is.

    C{username} is only what the client claims, and empty if it left that to the token.
    """

    accessToken: bytes = Attribute("The token.")


class IExternalCredentials(INames):
    """
    A client has proved in the TLS handshake who it is.

    C{username} is from the certificate.
    """

    certificate: Any = Attribute("The verified certificate.")


class IXClientCredentials(INames):
    """
    A trusted proxy says who its client is.
    """


class _Names:
    def __init__(self, auth: Auth) -> None:
        self.username = auth.username.encode("utf-8")
        self.authzid = None if auth.authzid is None else auth.authzid.encode("utf-8")


@implementer(IUsernamePassword, INames)
class PasswordCredentials(_Names):
    """PLAIN and LOGIN."""

    def __init__(self, auth: PasswordAuth) -> None:
        super().__init__(auth)
        self.password = auth.password.encode("utf-8")

    def checkPassword(self, password: bytes) -> bool:
        """Whether the client sent this one."""
        return hmac.compare_digest(self.password, password)


@implementer(IUsernameHashedPassword, INames)
class CramMD5Credentials(_Names):
    """CRAM-MD5."""

    def __init__(self, auth: CramMD5Auth) -> None:
        super().__init__(auth)
        self._auth = auth

    def checkPassword(self, password: bytes) -> bool:
        """Whether the client knows this one."""
        return self._auth.validatePassword(password)


@implementer(IScramCredentials)
class ScramCredentials(_Names):
    """
    SCRAM.

    @ivar isAsked: whether the client was let prove anything
    """

    isAsked = False

    def __init__(self, auth: ScramAuth) -> None:
        super().__init__(auth)
        self.hashName = auth.hashName
        self._auth = auth

    def validateKeys(self, keys: ScramKeys | None) -> Awaitable[bool]:
        """Let the client prove that it knows the password of these keys."""
        proof = self._auth.validateKeys(keys)
        self.isAsked = True
        return proof


@implementer(IBearerCredentials)
class BearerCredentials(_Names):
    """OAUTHBEARER and XOAUTH2."""

    def __init__(self, auth: BearerAuth) -> None:
        super().__init__(auth)
        self.accessToken = auth.accessToken.encode("ascii")


@implementer(IExternalCredentials)
class ExternalCredentials(_Names):
    """EXTERNAL."""

    def __init__(self, auth: ExternalAuth) -> None:
        super().__init__(auth)
        self.certificate = auth.certificate


@implementer(IXClientCredentials)
class XClientCredentials(_Names):
    """XCLIENT LOGIN."""


_CREDENTIALS: dict[type[Auth], Callable[[Any], Any]] = {
    PasswordAuth: PasswordCredentials,
    CramMD5Auth: CramMD5Credentials,
    ScramAuth: ScramCredentials,
    BearerAuth: BearerCredentials,
    ExternalAuth: ExternalCredentials,
    XClientAuth: XClientCredentials,
}


@implementer(IRealm)
class _AvatarIds:
    """A realm in which everybody is what the checker says."""

    def requestAvatar(
        self, avatarId: bytes | tuple[()], mind: object, *interfaces: type[Interface]
    ) -> tuple[type[Interface], object, Callable[[], None]]:
        return Interface, avatarId, lambda: None


def _addOctets(checker: InMemoryUsernamePasswordDatabaseDontUse) -> None:
    """
    Let a checker know its users by octets too: those that C{"memory:name:password"} has
    are text, as credentials for C{twisted.cred} never are.
    """
    users: dict[Any, Any] = checker.users
    for name, password in list(users.items()):
        if isinstance(name, str):
            checker.addUser(name.encode("utf-8"), password.encode("utf-8"))


def _answerOf(login: Deferred[Any]) -> Deferred[Any]:
    """
    What a portal answers, in a Deferred that can be cancelled alone: the portal's own
    would then drop an avatar that is still to come, and nobody could log it out.
    """
    answer: Deferred[Any] = Deferred()

    def arrive(result: Any) -> None:
        if answer.called:
            _, _, logout = result
            logout()
        else:
            answer.callback(result)

    def fail(failure: Failure) -> None:
        if answer.called:
            failure.trap(CancelledError, *_REFUSALS)
        else:
            answer.errback(failure)

    login.addCallbacks(arrive, fail)
    return answer


class PortalLogin:
    """
    Logs clients in to a portal.

    The portal gets the session as its C{mind}.  What its realm gives for the user, the
    avatar, is the user of the session.  A client whose credentials are not good, or of
    a kind for which the portal has no checker, is refused; whatever else goes wrong is
    not the client's fault, and it is told to come again.

    If the client goes away, a checker that has not answered yet is cancelled.  A realm
    is not: an avatar that comes after that is logged out at once.

    @ivar mechanisms: the names of those that the portal has checkers for, the strongest
        first
    """

    def __init__(
        self,
        portal: Portal,
        *interfaces: type[Interface],
        honorsAuthzid: bool = False,
    ) -> None:
        """
        @param interfaces: those that the avatar is wanted to have
        @param honorsAuthzid: the portal looks at the C{authzid} of the credentials, and
            decides whether C{username} may act as that.  By default no client may act
            as anybody else, for the checkers of C{twisted.cred} do not look.
        """
        for checker in portal.checkers.values():
            if isinstance(checker, InMemoryUsernamePasswordDatabaseDontUse):
                _addOctets(checker)
        self._portal = portal
        self._interfaces = interfaces
        self._honorsAuthzid = honorsAuthzid
        self._logouts: WeakKeyDictionary[SMTPSession, Callable[[], object]] = (
            WeakKeyDictionary()
        )

    @classmethod
    def fromCheckers(
        cls, *checkers: ICredentialsChecker, honorsAuthzid: bool = False
    ) -> PortalLogin:
        """
        Without a realm: the user is the avatar identifier that the checker gives, most
        often the name in octets.

        @param checkers: for each kind of credentials the last one counts, as in a
            C{Portal}
        """
        return cls(Portal(_AvatarIds(), checkers), honorsAuthzid=honorsAuthzid)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What to give to C{ServerOptions(mechanisms=...)}."""
        return tuple(each.name for each in MECHANISMS if self._canServe(each))

    def onAuth(self, auth: Auth, session: SMTPSession) -> Deferred[Any]:
        """
        Log a client in.

        @return: a Deferred of the avatar, or of None if the client is refused
        """
        return Deferred.fromCoroutine(self._authenticate(auth, session))

    def onClose(self, session: SMTPSession) -> None:
        """
        Log the client out, as a portal wants to be told; where there are only checkers,
        nothing is missed without it.
        """
        logout = self._logouts.pop(session, None)
        if logout is not None:
            logout()

    async def _authenticate(self, auth: Auth, session: SMTPSession) -> Any:
        credentials = _CREDENTIALS[type(auth)](auth)
        user = None
        mayAct = self._honorsAuthzid or auth.authzid in (None, auth.username)
        # With SCRAM in any case: without the checker the client would see a salt that
        # is made up, and know by the other one that there is such a user.
        if mayAct or isinstance(auth, ScramAuth):
            user = await self._login(credentials, session)
        if not mayAct:
            self.onClose(session)
            user = None
        if isinstance(credentials, ScramCredentials) and not credentials.isAsked:
            # Nobody gets in without a proof; and a client whose user there is not has
            # to get as far as any other.
            await credentials.validateKeys(None)
            return None
        return user

    async def _login(self, credentials: Any, session: SMTPSession) -> Any:
        login: Deferred[Any] = self._portal.login(
            credentials, session, *self._interfaces
        )
        try:
            _, avatar, logout = await _answerOf(login)
        except _REFUSALS:
            return None
        except CancelledError:
            if not login.called:
                login.cancel()
            raise
        # Who was logged in before, on the same connection.
        self.onClose(session)
        self._logouts[session] = logout
        return avatar

    def _canServe(self, mechanism: Mechanism) -> bool:
        checker = self._checkerOf(_CREDENTIALS[mechanism.authType])
        if checker is None:
            return False
        hashNames = getattr(checker, "hashNames", HASHES)
        return mechanism.hashName is None or mechanism.hashName in hashNames

    def _checkerOf(self, credentials: Any) -> object:
        """The checker that the portal would choose, or None."""
        for interface, checker in self._portal.checkers.items():
            if interface.implementedBy(credentials):
                return checker
        return None
