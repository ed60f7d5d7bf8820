# -*- test-case-name: tests.test_factory -*-
"""
The factory: callbacks and options in, a protocol for each connection out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory

from smtpsession.admission import Admission
from smtpsession.callbacks import Callbacks
from smtpsession.ledger import Ledger
from smtpsession.options import ServerOptions
from smtpsession.protocol import SMTPProtocol
from smtpsession.reverse import PointerResolver, ReverseLookup
from smtpsession.session import SMTPSession
from smtpsession.watch import Ticker
from smtpsession.watcher import Watcher

Callback = Callable[..., Any]


class SMTPServerFactory(Callbacks, ServerFactory):
    """
    An SMTP or LMTP server for any Twisted endpoint::

        SMTPServerFactory(onRcptTo=check, onData=store, options=ServerOptions(...))

    Each callback is a keyword, called as the method of the same name would be, and a
    method that a subclass may override; see `Callbacks` for what they owe.

    @ivar options: what the server was told
    """

    noisy = False
    protocol = SMTPProtocol

    def __init__(
        self,
        *,
        onConnect: Callback | None = None,
        onSecure: Callback | None = None,
        onHelo: Callback | None = None,
        onAuth: Callback | None = None,
        onMailFrom: Callback | None = None,
        onRcptTo: Callback | None = None,
        onData: Callback | None = None,
        onClose: Callback | None = None,
        options: ServerOptions | None = None,
        reactor: IReactorTime | None = None,
        resolver: PointerResolver | None = None,
        watcher: Watcher | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """
        @param options: by default C{ServerOptions()}
        @param reactor: for the time; by default the one that runs
        @param resolver: for the names of clients; by default that of C{twisted.names}
        @param watcher: is told what happens; None if nobody wants to know
        @param ledger: of the servers whose clients are counted together; by default
            this one's own
        """
        given = {
            "onConnect": onConnect,
            "onSecure": onSecure,
            "onHelo": onHelo,
            "onAuth": onAuth,
            "onMailFrom": onMailFrom,
            "onRcptTo": onRcptTo,
            "onData": onData,
            "onClose": onClose,
        }
        for name, callback in given.items():
            if callback is not None:
                setattr(self, name, callback)
        self.options = ServerOptions() if options is None else options
        self._ledger = ledger or Ledger(lambda: self._clock.seconds())
        self._ledger.addHolder(lambda: self.octetsHeld)
        self._admission = Admission(self.options, self._ledger)
        self._reactor = reactor
        self._resolver = resolver
        self._watcher = watcher
        self._protocols: set[SMTPProtocol] = set()
        self._drained: Deferred[None] | None = None

    def startFactory(self) -> None:
        """It listens."""
        self._ledger.start(self._clock)

    def stopFactory(self) -> None:
        """It does not any more."""
        self._ledger.stop()

    def buildProtocol(self, addr: IAddress | None) -> SMTPProtocol:
        """A protocol for a connection, which counts itself once it is made."""
        protocol = self.protocol(
            self,
            self.options,
            self._clock,
            nameOf=self._nameOf,
            house=self._admission,
            ticker=self._ticker,
            watcher=self._watcher,
        )
        protocol.factory = self
        self._protocols.add(protocol)
        if self._drained is not None:
            protocol.drain()
        return protocol

    def adopt(self, options: ServerOptions) -> None:
        """Serve the connections to come with these options."""
        self.options = options
        self._admission.adopt(options)
        # For other times there has to be another.
        self.__dict__.pop("_ticker", None)

    def left(self, protocol: SMTPProtocol) -> None:
        """The connection of this protocol has ended."""
        self._protocols.discard(protocol)
        self._noticeDrained()

    @property
    def octetsHeld(self) -> int:
        """How many octets wait for callbacks to read them, or for clients."""
        # Few have any, and there may be thousands.
        return sum(
            each.octetsHeld for each in self._protocols if each.reception or each.isHeld
        )

    def drain(self, timeout: float) -> Deferred[None]:
        """
        Let the clients go.  Who is in no transaction is told 421 at once, and the
        others when their transaction has ended.  To be called once, when nobody listens
        any more.

        @param timeout: for how many seconds to wait for these; then they are told too
        @return: fires when all have gone
        """
        drained: Deferred[None] = Deferred()
        late = self._clock.callLater(timeout, self._shutDown)

        def end(result: None) -> None:
            if late.active():
                late.cancel()

        self._drained = drained.addCallback(end)
        for each in tuple(self._protocols):
            each.drain()
        self._noticeDrained()
        return drained

    def _noticeDrained(self) -> None:
        drained = self._drained
        if drained is not None and not (self._protocols or drained.called):
            drained.callback(None)

    def _shutDown(self) -> None:
        for each in tuple(self._protocols):
            each.shutDown()

    # A reactor is installed by importing it, and the resolver of twisted.names reads
    # files: neither before the first connection.

    @cached_property
    def _clock(self) -> IReactorTime:
        if self._reactor is not None:
            return self._reactor
        from twisted.internet import reactor

        return reactor

    @cached_property
    def _ticker(self) -> Ticker:
        return Ticker(self._clock, self.options.shortestTime)

    @cached_property
    def _nameOf(self) -> Callable[[SMTPSession], Deferred[str]] | None:
        if not self.options.reverseLookup:
            return None
        resolver = self._resolver
        if resolver is None:
            from twisted.names.client import getResolver

            resolver = getResolver()
        timeout = self.options.reverseLookupTimeout
        return ReverseLookup(resolver, self._clock, timeout).hostname
