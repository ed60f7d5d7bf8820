# -*- test-case-name: tests.test_dialogue -*-
"""
What a dialogue wants done, and what it is told in return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from attrs import define, frozen

from smtpsession.replies import Reply
from smtpsession.sasl.exchange import KeysWanted

# Those that are not frozen are made anew for most commands or messages, and a frozen
# object costs twice as much to make: nobody changes them for all that.


@define
class Say:
    """Send this reply."""

    reply: Reply


@define
class Ask:
    """
    Call a callback of the application, and report its `Outcome`.  As whatever waits for
    an outcome, it is the last of its actions.

    @ivar callback: its name, or the callable itself
    @ivar arguments: what it is given before the session
    """

    callback: str | Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@frozen
class AskForKeys:
    """
    Call C{onAuth} with the `ScramAuth` that this makes, and report its `Outcome`.  If
    it calls C{validateKeys} meanwhile, hand the keys to `Dialogue.keysGiven`; the
    result comes with `Prove`.
    """

    wanted: KeysWanted


@frozen
class Prove:
    """
    Fire what C{validateKeys} gave.

    @ivar isValid: with this
    """

    isValid: bool


@frozen
class ReadBody:
    """
    Read the message up to CRLF.CRLF into a stream, call C{onData} with it as soon as
    there is something in it, and report the `Outcome` when both have ended.
    """


@frozen
class ReadChunk:
    """
    Read so many octets as a part of a message, RFC 3030, into a stream, and call
    C{onData} with it as soon as the first part begins to come.

    After the last part report the `Outcome` when the callback has answered too.  After
    another one, report whether the message can still be accepted, as soon as all of it
    has come.

    @ivar isFirst: a message begins
    @ivar isLast: with these octets the message is whole
    """

    size: int
    isFirst: bool
    isLast: bool


@frozen
class Skip:
    """Read so many octets, those of a command that was refused, and drop them."""

    size: int


@frozen
class Report:
    """Log an error that is our own, or that of an extension."""

    error: Exception


@frozen
class Abandon:
    """The message that has begun to come will not be whole: C{onData} is to know."""


@frozen
class StartTLS:
    """
    Say that TLS may begin, send what was said, and begin it; call `Dialogue.secured`
    when it is there.  What the client has sent behind its command ends the connection,
    and then nothing else is said than that.
    """


@frozen
class HangUp:
    """Close the connection once everything said is sent; ignore what arrives."""


READ_BODY = ReadBody()
ABANDON = Abandon()
START_TLS = StartTLS()
HANG_UP = HangUp()

Action = Union[
    Say,
    Ask,
    AskForKeys,
    Prove,
    ReadBody,
    ReadChunk,
    Skip,
    Report,
    Abandon,
    StartTLS,
    HangUp,
]
Actions = tuple[Action, ...]


@define
class Accepted:
    """
    The application did not object.

    @ivar value: what its callback returned
    """

    value: Any = None


@frozen
class Refused:
    """
    The application, or the library in its place, objected.

    @ivar reply: what the client is told
    """

    reply: Reply


ACCEPTED = Accepted()

Outcome = Union[Accepted, Refused]
