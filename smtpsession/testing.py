# -*- test-case-name: tests.test_testing -*-
"""
A test kit: the whole server in memory, with no network and no real clock.

::

    server = MemoryServer(onRcptTo=check)
    client = server.connect()
    client.play('''
        S: 220 mx.example.org ESMTP ready
        C: HELO client.example.org
        S: 250 mx.example.org
        ''')
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from typing import Any

from attrs import frozen
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from smtpsession.factory import SMTPServerFactory
from smtpsession.options import ServerOptions
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.stream import MessageStream


@frozen
class ReceivedMessage:
    """
    A message that a `MemoryServer` accepted.

    @ivar envelope: the envelope of its transaction
    @ivar content: its octets, transparency dots removed
    @ivar session: the session that it came in
    """

    envelope: SMTPEnvelope
    content: bytes
    session: SMTPSession


class MemoryServer:
    """
    A server without a network.

    @ivar clock: its time, a C{twisted.internet.task.Clock}
    @ivar factory: the factory that is under test
    @ivar messages: what was accepted, where C{onData} is not given
    """

    def __init__(
        self,
        factory: Callable[..., SMTPServerFactory] = SMTPServerFactory,
        **arguments: Any,
    ) -> None:
        """
        @param factory: `SMTPServerFactory` or a subclass
        @param arguments: for it.  Where they do not say otherwise, C{options} calls
            the server C{mx.example.org} and does without the DNS, and
            `SMTPServerFactory` itself keeps C{messages}.
        """
        self.clock = Clock()
        self.messages: list[ReceivedMessage] = []
        if factory is SMTPServerFactory:
            arguments.setdefault("onData", self._keep)
        arguments.setdefault("options", memoryOptions())
        self.factory = factory(reactor=self.clock, **arguments)

    def connect(self, host: str = "192.0.2.1", port: int = 49152) -> MemoryClient:
        """A new connection, from this IP address."""
        kind = IPv6Address if ":" in host else IPv4Address
        return MemoryClient(self, kind("TCP", host, port))

    async def _keep(self, stream: MessageStream, session: SMTPSession) -> None:
        content = await stream.read()
        self.messages.append(ReceivedMessage(session.envelope, content, session))


def memoryOptions(**changes: Any) -> ServerOptions:
    """The options of a `MemoryServer`, with these changes."""
    return ServerOptions(
        **{"hostname": "mx.example.org", "reverseLookup": False, **changes}
    )


class MemoryClient:
    """
    The client's side of a connection to a `MemoryServer`.

    @ivar protocol: the server's protocol
    @ivar transport: what that writes to, a C{StringTransport}
    """

    def __init__(self, server: MemoryServer, address: Any) -> None:
        self.transport = StringTransport(peerAddress=address)
        self.protocol = server.factory.buildProtocol(address)
        self.protocol.makeConnection(self.transport)

    @property
    def session(self) -> SMTPSession:
        """The session as it stands."""
        return self.protocol.session

    @property
    def closed(self) -> bool:
        """Whether the server has hung up."""
        return bool(self.transport.disconnecting)

    @property
    def paused(self) -> bool:
        """Whether the server lets the client wait."""
        return self.transport.producerState == "paused"

    def write(self, octets: bytes) -> None:
        """Send these octets as one chunk."""
        self.protocol.dataReceived(octets)

    def read(self) -> bytes:
        """What the server has written since the last time."""
        octets: bytes = self.transport.value()
        self.transport.clear()
        return octets

    def say(self, *lines: str) -> list[str]:
        """
        Send lines as one chunk, a pipelined group.

        @return: the lines that the server writes at once
        """
        self.write("".join(f"{line}\r\n" for line in lines).encode("utf-8"))
        return self.hear()

    def hear(self) -> list[str]:
        """The lines that the server has written since the last time."""
        return self.read().decode("ascii").splitlines()

    def leave(self, reason: Exception | None = None) -> None:
        """The connection ends; by default as when the client closes it."""
        self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    def play(self, transcript: str) -> None:
        """
        Hold a conversation as it is written down.

        A line of the transcript is one of these::

            C: a line that the client sends; consecutive ones are sent as one chunk
            C! octets with Python's escapes, nothing added to them: \\r\\n\\x00
            S: a line that the server sends
            S: (closed)
            # a comment

        White space in front of a line and empty lines do not count.

        @raise AssertionError: the server said something else; the message shows the
            conversation up to there
        """
        wasClosed = False
        for number, (said, expected) in enumerate(_turns(transcript)):
            if said:
                self.write(said)
            heard = self.hear()
            if self.closed and not wasClosed:
                wasClosed = True
                heard.append("(closed)")
            if heard != expected:
                raise AssertionError(
                    f"turn {number}, after {said!r}:\n"
                    f" expected {_listed(expected)}\n but heard {_listed(heard)}"
                )


def _turns(transcript: str) -> Iterable[tuple[bytes, list[str]]]:
    """What the client says and what it then hears, turn by turn."""
    said, expected = b"", list[str]()
    for line in map(str.strip, transcript.splitlines()):
        if not line or line.startswith("#"):
            continue
        kind, text = line[:2], line[3:]
        if kind in ("C:", "C!") and expected:
            yield said, expected
            said, expected = b"", []
        if kind == "C:":
            said += text.encode("utf-8") + b"\r\n"
        elif kind == "C!":
            said += codecs.decode(text, "unicode_escape").encode("latin-1")
        elif kind == "S:":
            expected.append(text)
        else:
            raise ValueError(f"not a line of a transcript: {line!r}")
    if said or expected:
        yield said, expected


def _listed(lines: list[str]) -> str:
    return "\n   ".join(["", *lines]) if lines else "nothing"
