"""
The connection below C{tests.rfcmodel}: octets, time, and the application.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from attrs import define, field

from tests.rfcterms import (
    REFUSALS,
    Ended,
    Envelope,
    Message,
    Plan,
    Question,
    Refusal,
    Terms,
)

#: RFC 5321, section 4.5.3.2, and the time that a server gives to its own beginnings.
COMMAND_TIMEOUT, DATA_TIMEOUT, HANDSHAKE_TIMEOUT = 300, 600, 60

#: What does something, and yields while it waits for something to happen.

Steps = Generator[None, None, Any]


@define
class Connection:
    """
    One connection.

    @ivar replies: what the client is told, as far as it matters: the codes, and a text
        where that is the application's or says more than the codes
    @ivar events: what the application sees: (callback, subject, session), C{("read",
        message, session)}, C{("let go", callback)} for a question that nobody wants an
        answer to any more, and with C{"let go?"} where it may have seen before that it
        cannot be accepted
    @ivar logged: the errors of the application that must be in the log
    @ivar closed: whether the server has hung up
    @ivar inHandshake: whether TLS is to begin
    @ivar isBlocked: whether the server reads nothing until the application answers
    """

    terms: Terms
    address: str
    plans: dict[str, deque[Plan]] = field(factory=lambda: defaultdict(deque))
    replies: list[str] = field(factory=list)
    events: list[Any] = field(factory=list)
    logged: list[str] = field(factory=list)
    closed: bool = False
    inHandshake: bool = False
    isBlocked: bool = False
    now: int = 0
    _due: float | None = None
    _heard: bytes = b""
    _question: Question | None = None
    _isAnnounced: bool = False
    _run: Steps | None = None

    # The session.
    state: str = "new"
    secure: bool = False
    hello: tuple[str, str] = ("", "")
    user: str | None = None
    transaction: int = 0
    envelope: Envelope = Envelope()
    _isExtended: bool = False
    _message: Message = field(factory=Message)
    _dataEnd: float = math.inf
    _begun: int = 0
    _mistakes: int = 0
    _failedLogins: int = 0
    _realAddress: str = ""

    def session(self) -> tuple[Any, ...]:
        """What a callback can see of it."""
        return (
            *(self.hello, self.secure, self.user, self.address),
            *(self.transaction, self.envelope),
        )

    # What happens to it.

    def connect(self) -> None:
        """The client is there."""
        self._run = self._connection()
        self._go()

    def hear(self, octets: bytes) -> None:
        """The client has sent these."""
        if not self.closed:
            self._heard += octets
            self._go()

    @property
    def isAsking(self) -> bool:
        """Whether the application can answer now."""
        question = self._question
        if question is None or question.verdict is not None:
            return False
        return question.plan.how == "late" or question.hasRead

    def answer(self, verdict: str) -> None:
        """The application answers."""
        assert self._question is not None
        self._give(self._question, verdict)
        self._go()

    def shakeHands(self) -> None:
        """The TLS handshake is done."""
        self.secure = True
        self._go()

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds
        if self._due is not None and self.now >= self._due and not self.closed:
            # Whoever has not even begun properly is not spoken to.
            isMet = self.state != "new" and not self.inHandshake
            with suppress(Ended):
                self._hangUp("421 4.4.2" if isMet else None)
            self._run = None

    def lose(self) -> None:
        """The connection is gone."""
        self.closed = True
        self._run = None
        self._letGo()
        if self._isAnnounced:
            self._pose("onClose")

    def _go(self) -> None:
        if self._run is not None:
            try:
                next(self._run)
            except Ended:
                self._run = None

    def _connection(self) -> Steps:
        """All that the server does, from the beginning to the end."""
        raise NotImplementedError

    # What the server does.

    def _say(self, reply: str) -> None:
        if reply.startswith("421"):
            self._hangUp(reply)
        self.replies.append(reply)

    def _hangUp(self, reply: str | None) -> None:
        self._letGo()
        if reply is not None:
            self.replies.append(reply)
        self.closed = True
        raise Ended()

    def _pose(self, name: str, subject: Any = None) -> Question:
        plans = self.plans[name]
        plan = Plan("reading" if name == "onData" else "at once")
        if plans:
            plan = plans.popleft()
        question = self._question = Question(name, plan)
        self.events.append((name, subject, self.session()))
        if plan.how == "at once":
            self._give(question, plan.verdict)
        return question

    def _give(self, question: Question, verdict: str) -> None:
        question.verdict = verdict
        if verdict == "raise":
            self.logged.append("Broken")

    def _ask(self, name: str, subject: Any = None) -> Steps:
        question = self._pose(name, subject)
        return (yield from self._answerTo(question))

    def _answerTo(self, question: Question) -> Steps:
        """Nobody but the application is waited for."""
        while question.verdict is None:
            self._due, self.isBlocked = None, True
            yield
        self.isBlocked = False
        return question.verdict

    def _letGo(self) -> None:
        question, self._question = self._question, None
        if question is not None and question.verdict is None:
            isReading = question.plan.reads and not question.hasRead
            mayHaveFailed = isReading and self._mayBeUnacceptable()
            word = "let go?" if mayHaveFailed else "let go"
            self.events.append((word, question.name))

    def _mayBeUnacceptable(self) -> bool:
        """Whether who reads a message may know already that it cannot be accepted."""
        raise NotImplementedError

    def _allow(self, seconds: float) -> None:
        self._due = self.now + seconds

    def _line(self) -> Steps:
        self._allow(COMMAND_TIMEOUT)
        while b"\r\n" not in self._heard:
            yield
        line, _, self._heard = self._heard.partition(b"\r\n")
        return line

    # Where the conversation stands.

    def _meet(self) -> Steps:
        """RFC 5321, section 3.1."""
        self._isAnnounced = True
        verdict = yield from self._ask("onConnect")
        if verdict in REFUSALS:
            self._doNotServe(REFUSALS[verdict])
        else:
            self.state = "greeted"
            self._say("220")

    def _doNotServe(self, reply: str) -> None:
        self.state = "refused"
        self._say(reply)

    def _forget(self) -> None:
        self.envelope = Envelope()
        self.state = "ready"

    def _startOver(self) -> None:
        self._forget()
        self.state = "greeted"
        self.hello, self.user, self._isExtended = ("", ""), None, False

    def _require(self, *states: str) -> None:
        """RFC 5321, section 4.1.4."""
        if self.state not in states:
            raise Refusal("503 5.5.1")
