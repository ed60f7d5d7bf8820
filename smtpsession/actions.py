# -*- test-case-name: tests.test_dialogue -*-
"""
What a dialogue wants done, and what it is told in return.
"""

from __future__ import annotations

from typing import Any, Union

from attrs import frozen

from smtpsession.replies import Reply


@frozen
class Say:
    """Send this reply."""

    reply: Reply


@frozen
class Ask:
    """
    Call a callback of the application, and report its `Outcome`.

    @ivar callback: its name
    @ivar arguments: what it is given before the session
    """

    callback: str
    arguments: tuple[Any, ...] = ()


@frozen
class ReadBody:
    """
    Call C{onData} with a stream, read the message into it up to CRLF.CRLF, and report
    the `Outcome` when both have ended.
    """


@frozen
class HangUp:
    """Close the connection once everything said is sent; ignore what arrives."""


READ_BODY = ReadBody()
HANG_UP = HangUp()

Action = Union[Say, Ask, ReadBody, HangUp]
Actions = tuple[Action, ...]


@frozen
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
