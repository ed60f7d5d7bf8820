# -*- test-case-name: tests.test_dialogue -*-
"""
The verbs of SMTP and LMTP: what each checks, whom it asks, and what it changes.

The tables stand at the foot of this file.  SMTP and LMTP differ by rows, and by how
many replies a message gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smtpsession import replies
from smtpsession.actions import ABANDON, READ_BODY, Actions, Say
from smtpsession.commands import (
    Data,
    Ehlo,
    Expn,
    Hello,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    Vrfy,
)
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply
from smtpsession.rules import (
    ALWAYS,
    OUT_OF_ORDER,
    TRANSACTION,
    Conversation,
    Rule,
    State,
    sayOK,
)
from smtpsession.session import SMTPEnvelope

# What is said most often, made once.
_REVERSE_PATH_OK = (Say(replies.REVERSE_PATH_OK),)
_FORWARD_PATH_OK = (Say(replies.FORWARD_PATH_OK),)
_START_MAIL_INPUT = (Say(replies.START_MAIL_INPUT), READ_BODY)


# The columns "check": (what the application is asked about, what to proceed with).


def _checkHello(conversation: Conversation, command: Hello) -> tuple[str, Hello]:
    return command.hostname, command


def _checkMail(
    conversation: Conversation, command: Mail
) -> tuple[object, SMTPEnvelope]:
    settings, session = conversation.settings, conversation.session
    if settings.tls == "required" and not session.secure:
        raise SMTPError.saying(replies.STARTTLS_FIRST)
    if settings.auth == "required" and session.user is None:
        raise SMTPError.saying(replies.AUTHENTICATE_FIRST)
    refusal = conversation.allowance.transaction()
    if refusal is not None:
        raise SMTPError.saying(refusal)
    envelope = conversation.offer.envelope(command.address, settings)
    if envelope.submitter and session.user is None:
        # RFC 4954, section 5: of a client that is not trusted it is as if unknown.
        envelope.submitter = ""
    return command.address, envelope


def _checkRcpt(conversation: Conversation, command: Rcpt) -> tuple[Any, Any]:
    envelope = conversation.session.envelope
    recipient = conversation.offer.recipient(command.address, envelope)
    refusal = conversation.allowance.recipient(recipient, envelope)
    if refusal is not None:
        raise SMTPError.saying(refusal)
    return recipient, recipient


def _checkData(conversation: Conversation, command: Data) -> tuple[Data, Data]:
    if conversation.session.envelope.bodyType == "binarymime":
        raise SMTPError.saying(replies.BINARY_BY_CHUNKS)
    return command, command


# The columns "proceed".


def _proceedHello(conversation: Conversation, command: Hello) -> Actions:
    session, settings = conversation.session, conversation.settings
    session.openingCommand = command.verb
    session.hostNameAppearsAs = command.hostname
    conversation.open(() if isinstance(command, Helo) else settings.extensions)
    conversation.startAfresh()
    return (Say(replies.hello(settings.hostname, conversation.offer.lines)),)


def _proceedMail(conversation: Conversation, envelope: SMTPEnvelope) -> Actions:
    conversation.session.envelope = envelope
    conversation.state = State.SENDER
    conversation.allowance.begun()
    return _REVERSE_PATH_OK


def _proceedRcpt(conversation: Conversation, recipient: Any) -> Actions:
    conversation.session.envelope.rcptTo.append(recipient)
    conversation.recipients += 1
    conversation.allowance.added(recipient)
    conversation.state = State.RECIPIENTS
    return _FORWARD_PATH_OK


def _proceedData(conversation: Conversation, command: Data) -> Actions:
    conversation.state = State.MESSAGE
    conversation.settleWith(conversation.settleMessage)
    return _START_MAIL_INPUT


def _proceedRset(conversation: Conversation, command: Rset) -> Actions:
    # RFC 3030, section 2: so ends a message of which a part has come.
    dropped = (ABANDON,) if conversation.state is State.CHUNKS else ()
    if conversation.state is not State.GREETED:
        conversation.startAfresh()
    return (*dropped, Say(replies.OK))


def _proceedQuit(conversation: Conversation, command: Quit) -> Actions:
    return conversation.hangUp(replies.BYE)


def _proceedHelp(conversation: Conversation, command: Help) -> Actions:
    offered = conversation.offer.keywords
    brought = conversation.settings.verbs.items()
    verbs = [verb for verb, (row, _) in brought if row.keyword in offered]
    return (Say(replies.helpText([*conversation.rules, *verbs])),)


def _proceedVrfy(conversation: Conversation, command: Vrfy) -> Actions:
    return (Say(replies.CANNOT_VERIFY),)


def _proceedExpn(conversation: Conversation, command: Expn) -> Actions:
    return (Say(replies.LISTS_NOT_EXPANDED),)


def _hello(command: type[Hello]) -> Rule:
    return Rule(command, check=_checkHello, ask="onHelo", proceed=_proceedHello)


def _data(noRecipients: Reply) -> Rule:
    # Its callback gets a stream, and so is asked by READ_BODY.
    return Rule(
        Data,
        legal=frozenset({State.RECIPIENTS}),
        outOfOrder={**OUT_OF_ORDER, State.SENDER: noRecipients},
        check=_checkData,
        proceed=_proceedData,
    )


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.command.verb: rule for rule in rules}


_ENVELOPE = (
    Rule(
        Mail,
        legal=frozenset({State.READY}),
        check=_checkMail,
        ask="onMailFrom",
        proceed=_proceedMail,
        grant=lambda offer: offer.mailOctets,
    ),
    Rule(
        Rcpt,
        legal=TRANSACTION,
        check=_checkRcpt,
        ask="onRcptTo",
        proceed=_proceedRcpt,
        grant=lambda offer: offer.rcptOctets,
    ),
)
_OTHERS = (
    Rule(Rset, _proceedRset, legal=ALWAYS),
    Rule(Noop, sayOK, legal=ALWAYS),
    Rule(Quit, _proceedQuit, legal=ALWAYS | {State.REFUSED}),
    Rule(Vrfy, _proceedVrfy, legal=ALWAYS),
    Rule(Expn, _proceedExpn, legal=ALWAYS),
    Rule(Help, _proceedHelp, legal=ALWAYS),
)

#: The verbs of each protocol, by `ServerOptions.protocol`.
RULES: Mapping[str, Mapping[str, Rule]] = {
    "smtp": _table(
        _hello(Helo),
        _hello(Ehlo),
        *_ENVELOPE,
        _data(replies.NO_VALID_RECIPIENTS),
        *_OTHERS,
    ),
    # RFC 2033, section 4.2: without recipients DATA fails with 503.
    "lmtp": _table(
        _hello(Lhlo),
        *_ENVELOPE,
        _data(replies.RCPT_FIRST),
        *_OTHERS,
    ),
}
