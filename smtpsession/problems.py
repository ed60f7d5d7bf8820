# -*- test-case-name: tests.test_problems -*-
"""
What is wrong with a configuration, said in one way wherever it is found: which key,
what stands there, and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from os import PathLike, fspath
from typing import Any, Union

from attrs import fields, frozen, has

from smtpsession.kinds import keyOf

#: The keys, and the places in lists, that lead to something.
Steps = tuple[Union[str, int], ...]

#: Of a route: the field whose keys stand in the route itself.
DESTINATION = "destination"

#: A key that TOML wants no quotes for.
_BARE = re.compile("[A-Za-z0-9_-]+")
#: In a URL, what is nobody's business.
_SECRET = re.compile("//[^/@]*@")
#: How many characters of a value are shown.
_LENGTH = 200


@frozen
class Problem:
    """
    @ivar steps: where it is
    @ivar text: what it is
    """

    steps: Steps
    text: str

    @classmethod
    def misfit(cls, steps: Steps, found: Any, expected: str, why: str = "") -> Problem:
        """
        A value is not what it should be.

        @param expected: what that is, in words that go on from "expected"
        @param why: what is wrong with it, where that says more
        """
        reason = f" ({why})" if why else ""
        return cls(steps, f"{shown(found)}, but expected {expected}{reason}")

    def __str__(self) -> str:
        return f"{_where(self.steps)}: {self.text}"

    def concerns(self, steps: Steps) -> bool:
        """Whether it is there, or at something in there, or all around it."""
        common = min(len(steps), len(self.steps))
        isAround = common == len(steps) or common > 0
        return isAround and self.steps[:common] == steps[:common]


def shown(value: Any) -> str:
    """What stands in the file, or would."""
    if value is None:
        return "nothing"
    if isinstance(value, PathLike):
        return repr(fspath(value))
    if has(type(value)):
        return "a table"
    text = repr(list(value) if isinstance(value, tuple) else value)
    text = _SECRET.sub("//...@", text)
    return text if len(text) <= _LENGTH else text[: _LENGTH - 3] + "..."


def _where(steps: Steps) -> str:
    """As one would write it: C{route[0].recipients}."""
    text = ""
    for step in inFile(steps):
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _BARE.fullmatch(step) else f'"{step}"'
            text += f".{key}" if text else key
    return text or "the file"


def inFile(steps: Steps) -> Steps:
    """The same in the file, where the keys of a destination stand in the route."""
    route, place, destination = (*steps, None, None, None)[:3]
    if (route, destination) == ("route", DESTINATION) and isinstance(place, int):
        return (*steps[:2], *steps[3:])
    return steps


class Bench:
    """
    Makes part after part of what a table asks for, and notes which keys are to blame
    for those that cannot be made.

    @ivar problems: what is wrong, and was before
    """

    def __init__(
        self, table: Any, problems: Iterable[Problem] = (), steps: Steps = ()
    ) -> None:
        """
        @param table: of a class of L{smtpsession.config}
        @param problems: what is known to be wrong
        @param steps: where the table is
        """
        self.problems = problems if isinstance(problems, list) else [*problems]
        self._table = table
        self._steps = steps

    def within(self, *steps: str | int) -> Bench:
        """A bench for a table in this one, which notes what is wrong there here too."""
        return Bench(valueAt(self._table, steps), self.problems, (*self._steps, *steps))

    def isWrong(self, *steps: str | int) -> bool:
        """Whether something is wrong there, or with a table that it is in."""
        there = (*self._steps, *steps)
        return any(each.concerns(there) for each in self.problems)

    def blame(self, steps: Steps, expected: str, why: str = "") -> None:
        """Note that what stands there is not what it should be."""
        found = valueAt(self._table, steps)
        there = (*self._steps, *steps)
        self.problems.append(Problem.misfit(there, found, expected, why))

    def make(
        self, steps: Steps, expected: str, maker: Callable[..., Any], *arguments: Any
    ) -> Any:
        """
        Call the maker, unless something is wrong already with what it is about.

        @param steps: the key that asks for it, or none if it is the whole table
        @param expected: what should stand there, in words that go on from "expected"
        @return: None if it cannot be made
        """
        if self.isWrong(*steps):
            return None
        try:
            return maker(*arguments)
        except OSError as error:
            self.blame(steps, expected, error.strerror or str(error))
        except Exception as error:
            # Endpoints alone have a dozen ways to be wrong.
            self.blame(steps, expected, str(error))
        return None


def valueAt(table: Any, steps: Steps) -> Any:
    """What stands there in a table, or what it is by default."""
    for step in steps:
        if isinstance(step, int):
            table = table[step]
        elif isinstance(table, dict):
            table = table.get(step)
        else:
            names = {keyOf(each): each.name for each in fields(type(table))}
            table = getattr(table, names[step])
    return table
