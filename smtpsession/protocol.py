# -*- test-case-name: tests.test_protocol -*-
"""
The dialogue on a connection.

It hands command lines to the dialogue, carries out the actions that come back, and
tells the dialogue what the application answered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from smtpsession.actions import (
    Abandon,
    Action,
    Actions,
    Ask,
    AskForKeys,
    HangUp,
    Outcome,
    Prove,
    ReadBody,
    ReadChunk,
    Refused,
    Report,
    Say,
    Skip,
    StartTLS,
)
from smtpsession.allowance import House
from smtpsession.body import ChunkDecoder, DotDecoder
from smtpsession.callbacks import Callbacks
from smtpsession.connection import Connection
from smtpsession.dialogue import Dialogue
from smtpsession.errors import MessageAborted
from smtpsession.holding import NAME, QUESTION, STREAM
from smtpsession.inquiry import Inquiry
from smtpsession.options import ServerOptions
from smtpsession.proof import PendingProof
from smtpsession.reception import Reception
from smtpsession.replies import (
    INJECTED,
    LOCAL_ERROR,
    READY_FOR_TLS,
    SERVER_FAILED,
    SHUTTING_DOWN,
    Reply,
)
from smtpsession.results import BadResult
from smtpsession.sasl.exchange import KeysWanted
from smtpsession.sasl.keys import ScramKeys
from smtpsession.session import SMTPSession
from smtpsession.sessionlog import logEnd, logRefusal
from smtpsession.shown import shown
from smtpsession.tls import TLSFacts
from smtpsession.watch import Ticker
from smtpsession.watcher import WatchedCallbacks, Watcher


class SMTPProtocol(Connection):
    """
    The server's side of one connection.

    @ivar session: what the callbacks receive
    """

    # As in the class below.
    _naming: Deferred[None] | None = None
    #: Whose keys were asked for last, and who waits for the client's proof.
    _wanted: KeysWanted | None = None
    _proof: PendingProof | None = None
    #: The message that is on its way.
    reception: Reception | None = None
    _skipped: ChunkDecoder | None = None
    _isIdentified = _isAnnounced = _isDraining = False

    def __init__(
        self,
        callbacks: Callbacks,
        options: ServerOptions,
        clock: IReactorTime,
        *,
        nameOf: Callable[[SMTPSession], Deferred[str]] | None = None,
        house: House | None = None,
        ticker: Ticker | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """
        @param clock: the reactor, for its time
        @param nameOf: looks up the name of the client and never fails; None to do
            without
        @param house: counts the clients; None to admit each
        @param ticker: of all connections with these options; None for one of its own
        @param watcher: is told what happens
        """
        super().__init__(options, clock, house, ticker)
        self._watcher = watcher
        self._callbacks: Callbacks | WatchedCallbacks = callbacks
        if watcher is not None:
            self._callbacks = WatchedCallbacks(callbacks, watcher, clock)
        self._nameOf = nameOf
        self._dialogue = Dialogue(self.session, options, self.allowance)
        self._inquiry = self._newInquiry()

    # What becomes of the connection.

    def connectionMade(self) -> None:
        if self._watcher is not None:
            self._watcher.connected(self.session)
        super().connectionMade()

    def begun(self, refusal: Reply | None) -> None:
        if refusal is None:
            self._identify()
        else:
            self._perform(self._dialogue.hangUp(refusal))

    def secured(self, facts: TLSFacts) -> None:
        self._dialogue.channelBindings = facts.channelBindings
        if self._watcher is not None:
            self._watcher.secured(self.session)
        if self._isIdentified:
            self._perform(self._dialogue.secured())

    def _identify(self) -> None:
        address = self.session.remoteAddress
        if not address:
            self._identified("localhost")
        elif self._nameOf is None:
            self._identified(f"[{address}]")
        else:
            self.hold(NAME)
            self._naming = self._nameOf(self.session).addCallback(self._identified)
            self._naming.addErrback(self.crash)

    def _identified(self, name: str) -> None:
        if self.isClosing:
            return
        self.session.clientHostname = name
        self._isIdentified = True
        if self._isDraining:
            self._perform(self._dialogue.hangUp(SHUTTING_DOWN))
        else:
            self._perform(self._dialogue.connected())
        self.outbox.flush()
        self.release(NAME)

    def drain(self) -> None:
        """Tell the client to go as soon as it is in no transaction, 421."""
        self._isDraining = True
        self._leaveIfIdle()

    def shutDown(self) -> None:
        """Tell it to go now, whatever it does."""
        if not self.isClosing:
            self._giveUp(SHUTTING_DOWN)

    def _leaveIfIdle(self) -> None:
        if self._dialogue.isIdle and not (self.isClosing or self.isHeld):
            self._perform(self._dialogue.hangUp(SHUTTING_DOWN))
            self.outbox.flush()

    @property
    def octetsHeld(self) -> int:
        """How many octets wait for the callback to read them, or for the client."""
        held = 0 if self.reception is None else self.reception.stream.octetsHeld
        return held + self.octetsQueued

    def connectionLost(self, reason: Failure | None = None) -> None:
        super().connectionLost(reason)
        self._dialogue.lost()
        if self.factory is not None:
            self.factory.left(self)
        if self._naming is not None:
            self._naming.cancel()
        self._abandon()
        if self._isAnnounced:
            self._inquiry.sayGoodbye()
        if self._watcher is not None:
            self._watcher.closed(self.session)
        logEnd(self.session, self.allowance.passed)

    def tooSlow(self, reply: Reply) -> None:
        self._giveUp(reply)

    def crash(self, failure: Failure) -> None:
        self._inquiry.logFailure(failure)
        self._giveUp(SERVER_FAILED)

    # Lines and pieces of a message.

    def lineReceived(self, line: bytes) -> None:
        self._perform(self._dialogue.receive(line))
        if self._isDraining:
            self._leaveIfIdle()

    def overlongLineReceived(self, beginning: bytes) -> None:
        self._perform(self._dialogue.receiveOverlong(beginning))

    def rawDataReceived(self, chunk: bytes) -> None:
        if self._skipped is not None:
            _, rest = self._skipped.feed(chunk)
            if rest is not None:
                self._skipped = None
                self.setLineMode(rest)
            return
        reception = self.reception
        assert reception is not None, "raw mode is for messages"
        rest = reception.feed(chunk)
        if rest is not None:
            self.setLineMode(rest)
        if not reception.isAsked:
            # Not before: most messages come in one piece, and who is asked about one
            # that is there has nothing to wait for.
            reception.isAsked = True
            outcome = self._inquiry.ask("onData", (reception.stream,))
            if outcome is not None:
                reception.answered(outcome)
        if rest is not None:
            self._conclude()
            if self._isDraining:
                self._leaveIfIdle()

    # Actions are carried out.

    def _perform(self, actions: Actions) -> None:
        """Carry these out, and what follows from an answer that is there at once."""
        while actions:
            following: Actions = ()
            for action in actions:
                if type(action) is Say:
                    self._say(action.reply)
                elif type(action) is Ask:
                    following = self._ask(action.callback, action.arguments)
                elif type(action) is ReadBody:
                    self._receiveMessage()
                else:
                    following = self._performSeldom(action)
            actions = following
        self.lines.limit = self._dialogue.lineLimit

    def _performSeldom(self, action: Action) -> Actions:
        if isinstance(action, ReadChunk):
            self._receiveChunk(action)
        elif isinstance(action, Skip):
            self._skip(action.size)
        elif isinstance(action, Abandon):
            self._abandonMessage()
        elif isinstance(action, AskForKeys):
            self._wanted = action.wanted
            validate = partial(self._validateKeys, action.wanted)
            return self._ask("onAuth", (action.wanted.auth(validate),))
        elif isinstance(action, Prove):
            self._prove(action.isValid)
        elif isinstance(action, Report):
            self._inquiry.logFailure(Failure(action.error))
        elif isinstance(action, StartTLS):
            self._beginTLS()
        elif isinstance(action, HangUp):
            self.hangUp()
        return ()

    def _say(self, reply: Reply) -> None:
        self.outbox.add(reply.encode())
        if self._watcher is not None:
            self._watcher.said(reply, self.session)
        if reply.code >= 400:
            line = shown(self._dialogue.line, self._dialogue.knows)
            logRefusal(self.session, line, reply)

    def _receiveMessage(self) -> None:
        self._newReception().expect(DotDecoder())
        self.setRawMode()

    def _newReception(self) -> Reception:
        self.reception = Reception(
            self.options,
            pause=lambda: self.hold(STREAM),
            resume=lambda: self.release(STREAM),
            isBinary=self.session.envelope.bodyType == "binarymime",
        )
        return self.reception

    def _receiveChunk(self, action: ReadChunk) -> None:
        reception = self._newReception() if action.isFirst else self.reception
        assert reception is not None, "a message has begun"
        reception.expect(ChunkDecoder(action.size), action.isLast)
        self.setRawMode()
        if not action.size:
            self.rawDataReceived(b"")

    def _skip(self, size: int) -> None:
        if size:
            self._skipped = ChunkDecoder(size)
            self.setRawMode()

    def _abandonMessage(self) -> None:
        self._abandon()
        self._inquiry = self._newInquiry()

    def _beginTLS(self) -> None:
        if self.lines.takeRest():
            # Whoever sent that need not be whom TLS will be with (CVE-2011-0411).
            self._perform(self._dialogue.hangUp(INJECTED))
        else:
            self._say(READY_FOR_TLS)
            self.startTLS()

    def _validateKeys(
        self, wanted: KeysWanted, keys: ScramKeys | None
    ) -> Deferred[bool]:
        """A callback wants the client to prove that it knows the password of these."""
        if self.isClosing:
            raise RuntimeError("the client has gone")
        if wanted is not self._wanted:
            raise RuntimeError("the client has begun another login")
        actions = self._dialogue.keysGiven(keys)
        proof = self._proof = PendingProof()
        self._perform(actions)
        self.release(QUESTION)
        if not self.isReceiving:
            self.outbox.flush()
        return proof.answer

    def _prove(self, isValid: bool) -> None:
        proof, self._proof = self._proof, None
        assert proof is not None, "nobody waits for a proof"
        if self._inquiry.isOpen:
            self.hold(QUESTION)
        proof.answer.callback(isValid)

    def _giveUp(self, reply: Reply) -> None:
        self.isClosing = True
        self._abandon()
        self._perform(self._dialogue.hangUp(reply))

    # The application answers.

    def _newInquiry(self) -> Inquiry:
        return Inquiry(self._callbacks, self.session, self._answeredLate)

    def _ask(
        self, callback: str | Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Actions:
        """
        @return: what follows from the answer, nothing if that comes late
        """
        if callback == "onConnect":
            self._isAnnounced = True
        outcome = self._inquiry.ask(callback, arguments)
        if outcome is not None:
            return self._settle(outcome)
        if self._proof is None:
            self.hold(QUESTION)
        return ()

    def _answeredLate(self, outcome: Outcome) -> None:
        try:
            if self.reception is None:
                self._perform(self._settle(outcome))
            else:
                self.reception.answered(outcome)
                self._conclude()
            # The commands that waited may have answers that go with this one.
            if self.isHeld and not self._inquiry.isOpen:
                self.release(QUESTION)
            if not self.isReceiving:
                self.outbox.flush()
            if self._isDraining:
                self._leaveIfIdle()
        except Exception:
            self.crash(Failure())

    def _conclude(self) -> None:
        """A part of the message has ended, or the application has answered, or both."""
        reception = self.reception
        if reception is None or not reception.isAwaited:
            return
        verdict = reception.verdict
        if verdict is not None:
            reception.isAwaited = False
            if reception.stream.sizeExceeded:
                self.allowance.size()
            if reception.whole:
                self.reception = None
            elif isinstance(verdict, Refused):
                self._abandonMessage()
            actions = self._settle(verdict)
            if reception.whole and self._watcher is not None:
                said = [each.reply for each in actions if isinstance(each, Say)]
                self._watcher.received(reception.stream.byteLength, said, self.session)
            self._perform(actions)
        elif reception.whole:
            self.hold(QUESTION)

    def _settle(self, outcome: Outcome) -> Actions:
        try:
            return self._dialogue.answered(outcome)
        except BadResult:
            self._inquiry.logFailure(Failure())
            return self._dialogue.answered(Refused(LOCAL_ERROR))

    def _abandon(self) -> None:
        """The client has gone, or is told to go: nobody waits for an answer."""
        self._inquiry.dismiss()
        reception, self.reception = self.reception, None
        if reception is not None:
            reception.stream.fail(MessageAborted())
        self._inquiry.cancel()
        proof, self._proof = self._proof, None
        if proof is not None:
            proof.abandon()
