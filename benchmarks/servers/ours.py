"""
smtpsession through its public factory, with ordinary C{async def} callbacks.

Limits and time-outs are the defaults, but for those that the load would pass.  With the
argument C{slow} messages are read slowly, and the reply to each says how many octets of
it were held at the most.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater

from benchmarks.servers import CLIENTS, MESSAGE_SIZE, TRANSACTIONS, Setup, readSetup
from benchmarks.servers._reactor import serve
from smtpsession import (
    CertificateStore,
    MessageStream,
    ServerOptions,
    SMTPAddress,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
)

#: Seconds that a slow callback takes for what it has read.
PAUSE = 0.002


async def onMailFrom(address: SMTPAddress, session: SMTPSession) -> None:
    if not session.hostNameAppearsAs:
        raise SMTPError(503, "Say EHLO first", "5.5.1")


async def onRcptTo(address: SMTPAddress, session: SMTPSession) -> None:
    if session.envelope.mailFrom is None:
        raise SMTPError(503, "Say MAIL first", "5.5.1")


async def onData(stream: MessageStream, session: SMTPSession) -> str:
    async for chunk in stream:
        del chunk
    return "discarded for " + str(len(session.envelope.rcptTo))


class SlowFactory(SMTPServerFactory):
    """Takes its time over each piece of a message."""

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        most = 0
        async for chunk in stream:
            del chunk
            await deferLater(reactor, PAUSE)
            most = max(most, self.octetsHeld)
        return f"held {most}"


def makeFactory(setup: Setup, isSlow: bool) -> SMTPServerFactory:
    certificates: Any = None
    if setup.tls != "none":
        certificates = CertificateStore(setup.certificate)
    options = ServerOptions(
        certificates=certificates,
        tls=setup.tls,
        reverseLookup=False,
        messageSize=MESSAGE_SIZE,
        transactions=TRANSACTIONS,
        clients=CLIENTS,
        clientsPerAddress=CLIENTS,
    )
    if isSlow:
        return SlowFactory(options=options)
    return SMTPServerFactory(
        onMailFrom=onMailFrom, onRcptTo=onRcptTo, onData=onData, options=options
    )


if __name__ == "__main__":
    setup = readSetup()
    serve(makeFactory(setup, "slow" in sys.argv), setup)
