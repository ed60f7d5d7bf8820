# -*- test-case-name: tests.test_errors -*-
"""
The errors of the library::

    SMTPSessionError
     +-- SMTPError            a refusal: its reply goes to the client
     |    +-- SASLError       an exchange that cannot succeed any more
     +-- MessageError         what a `MessageStream` fails with
     |    +-- MessageRefused  it can never be accepted, its reply says why
     |    |    +-- MessageTooLarge
     |    |    +-- BareNewline
     |    |    +-- HeaderTooLarge
     |    +-- MessageAborted  the client went away in the middle
     |    +-- MessageDiscarded  the callback had answered before it was read
     +-- DeliveryStopped      who took the message wants no more of it
     +-- ProxyError           what should be a PROXY header is none
     +-- ConfigError          a configuration that cannot be used
     +-- CertificateError     a certificate or a key that is of no use

The text of an `SMTPError` is public.  What only the log may know belongs into its
cause: C{raise SMTPError(451, "Try later", "4.3.0") from error}.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpsession.replies import (
    BARE_NEWLINE,
    HEADER_TOO_LARGE,
    EnhancedCode,
    Reply,
    messageTooLarge,
)


class SMTPSessionError(Exception):
    """The root of every error of this library."""


class SMTPError(SMTPSessionError):
    """
    Raised by a callback, or by the grammar, to refuse a command.

    @ivar reply: what the client is told
    """

    def __init__(
        self, code: int, text: str, enhanced: EnhancedCode | str | None = None
    ) -> None:
        """
        @param code: 400 to 599; 421 and 521 also end the connection
        @param text: told to the client; a newline in it makes a reply of several lines
        @param enhanced: the enhanced status code; X.0.0 where none is given
        @raise ValueError: the code is not a refusal, or the codes contradict each other
        """
        if not 400 <= code <= 599:
            raise ValueError(f"{code} is not a refusal")
        if enhanced is None:
            enhanced = EnhancedCode(code // 100)
        super().__init__(code, text, enhanced)
        self.reply = Reply(code, text, enhanced)

    @classmethod
    def saying(cls, reply: Reply) -> SMTPError:
        """The error whose reply is this one."""
        error = cls(reply.code, reply.text, reply.enhanced)
        error.reply = reply
        return error

    def __str__(self) -> str:
        return str(self.reply)


class SASLError(SMTPError):
    """
    What the client sent is malformed, 501, or no mechanism could accept it, 535.

    @see: L{smtpsession.sasl.exchange}
    """


class MessageError(SMTPSessionError):
    """The message did not arrive whole, or cannot be accepted."""


class MessageRefused(MessageError):
    """
    Whatever the callback answers, the client is told C{reply} after the message's end.

    @ivar reply: what the client is told
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class MessageTooLarge(MessageRefused):
    """The message is larger than C{limit} octets: 552."""

    def __init__(self, limit: int) -> None:
        super().__init__(messageTooLarge(limit))
        self.limit = limit


class BareNewline(MessageRefused):
    """The message has a CR or LF that is not part of a CRLF: 550."""

    def __init__(self) -> None:
        super().__init__(BARE_NEWLINE)


class HeaderTooLarge(MessageRefused):
    """The header section that the callback asked for is over the limit: 552."""

    def __init__(self) -> None:
        super().__init__(HEADER_TOO_LARGE)


class MessageAborted(MessageError):
    """The client went away before the message's end."""

    def __init__(self) -> None:
        super().__init__("the client went away before the message's end")


class MessageDiscarded(MessageError):
    """The callback has answered without reading the message to its end."""

    def __init__(self) -> None:
        super().__init__("the message was discarded when its callback answered")


class DeliveryStopped(SMTPSessionError):
    """The consumer that a message is delivered to wants no more of it."""

    def __init__(self) -> None:
        super().__init__("the consumer of the message stopped taking it")


class ProxyError(SMTPSessionError, ValueError):
    """What should be a header of the PROXY protocol is malformed, or too long."""


class ConfigError(SMTPSessionError):
    """
    A configuration is not one that can be used.

    @ivar problems: all that is wrong, each with the file's name and the key
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class CertificateError(SMTPSessionError):
    """
    A certificate or a key is missing, unreadable, or does not go with the other.

    @ivar source: the name of the file
    @ivar problem: what is wrong with it
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem)
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}"
