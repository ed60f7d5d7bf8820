# -*- test-case-name: tests.test_configfile -*-
"""
What is wrong with a configuration that cannot be read, and how it would read if that
were not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import NOTHING, Attribute, fields_dict, frozen
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from smtpsession.config import RouteTable
from smtpsession.goals import DESTINATIONS
from smtpsession.kinds import keyOf, keysIn, kindOf
from smtpsession.problems import DESTINATION, Problem, Steps, inFile, shown

#: In a route: which destination it is.
DELIVER = "deliver"

#: What could stand for a key that has to be there, the first that is of its kind.
_STAND_INS: tuple[Any, ...] = ("*", ["*"])
#: What could stand for a table of many.
_ITEMS: Mapping[Steps, Any] = {
    ("route",): {"recipients": ["*"]},
    ("tls", "names"): {"certificate": "*"},
}


class Unexpected(ValueError):
    """
    A value is not what it should be.

    @ivar expected: what that is
    @ivar key: where it is wrong, if not just here
    """

    def __init__(self, expected: str, key: str | None = None) -> None:
        super().__init__(expected, key)
        self.expected, self.key = expected, key


@frozen
class Misreading:
    """
    Something that could not be read.

    @ivar problem: why not
    @ivar steps: what is at fault
    @ivar instead: what could stand there; C{NOTHING} if it can be left out
    """

    problem: Problem
    steps: Steps
    instead: Any


def misreadings(
    error: BaseException, given: Any, steps: Steps = (), instead: Any = NOTHING
) -> Iterator[Misreading]:
    """
    All that is wrong.

    @param error: what cattrs has raised
    @param given: what stands in the file
    @param steps: what lead to where the error is
    @param instead: what could stand there
    """
    if isinstance(error, ClassValidationError):
        noted, others = error.group_exceptions()
        attributes = fields_dict(error.cl)
        for each, note in noted:
            attribute = attributes[note.name]
            there = (*steps, keyOf(attribute))
            if isinstance(each, KeyError):
                yield Misreading(_missing(there, attribute), there, _standIn(attribute))
            else:
                yield from misreadings(each, given, there, _standIn(attribute))
        for each in others:
            yield from misreadings(each, given, steps)
    elif isinstance(error, IterableValidationError):
        for each, place in error.group_exceptions()[0]:
            there = (*steps, place.index)
            yield from misreadings(each, given, there, _ITEMS.get(steps, {}))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            there = (*steps, key)
            yield Misreading(_unknown(there, given, error.cl), there, NOTHING)
    else:
        yield Misreading(_problem(error, given, steps), steps, instead)


def mended(given: Mapping[str, Any], found: Iterable[Misreading]) -> Mapping[str, Any]:
    """What stands in the file, with something that can be read where it could not."""
    whole: Any = deepcopy(dict(given))
    for each in found:
        *before, last = each.steps
        table = _valueAt(whole, before)
        if inFile(each.steps) == tuple(before):
            # Its keys stand in the route, and which there may be is not known.
            recipients = table.get("recipients", ["*"])
            table.clear()
            table["recipients"] = recipients
        elif each.instead is NOTHING:
            table.pop(last, None)
        else:
            table[last] = each.instead
    return whole  # type: ignore[no-any-return]


def _standIn(attribute: Attribute[Any]) -> Any:
    kind = kindOf(attribute)
    if attribute.default is not NOTHING or kind is None:
        return NOTHING
    for each in _STAND_INS:
        try:
            kind.read(each, Path())
        except ValueError:
            continue
        return each
    raise AssertionError(f"nothing can stand for {attribute.name}")


def _missing(steps: Steps, attribute: Attribute[Any]) -> Problem:
    kind = kindOf(attribute)
    assert kind is not None, "a table never has to be there"
    return Problem(steps, f"is missing, but expected {kind.expected}")


def _problem(error: BaseException, given: Any, steps: Steps) -> Problem:
    if not isinstance(error, Unexpected):
        return Problem.misfit(steps, _valueAt(given, steps), "a table", str(error))
    if error.key is not None:
        steps = (*steps, error.key)
    why = "" if error.__cause__ is None else str(error.__cause__)
    return Problem.misfit(steps, _valueAt(given, steps), error.expected, why)


def _unknown(steps: Steps, given: Any, table: type[Any]) -> Problem:
    known = [keyOf(each) for each in keysIn(table)]
    if table in DESTINATIONS.values():
        known += [keyOf(each) for each in keysIn(RouteTable)]
    known = [DELIVER if each == DESTINATION else each for each in known]
    key, found = str(steps[-1]), shown(_valueAt(given, steps))
    close = get_close_matches(key, known, 1)
    hint = f"is it {close[0]}?" if close else "expected " + ", ".join(known)
    return Problem(steps, f"{found}, but there is no such key; {hint}")


def _valueAt(given: Any, steps: Iterable[str | int]) -> Any:
    for step in inFile(tuple(steps)):
        given = given[step]
    return given
