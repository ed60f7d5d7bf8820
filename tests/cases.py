"""
What the tests share: tables whose rows have names, and the ways to feed octets.

A table is a sequence of rows.  The first column of a row says what the case is; the
others are what goes in and what must come out.  All rows of a table are checked, and
one failure names every row that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.errors import SMTPError
from smtpsession.replies import Reply

#: How much of a value a failure shows.
_SHOWN = 400


class TableTestCase(SynchronousTestCase):
    """A test case with assertions about whole tables."""

    def assertGives(
        self, function: Callable[[Any], object], rows: Iterable[tuple[str, Any, object]]
    ) -> None:
        """
        The function gives what each row says.

        @param rows: (name, argument, expected result)
        """
        self.assertNoneWrong(
            _difference(name, argument, expected, actual)
            for name, argument, expected in rows
            if (actual := _outcome(function, argument)) != expected
        )

    def assertRefuses(
        self,
        error: type[Exception],
        function: Callable[[Any], object],
        rows: Iterable[tuple[str, Any]],
    ) -> None:
        """
        The function raises this error for each row.

        @param rows: (name, argument)
        """
        self.assertNoneWrong(
            _difference(name, argument, error, actual)
            for name, argument in rows
            if not isinstance(actual := _outcome(function, argument), error)
        )

    def assertRefusesWith(
        self, function: Callable[[Any], object], rows: Iterable[tuple[str, Any, str]]
    ) -> None:
        """
        The function raises an `SMTPError` with the codes that each row says.

        @param rows: (name, argument, codes as C{"501 5.5.4"})
        """
        self.assertNoneWrong(
            _difference(name, argument, expected, actual)
            for name, argument, expected in rows
            if _codes(actual := _outcome(function, argument)) != expected
        )

    def assertNoneWrong(self, differences: Iterable[str]) -> None:
        """There are none, or the test fails with all of them."""
        wrong = list(differences)
        if wrong:
            self.fail(f"{len(wrong)} wrong:\n" + "\n".join(wrong))


class FilesTestCase(TableTestCase):
    """Tests with files."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.mkdir(self.folder)

    def write(self, name: str, octets: bytes) -> str:
        """Write a file, and give its path."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(octets)
        return path


def codes(reply: Reply) -> str:
    """The codes of a reply, C{"501 5.5.4"}."""
    return (
        str(reply.code) if reply.enhanced is None else f"{reply.code} {reply.enhanced}"
    )


def _codes(outcome: object) -> str | None:
    return codes(outcome.reply) if isinstance(outcome, SMTPError) else None


def _outcome(function: Callable[[Any], object], argument: Any) -> object:
    """What the function returned or raised."""
    try:
        return function(argument)
    except Exception as error:
        return error


def _difference(name: str, argument: object, expected: object, actual: object) -> str:
    return (
        f"{name}: {_shown(argument)}\n"
        f"    expected {_shown(expected)}\n"
        f"    got      {_shown(actual)}"
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} in all)"


def cuts(octets: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The same octets whole, byte by byte, and in two pieces wherever they part."""
    yield "whole", [octets]
    yield "byte by byte", [octets[at : at + 1] for at in range(len(octets))]
    for at in range(1, len(octets)):
        yield f"cut at {at}", [octets[:at], octets[at:]]


def feedings(octets: bytes, tail: bytes) -> Iterator[tuple[str, list[bytes], bytes]]:
    """
    All `cuts` of the octets, alone and with a tail behind them that is not theirs.

    @return: (how, the pieces, the tail that is in them)
    """
    for how, chunks in cuts(octets):
        yield how, chunks, b""
    for how, chunks in cuts(octets + tail):
        yield f"{how}, with a tail", chunks, tail
