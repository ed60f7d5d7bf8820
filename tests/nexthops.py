"""
Next hops in memory, whose part a test plays.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpsession.delivery.client import Client
from smtpsession.delivery.opening import Terms
from smtpsession.errors import SMTPError


class HopTransport(StringTransport):
    """
    A transport that says that it can begin TLS.

    @ivar creators: what C{startTLS} was given, each time
    """

    def __init__(self) -> None:
        super().__init__()
        self.creators: list[object] = []

    def startTLS(self, creator: object) -> None:
        self.creators.append(creator)


class Hop:
    """
    A next hop at the other end of one connection.

    @ivar client: what is tested
    @ivar transport: its transport
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.transport = HopTransport()
        client.makeConnection(self.transport)

    @property
    def isDropped(self) -> bool:
        """Whether the client has closed the connection without a word."""
        return self.transport.disconnected

    @property
    def producer(self) -> Any:
        """Who sends a message."""
        return self.transport.producer

    def hear(self) -> bytes:
        """What the client has sent since."""
        octets: bytes = self.transport.value()
        self.transport.clear()
        return octets

    def say(self, *lines: str) -> None:
        """All lines in one chunk."""
        octets = "".join(f"{line}\r\n" for line in lines)
        self.client.dataReceived(octets.encode("utf-8"))

    def leave(self, reason: Exception | None = None) -> None:
        """The connection is gone."""
        self.client.connectionLost(Failure(reason or ConnectionDone()))

    def play(self, transcript: str) -> None:
        """
        Hold a conversation, where a line of the transcript is one of these::

            C: a line that the client sends
            S: a line that the next hop says; consecutive ones are one chunk

        @raise AssertionError: the client has sent something else
        """
        said: list[str] = []
        for number, line in enumerate(map(str.strip, transcript.splitlines())):
            if line.startswith("S: "):
                said.append(line[3:])
                continue
            self._flush(said)
            if line.startswith("C: "):
                self._expect(number, line[3:])
        self._flush(said)

    def _flush(self, said: list[str]) -> None:
        if said:
            rest = self.hear()
            assert rest == b"", f"the client went on with {rest!r}"
            self.say(*said)
            said.clear()

    def _expect(self, number: int, line: str) -> None:
        heard, _, rest = self.hear().partition(b"\r\n")
        assert heard == line.encode("utf-8"), f"line {number}: {line!r}, not {heard!r}"
        self.transport.write(rest)


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """
    An endpoint whose connections are there at once.

    @ivar hops: the ends of all of them
    @ivar answer: what C{connect} gives instead, if that is not None
    """

    def __init__(self) -> None:
        self.hops: list[Hop] = []
        self.answer: Deferred[Any] | None = None

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        if self.answer is not None:
            return self.answer
        hop = Hop(protocolFactory.buildProtocol(None))
        self.hops.append(hop)
        return succeed(hop.client)


def newTerms(**changes: Any) -> Terms:
    """Terms with short times."""
    times = {"connectTimeout": 5, "commandTimeout": 10, "dataTimeout": 20}
    return Terms(**{"hostname": "mx.example.org", **times, **changes})


class HopTestCase(SynchronousTestCase):
    """A test case with a clock and an endpoint."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.endpoint = MemoryEndpoint()

    def tearDown(self) -> None:
        """No time-out is forgotten."""
        for hop in self.endpoint.hops:
            if not hop.client.gone.called:
                hop.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @property
    def hop(self) -> Hop:
        """The last one that was connected to."""
        return self.endpoint.hops[-1]

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine)

    def told(self, asked: Deferred[Any]) -> str:
        """What our client is told by the error that this has failed with."""
        error = self.failureResultOf(asked).value
        assert isinstance(error, SMTPError), error
        return str(error.reply)
