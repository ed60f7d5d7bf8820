# -*- test-case-name: tests.test_selftest -*-
"""
What the manual has of the cases::

    python -m smtpsession.selftest.manual > docs/attacks.rst

and of what came of them, out of what C{--json} has written::

    python -m smtpsession.selftest.manual aiosmtpd=one.json Postfix=another.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.model import Kind, Target, Verdict

#: Whose results are shown of other servers: what a peer can be asked about in fairness
#: whatever it is set up for.
PUBLIC = (Kind.END_OF_DATA, Kind.PARSING)

_CELLS = {
    Verdict.PASS.value: "pass",
    Verdict.FINDING.value: "**finding**",
    Verdict.NOT_APPLICABLE.value: "n/a",
    Verdict.UNTESTED.value: "not tested",
}
_INTRODUCTION = """\
This page is made from the code.
``python -m smtpsession selftest`` tries each of these.
`selftest.rst <selftest.rst>`_ says how, and what came of it.
"""


def page() -> str:
    """The page of all cases, in reStructuredText."""
    parts = [_heading("The attacks of the self-test", "="), _INTRODUCTION]
    for kind in Kind:
        parts.append(_heading(kind.value[0].upper() + kind.value[1:], "="))
        for case in corpus(Target("127.0.0.1", 25)):
            if case.kind is kind:
                title = case.title[0].upper() + case.title[1:]
                parts.append(f"``{case.name}``\n    {title}.")
                parts.append(f"    *{case.ground}.*\n")
    return "\n".join(parts).rstrip("\n") + "\n"


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    """
    The verdicts of several servers, side by side, as a simple table.

    @param columns: by the server's name, the verdict on each case by its name
    """
    rows = [["case", *columns]]
    for case in corpus(Target("127.0.0.1", 25)):
        if case.kind in PUBLIC:
            verdicts = (each[case.name] for each in columns.values())
            rows.append([case.name, *(_CELLS[each] for each in verdicts)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    head, *body = (_row(row, widths) for row in rows)
    return "\n".join([rule, head, rule, *body, rule]) + "\n"


def verdictsIn(report: Mapping[str, Any]) -> dict[str, str]:
    """The verdicts of a report as C{--json} has it, by the names of the cases."""
    return {each["name"]: each["verdict"] for each in report["cases"]}


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"


def _main(arguments: Sequence[str]) -> str:
    columns = {}
    for name, _, path in (each.rpartition("=") for each in arguments):
        columns[name] = verdictsIn(json.loads(Path(path).read_text("utf-8")))
    return table(columns) if columns else page()


if __name__ == "__main__":
    print(_main(sys.argv[1:]), end="")
