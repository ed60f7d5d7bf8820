# -*- test-case-name: tests.test_outgoing -*-
"""
A message on its way to a next hop, as fast as that takes it.

Only a message that has come whole is ended there, with the last dot or the last chunk.
Of one that has not, whoever sends it drops the connection, and the next hop discards
what it has of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from smtpsession.delivery.client import Client
from smtpsession.delivery.relaying import NO_CONVERSION
from smtpsession.errors import DeliveryStopped, SMTPError
from smtpsession.replies import Reply
from smtpsession.stream import MessageStream


class DotEncoder:
    """
    Puts the transparency dots into a message, RFC 5321, section 4.5.2.

    The message has no CR or LF outside of a CRLF, as no stream has but those of a
    BINARYMIME message; so nothing in it ends it for any other server.
    """

    def __init__(self) -> None:
        # The last two octets.  A message begins as if just behind a CRLF.
        self._tail = b"\r\n"

    def feed(self, chunk: bytes) -> bytes:
        """Take what comes next of the message, and give it as DATA carries it."""
        octets = self._tail + chunk
        start, self._tail = len(self._tail), octets[-2:]
        if octets.rfind(b"\r\n.") < 0:
            return chunk
        return octets.replace(b"\r\n.", b"\r\n..")[start:]

    def finish(self) -> bytes:
        """What ends the message, after a CRLF for its last line if that had none."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"


async def sendData(
    client: Client, stream: MessageStream, trace: bytes, count: int, timeout: float
) -> list[Reply]:
    """
    Send a message with DATA.

    @param trace: what goes before it
    @param count: how many replies are to come after it
    @param timeout: for each of them, and for the next hop to take more of the message
    @raise SMTPError: it is refused, or the connection is lost
    @raise MessageError: it has not come whole
    """
    await client.ask(b"DATA", category=3)
    body = Body(client, timeout)
    body.write(trace)
    try:
        await stream.deliverTo(body)
    except DeliveryStopped as stopped:
        if body.isConvertible:
            raise client.lost() from stopped
    if not body.isConvertible:
        raise SMTPError.saying(NO_CONVERSION)
    client.write(body.finish())
    return await client.heard(count, timeout)


async def sendChunks(
    client: Client, stream: MessageStream, trace: bytes, count: int, timeout: float
) -> list[Reply]:
    """
    Send a message with BDAT, RFC 3030, chunk by chunk.

    The parameters, and what is raised, are those of `sendData`.
    """
    held = trace
    async for chunk in stream:
        octets, held = held + chunk, b""
        client.write(b"BDAT %d\r\n" % len(octets) + octets)
        [reply] = await client.replies(1, timeout)
        client.demand(reply, 2)
    client.write(b"BDAT %d LAST\r\n" % len(held) + held)
    return await client.heard(count, timeout)


@implementer(IConsumer, IPushProducer)
class Body:
    """
    Between a stream and the connection that its message goes to: takes the octets, and
    passes on how fast they are taken.

    @ivar isConvertible: False once there is an octet that the next hop does not take
    """

    def __init__(self, client: Client, timeout: float) -> None:
        """
        @param timeout: how long the next hop may take no more
        """
        self.isConvertible = True
        self._client = client
        self._timeout = timeout
        self._takes8bit = "8BITMIME" in client.offers
        self._encoder = DotEncoder()
        self._producer: Any = None

    def finish(self) -> bytes:
        """What ends the message."""
        return self._encoder.finish()

    # What the stream calls.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer
        self._client.registerProducer(self)

    def unregisterProducer(self) -> None:
        self._client.unregisterProducer()
        self._client.expectProgress(None)
        self._producer = None

    def write(self, chunk: bytes) -> None:
        if not (self._takes8bit or chunk.isascii()):
            # RFC 6152, section 3: it must be converted, or not be sent.
            self.isConvertible = False
            self.stopProducing()
        elif self.isConvertible:
            self._client.write(self._encoder.feed(chunk))

    # What the connection calls.

    def pauseProducing(self) -> None:
        self._client.expectProgress(self._timeout)
        if self._producer is not None:
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self._client.expectProgress(None)
        if self._producer is not None:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        if self._producer is not None:
            self._producer.stopProducing()
