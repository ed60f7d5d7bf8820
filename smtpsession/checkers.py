# -*- test-case-name: tests.test_checkers -*-
"""
Accounts that checkers of C{twisted.cred} have, named as C{strcred} does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.cred.strcred import makeChecker

from smtpsession.cred import PortalLogin
from smtpsession.logins import logged
from smtpsession.sasl.auth import Auth
from smtpsession.session import SMTPSession


class Checkers:
    """
    Logs clients in whom one of the checkers knows, as `smtpsession.accounts.Accounts`
    does whom its files name.

    @ivar mechanisms: those that they can serve, but CRAM-MD5
    """

    def __init__(self, descriptions: Sequence[str]) -> None:
        """
        @param descriptions: C{"file:/etc/mail/passwords"} and the like
        @raise Exception: there is no such checker, or it cannot be made
        """
        login = PortalLogin.fromCheckers(*map(makeChecker, descriptions))
        self._ask = logged(login.onAuth)
        self.mechanisms = tuple(each for each in login.mechanisms if each != "CRAM-MD5")

    def start(self) -> None:
        """There is nothing to start."""

    def stop(self) -> Deferred[None]:
        """Nor to stop."""
        return succeed(None)

    async def onAuth(self, auth: Auth, session: SMTPSession) -> Any:
        """
        Log a client in.

        @return: what the checker calls it, as text; None for a refusal
        """
        user = await self._ask(auth, session)
        return user.decode("utf-8", "replace") if isinstance(user, bytes) else user
