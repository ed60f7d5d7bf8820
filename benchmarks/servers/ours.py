"""
smtpsession through its public factory, with ordinary C{async def} callbacks.

Limits and time-outs are the defaults, but for the size of a message, which is that of
the other servers, and the number of transactions, which a kept connection would reach.
"""

from __future__ import annotations

from benchmarks.servers import MESSAGE_SIZE
from benchmarks.servers._reactor import serve
from smtpsession import (
    MessageStream,
    ServerOptions,
    SMTPAddress,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
)


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


if __name__ == "__main__":
    serve(
        SMTPServerFactory(
            onMailFrom=onMailFrom,
            onRcptTo=onRcptTo,
            onData=onData,
            options=ServerOptions(
                reverseLookup=False,
                messageSize=MESSAGE_SIZE,
                transactions=1_000_000_000,
            ),
        )
    )
