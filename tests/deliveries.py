"""
A message and its session, as a destination gets them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smtpsession import ServerOptions, SMTPAddress, SMTPEnvelope, SMTPSession
from smtpsession.stream import MessageStream

MESSAGE = b"Subject: Hello\r\n\r\nHello.\r\n"


def _nothing() -> None:
    pass


def newStream(
    *chunks: bytes,
    pause: Callable[[], None] = _nothing,
    resume: Callable[[], None] = _nothing,
    **options: Any,
) -> MessageStream:
    """A stream to feed, or with the whole message in these chunks."""
    given = ServerOptions(hostname="mx.example.org", **options)
    stream = MessageStream(given, pause, resume)
    for number, chunk in enumerate(chunks, start=1):
        stream.feed(chunk, isLast=number == len(chunks))
    return stream


def newSession(*recipients: str, **fields: Any) -> SMTPSession:
    """A session in the middle of a transaction with these recipients."""
    return SMTPSession(
        **{
            "id": "session",
            "envelope": SMTPEnvelope(
                mailFrom=SMTPAddress("alice@example.com"),
                rcptTo=[
                    SMTPAddress(each) for each in recipients or ["bob@example.org"]
                ],
            ),
            "remoteAddress": "192.0.2.1",
            "clientHostname": "client.example.com",
            "hostNameAppearsAs": "client",
            "openingCommand": "EHLO",
            **fields,
        }
    )
