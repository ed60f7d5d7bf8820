# -*- test-case-name: tests.test_bdat -*-
"""
CHUNKING and BINARYMIME, RFC 3030: a message in counted parts.
"""

from __future__ import annotations

from functools import partial

from smtpsession import replies
from smtpsession.actions import Actions, Outcome, ReadChunk, Refused, Say
from smtpsession.commands import Bdat
from smtpsession.offers import Extension, MailParameter
from smtpsession.rules import OUT_OF_ORDER, Conversation, Rule, State
from smtpsession.session import SMTPEnvelope
from smtpsession.settings import Settings


def _proceed(conversation: Conversation, command: Bdat) -> Actions:
    isFirst = conversation.state is State.RECIPIENTS
    if command.isLast:
        conversation.state = State.MESSAGE
        conversation.settleWith(conversation.settleMessage)
    else:
        conversation.state = State.CHUNKS
        conversation.settleWith(partial(_settleChunk, conversation, command))
    return (ReadChunk(command.size, isFirst, command.isLast),)


def _settleChunk(
    conversation: Conversation, command: Bdat, outcome: Outcome
) -> Actions:
    if isinstance(outcome, Refused):
        # RFC 3030, section 4.2: with that the transaction has failed, and the parts
        # that the client has sent already are out of order.
        conversation.session.transaction += 1
        conversation.startAfresh()
        return conversation.say(outcome.reply)
    return (Say(replies.chunkReceived(command.size)),)


def _octetsBehind(argument: bytes) -> int:
    return Bdat.parse(argument).size


def _fillBinary(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    if value.upper() != "BINARYMIME":
        raise ValueError(f"not a body type: {value!r}")
    envelope.bodyType = "binarymime"


CHUNKING = Extension(
    keyword="CHUNKING",
    rfc="RFC 3030",
    verbs=(
        Rule(
            Bdat,
            legal=frozenset({State.RECIPIENTS, State.CHUNKS}),
            outOfOrder={**OUT_OF_ORDER, State.SENDER: replies.NO_VALID_RECIPIENTS},
            proceed=_proceed,
            follow=_octetsBehind,
        ),
    ),
)
BINARYMIME = Extension(
    keyword="BINARYMIME",
    rfc="RFC 3030",
    # RFC 3030, section 3: by BDAT alone can such a message be sent.
    needs="CHUNKING",
    mailParameters=(MailParameter("BODY", _fillBinary),),
    mailOctets=len(" BODY=BINARYMIME"),
)
