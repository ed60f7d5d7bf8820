# -*- test-case-name: tests.test_protocol -*-
"""
The dialogue on a transport.

This is the only file that touches one.  It cuts what arrives into command lines, hands
these to the dialogue, carries out the actions that come back, and tells the dialogue
what the application answered.

Whatever holds up the input does so in one place, `SMTPProtocol._hold`: an open
question, a message that nobody reads, replies that the client does not take.  While any
of these lasts, the transport is paused and no line is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHandshakeListener,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.tcp import Server as TCPConnection
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.actions import Actions, Ask, HangUp, Outcome, Refused, Say
from smtpsession.callbacks import Callbacks
from smtpsession.dialogue import Dialogue
from smtpsession.errors import MessageAborted
from smtpsession.inquiry import Inquiry
from smtpsession.lines import LineSplitter, Overlong
from smtpsession.options import ServerOptions
from smtpsession.outbox import Outbox
from smtpsession.peer import hasGone, hostAndPort
from smtpsession.reception import Reception
from smtpsession.replies import (
    COMMAND_TIMEOUT,
    DATA_TIMEOUT,
    LOCAL_ERROR,
    SERVER_FAILED,
    Reply,
)
from smtpsession.results import BadResult
from smtpsession.session import SMTPSession
from smtpsession.tls import cipherOf
from smtpsession.watch import Deadline, Presence

# What holds up the input.
_NAME, _QUESTION, _STREAM, _REPLIES = "name", "question", "stream", "replies"

#: How many octets of a command line go into the log.
_LOGGED = 80


@implementer(IHandshakeListener)
class SMTPProtocol(LineReceiver):
    """
    The server's side of one connection.

    It is a C{LineReceiver} with another C{dataReceived}: that of the base class copies
    what is left of a chunk for every line in it, and hands out the rest of a line that
    was too long as if it were a command.  So C{MAX_LENGTH} and C{lineLengthExceeded}
    mean nothing here; the limit is that of the dialogue.

    @ivar session: what the callbacks receive
    """

    transport: Any
    _log = Logger()

    def __init__(
        self,
        callbacks: Callbacks,
        options: ServerOptions,
        clock: IReactorTime,
        *,
        nameOf: Callable[[str], Deferred[str]] | None = None,
        refusal: Reply | None = None,
        departed: Callable[[], None] = lambda: None,
    ) -> None:
        """
        @param clock: the reactor, for its time
        @param nameOf: looks up the name of an IP address and never fails; None to do
            without
        @param refusal: said in place of the greeting, no callback is called
        @param departed: called when the connection has ended
        """
        self.session = SMTPSession()
        self._options = options
        self._clock = clock
        tick = min(options.commandTimeout, options.dataTimeout)
        self._deadline = Deadline(clock, tick, self._deadlinePassed)
        self._presence = Presence(
            clock,
            lambda: hasGone(self.transport),
            lambda: self.transport.abortConnection(),
        )
        self._nameOf = nameOf
        self._refusal = refusal
        self._departed = departed

        self._dialogue = Dialogue(self.session, options)
        self._inquiry = Inquiry(callbacks, self.session, self._answeredLate)
        self._lines = LineSplitter(self._dialogue.lineLimit)
        self._line = b""
        self._naming: Deferred[None] | None = None
        self._reception: Reception | None = None
        self._holds: set[str] = set()
        self._receiving = False
        self._isReady = False
        self._announced = False
        self._closing = False

    # The connection begins and ends.

    def connectionMade(self) -> None:
        session, transport = self.session, self.transport
        session.remoteAddress, session.remotePort = hostAndPort(transport.getPeer())
        session.localAddress, session.localPort = hostAndPort(transport.getHost())
        if hasattr(transport, "setTcpNoDelay"):
            # Replies are written once for a batch of commands; there is nothing that
            # Nagle's algorithm could gather, only delayed ACKs to wait for.
            transport.setTcpNoDelay(True)
        isPlain = type(transport) is TCPConnection
        self._outbox = Outbox(
            lambda octets: transport.write(octets),
            transport.writeSomeData if isPlain else None,
        )
        self._expect()
        self._isReady = not ISSLTransport.providedBy(transport)
        if self._isReady:
            self._start()

    def handshakeCompleted(self) -> None:
        """The transport is one that begins with TLS, and that has begun."""
        self.session.secure = True
        self.session.tlsOptions = cipherOf(self.transport.getHandle())
        self._isReady = True
        self._start()

    def _start(self) -> None:
        # Not before a handshake is done: a transport that cannot write yet would have
        # us stop reading, and so never be able to.
        self.transport.registerProducer(self, True)
        if self._refusal is not None:
            self._perform(self._dialogue.hangUp(self._refusal))
        else:
            self._identify()

    def _identify(self) -> None:
        address = self.session.remoteAddress
        if not address:
            self._identified("localhost")
        elif self._nameOf is None:
            self._identified(f"[{address}]")
        else:
            self._hold(_NAME)
            self._naming = self._nameOf(address).addCallback(self._identified)
            self._naming.addErrback(self._crash)

    def _identified(self, name: str) -> None:
        if self._closing:
            return
        self.session.clientHostname = name
        self._perform(self._dialogue.connected())
        self._outbox.flush()
        self._release(_NAME)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._closing = True
        self._deadline.cancel()
        self._presence.cancel()
        self._departed()
        if self._naming is not None:
            self._naming.cancel()
        self._abandon()
        if self._announced:
            self._inquiry.sayGoodbye()

    # Octets become lines and pieces of a message.

    def dataReceived(self, chunk: bytes) -> None:
        if self._closing:
            return
        if chunk:
            self._lines.feed(chunk)
        if self._receiving:
            return
        self._receiving = True
        try:
            if self._receiveAll() and not self._closing:
                self._expect()
        except Exception:
            self._crash(Failure())
        finally:
            self._receiving = False
        self._outbox.flush()

    def _receiveAll(self) -> bool:
        """
        Go through what has come, as far as nothing holds it up.

        @return: whether it was more than a part of a line
        """
        received = False
        while not (self.paused or self._closing):
            if self.line_mode:
                line = self._lines.nextLine()
                if line is None:
                    break
                self._receiveLine(line)
            else:
                chunk = self._lines.takeRest()
                if not chunk:
                    break
                self.rawDataReceived(chunk)
            received = True
        return received

    def _receiveLine(self, line: bytes | Overlong) -> None:
        if isinstance(line, Overlong):
            self._line = b""
            self._perform(self._dialogue.receiveOverlong())
        else:
            self.lineReceived(line)

    def lineReceived(self, line: bytes) -> None:
        self._line = line
        self._perform(self._dialogue.receive(line))

    def clearLineBuffer(self) -> bytes:
        """
        Forget what has come and was not looked at.

        @return: what that was
        """
        return self._lines.takeRest()

    def rawDataReceived(self, chunk: bytes) -> None:
        assert self._reception is not None, "raw mode is for messages"
        rest = self._reception.feed(chunk)
        if rest is not None:
            self.setLineMode(rest)
            self._conclude()

    # Actions are carried out.

    def _perform(self, actions: Actions) -> None:
        for action in actions:
            if isinstance(action, Say):
                self._say(action.reply)
            elif isinstance(action, Ask):
                self._ask(action.callback, *action.arguments)
            elif isinstance(action, HangUp):
                self._hangUp()
            else:
                self._receiveMessage()

    def _say(self, reply: Reply) -> None:
        self._outbox.add(reply.encode())
        if reply.code >= 400:
            self._log.info(
                "{session.id} [{session.remoteAddress}] {line!r} got {reply}",
                session=self.session,
                line=self._line[:_LOGGED],
                reply=reply,
            )

    def _receiveMessage(self) -> None:
        self._reception = Reception(
            self._options,
            pause=lambda: self._hold(_STREAM),
            resume=lambda: self._release(_STREAM),
        )
        self.setRawMode()
        self._ask("onData", self._reception.stream)

    def _hangUp(self) -> None:
        self._closing = True
        self._outbox.flush()
        self._lines.clear()
        self.transport.unregisterProducer()
        if self._holds:
            # TLS takes its leave by reading, and cannot while it is paused.
            self.transport.resumeProducing()
        self.transport.loseConnection()
        # Who does not take what was said is not waited for.
        self._presence.cancel()
        self._deadline.cancel()
        self._deadline = Deadline(
            self._clock, self._options.closingTimeout, self.transport.abortConnection
        )
        self._deadline.give(self._options.closingTimeout)

    def _crash(self, failure: Failure) -> None:
        """An error of our own.  What state we are in is not known, so it ends here."""
        self._inquiry.logFailure(failure)
        self._giveUp(SERVER_FAILED)

    def _giveUp(self, reply: Reply) -> None:
        self._closing = True
        self._abandon()
        self._perform(self._dialogue.hangUp(reply))

    # The application answers.

    def _ask(self, callback: str, *arguments: Any) -> None:
        self._announced = self._announced or callback == "onConnect"
        outcome = self._inquiry.ask(callback, *arguments)
        if outcome is not None:
            self._answered(outcome)
        elif self._reception is None:
            self._hold(_QUESTION)

    def _answeredLate(self, outcome: Outcome) -> None:
        try:
            self._answered(outcome)
        except Exception:
            self._crash(Failure())

    def _answered(self, outcome: Outcome) -> None:
        if self._reception is None:
            self._settle(outcome)
        else:
            self._reception.answered(outcome)
            self._conclude()

    def _conclude(self) -> None:
        """The message has ended, or the application has answered to it, or both."""
        reception = self._reception
        if reception is None or not reception.whole:
            return
        verdict = reception.verdict
        if verdict is None:
            self._hold(_QUESTION)
        else:
            self._reception = None
            self._settle(verdict)

    def _settle(self, outcome: Outcome) -> None:
        try:
            actions = self._dialogue.answered(outcome)
        except BadResult:
            self._inquiry.logFailure(Failure())
            actions = self._dialogue.answered(Refused(LOCAL_ERROR))
        self._perform(actions)
        self._lines.limit = self._dialogue.lineLimit
        # The commands that waited may have answers that go with this one.
        if self._holds and not self._inquiry.isOpen:
            self._release(_QUESTION)
        if not self._receiving:
            self._outbox.flush()

    def _abandon(self) -> None:
        """The client has gone, or is told to go: nobody waits for an answer."""
        self._inquiry.dismiss()
        reception, self._reception = self._reception, None
        if reception is not None:
            reception.stream.fail(MessageAborted())
        self._inquiry.cancel()

    # What holds up the input, and for how long we wait.

    def pauseProducing(self) -> None:
        """The transport holds too many replies that the client does not take."""
        self._hold(_REPLIES)

    def resumeProducing(self) -> None:
        """The client has taken the replies."""
        self._release(_REPLIES)

    def stopProducing(self) -> None:
        """The transport is lost; C{connectionLost} follows."""

    def _hold(self, reason: str) -> None:
        if not self._holds and not self._closing:
            super().pauseProducing()
            self._presence.watch()
        self._holds.add(reason)

    def _release(self, reason: str) -> None:
        if reason not in self._holds:
            return
        self._holds.remove(reason)
        if self._holds or self._closing:
            return
        self._presence.cancel()
        self._expect()
        super().resumeProducing()

    def _expect(self) -> None:
        """From now on the client has its time for a command or a piece of a message."""
        options = self._options
        self._deadline.give(
            options.commandTimeout if self.line_mode else options.dataTimeout
        )

    def _deadlinePassed(self) -> None:
        if self._holds - {_REPLIES}:
            # It is not the client that we wait for.
            self._expect()
        elif not self._isReady:
            self.transport.abortConnection()
        else:
            self._giveUp(COMMAND_TIMEOUT if self.line_mode else DATA_TIMEOUT)
