# -*- test-case-name: tests.test_selftest -*-
"""
Plays a case over a socket.

Each trial has a connection of its own, and the target's time-out for all of it.
"""

from __future__ import annotations

import socket
import ssl
import time
from types import TracebackType

from attrs import frozen

from smtpsession.selftest.heard import Answer, Heard
from smtpsession.selftest.model import (
    Begin,
    Case,
    Pause,
    Result,
    Send,
    SendApart,
    Step,
    Target,
    Verdict,
)

#: Seconds that a pause has at most.
PAUSE = 0.5
#: Seconds between two octets that are sent apart.
BETWEEN = 0.02
#: Octets that a server may say in one conversation.
MOST = 2**20


class CannotTest(Exception):
    """The server does not do what the case begins with; the text says what."""


@frozen
class Introduction:
    """
    What a server says of itself.

    @ivar extensions: the keywords of its answer to the hello
    """

    greeting: str
    extensions: tuple[str, ...]


def introduce(target: Target) -> Introduction:
    """
    Ask a server what it is.

    @raise CannotTest: it is not there, or no server of this protocol
    """
    with Conversation(target) as conversation:
        greeting, hello = conversation.begin(Begin.HELLO)
        words = [line[4:].split() for line in hello.lines[1:]]
        keywords = [each[0].decode("latin-1").upper() for each in words if each]
        conversation.send(b"QUIT\r\n")
        return Introduction(str(greeting), tuple(keywords))


def examine(case: Case, target: Target, introduction: Introduction) -> Result:
    """Try a case in all its ways, until one has not passed; never raises."""
    if case.needs is not None and case.needs not in introduction.extensions:
        return Result(case, Verdict.NOT_APPLICABLE, f"{case.needs} is not offered")
    for steps in case.trials:
        result = _try(case, steps, target)
        if result.verdict is not Verdict.PASS:
            break
    return result


def _try(case: Case, steps: tuple[Step, ...], target: Target) -> Result:
    try:
        with Conversation(target) as conversation:
            conversation.begin(case.begin)
            heard = conversation.play(steps)
    except CannotTest as error:
        return Result(case, Verdict.UNTESTED, str(error), steps)
    wrong = case.judge(heard)
    if wrong is not None:
        return Result(case, Verdict.FINDING, wrong, steps, heard)
    if _isQuit(steps[-1]) and not (heard.saidGoodbye or heard.isClosed):
        reason = f"no answer to QUIT within {target.timeout:g} seconds"
        return Result(case, Verdict.UNTESTED, reason, steps, heard)
    return Result(case, Verdict.PASS, "", steps, heard)


class Conversation:
    """
    A connection, and what is heard on it.

    @ivar heard: since the greeting, or since the steps began
    """

    def __init__(self, target: Target) -> None:
        """
        @raise CannotTest: nobody is there
        """
        self.heard = Heard()
        self._target = target
        self._end = time.monotonic() + target.timeout
        self._octets = 0
        self._isBroken = False
        try:
            plain = socket.create_connection((target.host, target.port), target.timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise CannotTest(f"cannot connect: {error}") from error
        self._socket = self._plain = plain

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def begin(self, stage: Begin) -> list[Answer]:
        """
        Go so far, and forget what was heard.

        @return: the greeting, and the reply to each command
        @raise CannotTest: the server does not go along
        """
        target = self._target
        commands = (b"", target.hello, target.mail, target.rcpt, b"DATA\r\n")
        for at, command in enumerate(commands[: stage + 1]):
            self.send(command)
            self.hear(at + 1)
            what = command.decode("utf-8").strip() or "connecting"
            if len(self.heard.answers) <= at:
                raise CannotTest(f"{what}: no reply within {target.timeout:g} seconds")
            answer = self.heard.answers[at]
            if answer.code // 100 != (3 if at == Begin.DATA else 2):
                raise CannotTest(f"{what}: {answer}")
        answers = self.heard.answers
        self.heard = Heard(isClosed=self.heard.isClosed)
        return answers

    def play(self, steps: tuple[Step, ...]) -> Heard:
        """Take the steps, and listen until the server says goodbye or time is up."""
        for step in steps:
            if isinstance(step, Send):
                self.send(step.octets)
            elif isinstance(step, SendApart):
                for at in range(len(step.octets)):
                    self.send(step.octets[at : at + 1])
                    self._listen(BETWEEN)
            elif isinstance(step, Pause):
                self.hear(len(self.heard.answers) + 1, PAUSE)
            elif not self._secure(step.mayFail):
                self.send(b"QUIT\r\n")
                break
        patience = self._left if _isQuit(steps[-1]) else PAUSE
        while not self.heard.saidGoodbye and self._listen(patience):
            patience = min(patience, self._left)
        return self.heard

    def send(self, octets: bytes) -> None:
        """Send, as long as there is somebody to send to."""
        if self._isBroken:
            return
        self._socket.settimeout(max(self._left, 0.001))
        try:
            self._socket.sendall(octets)
        except OSError:
            # What the server said before may still be on its way.
            self._isBroken = True

    def hear(self, count: int, limit: float | None = None) -> None:
        """Listen until there are so many replies, but no longer than the limit."""
        end = time.monotonic() + (self._left if limit is None else limit)
        while len(self.heard.answers) < count:
            if not self._listen(end - time.monotonic()):
                return

    @property
    def _left(self) -> float:
        """Seconds that are left."""
        return self._end - time.monotonic()

    def _listen(self, limit: float) -> bool:
        """Whether something is heard within so many seconds."""
        limit = min(limit, self._left)
        if self.heard.isClosed or limit <= 0:
            return False
        self._socket.settimeout(limit)
        try:
            chunk = self._socket.recv(2**16)
        except TimeoutError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self.heard.isClosed = True
            return False
        self._octets += len(chunk)
        if self._octets > MOST:
            raise CannotTest(f"the server says more than {MOST} octets")
        self.heard.feed(chunk)
        return True

    def _secure(self, mayFail: bool) -> bool:
        """
        Whether there is TLS now.

        @raise CannotTest: it is refused for now, or fails and may not
        """
        at = len(self.heard.answers)
        self.hear(at + 1)
        said = self.heard.answers[at:]
        if said and said[0].code == 454:
            raise CannotTest(f"STARTTLS: {said[0]}")
        if len(said) != 1 or said[0].code != 220:
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Whose certificate it is makes no difference here.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._socket.settimeout(max(self._left, 0.001))
        try:
            self._socket = context.wrap_socket(self._plain)
        except OSError as error:
            if not mayFail:
                raise CannotTest(f"TLS: {error}") from error
            # It takes what was injected for TLS, or will have none after it.
            self.heard.isClosed = self._isBroken = True
            return False
        return True


def _isQuit(step: Step) -> bool:
    return isinstance(step, Send) and step.octets.endswith(b"QUIT\r\n")
