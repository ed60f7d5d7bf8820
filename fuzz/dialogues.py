"""
The whole dialogue: however a client's octets are cut, and however late the application
answers, the replies and the messages are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from fuzz.pieces import cut
from smtpsession import MessageStream, PasswordAuth, SMTPError
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions

_REPLY = re.compile(rb"(?:[2-5][0-9]{2}-[ -~]*\r\n)*[2-5][0-9]{2} [ -~]*\r\n")
_LINE = 512
#: How many questions are answered before something must be wrong.
_QUESTIONS = 100_000


@frozen
class Outcome:
    """
    What came of a conversation.

    @ivar replies: all that the server wrote
    @ivar messages: what it accepted, with the addresses
    @ivar closed: whether it hung up
    """

    replies: bytes
    messages: list[Any]
    closed: bool


@define
class Application:
    """
    Accepts what its rules allow, at once or when it is told to.

    @ivar isLate: whether it answers only when it is told to
    """

    isLate: bool
    asked: list[str] = field(factory=list)
    messages: list[Any] = field(factory=list)
    waiting: list[Deferred[None]] = field(factory=list)

    def callbacks(self) -> dict[str, Any]:
        """What a factory is given."""
        names = [
            *("onConnect", "onHelo", "onMailFrom", "onRcptTo", "onAuth", "onData"),
            "onClose",
        ]
        return {name: self._callback(name) for name in names}

    def _callback(self, name: str) -> Any:
        async def callback(*arguments: Any) -> Any:
            self.asked.append(name)
            if name == "onClose":
                return None
            if self.isLate:
                waiting: Deferred[None] = Deferred()
                self.waiting.append(waiting)
                await waiting
            return await self._answer(name, arguments)

        return callback

    async def _answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        subject, session = arguments[0], arguments[-1]
        if name == "onAuth":
            known = isinstance(subject, PasswordAuth) and subject.password == "sesame"
            return subject.username if known else None
        if name in ("onMailFrom", "onRcptTo") and subject.localPart == "nobody":
            raise SMTPError(550, "Nobody", "5.1.1")
        if name == "onData":
            assert isinstance(subject, MessageStream)
            content = await subject.read()
            envelope = session.envelope.asDict()
            self.messages.append((envelope, content))
        return None


def fuzz(octets: bytes) -> None:
    """
    @param octets: first one that says how to cut, one that chooses options, then what
        the client sends
    """
    if len(octets) < 3:
        return
    seed, choice, octets = octets[0], octets[1], octets[2:]
    whole = _converse([octets], choice, isLate=False)
    assert whole == _converse(cut(octets, seed), choice, isLate=False)
    assert whole == _converse(cut(octets, seed), choice, isLate=True)


def _converse(pieces: list[bytes], choice: int, isLate: bool) -> Outcome:
    application = Application(isLate)
    with _noFault():
        server = MemoryServer(options=_options(choice), **application.callbacks())
        client = server.connect()
        replies = bytearray()
        for each in pieces:
            client.write(each)
            replies += client.read()
        _answerAll(application)
        replies += client.read()
        closed = client.closed
        _leave(client, application)
    assert _REPLY.sub(b"", bytes(replies)) == b"", replies
    assert all(len(each) <= _LINE for each in replies.splitlines(keepends=True))
    # XCLIENT begins anew, and asks again whether the client is wanted.
    assert application.asked.count("onClose") == ("onConnect" in application.asked)
    assert not server.clock.getDelayedCalls()
    return Outcome(bytes(replies), application.messages, closed)


def _options(choice: int) -> Any:
    return memoryOptions(
        protocol="lmtp" if choice & 1 else "smtp",
        bareNewlines="normalize" if choice & 2 else "refuse",
        auth="optional" if choice & 4 else "none",
        allowInsecureAuth=True,
        # What has a nonce in it is never the same again.
        mechanisms=("OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"),
        xclient=["192.0.2.1"] if choice & 8 else [],
        xforward=["192.0.2.1"] if choice & 8 else [],
        proxyProtocol=["192.0.2.1"] if choice & 16 else [],
        messageSize=1000 if choice & 32 else 100_000,
    )


def _answerAll(application: Application) -> None:
    for _ in range(_QUESTIONS):
        if not application.waiting:
            return
        application.waiting.pop(0).callback(None)
    raise AssertionError("there is no end of questions")


def _leave(client: MemoryClient, application: Application) -> None:
    count = len(application.messages)
    client.leave()
    assert client.read() == b"", "somebody speaks to a client that has gone"
    assert len(application.messages) == count, "half a message"


@implementer(ILogObserver)
class _Faults:
    """Keeps the failures that are logged."""

    def __init__(self) -> None:
        self.failures: list[Any] = []

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.failures.append(event["log_failure"])


@contextmanager
def _noFault() -> Iterator[None]:
    """Nothing of ours is raised within, not even where it is caught and logged."""
    faults = _Faults()
    globalLogPublisher.addObserver(faults)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(faults)
    assert not faults.failures, faults.failures[0].getTraceback()
