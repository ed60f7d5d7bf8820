# -*- test-case-name: tests.test_starttls -*-
"""
STARTTLS, RFC 3207.
"""

from __future__ import annotations

from smtpsession import replies
from smtpsession.actions import START_TLS, Actions
from smtpsession.commands import Starttls
from smtpsession.offers import Extension
from smtpsession.replies import Reply
from smtpsession.rules import NOT_INSIDE, OUTSIDE, Conversation, Rule
from smtpsession.session import SMTPSession
from smtpsession.settings import Settings


def _offer(session: SMTPSession, settings: Settings) -> str | None:
    return (
        "" if settings.tls in ("starttls", "required") and not session.secure else None
    )


def _notOffered(conversation: Conversation) -> Reply:
    if conversation.session.secure:
        return replies.TLS_ACTIVE
    if conversation.settings.tls == "none":
        return replies.NOT_OFFERED
    return replies.EHLO_FIRST


def _proceed(conversation: Conversation, command: Starttls) -> Actions:
    return (START_TLS,)


STARTTLS = Extension(
    keyword="STARTTLS",
    rfc="RFC 3207",
    offer=_offer,
    verbs=(
        Rule(
            Starttls,
            legal=OUTSIDE,
            outOfOrder=NOT_INSIDE,
            proceed=_proceed,
            notOffered=_notOffered,
        ),
    ),
)
