# -*- test-case-name: tests.test_dialogue -*-
"""
The conversation: which command is legal where, what it needs, what it changes.

Theory of operation.  A `Dialogue` does no input or output.  It is given a command line
(`Dialogue.receive`) and says what is to be done, as a tuple of actions
(`smtpsession.actions`): say a reply, ask the application, read the message, hang up.

After it wants something asked or a message read, it waits.  Whoever carries the actions
out then owes it one call of `Dialogue.answered`, and hands in no other line before.  So
there is one question at a time, and replies leave in the order of the commands.

Every verb is a row of a table (`smtpsession.verbs`), or of the extension that brings
it: its command class, where it is legal, and three columns.  I{Check} decides from the
command alone whether it may happen, and may refuse.  I{Ask} names the callback.
I{Proceed} makes it happen: only there do the state and the session change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from smtpsession import replies
from smtpsession.actions import (
    ABANDON,
    ACCEPTED,
    HANG_UP,
    Accepted,
    Actions,
    Ask,
    AskForKeys,
    Outcome,
    Refused,
    Report,
    Say,
    Skip,
)
from smtpsession.allowance import Allowance
from smtpsession.commands import splitCommand
from smtpsession.errors import SMTPError
from smtpsession.limits import COMMAND_LINE
from smtpsession.mistakes import HTTP, isMistake, splitLoosely
from smtpsession.offers import NO_OFFER, UNBOUND, Extension, offerNow
from smtpsession.options import ServerOptions
from smtpsession.replies import Reply
from smtpsession.results import BadResult, repliesTo
from smtpsession.rules import Rule, State
from smtpsession.sasl.exchange import KeysWanted
from smtpsession.sasl.keys import ScramKeys
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.usual import usualCommand
from smtpsession.verbs import RULES

_ORIGIN = (
    *("remoteAddress", "remotePort", "localAddress", "localPort"),
    "clientHostname",
)
_origin = attrgetter(*_ORIGIN)
_IDLE = frozenset({State.GREETED, State.READY, State.REFUSED})


class Dialogue:
    """
    One conversation, from the greeting on: the `Conversation` of the rules.

    @ivar session: the session that it fills
    @ivar settings: what the server was told
    @ivar state: where it stands
    @ivar line: the command that came last, without its CRLF; C{b""} if it was too long.
        A response to a challenge, which may be a secret, is none.
    @ivar lineLimit: how many octets the longest legal line has now, its CRLF included
    @ivar offer: what the last EHLO offered
    @ivar allowance: what the client may still do
    @ivar channelBindings: of its TLS, by type
    @ivar recipients: how many the transaction has
    """

    __slots__ = (
        *("session", "allowance", "settings", "state", "line", "lineLimit", "rules"),
        *("offer", "channelBindings", "_settle", "_rule", "_draft", "_respond"),
        *("_takeKeys", "_isLoggingIn", "_origin", "recipients"),
    )

    def __init__(
        self,
        session: SMTPSession,
        options: ServerOptions,
        allowance: Allowance | None = None,
    ) -> None:
        """
        @param allowance: by default one of its own, with no other client to count
        """
        self.session = session
        self.allowance = allowance or Allowance(session, options)
        self.settings = options
        self.state = State.CONNECTED
        self.recipients = 0
        self.line = b""
        self.lineLimit = COMMAND_LINE
        self.channelBindings = UNBOUND
        self.rules = RULES[options.protocol]
        self.offer = NO_OFFER
        self._settle: Callable[[Outcome], Actions] | None = None
        # The row of the command that the application is asked about, and its draft.
        self._rule: Rule
        self._draft: Any
        self._respond: Callable[[bytes | None], Actions] | None = None
        self._takeKeys: Callable[[ScramKeys | None], Actions] | None = None
        self._isLoggingIn = False
        # Where the client is, as it was known before XCLIENT said otherwise.
        self._origin: tuple[Any, ...] = ()

    def connected(self) -> Actions:
        """
        The client is there; its address and its name are known, and where the session
        is secure from the start, the handshake is done.
        """
        self._origin = _origin(self.session)
        return self._askSecure() if self.session.secure else self.greet()

    def secured(self) -> Actions:
        """
        The handshake that STARTTLS began is done, and the session knows of it.  What
        was said before it, anybody can have said: RFC 3207, section 4.2.
        """
        self.session.xClient = {}
        for name, value in zip(_ORIGIN, self._origin, strict=True):
            setattr(self.session, name, value)
        self.startOver()
        return self._askSecure()

    def receive(self, line: bytes) -> Actions:
        """
        A line, without its CRLF; not while a question is open, but for the response to
        a challenge.
        """
        if self._respond is not None:
            return self._respond(line)
        self.line = line
        try:
            usual = usualCommand(line, self.offer.recipientDSN)
            verb, argument = splitCommand(line) if usual is None else (usual.verb, b"")
            rule = self.rules.get(verb) or self._broughtRule(verb)
            if self.state not in rule.legal:
                raise SMTPError.saying(rule.outOfOrder[self.state])
            octets = len(line) + 2
            if octets > COMMAND_LINE and octets > COMMAND_LINE + rule.grant(self.offer):
                raise SMTPError.saying(replies.LINE_TOO_LONG)
            command = rule.command.parse(argument) if usual is None else usual
            subject, draft = rule.check(self, command)
        except SMTPError as error:
            return self._refuse(error.reply, line)
        except Exception as error:
            return (Report(error), *self._refuse(replies.LOCAL_ERROR, line))
        if rule.run is not None:
            self._settle = self._settleRun
            return (Ask(rule.run, (subject,)),)
        self._rule, self._draft = rule, draft
        if rule.ask is None:
            return self._settleCommand(ACCEPTED)
        self._settle = self._settleCommand
        return (Ask(rule.ask, (subject,)),)

    def receiveOverlong(self, beginning: bytes = b"") -> Actions:
        """
        A line longer than `lineLimit` has come and was skipped up to its CRLF.

        @param beginning: what it began with
        """
        self.line = b""
        if self._respond is not None:
            return self._respond(None)
        if self._followed(beginning) is not None:
            return self.hangUp(replies.OUT_OF_STEP)
        return self._refuse(replies.LINE_TOO_LONG)

    def answered(self, outcome: Outcome) -> Actions:
        """
        The open question has its answer.

        @raise BadResult: what C{onData} returned is not of its contract; the question
            stays open
        """
        settle, self._settle = self._settle, None
        self._takeKeys = None
        self._isLoggingIn = False
        assert settle is not None, "nobody was asked"
        try:
            return settle(outcome)
        except BadResult:
            self._settle = settle
            raise

    def knows(self, verb: bytes) -> bool:
        """Whether this is a verb, in any case, legal here or not."""
        word = verb.decode("latin-1").upper()
        return word in self.rules or word in self.settings.verbs

    def keysGiven(self, keys: ScramKeys | None) -> Actions:
        """The application has called C{validateKeys}; its question stays open."""
        takeKeys, self._takeKeys = self._takeKeys, None
        if takeKeys is None:
            raise RuntimeError("keys are given once, and before the answer")
        return takeKeys(keys)

    @property
    def isIdle(self) -> bool:
        """Whether nothing is lost to the client if it is told to go now."""
        isAsking = self._settle is not None or self._respond is not None
        return self.state in _IDLE and not isAsking

    def hangUp(self, reply: Reply) -> Actions:
        """Say this, whatever is going on, and close."""
        # Whoever reads the parts that have come need not wait until all is closed.
        dropped = (ABANDON,) if self.state is State.CHUNKS else ()
        self.state = State.CLOSED
        self._settle = self._respond = self._takeKeys = None
        self._isLoggingIn = False
        return (*dropped, Say(reply), HANG_UP)

    def lost(self) -> None:
        """
        The client has gone.  If it was logging in it has failed: whoever does not wait
        for the answer could have any number of passwords hashed.
        """
        if self._isLoggingIn:
            self.allowance.guessedWrong()

    # What a rule may do: the rest of `Conversation`.

    def say(self, reply: Reply) -> Actions:
        return self.hangUp(reply) if reply.endsConnection else (Say(reply),)

    def sayAll(self, answers: Sequence[Reply]) -> Actions:
        if len(answers) == 1:
            return self.say(answers[0])
        said: Actions = ()
        for reply in answers:
            said += self.say(reply)
            if reply.endsConnection:
                break
        return said

    def ask(
        self, callback: str, settle: Callable[[Outcome], Actions], *arguments: Any
    ) -> Actions:
        self._settle = settle
        self._isLoggingIn = callback == "onAuth"
        return (Ask(callback, arguments),)

    def askForKeys(
        self,
        wanted: KeysWanted,
        takeKeys: Callable[[ScramKeys | None], Actions],
        settle: Callable[[Outcome], Actions],
    ) -> Actions:
        self._takeKeys, self._settle = takeKeys, settle
        self._isLoggingIn = True
        return (AskForKeys(wanted),)

    def listen(
        self, respond: Callable[[bytes | None], Actions] | None, limit: int = 0
    ) -> None:
        self._respond = respond
        self.lineLimit = limit or COMMAND_LINE + self.offer.lineOctets

    def settleWith(self, settle: Callable[[Outcome], Actions]) -> None:
        self._settle = settle

    def settleMessage(self, outcome: Outcome) -> Actions:
        session = self.session
        isLMTP = self.settings.protocol == "lmtp"
        answers = repliesTo(outcome, self.recipients if isLMTP else None)
        session.transaction += 1
        self.startAfresh()
        return self.sayAll(answers)

    def countGuess(self, reply: Reply) -> bool:
        # Who breaks off, or is not understood, has not guessed.
        isGuess = reply.code > 501
        if isGuess:
            self.allowance.guessedWrong()
        return isGuess

    def failedLogin(self, reply: Reply, isCounted: bool = False) -> Actions:
        if not isCounted:
            self.countGuess(reply)
        last = self.allowance.failedLogin()
        return self.say(reply) if last is None else self.hangUp(last)

    def startAfresh(self) -> None:
        session = self.session
        session.envelope = SMTPEnvelope()
        if session.xForward:
            session.xForward = {}
        self.recipients = 0
        self.state = State.READY

    def startOver(self) -> None:
        session = self.session
        self.startAfresh()
        session.hostNameAppearsAs = session.openingCommand = ""
        session.user = session.authMethod = None
        self.open(())
        self.state = State.GREETED

    def open(self, extensions: Iterable[Extension]) -> None:
        session = self.session
        offer = offerNow(extensions, session, self.settings, self.channelBindings)
        states = {keyword: make() for keyword, make in offer.newStates.items()}
        # What the last one has kept is forgotten, as a TLS that begins wants it.
        for keyword in self.offer.newStates:
            session.state.pop(keyword, None)
        session.state.update(states)
        self.offer = offer
        self.lineLimit = COMMAND_LINE + offer.lineOctets

    def greet(self) -> Actions:
        return self.ask("onConnect", self._settleConnection)

    def _broughtRule(self, verb: str) -> Rule:
        """The rule of a verb that an extension brings."""
        brought = self.settings.verbs.get(verb)
        if brought is None:
            raise SMTPError.saying(
                replies.NOT_HTTP if verb in HTTP else replies.UNKNOWN_COMMAND
            )
        extension, rule = brought
        if self.state in rule.legal and extension.keyword not in self.offer.keywords:
            refusal = rule.notOffered(self)
            if refusal is not None:
                raise SMTPError.saying(refusal)
        return rule

    def _refuse(self, reply: Reply, line: bytes = b"") -> Actions:
        """What the library itself finds wrong with a command."""
        last = self.allowance.mistake() if isMistake(reply) else None
        if last is not None:
            return self.hangUp(last)
        follow = self._followed(line)
        if follow is None:
            return self.say(reply)
        try:
            octets = follow(splitLoosely(line)[1].strip(b" \t"))
        except SMTPError:
            # Where the next command begins is not to be known any more.
            return self.hangUp(replies.OUT_OF_STEP)
        return (*self.say(reply), Skip(octets))

    def _followed(self, line: bytes) -> Callable[[bytes], int] | None:
        """How many octets follow this line, where its verb can have any."""
        verb = splitLoosely(line)[0].decode("ascii").upper()
        brought = self.settings.verbs.get(verb)
        return None if brought is None else brought[1].follow

    def _askSecure(self) -> Actions:
        return self.ask("onSecure", self._settleSecure)

    def _settleSecure(self, outcome: Outcome) -> Actions:
        if self.state is State.CONNECTED:
            isRefused = isinstance(outcome, Refused)
            return self._settleConnection(outcome) if isRefused else self.greet()
        if isinstance(outcome, Refused):
            # No reply is due here; the commands that follow get theirs.
            self.state = State.REFUSED
            if outcome.reply.endsConnection:
                return self.hangUp(outcome.reply)
        return ()

    def _settleConnection(self, outcome: Outcome) -> Actions:
        if isinstance(outcome, Refused):
            # RFC 5321, section 3.1: who is refused may still say QUIT in peace.
            self.state = State.REFUSED
            return self.say(outcome.reply)
        self.state = State.GREETED
        name = "LMTP" if self.settings.protocol == "lmtp" else "ESMTP"
        return (Say(replies.greeting(self.settings.hostname, name)),)

    def _settleCommand(self, outcome: Outcome) -> Actions:
        if isinstance(outcome, Refused):
            return self.say(outcome.reply)
        # Not kept: nothing may come behind it for a long time.
        draft, self._draft = self._draft, None
        try:
            return self._rule.proceed(self, draft)
        except Exception as error:
            return (Report(error), *self.say(replies.LOCAL_ERROR))

    def _settleRun(self, outcome: Outcome) -> Actions:
        """What the callable of a rule says is its reply."""
        if isinstance(outcome, Accepted) and outcome.value is None:
            return self.say(replies.OK)
        return self.sayAll(repliesTo(outcome, None))
