"""
The page of the manual that the figures make, and its drawings.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from benchmarks.growth import Growth, Lines
from benchmarks.machine import describeMachine
from benchmarks.measurement import Results
from benchmarks.plots import drawBars, drawLines
from benchmarks.report import describeGrowth, describeVerdicts
from benchmarks.tables import formatHeading
from benchmarks.targets import TARGETS, judge
from benchmarks.workloads import WORKLOADS, Workload

_INTRODUCTION = """\
What a message costs the server: the CPU time of all its processes, user and system.
That decides how many messages a core can take, and it does not depend on what else the
machine does as much as time does.  All servers run on one machine in turns, and the
figures are the medians of the rounds.

This page is made by ``python -m benchmarks --write docs``.
`benchmarks/README.md <../benchmarks/README.md>`_ has how it is measured.

"smtpsession" is the public factory with ``async def`` callbacks that look at the
session and discard the message.
"service, Maildir" is ``twistd smtpsession`` with a Maildir that is in memory, so that
no disk is measured; it logs a line for each message.
smtp-sink is Postfix's test server in C, which keeps nothing, checks next to nothing,
and has no TLS.
smtp-server is Nodemailer's, on Node.js; it lets every client wait for 100 ms before it
greets, and is left out where each message has a connection of its own."""

_NOISE = """\
On a machine that others use too, and on a virtual one, the same figure differs by some
percent from run to run: a target that is missed or reached by less than that is
neither.  "Lowest to highest" is that of the rounds."""

_GROWTH = """\
Both axes are logarithmic.
A cost that grows in proportion is a straight line that rises by a decade in a decade.
"Steepness" is how many times as much a point costs as the one before, divided by how
many times as large it is: 1 is in proportion, less is cheaper than that."""


class Figures(NamedTuple):
    """All that was measured, and what was left out."""

    date: datetime
    cores: str
    leftOut: list[str]
    workloads: list[tuple[Workload, Results]]
    tables: list[str]
    growths: list[tuple[Growth, Lines]]

    @classmethod
    def none(cls, cores: str, leftOut: list[str]) -> Figures:
        return cls(datetime.now(timezone.utc), cores, leftOut, [], [], [])


def describeTargets(figures: Figures) -> str:
    """The table of the targets, as far as they were measured."""
    results = {workload.name: each for workload, each in figures.workloads}
    judged = (judge(target, results) for target in TARGETS)
    verdicts = [verdict for verdict in judged if verdict is not None]
    if not verdicts:
        return "No target was measured."
    titles = {workload.name: workload.title for workload in WORKLOADS}
    return describeVerdicts(verdicts, titles)


def describeConditions(figures: Figures) -> str:
    lines = [f"Measured on {figures.date:%d %B %Y}: {describeMachine()}."]
    lines.append(figures.cores)
    lines += [f"Left out, not installed: {each}." for each in figures.leftOut]
    return "\n".join(lines)


def write(figures: Figures, folder: Path) -> None:
    """Write the page and its drawings."""
    folder.mkdir(exist_ok=True)
    rule = "=" * len("Performance")
    parts = [f"{rule}\nPerformance\n{rule}", _INTRODUCTION]
    parts += [describeConditions(figures), _NOISE]
    parts += [formatHeading("The targets", "="), describeTargets(figures)]
    compared = [each for each in figures.workloads if len(each[1]) > 1]
    compared = [
        (workload, results)
        for workload, results in compared
        # Those about something else than the CPU time of a message have no bars.
        if not workload.isShared and workload.unit != "session"
    ]
    parts.append(formatHeading("The servers", "="))
    if compared:
        _draw(folder, "performance", drawBars(compared))
        parts.append(_image("performance", "CPU time of each server, by workload"))
    parts += figures.tables
    if figures.growths:
        parts += [formatHeading("How the cost grows", "="), _GROWTH]
    for growth, lines in figures.growths:
        name = f"performance-{growth.name}"
        _draw(folder, name, drawLines(growth, lines))
        parts += [formatHeading(growth.title, "-"), _image(name, growth.title)]
        parts.append(describeGrowth(growth, lines))
    (folder / "performance.rst").write_text(_join(parts), encoding="utf-8")


def _join(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _draw(folder: Path, name: str, drawing: str) -> None:
    (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")


def _image(name: str, text: str) -> str:
    return f".. image:: {name}.svg\n   :alt: {text}"
