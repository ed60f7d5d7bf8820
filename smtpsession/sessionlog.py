# -*- test-case-name: tests.test_allowance -*-
"""
What the log says of a session that is not for the application to say.
"""

from __future__ import annotations

from twisted.logger import Logger

from smtpsession.replies import Reply
from smtpsession.session import SMTPSession

_log = Logger()


def logRefusal(session: SMTPSession, line: bytes, reply: Reply) -> None:
    """
    A client was told 4xx or 5xx.

    @param line: what it had said, as it may be shown
    """
    _log.info(
        "{session.id} [{session.remoteAddress}] {line!r} got {reply}",
        event="command-refused",
        session=session,
        line=line,
        reply=reply,
    )


def logEnd(session: SMTPSession, limit: str | None) -> None:
    """
    A session has ended.

    @param limit: the one that was passed last, as the configuration calls it
    """
    _log.info(
        "{session.id} [{session.remoteAddress}] ended, messages: {messages}{over}",
        event="session-ended",
        session=session,
        messages=session.transaction,
        limit=limit,
        over="" if limit is None else f", over {limit}",
    )
