# -*- test-case-name: tests.test_xclient -*-
"""
XCLIENT and XFORWARD: a proxy or a filter says who the client behind it is.

Postfix documents them, in its XCLIENT_README and its XFORWARD_README.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from smtpsession import replies
from smtpsession.actions import Actions, Outcome, Refused
from smtpsession.attributes import XCLIENT as XCLIENT_ATTRIBUTES
from smtpsession.attributes import XFORWARD as XFORWARD_ATTRIBUTES
from smtpsession.commands import Xclient, Xforward
from smtpsession.offers import Extension
from smtpsession.replies import Reply
from smtpsession.rules import NOT_INSIDE, OUTSIDE, Conversation, Rule, State, sayOK
from smtpsession.sasl.auth import XClientAuth
from smtpsession.session import SMTPSession
from smtpsession.settings import Settings

_OPENING = {"SMTP": "HELO", "ESMTP": "EHLO"}


def _notOffered(conversation: Conversation) -> Reply:
    return replies.NOT_AUTHORIZED


def _notTrusted(conversation: Conversation) -> Reply | None:
    """A proxy need not say hello before it says who its client is."""
    session, settings = conversation.session, conversation.settings
    return None if session.peerAddress in settings.xclient else replies.NOT_AUTHORIZED


def _offerXClient(session: SMTPSession, settings: Settings) -> str | None:
    isTrusted = session.peerAddress in settings.xclient
    return " ".join(XCLIENT_ATTRIBUTES) if isTrusted else None


def _offerXForward(session: SMTPSession, settings: Settings) -> str | None:
    isTrusted = session.peerAddress in settings.xforward
    return " ".join(XFORWARD_ATTRIBUTES) if isTrusted else None


def _proceedXClient(conversation: Conversation, command: Xclient) -> Actions:
    login = command.attributes.get("LOGIN")
    if login is None:
        return _changeClient(conversation, command, None)
    return conversation.ask(
        "onAuth",
        partial(_settleLogin, conversation, command),
        XClientAuth(username=login),
    )


def _settleLogin(
    conversation: Conversation, command: Xclient, outcome: Outcome
) -> Actions:
    if isinstance(outcome, Refused):
        return conversation.failedLogin(outcome.reply)
    if outcome.value is None:
        return conversation.failedLogin(replies.AUTHENTICATION_FAILED)
    return _changeClient(conversation, command, outcome.value)


def _changeClient(conversation: Conversation, command: Xclient, user: Any) -> Actions:
    """The session is that of another client now, which is yet to be greeted."""
    session, attributes = conversation.session, command.attributes
    conversation.startOver()
    if "ADDR" in attributes:
        # Another client than the one of which anything was said before.
        session.xClient = {}
        session.remoteAddress = attributes["ADDR"] or ""
        refusal = conversation.allowance.speaksFor(session.remoteAddress)
        if refusal is not None:
            return conversation.hangUp(refusal)
    session.xClient = {**session.xClient, **attributes}
    if "ADDR" in attributes or "NAME" in attributes:
        session.clientHostname = attributes.get("NAME") or _nameless(session)
    if "PORT" in attributes:
        session.remotePort = int(attributes["PORT"] or 0)
    if "DESTADDR" in attributes:
        session.localAddress = attributes["DESTADDR"] or ""
    if "DESTPORT" in attributes:
        session.localPort = int(attributes["DESTPORT"] or 0)
    session.openingCommand = _OPENING.get(attributes.get("PROTO") or "", "")
    session.hostNameAppearsAs = attributes.get("HELO") or ""
    session.user = user
    session.authMethod = None if user is None else "XCLIENT"
    return conversation.greet()


def _nameless(session: SMTPSession) -> str:
    address = session.remoteAddress
    return f"[{address}]" if address else "unknown"


def _proceedXForward(conversation: Conversation, command: Xforward) -> Actions:
    session = conversation.session
    known = session.xForward or dict.fromkeys(XFORWARD_ATTRIBUTES)
    session.xForward = {**known, **command.attributes}
    return sayOK(conversation, command)


XCLIENT = Extension(
    keyword="XCLIENT",
    rfc="Postfix",
    offer=_offerXClient,
    verbs=(
        Rule(
            Xclient,
            # As in Postfix: the hello before it is that of the proxy, which is
            # forgotten with it.
            legal=OUTSIDE | {State.GREETED},
            outOfOrder=NOT_INSIDE,
            proceed=_proceedXClient,
            notOffered=_notTrusted,
        ),
    ),
)
XFORWARD = Extension(
    keyword="XFORWARD",
    rfc="Postfix",
    offer=_offerXForward,
    verbs=(
        Rule(
            Xforward,
            legal=OUTSIDE,
            outOfOrder=NOT_INSIDE,
            proceed=_proceedXForward,
            notOffered=_notOffered,
        ),
    ),
)
