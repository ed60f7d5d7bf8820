# -*- test-case-name: tests.test_authentication -*-
"""
AUTH, RFC 4954: a SASL exchange within a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smtpsession import replies
from smtpsession.actions import Accepted, Actions, Outcome, Prove, Refused, Say
from smtpsession.addresses import parseSubmitter
from smtpsession.commands import Auth
from smtpsession.encodings import parseBase64, printBase64
from smtpsession.errors import SASLError, SMTPError
from smtpsession.limits import AUTH_RESPONSE
from smtpsession.offers import Extension, MailParameter
from smtpsession.replies import Reply
from smtpsession.rules import NOT_INSIDE, OUTSIDE, Conversation, Rule
from smtpsession.sasl.exchange import (
    Challenge,
    ExchangeContext,
    KeysWanted,
    Proof,
    Step,
)
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.mechanisms import BY_NAME, Mechanism, possible
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.settings import Settings


class Authentication:
    """
    One AUTH command, from its argument to its last reply.

    The application is asked once, and answers once.  Where it is asked for keys, its
    question stays open while the client responds to the challenge made from them.
    """

    def __init__(self, conversation: Conversation, mechanism: Mechanism) -> None:
        session, settings = conversation.session, conversation.settings
        self._conversation = conversation
        self._mechanism = mechanism
        self._exchange = mechanism.start(
            ExchangeContext(
                hostname=settings.hostname,
                certificate=_certificateOf(session),
                channelBindings=conversation.channelBindings,
                offered=_offered(session, settings, conversation.channelBindings),
                secret=settings.scramSecret,
                iterations=settings.scramIterations,
            )
        )
        # What the application has answered, and whether that was taken for a yes.
        self._outcome: Outcome | None = None
        self._isAccepted = False
        # Whether the client has proved that it knows the password of the keys, where it
        # has to, and whether the application waits to be told.
        self._isProven: bool | None = None if mechanism.hashName else True
        self._isAwaited = False
        # Whether the address of the client has paid for a guess.
        self._isCounted = False
        # What the client is told in place of everything else.
        self._breach: Reply | None = None

    def begin(self, initial: bytes | None) -> Actions:
        """
        @param initial: the response that came with the command
        """
        step = next(self._exchange)
        if initial is None:
            return self._take(step)
        if self._mechanism.isServerFirst:
            return self._refuse(replies.BAD_EXCHANGE)
        return self._send(initial)

    def _respond(self, line: bytes | None) -> Actions:
        """The client responds to a challenge."""
        self._conversation.listen(None)
        if line is None:
            return self._break(replies.RESPONSE_TOO_LONG)
        if line == b"*":
            return self._break(replies.AUTH_CANCELLED)
        try:
            response = parseBase64(line)
        except ValueError:
            return self._break(replies.BAD_BASE64)
        return self._send(response)

    def _send(self, value: Any) -> Actions:
        try:
            step = self._exchange.send(value)
        except StopIteration:
            return self._end()
        except SASLError as error:
            return self._refuse(error.reply)
        return self._take(step)

    def _take(self, step: Step) -> Actions:
        conversation = self._conversation
        if isinstance(step, Challenge):
            conversation.listen(self._respond, AUTH_RESPONSE + len("\r\n"))
            text = printBase64(step.octets).decode("ascii")
            return (Say(replies.challenge(text)),)
        if isinstance(step, KeysWanted):
            return conversation.askForKeys(step, self._takeKeys, self._answered)
        if isinstance(step, Proof):
            return self._prove(step.isValid)
        return conversation.ask("onAuth", self._answered, step)

    def _takeKeys(self, keys: ScramKeys | None) -> Actions:
        self._isAwaited = True
        return self._send(keys)

    def _prove(self, isValid: bool) -> Actions:
        self._isProven = isValid
        proven: Actions = (Prove(isValid),) if self._isAwaited else ()
        self._isAwaited = False
        return proven if self._outcome is None else (*proven, *self._decide())

    def _answered(self, outcome: Outcome) -> Actions:
        self._outcome = outcome
        if self._isProven is not None:
            return self._decide()
        # Who answers before the proof has not heard the client out.  The client must
        # not learn that from when it is refused.
        return () if self._isAwaited else self._send(None)

    def _decide(self) -> Actions:
        if self._breach is not None:
            return self._refuse(self._breach)
        outcome = self._outcome
        self._isAccepted = (
            isinstance(outcome, Accepted)
            and outcome.value is not None
            and bool(self._isProven)
        )
        if not self._isAccepted:
            # At once: who hears of it in a challenge need not wait for the end.
            self._isCounted = self._conversation.countGuess(self._refusal)
        return self._send(self._isAccepted)

    def _end(self) -> Actions:
        outcome = self._outcome
        if self._isAccepted and isinstance(outcome, Accepted):
            session = self._conversation.session
            session.user, session.authMethod = outcome.value, self._mechanism.name
            return (Say(replies.AUTHENTICATED),)
        return self._refuse(self._refusal)

    @property
    def _refusal(self) -> Reply:
        """What a client is told that is not let in."""
        if isinstance(self._outcome, Refused):
            return self._outcome.reply
        return replies.AUTHENTICATION_FAILED

    def _break(self, reply: Reply) -> Actions:
        """The client will not, or cannot, go on."""
        self._exchange.close()
        self._breach = reply
        return self._prove(False) if self._isAwaited else self._refuse(reply)

    def _refuse(self, reply: Reply) -> Actions:
        return self._conversation.failedLogin(reply, self._isCounted)


def _certificateOf(session: SMTPSession) -> Any:
    """That of the client; after XCLIENT it is the proxy's, who is somebody else."""
    return None if session.xClient else session.peerCertificate


