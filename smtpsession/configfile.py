# -*- test-case-name: tests.test_configfile -*-
"""
The configuration out of a file, or all that is wrong with it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin

from attrs import Attribute, evolve, fields, has
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn, override

from smtpsession.config import Config, RouteTable
from smtpsession.errors import ConfigError
from smtpsession.goals import DESTINATIONS
from smtpsession.kinds import SECONDS, Kind, count, kindOf
from smtpsession.limits import Limits

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: In a route: which destination, and where its keys are put for want of a table.
DELIVER, _DESTINATION = "deliver", "destination"

StructureHook = Callable[[Any, Any], Any]


def load(path: str | Path) -> Config:
    """
    Read a configuration.

    @raise ConfigError: with all that is wrong
    """
    try:
        octets = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    return parse(octets, path)


def parse(octets: bytes, path: str | Path) -> Config:
    """
    Read a configuration whose file was read already.

    @param path: of the file, for what is relative to it and what is wrong with it
    @raise ConfigError: with all that is wrong
    """
    try:
        given = tomllib.loads(octets.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from error
    return read(given, Path(path).absolute().parent, str(path))


def read(given: Mapping[str, Any], folder: Path, name: str) -> Config:
    """
    The same from what was read already.

    @param folder: what paths are relative to
    @param name: of the file, for what is wrong with it
    @raise ConfigError: with all that is wrong
    """
    try:
        config: Config = _converter(folder).structure(given, Config)
    except BaseValidationError as error:
        problems = [f"{name}: {each}" for each in _problems(error, given)]
        raise ConfigError(problems) from error
    return _inherit(config, given)


def keyOf(attribute: Attribute[Any]) -> str:
    """The key of the file that is this field: C{message-size} is C{messageSize}."""
    return re.sub("[A-Z]", lambda found: "-" + found[0].lower(), attribute.name)


def kindsOf(table: type[Any]) -> dict[str, Kind | None]:
    """The keys of a table, with the kinds of those that are no tables themselves."""
    return {keyOf(each): _kind(table, each) for each in fields(table)}


def _kind(table: type[Any], attribute: Attribute[Any]) -> Kind | None:
    if table is not Limits:
        return kindOf(attribute)
    minimum = attribute.metadata.get("minimum")
    return SECONDS if minimum is None else count(minimum)


# From TOML to classes.


def _converter(folder: Path) -> Converter:
    converter = Converter(forbid_extra_keys=True)

    def readTable(table: type[Any]) -> StructureHook:
        columns: dict[str, Any] = {
            each.name: override(rename=keyOf(each), struct_hook=hookOf(table, each))
            for each in fields(table)
        }
        structure = make_dict_structure_fn(table, converter, **columns)
        return _demand(dict, "a table", structure)

    def hookOf(table: type[Any], attribute: Attribute[Any]) -> StructureHook | None:
        if attribute.name == _DESTINATION:
            return readDestination
        kind = _kind(table, attribute)
        return None if kind is None else _reader(kind, folder)

    def readDestination(value: Mapping[str, Any], _: Any) -> Any:
        name = value[DELIVER]
        if not (isinstance(name, str) and name in DESTINATIONS):
            raise Unexpected(" or ".join(f'"{each}"' for each in DESTINATIONS), DELIVER)
        others = {key: each for key, each in value.items() if key != DELIVER}
        return converter.structure(others, DESTINATIONS[name])

    def readList(kind: Any) -> StructureHook:
        structure = homogenous_tuple_structure_factory(kind, converter)
        return _demand(list, "a list of tables", structure)

    converter.register_structure_hook_factory(has, readTable)
    converter.register_structure_hook_factory(_isList, readList)
    asRoute = readTable(RouteTable)
    converter.register_structure_hook(
        RouteTable, lambda value, _: asRoute(_parted(value), RouteTable)
    )
    return converter


def _isList(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _demand(kind: type[Any], expected: str, structure: StructureHook) -> StructureHook:
    def structureIt(value: Any, asWhat: Any) -> Any:
        if not isinstance(value, kind):
            raise Unexpected(expected)
        return structure(value, asWhat)

    return structureIt


def _reader(kind: Kind, folder: Path) -> StructureHook:
    def read(value: Any, _: Any) -> Any:
        try:
            return kind.read(value, folder)
        except ValueError as error:
            raise Unexpected(kind.expected) from error

    return read


def _parted(route: Any) -> Any:
    """A route with the keys of its destination in a table of their own."""
    if not isinstance(route, dict):
        return route
    known = {keyOf(each) for each in fields(RouteTable)}
    parted = {key: value for key, value in route.items() if key in known}
    others = {key: value for key, value in route.items() if key not in known}
    parted[_DESTINATION] = {DELIVER: "maildir", **others}
    return parted


def _inherit(config: Config, given: Mapping[str, Any]) -> Config:
    """Let each listener have the common limits where it has none of its own."""
    listeners = []
    tables = given.get("listener", [{} for _ in config.listener])
    for listener, table in zip(config.listener, tables, strict=True):
        own = {
            each.name: getattr(listener.limits, each.name)
            for each in fields(Limits)
            if keyOf(each) in table.get("limits", {})
        }
        listeners.append(evolve(listener, limits=evolve(config.limits, **own)))
    return evolve(config, listener=tuple(listeners))


# What is wrong.


class Unexpected(ValueError):
    """
    A value is not what it should be.

    @ivar expected: what that is
    @ivar key: where it is wrong, if not just here
    """

    def __init__(self, expected: str, key: str | None = None) -> None:
        super().__init__(expected, key)
        self.expected, self.key = expected, key


def _problems(
    error: BaseException, given: Any, path: tuple[Any, ...] = ()
) -> Iterator[str]:
    """
    What is wrong, a line for each.

    @param given: what stands in the file
    @param path: the keys, and the places in lists, that lead to where the error is
    """
    if isinstance(error, ClassValidationError):
        noted, others = error.group_exceptions()
        names = {each.name: keyOf(each) for each in fields(error.cl)}
        for each, note in noted:
            yield from _problems(each, given, (*path, names[note.name]))
        for each in others:
            yield from _problems(each, given, path)
    elif isinstance(error, IterableValidationError):
        for each, place in error.group_exceptions()[0]:
            yield from _problems(each, given, (*path, place.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield f"{_where((*path, key))}: unknown key{_nearest(key, error.cl)}"
    elif isinstance(error, KeyError):
        yield f"{_where(path)}: is missing"
    else:
        yield _unexpected(error, given, path)


def _unexpected(error: BaseException, given: Any, path: tuple[Any, ...]) -> str:
    if not isinstance(error, Unexpected):
        return f"{_where(path)}: {error}"
    if error.key is not None:
        path = (*path, error.key)
    found = _valueAt(given, path)
    why = "" if error.__cause__ is None else str(error.__cause__)
    more = f" ({why})" if why else ""
    return f"{_where(path)}: {found!r}, but expected {error.expected}{more}"


def _where(path: tuple[Any, ...]) -> str:
    """The path as one would write it: C{route[0].recipients}."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step != _DESTINATION:
            text += f".{step}" if text else str(step)
    return text or "the file"


def _valueAt(given: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        if step != _DESTINATION:
            given = given[step]
    return given


def _nearest(key: str, table: type[Any]) -> str:
    known = list(kindsOf(table))
    if table in DESTINATIONS.values():
        known += [*kindsOf(RouteTable), DELIVER]
    close = get_close_matches(key, known, 1)
    return f"; is it {close[0]}?" if close else ""
