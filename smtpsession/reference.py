# -*- test-case-name: tests.test_reference -*-
"""
The reference of the configuration, out of the classes that read it::

    python -m smtpsession.reference > docs/configuration.rst
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from attrs import NOTHING, Attribute

from smtpsession.config import (
    AuthTable,
    Config,
    DNSTable,
    ListenerTable,
    LogTable,
    MetricsTable,
    PairTable,
    RouteTable,
    TLSTable,
)
from smtpsession.configfile import kindsOf
from smtpsession.goals import DESTINATIONS
from smtpsession.kinds import choice, keyOf, keysIn
from smtpsession.limits import Limits
from smtpsession.misreadings import DELIVER
from smtpsession.networks import Networks

#: Each table, by how it is written.
TABLES = (
    ("The top", Config),
    ("[[listener]]", ListenerTable),
    ("[tls]", TLSTable),
    ('[tls.names."mail.example.net"]', PairTable),
    ("[auth]", AuthTable),
    ("[dns]", DNSTable),
    ("[limits]", Limits),
    ("[metrics]", MetricsTable),
    ("[log]", LogTable),
    ("[[route]]", RouteTable),
    *(
        (f'[[route]] with deliver = "{name}"', each)
        for name, each in DESTINATIONS.items()
    ),
)

_INTRODUCTION = """\
This page is made from the code.
Paths are relative to the file.
An unknown key is an error, and so is a value that is not what is expected.
``python -m smtpsession check mail.toml`` says what is wrong.
"""


def page() -> str:
    """The page, in reStructuredText."""
    parts = [_heading("Keys of the configuration", "="), _INTRODUCTION]
    for title, table in TABLES:
        parts += [_heading(title, "="), *_section(table)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _section(table: type[Any]) -> Iterator[str]:
    text = inspect.cleandoc(table.__doc__ or "")
    yield _rst(text.partition("@ivar")[0].strip()) + "\n"
    meanings = _meanings(table)
    kinds = kindsOf(table)
    for each in keysIn(table):
        kind = kinds[keyOf(each)]
        if kind is None and table is Config:
            # A table that has a section of its own.
            continue
        if table is RouteTable and kind is None:
            key, expected, default = DELIVER, choice(*DESTINATIONS).expected, "maildir"
        else:
            key, default = keyOf(each), _default(each)
            expected = "a table" if kind is None else kind.expected
        yield f"``{key}``"
        yield f"    {_rst(meanings[each.name])}."
        yield f"    {_sentence(expected, default)}\n"


def _meanings(table: type[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(table.__mro__):
        text = inspect.cleandoc(each.__doc__ or "").partition("@raise")[0]
        for name, meaning in re.findall(
            r"@ivar (\w+): (.*?)(?=\n@ivar|\Z)", text, re.S
        ):
            found[name] = _capital(" ".join(meaning.split()).rstrip("."))
    return found


def _default(attribute: Attribute[Any]) -> Any:
    default: Any = attribute.default
    return default.factory() if hasattr(default, "factory") else default


def _sentence(expected: str, default: Any) -> str:
    expected = _capital(expected)
    if default is NOTHING:
        return f"*{expected}; it has to be given.*"
    if default in (None, "") or isinstance(default, (Networks, tuple)):
        return f"*{expected}.*"
    if isinstance(default, bool):
        default = str(default).lower()
    if isinstance(default, (str, int, float)):
        return f"*{expected}; by default* ``{default}``."
    return f"*{expected}.*"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rst(text: str) -> str:
    """From the markup of docstrings to that of the manual."""
    text = re.sub(r"C\{(\{\w+\})\}", r"``\1``", text)
    text = re.sub(r"C\{(.*?)\}", r"``\1``", text)
    return re.sub(r"`([A-Z]\w+)`(?!`)", r"``\1``", text)


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"


if __name__ == "__main__":
    print(page(), end="")
