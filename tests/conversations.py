"""
Clients that are already some way into a conversation, for tests of what comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from smtpsession.testing import MemoryClient, MemoryServer

GREETING = "220 mx.example.org ESMTP ready"
HELLO = "250 mx.example.org"
OK = "250 2.0.0 OK"
SENDER_OK = "250 2.1.0 Sender OK"
RECIPIENT_OK = "250 2.1.5 Recipient OK"
GO_AHEAD = "354 End with <CRLF>.<CRLF>"
ACCEPTED = "250 2.6.0 Message accepted"
LOCAL_ERROR = "451 4.3.0 Local error in processing"
BYE = "221 2.0.0 Closing connection"

HELO = "HELO client.example.com"
LHLO = "LHLO client.example.com"
MAIL = "MAIL FROM:<alice@example.com>"
RCPT = "RCPT TO:<bob@example.org>"


def greeted(server: MemoryServer) -> MemoryClient:
    """A client that has seen the greeting."""
    client = server.connect()
    client.hear()
    return client


def ready(server: MemoryServer) -> MemoryClient:
    """A client that has said hello."""
    client = greeted(server)
    client.say(LHLO if server.factory.options.protocol == "lmtp" else HELO)
    return client


def withSender(server: MemoryServer) -> MemoryClient:
    """A client whose MAIL is accepted."""
    client = ready(server)
    client.say(MAIL)
    return client


def withRecipients(server: MemoryServer, count: int = 1) -> MemoryClient:
    """A client whose RCPT is accepted, so many times."""
    client = withSender(server)
    client.say(*[RCPT] * count)
    return client


def inMessage(server: MemoryServer, recipients: int = 1) -> MemoryClient:
    """A client that has been told to send its message."""
    client = withRecipients(server, recipients)
    client.say("DATA")
    return client


class Question:
    """
    A callback that answers when the test says so, with a Deferred for each call.

    @ivar asked: the arguments of each call
    @ivar answers: the Deferred of each call
    """

    def __init__(self, cancelled: Callable[[Any], None] | None = None) -> None:
        """
        @param cancelled: called when a Deferred is cancelled
        """
        self.asked: list[tuple[Any, ...]] = []
        self.answers: list[Deferred[Any]] = []
        self._cancelled = cancelled

    def __call__(self, *arguments: Any) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred(self._cancelled)
        self.asked.append(arguments)
        self.answers.append(answer)
        return answer
