"""
The events of the log, as the manual has them and as the code makes them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import smtpsession
from smtpsession import logfile
from tests.test_layers import ORDER

PAGE = Path(__file__).parent.parent / "docs" / "logging.rst"
LEVELS = {"failure": "critical"}
#: What C{smtpsession.logins} gives to each of its events.
LOGIN = ("session", "address", "mechanism", "user")

Row = tuple[str, str, frozenset[str]]


class EventTests(SynchronousTestCase):
    """Every call of a logger."""

    def test_manual(self) -> None:
        """Each has a name, and the manual has it with its level and its fields."""
        made = set(_eventsOf(_sources()))
        self.assertNotIn("", {name for name, _, _ in made})
        if PAGE.exists():
            told = set(_rows(PAGE.read_text("utf-8")))
            self.assertEqual(told - made, set())
            self.assertEqual(made - told, set())

    def test_loggers(self) -> None:
        """Each logger has a name by which the test above knows its calls."""
        for source in _sources():
            self.assertNotIn("twisted.python.log", source)
            made = len(re.findall(r"\bLogger\(", source))
            named = len(re.findall(r"^ *_?log = Logger\(", source, re.MULTILINE))
            self.assertEqual(made, named, source[:200])


def _sources() -> Iterator[str]:
    root = Path(smtpsession.__file__).parent
    for name in ORDER:
        yield (root / (name.replace(".", "/") + ".py")).read_text("utf-8")


def _eventsOf(sources: Iterator[str]) -> Iterator[Row]:
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and _isOfLogger(node.func):
                yield _rowOf(node)


def _isOfLogger(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    name = ast.unparse(function.value).rpartition(".")[2]
    return name in ("log", "_log")


def _rowOf(call: ast.Call) -> Row:
    method = call.func.attr  # type: ignore[attr-defined]
    given = {each.arg: each.value for each in call.keywords}
    named = given.pop("event", None)
    level = given.pop("level", None)
    if isinstance(level, ast.Attribute):
        method = level.attr
    fields = {name for name in given if name is not None}
    if None in given:
        fields |= set(LOGIN)
    return _text(named), LEVELS.get(method, method), frozenset(fields)


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(getattr(logfile, node.id))
    return ""


def _rows(page: str) -> Iterator[Row]:
    rows = list[list[str]]()
    for line in page.splitlines():
        name, level, fields = line[:33].strip(), line[34:43].strip(), line[44:80]
        if name.startswith("``") and level.isalpha():
            rows.append([name.strip("`"), level, fields])
        elif rows and not line[:43].strip() and fields.strip():
            rows[-1][2] += " " + fields
    for name, level, fields in rows:
        yield name, level, frozenset(fields.split())
