# -*- test-case-name: tests.test_dialogue -*-
"""
The conversation: which command is legal where, what it needs, what it changes.

Theory of operation.  A `Dialogue` does no input or output.  It is given a command line
(`Dialogue.receive`) and says what is to be done, as a tuple of actions
(`smtpsession.actions`): say a reply, ask the application, read the message, hang up.

After it wants something asked or a message read, it waits.  Whoever carries the actions
out then owes it one call of `Dialogue.answered`, and hands in no other line before.  So
there is one question at a time, and replies leave in the order of the commands.

Every verb is a row of the table at the foot of this file: its command class, where it
is legal, and three columns.  I{Check} decides from the command alone whether it may
happen, and may refuse.  I{Ask} names the callback.  I{Proceed} makes it happen: only
there do the state and the session change.  SMTP and LMTP differ by rows, and by how
many replies a message gets.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from attrs import field, frozen

from smtpsession import replies
from smtpsession.actions import (
    HANG_UP,
    READ_BODY,
    Actions,
    Ask,
    Outcome,
    Refused,
    Say,
)
from smtpsession.commands import (
    Command,
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
    splitCommand,
)
from smtpsession.errors import SMTPError
from smtpsession.extensions import Offer
from smtpsession.limits import COMMAND_LINE
from smtpsession.options import ServerOptions
from smtpsession.replies import Reply
from smtpsession.results import BadResult, repliesTo
from smtpsession.session import SMTPEnvelope, SMTPSession


class State(enum.Enum):
    """Where a conversation stands."""

    CONNECTED = "the client has connected, nothing has been said"
    GREETED = "the server has greeted, the client has not said hello"
    READY = "the client has said hello, no transaction is open"
    SENDER = "a reverse-path is accepted, no recipient yet"
    RECIPIENTS = "at least one recipient is accepted"
    MESSAGE = "the message is on its way"
    REFUSED = "the client is not wanted and may only quit"
    CLOSED = "the server has hung up"

    # By identity: Enum's own hashes the name, and every command asks for it.
    __hash__ = object.__hash__


# What is said most often, made once.
_REVERSE_PATH_OK = (Say(replies.REVERSE_PATH_OK),)
_FORWARD_PATH_OK = (Say(replies.FORWARD_PATH_OK),)
_START_MAIL_INPUT = (Say(replies.START_MAIL_INPUT), READ_BODY)


class Dialogue:
    """
    One conversation, from the greeting on.

    @ivar session: the session that it fills
    @ivar state: where it stands
    @ivar lineLimit: how many octets the longest legal command line has now, its CRLF
        included
    """

    def __init__(self, session: SMTPSession, options: ServerOptions) -> None:
        self.session = session
        self.state = State.CONNECTED
        self.lineLimit = COMMAND_LINE
        self._options = options
        self._rules = RULES[options.protocol]
        self._offer = Offer((), session, options)
        self._settle: Callable[[Outcome], Actions] | None = None
        self._mistakes = 0
        self._transactions = 0

    def connected(self) -> Actions:
        """
        The client is there; its address and its name are known, and where the session
        is secure from the start, the handshake is done.
        """
        if self.session.secure:
            self._settle = self._settleSecure
            return (Ask("onSecure"),)
        return self._askToConnect()

    def _askToConnect(self) -> Actions:
        self._settle = self._settleConnection
        return (Ask("onConnect"),)

    def receive(self, line: bytes) -> Actions:
        """
        A command line, without its CRLF; not while a question is open.
        """
        try:
            verb, argument = splitCommand(line)
            rule = self._rules.get(verb)
            if rule is None:
                raise SMTPError.saying(
                    replies.NOT_HTTP if verb in HTTP else replies.UNKNOWN_COMMAND
                )
            if self.state not in rule.legal:
                raise SMTPError.saying(rule.outOfOrder[self.state])
            if len(line) + 2 > COMMAND_LINE + rule.grant(self._offer):
                raise SMTPError.saying(replies.LINE_TOO_LONG)
            subject, draft = rule.check(self, rule.command.parse(argument))
        except SMTPError as error:
            return self._refuse(error.reply)
        if rule.ask is None:
            return rule.proceed(self, draft)
        self._settle = partial(self._settleCommand, rule, draft)
        return (Ask(rule.ask, (subject,)),)

    def receiveOverlong(self) -> Actions:
        """A line longer than `lineLimit` has come and was skipped up to its CRLF."""
        return self._refuse(replies.LINE_TOO_LONG)

    def answered(self, outcome: Outcome) -> Actions:
        """
        The open question has its answer.

        @raise BadResult: what C{onData} returned is not of its contract; the question
            stays open
        """
        settle, self._settle = self._settle, None
        assert settle is not None, "nobody was asked"
        try:
            return settle(outcome)
        except BadResult:
            self._settle = settle
            raise

    def hangUp(self, reply: Reply) -> Actions:
        """Say this, whatever is going on, and close."""
        self.state = State.CLOSED
        self._settle = None
        return (Say(reply), HANG_UP)

    def _say(self, reply: Reply) -> Actions:
        return self.hangUp(reply) if reply.endsConnection else (Say(reply),)

    def _refuse(self, reply: Reply) -> Actions:
        """What the library itself finds wrong with a command."""
        if _isMistake(reply):
            self._mistakes += 1
            if self._mistakes > self._options.errors:
                return self.hangUp(replies.TOO_MANY_ERRORS)
        return self._say(reply)

    def _settleSecure(self, outcome: Outcome) -> Actions:
        if isinstance(outcome, Refused):
            return self._settleConnection(outcome)
        return self._askToConnect()

    def _settleConnection(self, outcome: Outcome) -> Actions:
        if isinstance(outcome, Refused):
            # RFC 5321, section 3.1: who is refused may still say QUIT in peace.
            self.state = State.REFUSED
            return self._say(outcome.reply)
        self.state = State.GREETED
        name = "LMTP" if self._options.protocol == "lmtp" else "ESMTP"
        return (Say(replies.greeting(self._options.hostname, name)),)

    def _settleCommand(self, rule: Rule, draft: Any, outcome: Outcome) -> Actions:
        if isinstance(outcome, Refused):
            return self._say(outcome.reply)
        return rule.proceed(self, draft)

    # The columns "check": (what the application is asked about, what to proceed with).

    def _checkHello(self, command: Hello) -> tuple[str, Hello]:
        return command.hostname, command

    def _checkMail(self, command: Mail) -> tuple[Any, SMTPEnvelope]:
        if self._transactions >= self._options.transactions:
            raise SMTPError.saying(replies.TOO_MANY_TRANSACTIONS)
        return command.address, self._offer.envelope(command.address)

    def _checkRcpt(self, command: Rcpt) -> tuple[Any, Any]:
        envelope = self.session.envelope
        recipient = self._offer.recipient(command.address, envelope)
        if len(envelope.rcptTo) >= self._options.recipients:
            raise SMTPError.saying(replies.TOO_MANY_RECIPIENTS)
        return recipient, recipient

    def _checkNothing(self, command: Command) -> tuple[None, Command]:
        return None, command

    # The columns "proceed".

    def _proceedHello(self, command: Hello) -> Actions:
        session, options = self.session, self._options
        self._startAfresh()
        session.openingCommand = command.verb
        session.hostNameAppearsAs = command.hostname
        extensions = () if isinstance(command, Helo) else options.extensions
        offer = self._offer = Offer(extensions, session, options)
        self.lineLimit = COMMAND_LINE + max(offer.mailOctets, offer.rcptOctets)
        return (Say(replies.hello(options.hostname, self._offer.lines)),)

    def _proceedMail(self, envelope: SMTPEnvelope) -> Actions:
        self.session.envelope = envelope
        self.state = State.SENDER
        self._transactions += 1
        return _REVERSE_PATH_OK

    def _proceedRcpt(self, recipient: Any) -> Actions:
        self.session.envelope.rcptTo.append(recipient)
        self.state = State.RECIPIENTS
        return _FORWARD_PATH_OK

    def _proceedData(self, command: Data) -> Actions:
        self.state = State.MESSAGE
        self._settle = self._settleMessage
        return _START_MAIL_INPUT

    def _settleMessage(self, outcome: Outcome) -> Actions:
        isLMTP = self._options.protocol == "lmtp"
        count = len(self.session.envelope.rcptTo) if isLMTP else None
        answers = repliesTo(outcome, count)
        self.session.transaction += 1
        self._startAfresh()
        return self._sayAll(answers)

    def _sayAll(self, answers: Iterable[Reply]) -> Actions:
        said: Actions = ()
        for reply in answers:
            said += self._say(reply)
            if reply.endsConnection:
                break
        return said

    def _proceedRset(self, command: Rset) -> Actions:
        if self.state in (State.SENDER, State.RECIPIENTS):
            self._startAfresh()
        return (Say(replies.OK),)

    def _startAfresh(self) -> None:
        self.session.envelope = SMTPEnvelope()
        self.state = State.READY

    def _proceedQuit(self, command: Quit) -> Actions:
        return self.hangUp(replies.BYE)

    def _proceedHelp(self, command: Help) -> Actions:
        return (Say(replies.helpText(self._rules)),)

    def _proceedNoop(self, command: Noop) -> Actions:
        return (Say(replies.OK),)

    def _proceedVrfy(self, command: Vrfy) -> Actions:
        return (Say(replies.CANNOT_VERIFY),)

    def _proceedExpn(self, command: Expn) -> Actions:
        return (Say(replies.LISTS_NOT_EXPANDED),)


def _isMistake(reply: Reply) -> bool:
    """A syntax error of RFC 5321, section 4.2.1 (x0z), or of 4.1.1.11 (555)."""
    if reply in (replies.MAIL_FIRST, replies.RCPT_FIRST):
        # RFC 2920, section 3.1: who pipelines cannot know that MAIL will be refused.
        return False
    return 500 <= reply.code <= 509 or reply.code == 555


TRANSACTION = frozenset({State.SENDER, State.RECIPIENTS})
AFTER_HELLO = TRANSACTION | {State.READY}
ANYTIME = AFTER_HELLO | {State.GREETED}

#: A web page can make a browser speak to us, and its request would be so many unknown
#: commands, with whatever the page wants to say behind them.
HTTP = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PRI", "PUT"]
)

#: What is said to a command that is not legal in a state, where its row has no other.
OUT_OF_ORDER = {
    State.GREETED: replies.HELLO_FIRST,
    State.READY: replies.MAIL_FIRST,
    State.SENDER: replies.NESTED_MAIL,
    State.RECIPIENTS: replies.NESTED_MAIL,
    State.REFUSED: replies.SERVICE_REFUSED,
}


def _noGrant(offer: Offer) -> int:
    return 0


@frozen
class Rule:
    """
    A row of the table.

    @ivar command: the class that parses the argument
    @ivar proceed: (dialogue, what check gave) to actions
    @ivar legal: the states in which the verb may come
    @ivar outOfOrder: what is said in the others
    @ivar check: (dialogue, command) to (what the callback is asked about, what to
        proceed with); raises `SMTPError`
    @ivar ask: the name of the callback, or None
    @ivar grant: by how many octets an offer lengthens the verb's line
    """

    command: type[Command]
    proceed: Callable[[Dialogue, Any], Actions]
    legal: frozenset[State] = ANYTIME
    outOfOrder: Mapping[State, Reply] = field(factory=lambda: OUT_OF_ORDER)
    check: Callable[[Dialogue, Any], tuple[Any, Any]] = Dialogue._checkNothing
    ask: str | None = None
    grant: Callable[[Offer], int] = _noGrant


def _hello(command: type[Hello]) -> Rule:
    return Rule(
        command,
        check=Dialogue._checkHello,
        ask="onHelo",
        proceed=Dialogue._proceedHello,
    )


def _data(noRecipients: Reply) -> Rule:
    # Its callback gets a stream, and so is asked by READ_BODY.
    return Rule(
        Data,
        legal=frozenset({State.RECIPIENTS}),
        outOfOrder={**OUT_OF_ORDER, State.SENDER: noRecipients},
        proceed=Dialogue._proceedData,
    )


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.command.verb: rule for rule in rules}


_ENVELOPE = (
    Rule(
        Mail,
        legal=frozenset({State.READY}),
        check=Dialogue._checkMail,
        ask="onMailFrom",
        proceed=Dialogue._proceedMail,
        grant=lambda offer: offer.mailOctets,
    ),
    Rule(
        Rcpt,
        legal=TRANSACTION,
        check=Dialogue._checkRcpt,
        ask="onRcptTo",
        proceed=Dialogue._proceedRcpt,
        grant=lambda offer: offer.rcptOctets,
    ),
)
_OTHERS = (
    Rule(Rset, Dialogue._proceedRset),
    Rule(Noop, Dialogue._proceedNoop),
    Rule(Quit, Dialogue._proceedQuit, legal=ANYTIME | {State.REFUSED}),
    Rule(Vrfy, Dialogue._proceedVrfy),
    Rule(Expn, Dialogue._proceedExpn),
    Rule(Help, Dialogue._proceedHelp),
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
