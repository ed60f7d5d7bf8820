# -*- test-case-name: tests.test_configfile -*-
"""
What may stand behind a key of the configuration.

A `Kind` reads a value of TOML, and says in words what it expects.  The keys of a table
are the fields of an attrs class, each made with `setting`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from attrs import Attribute, NOTHING, field, fields, frozen

from smtpsession.addresses import isDomain
from smtpsession.networks import Networks
from smtpsession.patterns import compilePatterns

_KIND, _BESIDE = "kind", "beside"

#: What the endpoint of a worker begins with: behind it are the domain of a socket that
#: another process has opened, and its number.
INHERITED = "inherited:"
#: RFC 9110, section 5.6.2.
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@frozen
class Kind:
    """
    A kind of value.

    @ivar expected: what it is, in words that go on from "expected"
    @ivar read: from what stands there, and the folder of the file, to the value; raises
        `ValueError`, whose text adds to C{expected} where it is not empty
    """

    expected: str
    read: Callable[[Any, Path], Any]


def setting(kind: Kind, default: Any = NOTHING) -> Any:
    """
    A field of a table that is a key of the file: C{limitsOf} is C{limits-of} there.

    @param default: where the key is not given; without one it has to be
    """
    return field(default=default, metadata={_KIND: kind})


def beside(default: Any) -> Any:
    """A field of a table that is no key of the file."""
    return field(default=default, eq=False, repr=False, metadata={_BESIDE: True})


def keysIn(table: type[Any]) -> Sequence[Attribute[Any]]:
    """The fields of a table that are keys of the file."""
    return [each for each in fields(table) if _BESIDE not in each.metadata]


def keyOf(attribute: Attribute[Any]) -> str:
    """The key of the file that is this field: C{message-size} is C{messageSize}."""
    return re.sub("[A-Z]", lambda found: "-" + found[0].lower(), attribute.name)


def kindOf(attribute: Attribute[Any]) -> Kind | None:
    """The kind of a field; None for one that is a table, or a list of tables."""
    return attribute.metadata.get(_KIND)


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _readText(value: Any, folder: Path) -> str:
    _require(isinstance(value, str) and value != "")
    return str(value)


def _readFlag(value: Any, folder: Path) -> bool:
    _require(isinstance(value, bool))
    return bool(value)


def _readFile(value: Any, folder: Path) -> Path:
    return folder / _readText(value, folder)


def _readHostname(value: Any, folder: Path) -> str:
    _require(isDomain(_readText(value, folder)))
    return str(value)


def _readNetworks(value: Any, folder: Path) -> Networks:
    return Networks(_listOf(_readText)(value, folder))


def _listOf(read: Callable[[Any, Path], Any]) -> Callable[[Any, Path], tuple[Any, ...]]:
    def readAll(value: Any, folder: Path) -> tuple[Any, ...]:
        _require(isinstance(value, list))
        return tuple(read(each, folder) for each in value)

    return readAll


def _readPatterns(value: Any, folder: Path) -> tuple[str, ...]:
    patterns = _listOf(_readText)(value, folder)
    _require(patterns != ())
    compilePatterns(patterns)
    return patterns


def _readCommand(value: Any, folder: Path) -> tuple[str, ...]:
    arguments = _listOf(_readArgument)(value, folder)
    _require(arguments != () and arguments[0] != "")
    return arguments


def _readArgument(value: Any, folder: Path) -> str:
    _require(isinstance(value, str))
    if "\0" in value:
        raise ValueError("a NUL would end it")
    return str(value)


def _readEndpoint(value: Any, folder: Path) -> str:
    text = _readText(value, folder)
    if text.startswith(INHERITED):
        raise ValueError("that is what workers are told")
    return text


def _readServerName(value: Any, folder: Path) -> str:
    text = _readText(value, folder)
    try:
        ip_address(text)
    except ValueError:
        _require(isDomain(text))
    return text


def _readHeaders(value: Any, folder: Path) -> Options:
    for name, text in _readOptions(value, folder).values.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if not (isinstance(text, str) and text.isprintable()):
            raise ValueError(f"{name} is not a text on one line")
    return Options(value)


def _readFolders(value: Any, folder: Path) -> str:
    text = _readText(value, folder)
    for each in re.findall("{.*?}", text):
        if each not in ("{domain}", "{localpart}"):
            raise ValueError(f"nothing is known to stand for {each}")
    return text


ENDPOINT = Kind("a text that is not empty", _readEndpoint)
SERVER_NAME = Kind("a host name in ASCII, or an IP address", _readServerName)
TEXT = Kind("a text that is not empty", _readText)
FLAG = Kind("true or false", _readFlag)
FILE = Kind("the name of a file or a folder", _readFile)
HOSTNAME = Kind("a host name in ASCII", _readHostname)
NETWORKS = Kind('a list of networks, such as ["192.0.2.0/24"]', _readNetworks)
FOLDERS = Kind(
    "the name of a folder, in which {domain} and {localpart} may stand", _readFolders
)
TEXTS = Kind("a list of texts", _listOf(_readText))
COMMAND = Kind("a list of texts, the first a program", _readCommand)
PATTERNS = Kind(
    'a list of patterns of addresses, such as ["*@example.org"]', _readPatterns
)


def _canonical(values: Mapping[str, Any]) -> str:
    # What TOML has and JSON has not, dates and times, are told apart by their texts.
    return json.dumps(values, sort_keys=True, default=str)


@frozen
class Options:
    """
    A table of whatever somebody else understands.

    @ivar values: by key
    """

    values: Mapping[str, Any] = field(factory=dict, eq=_canonical)


def _readOptions(value: Any, folder: Path) -> Options:
    _require(isinstance(value, dict))
    return Options(dict(value))


OPTIONS = Kind("a table", _readOptions)


HEADERS = Kind("a table of texts, each under the name of a header", _readHeaders)


def choice(*values: str) -> Kind:
    """One of these words."""

    def read(value: Any, folder: Path) -> str:
        _require(value in values)
        return str(value)

    return Kind(" or ".join(f'"{each}"' for each in values), read)


def choices(*values: str) -> Kind:
    """A list of any of these words."""
    read = _listOf(choice(*values).read)
    return Kind("a list of any of " + ", ".join(values), read)


def count(minimum: int = 1) -> Kind:
    """A whole number."""

    def read(value: Any, folder: Path) -> int:
        _require(type(value) is int and value >= minimum)
        return int(value)

    return Kind(f"a whole number, {minimum} or more", read)


def _readSeconds(value: Any, folder: Path) -> float:
    _require(type(value) in (int, float) and 0 < value < math.inf)
    return value  # type: ignore[no-any-return]


SECONDS = Kind("a number of seconds, more than 0", _readSeconds)
