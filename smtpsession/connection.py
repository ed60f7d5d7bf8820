# -*- test-case-name: tests.test_protocol -*-
"""
A connection: how it begins, how octets become lines, and how it ends.

Here the transport of a client is at home, and what else needs it is given it here.  A
connection reads the header of a proxy, begins TLS, counts the client, cuts what arrives
into lines, and gathers replies.  What holds it up is in L{smtpsession.holding}, and
what lines mean is the business of L{smtpsession.protocol}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import (
    IHandshakeListener,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.tcp import Server as TCPConnection
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.allowance import House
from smtpsession.errors import ProxyError
from smtpsession.holding import TURN, HoldingReceiver
from smtpsession.limits import COMMAND_LINE
from smtpsession.lines import LineSplitter, Overlong
from smtpsession.lingering import Lingering, mayBeSending
from smtpsession.options import ServerOptions
from smtpsession.outbox import Outbox, queueOf
from smtpsession.peer import applyProxy, hasGone, hostAndPort
from smtpsession.proxyline import ProxyDecoder
from smtpsession.replies import Reply
from smtpsession.tls import TLSFacts, applyTLS, factsOf
from smtpsession.watch import Ticker

#: How many commands may be answered before the replies are written, and before others
#: have a turn.
_BATCH, _TURN = 100, 1000


@implementer(IHandshakeListener)
class Connection(HoldingReceiver):
    """
    The server's side of a connection, whatever is spoken on it.

    It is a C{LineReceiver} with another C{dataReceived}: that of the base class copies
    what is left of a chunk for every line in it, and hands out the rest of a line that
    was too long as if it were a command.  So C{MAX_LENGTH} and C{lineLengthExceeded}
    mean nothing here.
    """

    transport: Any
    log = Logger()

    # As in the class above.
    isReceiving = False
    _proxy: ProxyDecoder | None = None
    _hasBegun = False
    _lingering: Lingering | None = None

    def __init__(
        self,
        options: ServerOptions,
        clock: IReactorTime,
        house: House | None,
        ticker: Ticker | None,
    ) -> None:
        super().__init__(options, clock, house, ticker)
        self.lines = LineSplitter(COMMAND_LINE)

    # What the class below adds.

    def begun(self, refusal: Reply | None) -> None:
        """The client may be greeted, or is to be told why not."""
        raise NotImplementedError

    def secured(self, facts: TLSFacts) -> None:
        """TLS has begun in the middle of the conversation, or at its beginning."""
        raise NotImplementedError

    def overlongLineReceived(self, beginning: bytes) -> None:
        """A line that began so, longer than C{lines.limit}, has come, and is gone."""
        raise NotImplementedError

    def crash(self, failure: Failure) -> None:
        """An error of our own.  What state we are in is not known, so it ends here."""
        raise NotImplementedError

    def clientHasGone(self) -> bool:
        return hasGone(self.transport)

    def abort(self) -> None:
        self.transport.abortConnection()

    # It begins.

    def connectionMade(self) -> None:
        """Find out where the client is, as far as the transport knows."""
        session, transport = self.session, self.transport
        session.remoteAddress, session.remotePort = hostAndPort(transport.getPeer())
        session.localAddress, session.localPort = hostAndPort(transport.getHost())
        session.peerAddress = session.remoteAddress
        if hasattr(transport, "setTcpNoDelay"):
            # Replies are written once for a batch of commands; there is nothing that
            # Nagle's algorithm could gather, only delayed ACKs to wait for.
            transport.setTcpNoDelay(True)
        isPlain = type(transport) is TCPConnection
        self.outbox = Outbox(
            queueOf(transport),
            transport.getHandle().send if isPlain else None,
        )
        if session.remoteAddress in self.options.proxyProtocol:
            # The clients behind it are not one client.
            self._refusal = self.allowance.enter("")
            self._proxy = ProxyDecoder()
            self.expect()
        else:
            self._refusal = self.allowance.enter(session.remoteAddress)
            self._open()

    def _open(self) -> None:
        """It is known where the client is; begin with TLS if so it is agreed."""
        if self.options.tls == "implicit":
            self.startTLS()
        elif not ISSLTransport.providedBy(self.transport):
            self._begin()
        self.expect()

    def _begin(self, facts: TLSFacts | None = None) -> None:
        # Not before a handshake is done: a transport that cannot write yet would have
        # us stop reading, and so never be able to.
        self.isOpen = True
        self.transport.registerProducer(self, True)
        if facts is not None:
            self.secured(facts)
        if not self._hasBegun:
            self._hasBegun = True
            self.begun(self._refusal)

    def startTLS(self) -> None:
        """
        Begin TLS.  There must be nothing in C{lines}: whatever was sent before the
        handshake can be anybody's (CVE-2011-0411).
        """
        if self.isOpen:
            # Before anything is written: there would be nobody to say when to go on.
            self.isOpen = False
            self.transport.unregisterProducer()
        # What is not encrypted goes out first, and nothing past the queue after it.
        self.outbox.flush()
        self.outbox = Outbox(self.transport)
        self.expect()
        try:
            self.transport.startTLS(self.options.certificates)
        except Exception:
            # The transport may already belong to a TLS that could not be made, and
            # which would not tell us when the connection is lost.
            self.transport.protocol = self
            self.transport.abortConnection()
            raise
        self.outbox = Outbox(queueOf(self.transport))

    def handshakeCompleted(self) -> None:
        """TLS has begun."""
        if self._proxy is not None:
            # The endpoint has begun it by itself, so that no header came first.
            self._distrust("TLS has begun before it")
            return
        if self.isClosing:
            # It was told to go in the meantime, which it can read only now.
            return
        try:
            facts = factsOf(self.transport.getHandle())
            applyTLS(self.session, facts)
            self._begin(facts)
            self.outbox.flush()
            self.expect()
        except Exception:
            self.crash(Failure())

    def connectionLost(self, reason: Failure | None = None) -> None:
        """It has ended."""
        self.isClosing = True
        # The parts of a connection refer to each other, so that it stays until Python
        # next looks for such; what it has not looked at can be 64 KiB.
        self.lines.clear()
        self.deadline.cancel()
        self.lookAway()
        if self._lingering is not None:
            self._lingering.cancel()
        self.allowance.leave()

    def hangUp(self) -> None:
        """Close when what was said is sent; ignore what arrives."""
        self.isClosing = True
        self.outbox.flush()
        self.lines.clear()
        if self.isOpen:
            self.transport.unregisterProducer()
        if self.holds:
            # TLS takes its leave by reading, and cannot while it is paused.
            self.transport.resumeProducing()
        # Who is not greeted yet has nothing to send.
        isInTheMiddle = self.allowance.passed is not None and self._refusal is None
        if mayBeSending(self.transport, isInTheMiddle):
            self._lingering = Lingering(self.transport, self.clock)
        else:
            self.transport.loseConnection()
        # Who does not take what was said is not waited for.
        self.lookAway()
        self.deadline.give(self.options.closingTimeout)

    # Octets become lines and pieces of a message.

    def dataReceived(self, chunk: bytes) -> None:
        """Octets have arrived, or the ones that wait can be looked at."""
        if self.isClosing:
            if self._lingering is not None:
                self._lingering.received(len(chunk))
            return
        if self._proxy is not None:
            self._receiveHeader(self._proxy, chunk)
            return
        if chunk:
            self.lines.feed(chunk)
        if self.isReceiving:
            return
        self.isReceiving = True
        try:
            if self._receiveAll() and not self.isClosing:
                self.expect()
        except Exception:
            self.crash(Failure())
        finally:
            self.isReceiving = False
        self.outbox.flush()

    def _receiveHeader(self, proxy: ProxyDecoder, chunk: bytes) -> None:
        try:
            found = proxy.feed(chunk)
        except ProxyError as error:
            self._distrust(str(error))
            return
        if found is None:
            return
        self._proxy = None
        info, rest = found
        applyProxy(self.session, info)
        self._refusal = self.allowance.enter(self.session.remoteAddress)
        self._open()
        if rest and self.options.tls == "implicit":
            # They are for the TLS that has just come between.
            self.transport.protocol.dataReceived(rest)
        elif rest:
            self.dataReceived(rest)

    def _distrust(self, why: str) -> None:
        """Whoever this is, it is not the proxy that was promised: not a word to it."""
        self.log.info(
            "{session.id} [{session.remoteAddress}] no PROXY header: {why}",
            event="proxy-header-missing",
            session=self.session,
            why=why,
        )
        self.isClosing = True
        self.transport.abortConnection()

    def _receiveAll(self) -> bool:
        """
        Go through what has come, as far as nothing holds it up.

        @return: whether it was more than a part of a line
        """
        received, count = False, 0
        while not (self.paused or self.isClosing):
            if self.line_mode:
                line = self.lines.nextLine()
                if line is None:
                    break
                if isinstance(line, Overlong):
                    self.overlongLineReceived(line.beginning)
                else:
                    self.lineReceived(line)
            else:
                chunk = self.lines.takeRest()
                if not chunk:
                    break
                if self.pace is not None:
                    self.pace.received(len(chunk))
                self.rawDataReceived(chunk)
            received = True
            count += 1
            if not count % _BATCH:
                # Who takes no replies gets no more of them.
                self.outbox.flush()
            if count == _TURN and not self.isClosing:
                self.hold(TURN)
                self.clock.callLater(0, self.release, TURN)
        return received

    def clearLineBuffer(self) -> bytes:
        """
        Forget what has come and was not looked at.

        @return: what that was
        """
        return self.lines.takeRest()
