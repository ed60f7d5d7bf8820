# -*- test-case-name: tests.test_dialogue -*-
"""
What a row of the table of verbs is, and the states that a conversation can be in.

The verbs of the protocol and those of an extension, a built-in one or a user's own, are
rows of this same class.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from smtpsession import replies
from smtpsession.actions import Actions, Outcome, Say
from smtpsession.allowance import Allowance
from smtpsession.commands import Command
from smtpsession.replies import Reply
from smtpsession.sasl.exchange import KeysWanted
from smtpsession.sasl.keys import ScramKeys
from smtpsession.session import SMTPSession


class State(enum.Enum):
    """Where a conversation stands."""

    CONNECTED = "the client has connected, nothing has been said"
    GREETED = "the server has greeted, the client has not said hello"
    READY = "the client has said hello, no transaction is open"
    SENDER = "a reverse-path is accepted, no recipient yet"
    RECIPIENTS = "at least one recipient is accepted"
    CHUNKS = "a part of the message has come, and more is to come"
    MESSAGE = "the message is on its way"
    REFUSED = "the client is not wanted and may only quit"
    CLOSED = "the server has hung up"

    # By identity: Enum's own hashes the name, and every command asks for it.
    __hash__ = object.__hash__


TRANSACTION = frozenset({State.SENDER, State.RECIPIENTS})
AFTER_HELLO = TRANSACTION | {State.READY}
ANYTIME = AFTER_HELLO | {State.GREETED}
#: Between two parts of a message too, while C{onData} is asked: of what asks nobody.
ALWAYS = ANYTIME | {State.CHUNKS}

#: What is said to a command that is not legal in a state, where its row has no other.
OUT_OF_ORDER: Mapping[State, Reply] = {
    State.GREETED: replies.HELLO_FIRST,
    State.READY: replies.MAIL_FIRST,
    State.SENDER: replies.NESTED_MAIL,
    State.RECIPIENTS: replies.NESTED_MAIL,
    State.CHUNKS: replies.CHUNKS_FIRST,
    State.REFUSED: replies.SERVICE_REFUSED,
}

#: Of a verb that has no business in a transaction: where it is legal, and what is said
#: elsewhere.
OUTSIDE = frozenset({State.READY})
NOT_INSIDE: Mapping[State, Reply] = {**OUT_OF_ORDER, State.CHUNKS: replies.NESTED_MAIL}


class Conversation(Protocol):
    """
    What a row may do with the conversation that its verb came in.

    @ivar settings: what the server was told
    @ivar state: where the conversation stands
    @ivar offer: what the last EHLO offered
    @ivar rules: the verbs of the protocol
    @ivar allowance: what the client may still do
    @ivar channelBindings: of its TLS, by type
    @ivar recipients: how many the transaction has, whatever the application makes of
        their list: so many replies a message has under LMTP
    """

    session: SMTPSession
    settings: Any
    state: State
    recipients: int
    offer: Any
    rules: Mapping[str, Rule]
    allowance: Allowance
    channelBindings: Mapping[str, bytes]

    def hangUp(self, reply: Reply) -> Actions:
        """Say this, whatever is going on, and close."""

    def say(self, reply: Reply) -> Actions:
        """Say this, and hang up if that is what it says."""

    def ask(
        self, callback: str, settle: Callable[[Outcome], Actions], *arguments: Any
    ) -> Actions:
        """Ask the application, and settle its answer."""

    def askForKeys(
        self,
        wanted: KeysWanted,
        takeKeys: Callable[[ScramKeys | None], Actions],
        settle: Callable[[Outcome], Actions],
    ) -> Actions:
        """Ask the application for the keys of a user, and settle its answer."""

    def listen(
        self, respond: Callable[[bytes | None], Actions] | None, limit: int = 0
    ) -> None:
        """The next line is no command, or is one again."""

    def settleWith(self, settle: Callable[[Outcome], Actions]) -> None:
        """What comes of the action that follows is settled so."""

    def settleMessage(self, outcome: Outcome) -> Actions:
        """A message has ended, and the application has answered to it."""

    def countGuess(self, reply: Reply) -> bool:
        """
        A client could not say who it is, and is to hear this sooner or later.

        @return: whether it was a guess, for which its address has paid now
        """

    def failedLogin(self, reply: Reply, isCounted: bool = False) -> Actions:
        """
        Refuse a client that could not say who it is.

        @param isCounted: whether C{countGuess} has counted it
        """

    def startAfresh(self) -> None:
        """There is no transaction any more."""

    def startOver(self) -> None:
        """Nothing has been said yet but the greeting."""

    def open(self, extensions: Iterable[Any]) -> None:
        """The client has said hello: offer what can be offered of these."""

    def greet(self) -> Actions:
        """Ask whether the client is wanted, and greet it."""


def _checkNothing(conversation: Any, command: Command) -> tuple[Command, Command]:
    return command, command


def sayOK(conversation: Any, draft: object) -> Actions:
    """The column "proceed" of what has nothing to do."""
    return (Say(replies.OK),)


def _notOffered(conversation: Any) -> Reply:
    return replies.NOT_OFFERED


def _orElse(replies: Mapping[State, Reply]) -> Mapping[State, Reply]:
    return {**OUT_OF_ORDER, **replies}


def noGrant(offer: Any) -> int:
    """The column "grant" of a verb whose line nothing lengthens."""
    return 0


@frozen
class Rule:
    """
    A row of the table of verbs.

    @ivar command: the class that parses the argument
    @ivar proceed: (conversation, what check gave) to actions
    @ivar legal: the states in which the verb may come
    @ivar outOfOrder: what is said in the others; by default, and in a state that it
        does not name, what C{OUT_OF_ORDER} has
    @ivar check: (conversation, command) to (what the callback is asked about, what to
        proceed with); raises `SMTPError`
    @ivar ask: the name of the callback, or None
    @ivar run: called in place of a callback of the server, with the command and the
        session: (command, session) to an answer as C{onData} may give it, in whatever
        way a callback may give one.  That is then the reply, and C{proceed} is not
        called.
    @ivar notOffered: of a verb that an extension brings, from the conversation to what
        is said where the extension is not offered; None for a command that is allowed
        all the same
    @ivar grant: by how many octets an offer lengthens the verb's line
    @ivar follow: from the argument to the number of octets behind the line that are the
        command's, so that they are skipped if it is refused; raises `SMTPError` where
        that is not to be known

    @raise ValueError: a callback or C{run} is asked between two parts of a message,
        while C{onData} still is
    """

    command: type[Command]
    proceed: Callable[[Any, Any], Actions] = sayOK
    legal: frozenset[State] = ANYTIME
    outOfOrder: Mapping[State, Reply] = field(factory=dict, converter=_orElse)
    check: Callable[[Any, Any], tuple[Any, Any]] = _checkNothing
    ask: str | None = None
    run: Callable[..., Any] | None = None
    notOffered: Callable[[Any], Reply | None] = _notOffered
    grant: Callable[[Any], int] = noGrant
    follow: Callable[[bytes], int] | None = None

    def __attrs_post_init__(self) -> None:
        asks = self.ask is not None or self.run is not None
        if asks and State.CHUNKS in self.legal:
            raise ValueError(f"{self.command.verb} asks while onData is asked")
