"""
Tests of smtpsession.cred: the portal, its realm, and how clients log out.  What clients
log in with is in tests.test_cred.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from twisted.cred.error import LoginDenied, Unauthorized, UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, Deferred, fail

from smtpsession import SMTPSession
from smtpsession.cred import PortalLogin
from tests.portals import (
    Avatar,
    Checker,
    CredTestCase,
    IMailUser,
    Realm,
    plain,
)


class PortalTests(CredTestCase):
    """A portal with its realm."""

    def setUp(self) -> None:
        super().setUp()
        self.realm = Realm()
        self.login = PortalLogin(Portal(self.realm, [self.memory()]), IMailUser)

    def test_avatar(self):
        """The user is the avatar, and the realm is told of the session."""
        user = self.ask(self.login, plain("bob", "hunter2"))

        self.assertEqual(Avatar(b"bob"), user)
        self.assertEqual([(b"bob", self.session, (IMailUser,))], self.realm.asked)

    def test_refused(self):
        """The realm is not asked about a client that is refused."""
        self.assertIsNone(self.ask(self.login, plain("bob", "hunter3")))
        self.assertEqual([], self.realm.asked)

    def test_denied(self):
        """The realm may refuse too."""
        for error in (LoginDenied(), UnauthorizedLogin(), Unauthorized()):
            self.realm.error = error
            self.assertIsNone(self.ask(self.login, plain("bob", "hunter2")))

    def test_failure(self):
        """Whatever else goes wrong is nothing that the client did."""
        self.realm.error = OSError("the disk is full")
        asked = self.login.onAuth(plain("bob", "hunter2"), self.session)

        self.failureResultOf(asked, OSError)

    def test_failureOfChecker(self):
        """So it is with the checker, whenever it fails."""
        for check in (
            lambda _: fail(OSError("no network")),
            lambda credentials: credentials.nothing,
        ):
            login = PortalLogin.fromCheckers(Checker(check))
            asked = login.onAuth(plain("bob", "hunter2"), self.session)
            self.failureResultOf(asked, OSError, AttributeError)

    def test_late(self):
        """A checker may take its time, and is told if the client goes away."""
        cancelled: list[object] = []
        login = PortalLogin.fromCheckers(Checker(lambda _: Deferred(cancelled.append)))
        asked = login.onAuth(plain("bob", "hunter2"), self.session)

        self.assertNoResult(asked)
        asked.cancel()
        self.assertEqual(1, len(cancelled))
        self.failureResultOf(asked, CancelledError)

    def test_logout(self):
        """The realm is told once when the client has gone."""
        self.ask(self.login, plain("bob", "hunter2"))
        self.assertEqual([], self.realm.left)

        self.login.onClose(self.session)
        self.login.onClose(self.session)
        self.assertEqual([b"bob"], self.realm.left)

    def test_neverLoggedIn(self):
        """It is told nothing of a client that never logged in."""
        self.login.onClose(self.session)
        self.login.onClose(SMTPSession())

        self.assertEqual([], self.realm.left)

    def test_again(self):
        """Who logs in on a connection follows whoever did before."""
        self.ask(self.login, plain("bob", "hunter2"))
        self.ask(self.login, plain("jos\xe9", "p\xe4ssword"))

        self.assertEqual([b"bob"], self.realm.left)
        self.login.onClose(self.session)
        self.assertEqual([b"bob", "jos\xe9".encode()], self.realm.left)


class CancelledTests(CredTestCase):
    """Clients that go away while the portal is asked."""

    def setUp(self) -> None:
        super().setUp()
        self.realm = Realm()
        self.wait: Deferred[None] = Deferred()

    def leave(self, check: Callable[[Any], Any]) -> None:
        """Ask, and go away before the answer is there."""
        portal = Portal(self.realm, [Checker(check)])
        login = PortalLogin(portal, IMailUser)
        asked = login.onAuth(plain("bob", "hunter2"), self.session)
        self.assertNoResult(asked)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        login.onClose(self.session)

    def test_realm(self):
        """An avatar that the realm gives after that is logged out at once."""
        self.realm.answer = lambda made: self.wait.addCallback(lambda _: made)
        self.leave(lambda _: b"bob")

        self.assertEqual([], self.realm.left)
        self.wait.callback(None)
        self.assertEqual([b"bob"], self.realm.left)

    def test_coroutineOfRealm(self):
        """So it is with a realm that is a coroutine."""

        async def answer(made: Any) -> Any:
            await self.wait
            return made

        self.realm.answer = lambda made: Deferred.fromCoroutine(answer(made))
        self.leave(lambda _: b"bob")
        self.wait.callback(None)

        self.assertEqual([b"bob"], self.realm.left)

    def test_checker(self):
        """So it is where the checker is told, and goes on all the same."""

        async def check() -> bytes:
            try:
                await Deferred()
            except CancelledError:
                await self.wait
            return b"bob"

        self.leave(lambda _: Deferred.fromCoroutine(check()))
        self.assertEqual([], self.realm.asked)
        self.wait.callback(None)
        self.assertEqual([b"bob"], self.realm.left)

    def test_checkerAtOnce(self):
        """So it is where the checker answers when it is told."""
        self.leave(lambda _: Deferred(lambda asked: asked.callback(b"bob")))

        self.assertEqual([b"bob"], self.realm.left)

    def test_noAvatar(self):
        """Where there is none, there is nobody to log out and nothing to log."""
        for error in (LoginDenied(), UnauthorizedLogin(), Unauthorized()):
            self.wait = Deferred()
            self.realm.answer = lambda made: self.wait
            self.leave(lambda _: b"bob")
            self.wait.errback(error)
        self.leave(lambda _: Deferred())

        self.assertEqual([], self.realm.left)
        self.assertEqual([], self.flushLoggedErrors())

    def test_failure(self):
        """What fails after that is logged."""
        self.realm.answer = lambda made: self.wait
        self.leave(lambda _: b"bob")
        self.wait.errback(OSError("the disk is full"))
        del self.wait
        # What nobody has dealt with is logged when it is thrown away.
        gc.collect()

        self.assertEqual(1, len(self.flushLoggedErrors(OSError)))
