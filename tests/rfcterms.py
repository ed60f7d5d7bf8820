"""
What goes into the model of C{tests.rfcmodel}, and the words that it is told with.

It is without any code of the server, as all of the model.
"""

from __future__ import annotations

from typing import Any

from attrs import define, frozen


@frozen
class Terms:
    """What the server was told, under the names of C{ServerOptions}."""

    protocol: str = "smtp"
    tls: str = "none"
    auth: str = "none"
    allowInsecureAuth: bool = False
    bareNewlines: str = "refuse"
    messageSize: int = 100_000
    recipients: int = 1000
    transactions: int = 1000
    errors: int = 20
    authFailures: int = 3
    minimumDataRate: int = 0
    isProxied: bool = False
    isTrusted: bool = False


@frozen
class Plan:
    """
    How the application is going to answer.

    @ivar how: C{"at once"} or C{"late"}; of a message also C{"reading"}, as soon as it
        has read it, or C{"reading late"}
    @ivar verdict: the answer, where it is not late
    @ivar style: in which of the ways that a callback may answer
    """

    how: str = "at once"
    verdict: str = "accept"
    style: str = "value"

    @property
    def reads(self) -> bool:
        """Whether the message is read."""
        return self.how.startswith("reading")


#: What the client is told of each answer that refuses.
REFUSALS = {
    "refuse": "550 5.7.1",
    "later": "450 4.2.1",
    "hang up": "421 4.3.2",
    "raise": "451 4.3.0",
}


@frozen
class Envelope:
    """A transaction, as far as the client has got with it."""

    sender: str | None = None
    body: str = "7bit"
    isUTF8: bool = False
    ret: str | None = None
    recipients: tuple[tuple[str, Any], ...] = ()


@define
class Question:
    """
    One call of a callback.

    @ivar verdict: the answer, if there is one
    @ivar hasRead: whether the message has been read to its end
    """

    name: str
    plan: Plan
    verdict: str | None = None
    hasRead: bool = False


@define
class Message:
    """
    A message that is coming.

    @ivar octets: what has come of it; in DATA, with its dots and from the first CRLF of
        its end on, until that has come
    """

    octets: bytes = b""
    question: Question | None = None


class Refusal(Exception):
    """
    A command is not carried out.

    @ivar reply: what the client is told
    @ivar isForgiven: whether it is no mistake in any case: who pipelines cannot know
        that MAIL or RCPT will be refused (RFC 2920, section 3.1)
    """

    def __init__(self, reply: str, isForgiven: bool = False) -> None:
        super().__init__(reply, isForgiven)
        self.reply = reply
        code = int(reply[:3])
        self.isMistake = (500 <= code <= 509 or code == 555) and not isForgiven


class Ended(Exception):
    """The server has hung up."""
