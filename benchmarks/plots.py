"""
The figures as drawings: bars for the servers, lines for how a cost grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.growth import Growth, Lines
from benchmarks.measurement import Results
from benchmarks.servers import SERVERS, Server
from benchmarks.svg import Drawing
from benchmarks.workloads import Workload

#: All servers, for their colours.
_NAMES = [server.name for server in SERVERS]

_WIDTH = 720
# Of the bars.
_LABEL, _LONGEST, _BAR, _STEP, _HEAD = 130, 480, 11, 15, 34
# Of the lines: the margins, and the height of what is between them.
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 78, 120, 40, 46, 300


def drawBars(measured: Sequence[tuple[Workload, Results]]) -> str:
    """The CPU time of each server in each workload, each to its own scale."""
    rows = sum(len(results) for _, results in measured)
    height = _HEAD * len(measured) + _STEP * rows + 20
    drawing = Drawing(_WIDTH, height, "CPU time of each server, by workload")
    y = 0.0
    for workload, results in measured:
        y += _HEAD
        drawing.text(8, y - 8, workload.title, kind="title")
        drawing.text(
            _WIDTH - 8, y - 8, f"CPU ms a {workload.unit}", anchor="end", kind="faint"
        )
        costs = {
            server: median(each.cpu for each in measurements)
            for server, measurements in results.items()
        }
        for server, cost in costs.items():
            length = _LONGEST * cost / max(costs.values())
            drawing.text(_LABEL - 6, y + _BAR - 1, server.name, anchor="end")
            drawing.bar(_LABEL, y, max(1.0, length), _BAR, _colour(server))
            drawing.text(_LABEL + length + 6, y + _BAR - 1, f"{cost * 1000:.3f}")
            y += _STEP
    return drawing.render()


def _colour(server: Server) -> int:
    return _NAMES.index(server.name)


def drawLines(growth: Growth, lines: Lines) -> str:
    """The CPU time of each server by what grows, both axes logarithmic."""
    points = [point for point, _ in next(iter(lines.values()))]
    costs = [cost * 1000 for line in lines.values() for _, cost in line]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    across = _scale(points[0], points[-1], _LEFT, _WIDTH - _RIGHT)
    # One decade at the least, or there is nothing to measure by.
    high = max(high, low + 1)
    down = _scale(10.0**low, 10.0**high, _TOP + _HEIGHT, _TOP)
    drawing = Drawing(_WIDTH, _TOP + _HEIGHT + _BOTTOM, growth.title)
    drawing.text(8, 20, growth.title, kind="title")
    drawing.text(_WIDTH - 8, 20, "CPU ms, server", anchor="end", kind="faint")
    for exponent in range(low, high + 1):
        y = down(10.0**exponent)
        drawing.rule(_LEFT, y, _WIDTH - _RIGHT, y)
        drawing.text(_LEFT - 8, y + 4, f"{10.0**exponent:,g}", "end", "faint")
    for point in points:
        x = across(point)
        drawing.rule(x, _TOP, x, _TOP + _HEIGHT)
        drawing.text(x, _TOP + _HEIGHT + 18, growth.show(point), "middle", "faint")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawing.text(middle, _TOP + _HEIGHT + 38, growth.axis, "middle", "faint")
    ends = {}
    for server, line in lines.items():
        path = [(across(point), down(cost * 1000)) for point, cost in line]
        drawing.line(path, _colour(server))
        ends[server.name] = path[-1]
    for name, (x, y) in _apart(ends).items():
        drawing.text(x + 10, y + 4, name)
    return drawing.render()


def _scale(
    first: float, last: float, start: float, end: float
) -> Callable[[float], float]:
    """A logarithmic axis: from a value to pixels."""
    length = math.log(last / first)

    def place(value: float) -> float:
        return start + (end - start) * math.log(value / first) / length

    return place


def _apart(ends: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Where names stand that would be written over each other at the ends of lines."""
    placed: dict[str, tuple[float, float]] = {}
    lowest = -math.inf
    for name, (x, y) in sorted(ends.items(), key=lambda each: each[1][1]):
        lowest = max(y, lowest + 14)
        placed[name] = (x, lowest)
    return placed