def _offered(
    session: SMTPSession, settings: Settings, channelBindings: Mapping[str, bytes]
) -> tuple[str, ...]:
    """The mechanisms that the client is told of; none where AUTH is not offered."""
    mayAsk = session.secure or (
        settings.allowInsecureAuth and settings.tls != "required"
    )
    if settings.auth == "none" or not mayAsk:
        return ()
    context = ExchangeContext(
        hostname=settings.hostname,
        certificate=_certificateOf(session),
        channelBindings=channelBindings,
    )
    return possible(context, settings.mechanisms)


def _offer(
    session: SMTPSession, settings: Settings, channelBindings: Mapping[str, bytes]
) -> str | None:
    return " ".join(_offered(session, settings, channelBindings)) or None


def _notOffered(conversation: Conversation) -> Reply:
    session, settings = conversation.session, conversation.settings
    if settings.auth == "none":
        return replies.NOT_OFFERED
    if settings.tls == "required" and not session.secure:
        return replies.STARTTLS_FIRST
    if session.openingCommand == "HELO":
        return replies.EHLO_FIRST
    if session.secure or settings.allowInsecureAuth:
        # There is no mechanism that this connection could use.
        return replies.NOT_OFFERED
    return replies.ENCRYPTION_REQUIRED


def _check(conversation: Conversation, command: Auth) -> tuple[Auth, Any]:
    session, settings = conversation.session, conversation.settings
    if session.user is not None:
        raise SMTPError.saying(replies.AUTH_ACTIVE)
    offered = _offered(session, settings, conversation.channelBindings)
    if command.mechanism not in offered:
        raise SMTPError.saying(replies.UNKNOWN_MECHANISM)
    return command, command


def _proceed(conversation: Conversation, command: Auth) -> Actions:
    mechanism = BY_NAME[command.mechanism]
    return Authentication(conversation, mechanism).begin(command.initial)


def _fillSubmitter(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    envelope.submitter = parseSubmitter(value)


AUTH = Extension(
    keyword="AUTH",
    rfc="RFC 4954",
    offerBound=_offer,
    verbs=(
        Rule(
            Auth,
            legal=OUTSIDE,
            outOfOrder=NOT_INSIDE,
            check=_check,
            proceed=_proceed,
            notOffered=_notOffered,
            grant=lambda offer: AUTH_RESPONSE,
        ),
    ),
    mailParameters=(MailParameter("AUTH", _fillSubmitter),),
    mailOctets=500,
)
