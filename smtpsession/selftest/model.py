# -*- test-case-name: tests.test_selftest -*-
"""
What a case is: the steps of a dialogue, and the verdict on what was heard.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import field, frozen

from smtpsession.selftest.heard import Heard


class Kind(enum.Enum):
    """What a case is about."""

    END_OF_DATA = "end of data"
    PARSING = "parsing"
    STARTTLS = "STARTTLS"
    PIPELINING = "pipelining"
    HTTP = "HTTP"
    CHUNKING = "CHUNKING"


class Verdict(enum.Enum):
    """What came of a case."""

    PASS = "pass"
    FINDING = "finding"
    NOT_APPLICABLE = "not applicable"
    UNTESTED = "not tested"


class Begin(enum.IntEnum):
    """How far the conversation goes before the steps, one command at a time."""

    CONNECT = 0
    HELLO = 1
    MAIL = 2
    RCPT = 3
    DATA = 4


@frozen
class Send:
    """These octets, in one piece."""

    octets: bytes


@frozen
class SendApart:
    """These octets, each in a segment of its own as far as the network lets it be."""

    octets: bytes


@frozen
class Pause:
    """Wait for something to be heard, but not for long."""


@frozen
class Handshake:
    """
    Wait for a reply; if it is a 220, have TLS.

    @ivar mayFail: whether a server may well have none, after what was sent before
    """

    mayFail: bool = False


Step = Send | SendApart | Pause | Handshake


@frozen
class Target:
    """
    What is tested, and how.

    @ivar isLMTP: whether it speaks LMTP
    @ivar mailFrom: the reverse-path of every message, without its brackets
    @ivar rcptTo: the forward-path, likewise
    @ivar timeout: seconds for one conversation, all in all
    """

    host: str
    port: int
    isLMTP: bool = False
    mailFrom: str = ""
    rcptTo: str = "postmaster"
    timeout: float = 10.0

    @property
    def address(self) -> str:
        """As it is given to the command."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def hello(self) -> bytes:
        verb = b"LHLO" if self.isLMTP else b"EHLO"
        return verb + b" selftest.invalid\r\n"

    @property
    def mail(self) -> bytes:
        return b"MAIL FROM:<" + self.mailFrom.encode("utf-8") + b">\r\n"

    @property
    def rcpt(self) -> bytes:
        return b"RCPT TO:<" + self.rcptTo.encode("utf-8") + b">\r\n"

    @property
    def domain(self) -> bytes:
        """The recipient's, for addresses that differ in something else."""
        domain = self.rcptTo.rpartition("@")[2] if "@" in self.rcptTo else "example.org"
        return domain.encode("utf-8")


#: From what was heard to what is wrong, or None.
Judge = Callable[[Heard], str | None]


@frozen
class Case:
    """
    Something to try.

    @ivar name: short, and the same in all versions
    @ivar title: what has to be
    @ivar ground: why: a sentence of an RFC, or the attack
    @ivar begin: where the steps begin
    @ivar trials: the steps, in each way that they are tried; of each the last octets
        are a QUIT, and nothing is to be heard behind its reply
    @ivar judge: what is wrong
    @ivar needs: the extension without which there is nothing to test
    """

    name: str
    kind: Kind
    title: str
    ground: str
    begin: Begin
    trials: tuple[tuple[Step, ...], ...]
    judge: Judge
    needs: str | None = None


@frozen
class Result:
    """
    What came of a case.

    @ivar reason: what is wrong, or why it was not tried
    @ivar sent: the steps of the trial that decided
    @ivar heard: what came back, from the first step on
    """

    case: Case
    verdict: Verdict
    reason: str = ""
    sent: tuple[Step, ...] = ()
    heard: Heard = field(factory=Heard)
