# -*- test-case-name: tests.test_loginlog -*-
"""
What the log says of logins, for whoever watches it; C{contrib/fail2ban} does.

The namespace of the events is C{smtpsession.logins}, and what has been written of them
stays as it is.  Each has these fields:

 - C{event}: C{"login-failed"}, at the level of a warning; C{"login-postponed"}, which
   is not the client's fault, at the same; C{"login-succeeded"}, for debugging

 - C{session}: the session, whose C{id} the text begins with

 - C{address}: its C{remoteAddress}

 - C{mechanism}: that of SASL, or C{"XCLIENT"}, where the address is the proxy's

 - C{user}: the name that the client gave, C{""} if it left that to a token; shown as
   C{repr} does it, so that nothing in it ends a line

 - C{reply}: for a postponed one, what the client is told

Of passwords and tokens there is nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import isawaitable
from typing import Any

from twisted.logger import Logger

from smtpsession.errors import SMTPError
from smtpsession.sasl.auth import Auth
from smtpsession.session import SMTPSession

_log = Logger(namespace="smtpsession.logins")

_WHO = "{session.id} [{address}] "
_HOW = "mechanism {mechanism}, user {user!r}"
_FAILED = _WHO + "login failed: " + _HOW
_POSTPONED = _WHO + "login postponed: " + _HOW + ", reply {reply}"
_SUCCEEDED = _WHO + "login succeeded: " + _HOW


def logged(
    onAuth: Callable[[Auth, SMTPSession], Any],
) -> Callable[[Auth, SMTPSession], Awaitable[Any]]:
    """
    The same C{onAuth}, with an event for each answer::

        login = PortalLogin.fromCheckers(makeChecker("file:/etc/mail/users"))
        SMTPServerFactory(onAuth=logged(login.onAuth), onClose=login.onClose)

    A login has failed when the answer is None, or an `SMTPError` of 5xx.  When it is
    one of 4xx, it is postponed.  Any other exception has an event of the server's own,
    and a client that leaves has none.
    """

    @wraps(onAuth)
    async def ask(auth: Auth, session: SMTPSession) -> Any:
        try:
            user = onAuth(auth, session)
            if isawaitable(user):
                user = await user
        except SMTPError as error:
            if error.reply.code >= 500:
                _tellFailed(auth, session)
            else:
                _log.warn(
                    _POSTPONED,
                    event="login-postponed",
                    reply=error.reply,
                    **_fields(auth, session),
                )
            raise
        if user is None:
            _tellFailed(auth, session)
        else:
            _log.debug(_SUCCEEDED, event="login-succeeded", **_fields(auth, session))
        return user

    return ask


def _tellFailed(auth: Auth, session: SMTPSession) -> None:
    _log.warn(_FAILED, event="login-failed", **_fields(auth, session))


def _fields(auth: Auth, session: SMTPSession) -> dict[str, Any]:
    return {
        "session": session,
        "address": session.remoteAddress,
        "mechanism": auth.method,
        "user": auth.username,
    }
