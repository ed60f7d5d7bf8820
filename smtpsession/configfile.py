# -*- test-case-name: tests.test_configfile -*-
"""
The configuration out of a file, or all that is wrong with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_origin

from attrs import Attribute, evolve, fields, has
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override

from smtpsession.config import Config, RouteTable, markOf
from smtpsession.errors import ConfigError
from smtpsession.goals import DESTINATIONS
from smtpsession.kinds import SECONDS, Kind, count, keyOf, keysIn, kindOf
from smtpsession.limits import Limits
from smtpsession.misreadings import DELIVER, Unexpected, mended, misreadings
from smtpsession.problems import DESTINATION, Problem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

StructureHook = Callable[[Any, Any], Any]


def load(path: str | Path) -> Config:
    """
    Read a configuration.

    @raise ConfigError: it cannot be read, and nothing is known of it
    @raise Misread: with all that is wrong
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
    @raise ConfigError: as `load`
    """
    try:
        given = tomllib.loads(octets.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: not TOML: {error}"]) from error
    config = read(given, Path(path).absolute().parent, str(path))
    return evolve(config, mark=markOf(octets))


def read(given: Mapping[str, Any], folder: Path, name: str) -> Config:
    """
    The same from what was read already.

    @param folder: what paths are relative to
    @param name: of the file, for what is wrong with it
    @raise Misread: with all that is wrong
    """
    converter, problems = _converter(folder), list[Problem]()
    try:
        config: Config = converter.structure(given, Config)
    except BaseValidationError as error:
        found = [*misreadings(error, given)]
        problems = [each.problem for each in found]
        given = mended(given, found)
        config = converter.structure(given, Config)
    config = evolve(_inherit(config, given), source=name, problems=tuple(problems))
    if problems:
        raise Misread(config)
    return config


class Misread(ConfigError):
    """
    What stands in a file is not a configuration.

    @ivar config: what it would be, with something else for what is wrong
    """

    def __init__(self, config: Config) -> None:
        super().__init__(f"{config.source}: {each}" for each in config.problems)
        self.config = config


def kindsOf(table: type[Any]) -> dict[str, Kind | None]:
    """The keys of a table, with the kinds of those that are no tables themselves."""
    return {keyOf(each): _kind(table, each) for each in keysIn(table)}


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
            for each in keysIn(table)
        }
        columns.update(
            (each.name, override(omit=True))
            for each in fields(table)
            if each not in keysIn(table)
        )
        structure = make_dict_structure_fn(table, converter, **columns)
        return _demand(dict, "a table", structure)

    def hookOf(table: type[Any], attribute: Attribute[Any]) -> StructureHook | None:
        if attribute.name == DESTINATION:
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
    known = {keyOf(each) for each in fields(RouteTable)} - {DESTINATION}
    parted = {key: value for key, value in route.items() if key in known}
    others = {key: value for key, value in route.items() if key not in known}
    parted[DESTINATION] = {DELIVER: "maildir", **others}
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
