"""
An application that answers as it was told to beforehand, and notes what it sees.

It is the server's side of C{tests.rfcmodel}: what it notes are the events of the model.
"""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.python.failure import Failure

from smtpsession import (
    MessageAborted,
    MessageStream,
    SMTPEnvelope,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
)
from tests.rfcterms import Envelope, Plan

_ERRORS = {
    "refuse": (550, "Not here", "5.7.1"),
    "later": (450, "Not now", "4.2.1"),
    "hang up": (421, "Closing for maintenance", "4.3.2"),
}
_FULL = SMTPError(452, "No room", "4.2.2")


class Broken(RuntimeError):
    """An error of the application."""


class PlannedServer(SMTPServerFactory):
    """
    @ivar plans: how to answer next, by the name of the callback
    @ivar events: as in C{tests.rfcmodel.Model}
    @ivar waiting: the question that is to be answered late; it is not forgotten when
        nobody wants an answer any more
    @ivar envelopes: those of the messages that were read, with what they were then
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.startAnew()

    def startAnew(self) -> None:
        """Know nothing of earlier connections."""
        self.plans: dict[str, deque[Plan]] = defaultdict(deque)
        self.events: list[Any] = []
        self.waiting: Deferred[str] | None = None
        self.envelopes: list[tuple[SMTPEnvelope, Envelope]] = []

    def onConnect(self, session: SMTPSession) -> Any:
        return self._answer("onConnect", None, session)

    def onSecure(self, session: SMTPSession) -> Any:
        return self._answer("onSecure", None, session)

    def onHelo(self, hostname: str, session: SMTPSession) -> Any:
        return self._answer("onHelo", hostname, session)

    def onAuth(self, auth: Any, session: SMTPSession) -> Any:
        subject = auth.username, getattr(auth, "password", None)
        return self._answer("onAuth", subject, session)

    def onMailFrom(self, address: Any, session: SMTPSession) -> Any:
        return self._answer("onMailFrom", address.address, session)

    def onRcptTo(self, address: Any, session: SMTPSession) -> Any:
        return self._answer("onRcptTo", address.address, session)

    def onClose(self, session: SMTPSession) -> Any:
        return self._answer("onClose", None, session)

    def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        plan = self._next("onData")
        self.events.append(("onData", None, view(session)))
        if plan.reads:
            return self._read(stream, session, plan)
        return self._inStyle("onData", plan, session)

    # How it answers.

    def _next(self, name: str) -> Plan:
        plans = self.plans[name]
        if plans:
            return plans.popleft()
        return Plan("reading" if name == "onData" else "at once")

    def _answer(self, name: str, subject: Any, session: SMTPSession) -> Any:
        plan = self._next(name)
        self.events.append((name, subject, view(session)))
        user = subject[0] if name == "onAuth" else None
        return self._inStyle(name, plan, session, user)

    def _inStyle(
        self, name: str, plan: Plan, session: SMTPSession, user: str | None = None
    ) -> Any:
        value = partial(self._value, session, user)
        if plan.how == "late":
            return self._late(name, plan, value)
        if plan.style == "coroutine":
            return _later(value, plan.verdict)
        if plan.style == "value":
            return value(plan.verdict)
        try:
            return succeed(value(plan.verdict))
        except Exception as error:
            return fail(error)

    def _late(self, name: str, plan: Plan, value: Any) -> Any:
        def cancelled(answer: object) -> None:
            self.events.append(("let go", name))

        def answerAllTheSame(answer: Deferred[str]) -> None:
            cancelled(answer)
            answer.callback("refuse")

        def note(failure: Failure) -> Failure:
            if failure.check(CancelledError):
                cancelled(failure)
            return failure

        if plan.style == "Deferred":
            # Who cannot cancel may answer long afterwards.
            self.waiting = Deferred()
            return self.waiting.addCallbacks(value, note)
        stubborn = plan.style == "value"
        waiting = self.waiting = Deferred(answerAllTheSame if stubborn else cancelled)
        return waiting.addCallback(value) if stubborn else _awaiting(waiting, value)

    async def _read(
        self, stream: MessageStream, session: SMTPSession, plan: Plan
    ) -> Any:
        try:
            content = await _contentOf(stream, plan.style)
        except (MessageAborted, CancelledError):
            self.events.append(("let go", "onData"))
            raise
        seen = view(session)
        self.events.append(("read", content, seen))
        self.envelopes.append((session.envelope, seen[-1]))
        value = partial(self._value, session, None)
        if plan.how == "reading late":
            return await self._late("onData", plan, value)
        return value(plan.verdict)

    def _value(self, session: SMTPSession, user: str | None, verdict: str) -> Any:
        if verdict == "raise":
            raise Broken("with a secret in it")
        if verdict in _ERRORS:
            raise SMTPError(*_ERRORS[verdict])
        if user is not None:
            return None if verdict == "nobody" else user
        if verdict == "each":
            count = len(session.envelope.rcptTo)
            return [(None, _FULL)[n % 2] for n in range(count)]
        return {"text": "queued as 7", "bad": object()}.get(verdict)


async def _later(value: Any, verdict: str) -> Any:
    return value(verdict)


async def _awaiting(waiting: Deferred[str], value: Any) -> Any:
    return value(await waiting)


async def _contentOf(stream: MessageStream, style: str) -> bytes:
    """The message, read in one of three ways."""
    if style == "value":
        return await stream.read()
    chunks: list[bytes] = []
    if style == "coroutine":
        async for chunk in stream:
            chunks.append(chunk)
    else:

        class Consumer:
            write = chunks.append

        await stream.deliverTo(Consumer())
    return b"".join(chunks)


def view(session: SMTPSession) -> tuple[Any, ...]:
    """What C{tests.rfcmodel.Model.session} says of it."""
    return (
        (session.openingCommand, session.hostNameAppearsAs),
        session.secure,
        session.user,
        session.remoteAddress,
        session.transaction,
        envelopeOf(session.envelope),
    )


def envelopeOf(envelope: SMTPEnvelope) -> Envelope:
    """The same for the model."""
    return Envelope(
        sender=None if envelope.mailFrom is None else envelope.mailFrom.address,
        body=envelope.bodyType,
        isUTF8=envelope.smtpUtf8,
        ret=None if envelope.dsn is None else envelope.dsn.ret,
        recipients=tuple(
            (each.address, None if each.dsn is None else each.dsn.notify)
            for each in envelope.rcptTo
        ),
    )
