"""
The page of the manual that the figures make, and its drawings.

Its prose is C{page.rst}.
"""

from __future__ import annotations

import os
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

TEMPLATE = Path(__file__).with_suffix(".rst")

NOTHING = "Not measured."


class Figures(NamedTuple):
    """
    All that was measured.

    @ivar conditions: when, where, how, and what was left out
    @ivar tables: those of the workloads
    """

    conditions: str
    workloads: list[tuple[Workload, Results]]
    tables: list[str]
    growths: list[tuple[Growth, Lines]]


def describeConditions(cores: str, absent: list[str]) -> str:
    """To be called before this process is bound to a core."""
    now = datetime.now(timezone.utc)
    load, _, _ = os.getloadavg()
    lines = [
        f"Measured on {now.day} {now:%B %Y}: {describeMachine()}.",
        f"Before that the machine had a load average of {load:.1f}.",
        cores,
    ]
    if absent:
        lines.append(f"Left out, not installed: {', '.join(absent)}.")
    return "\n".join(lines)


def describeTargets(figures: Figures) -> str:
    """The table of the targets, as far as they were measured."""
    results = {workload.name: each for workload, each in figures.workloads}
    judged = (judge(target, results) for target in TARGETS)
    verdicts = [verdict for verdict in judged if verdict is not None]
    if not verdicts:
        return NOTHING
    titles = {workload.name: workload.title for workload in WORKLOADS}
    return describeVerdicts(verdicts, titles)


def write(figures: Figures, folder: Path) -> None:
    """Write the page and its drawings, to a folder that is there."""
    page = TEMPLATE.read_text(encoding="utf-8").format(
        conditions=figures.conditions,
        targets=describeTargets(figures),
        servers="\n\n".join(_drawServers(figures, folder) + figures.tables) or NOTHING,
        growth="\n\n".join(_drawGrowths(figures, folder)) or NOTHING,
    )
    (folder / "performance.rst").write_text(page, encoding="utf-8")


def _drawServers(figures: Figures, folder: Path) -> list[str]:
    compared = [
        (workload, results)
        for workload, results in figures.workloads
        # Those about something else than the CPU time of a message have no bars.
        if len(results) > 1 and not workload.isShared and workload.unit != "session"
    ]
    if not compared:
        return []
    title = "CPU time of each server, by workload"
    return [_draw(folder, "performance", title, drawBars(compared))]


def _drawGrowths(figures: Figures, folder: Path) -> list[str]:
    parts = []
    for growth, lines in figures.growths:
        drawing = drawLines(growth, lines)
        parts += [
            formatHeading(growth.title, "-"),
            _draw(folder, f"performance-{growth.name}", growth.title, drawing),
            describeGrowth(growth, lines),
        ]
    return parts


def _draw(folder: Path, name: str, title: str, drawing: str) -> str:
    """Write a drawing; what shows it on the page."""
    (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
    return f".. image:: {name}.svg\n   :alt: {title}"
