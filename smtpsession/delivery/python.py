# -*- test-case-name: tests.test_pythondestination -*-
"""
Destinations of other authors, by name::

    deliver = "python"
    factory = "package.module:callable"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import iscoroutine, signature
from typing import Any

from twisted.internet.defer import Deferred

from smtpsession.addresses import SMTPAddress
from smtpsession.coroutines import isUnfinished
from smtpsession.delivery.destination import DeliveryResult, Destination
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream


def load(name: str, options: Mapping[str, Any]) -> Destination:
    """
    Make a destination.

    @param name: C{"package.module:callable"}.  What it gives is a `Destination`, or has
        at least a C{deliver}; where this or another method of a destination is not
        C{async}, it may return its value or a Deferred.
    @param options: what it is called with, by keyword
    @raise ValueError: there is no such thing, or it is of no use; the text says why
    """
    factory = _find(name)
    try:
        signature(factory).bind(**options)
    except TypeError as error:
        raise ValueError(f"{name} does not take these keys: {error}") from error
    except ValueError:
        # It is written in C and does not tell what it takes.
        pass
    try:
        made = factory(**options)
    except Exception as error:
        raise ValueError(f"{name} failed: {_described(error)}") from error
    return _asDestination(name, made)


def _find(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ValueError(f"{name!r} is not of the form package.module:callable")
    try:
        found: Any = import_module(module)
    except Exception as error:
        # A module can raise anything while it is imported.
        raise ValueError(f"cannot import {module}: {_described(error)}") from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise ValueError(f"{module} has no {attribute}") from error
    if not callable(found):
        raise ValueError(f"{name} cannot be called")
    return found


def _asDestination(name: str, made: Any) -> Destination:
    if isinstance(made, Destination):
        return made
    if iscoroutine(made):
        made.close()
        raise ValueError(f"{name} is async, and so gives no destination")
    if isinstance(made, type) or not callable(getattr(made, "deliver", None)):
        kind = type(made).__name__
        raise ValueError(f"{name} gave no destination, but an object of {kind}")
    return _Adapted(made)


class _Adapted(Destination):
    """
    A destination that is not derived from the class, and may have only C{deliver}.
    """

    def __init__(self, other: Any) -> None:
        self._other = other

    def start(self) -> None:
        self._call("start")

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        await _settled(self._call("accept", recipient, session))

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> DeliveryResult:
        delivery = self._call("deliver", stream, session, recipients)
        result: DeliveryResult = await _settled(delivery)
        return result

    async def forget(self, session: SMTPSession) -> None:
        await _settled(self._call("forget", session))

    async def stop(self) -> None:
        await _settled(self._call("stop"))

    def _call(self, name: str, *arguments: Any) -> Any:
        method = getattr(self._other, name, None)
        return None if method is None else method(*arguments)


async def _settled(result: Any) -> Any:
    """
    What is returned, or what a Deferred or a coroutine gives in the end.

    @raise TypeError: that is no end
    """
    if iscoroutine(result) or isinstance(result, Deferred):
        result = await result
    if isUnfinished(result):
        # To take it for a value would be to accept what has not been decided.
        raise TypeError(f"cannot wait for {result!r}")
    return result


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
