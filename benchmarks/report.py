"""
The figures as tables: of a workload, of a line of growth, and of the targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.bodies import MIB
from benchmarks.growth import Growth, Lines, bendOf
from benchmarks.measurement import Results
from benchmarks.probes import Measurement
from benchmarks.servers import LEAST, Server
from benchmarks.tables import Row, formatHeading, formatTable
from benchmarks.targets import CPU, HELD, IDLE, OWN, SLOWEST, Figure, Verdict
from benchmarks.workloads import Workload

#: Figures that only some workloads have; where none is measured all are 0.
SPECIAL = (SLOWEST, HELD, IDLE)
#: What is less, in seconds, cannot be told from nothing.
_LEAST = 1e-9


def describeResults(
    workload: Workload, count: int, rounds: int, results: Results
) -> str:
    """The heading of a workload, its table, and its footnote."""
    reference, *_ = results
    special = [
        figure
        for figure in SPECIAL
        if any(figure.of(each) for row in results.values() for each in row)
    ]
    header = [
        "server",
        f"CPU ms a {workload.unit}",
        "lowest to highest",
        "the kernel's",
        f"CPU / {reference.name}'s",
        "without it",
        f"{workload.units}/s",
        "peak MiB",
        *(figure.name for figure in special),
    ]
    rows = []
    for server, measurements in results.items():
        row = _describeServer(server, measurements, results[reference])
        row += [figure.show(median(map(figure.of, measurements))) for figure in special]
        rows.append(row)
    heading = formatHeading(workload.title[0].upper() + workload.title[1:], "-")
    amount = f"{count:,} {workload.unit if count == 1 else workload.units}"
    turns = "1 round" if rounds == 1 else f"{rounds} rounds"
    text = f"``{workload.name}``: {amount} in a round, {turns}."
    return "\n\n".join([heading, text, formatTable(header, rows), *_footnote(rows)])


def _describeServer(
    server: Server,
    measurements: Sequence[Measurement],
    reference: Sequence[Measurement],
) -> list[str]:
    cpu = [each.cpu * 1000 for each in measurements]
    kernel = median(each.kernel for each in measurements)
    return [
        server.name + ("" if all(each.isProper for each in measurements) else " \\*"),
        f"{median(cpu):.3f}",
        f"{min(cpu):.3f} to {max(cpu):.3f}",
        f"{kernel * 1000:.3f}",
        f"{_ratio(measurements, reference, CPU):.2f}",
        f"{_ratio(measurements, reference, OWN):.2f}",
        f"{median(each.rate for each in measurements):,.1f}",
        f"{median(each.peak for each in measurements) / MIB:.1f}",
    ]


def _ratio(
    measurements: Sequence[Measurement],
    reference: Sequence[Measurement],
    figure: Figure,
) -> float:
    # Round by round, because what disturbs a round disturbs all its servers.
    return median(
        figure.of(each) / max(figure.of(other), _LEAST)
        for each, other in zip(measurements, reference, strict=True)
    )


def _footnote(rows: Sequence[Row]) -> list[str]:
    if not any(row[0].endswith("*") for row in rows):
        return []
    return ["\\* does not offer the extension, yet was sent the same load."]


def describeGrowth(growth: Growth, lines: Lines) -> str:
    """The table of a plot, and how far its lines are from straight."""
    servers = list(lines)
    header = [growth.axis]
    for server in servers:
        header += [f"{server.name}, ms", "steepness"]
    rows = []
    for place, point in enumerate(point for point, _ in lines[servers[0]]):
        row = [growth.show(point)]
        for server in servers:
            line = lines[server]
            row += [f"{line[place][1] * 1000:.3f}", _steepness(line, place)]
        rows.append(row)
    bends = [
        f"- {server.name}: {_describeBend(growth, line)}"
        for server, line in lines.items()
    ]
    return "\n\n".join([formatTable(header, rows), "\n".join(bends)])


def _describeBend(growth: Growth, line: Sequence[tuple[int, float]]) -> str:
    point, times = bendOf(line)
    if f"{times:.2f}" == "1.00":
        return "nowhere above a straight line."
    return f"up to {times:.2f} times a straight line, at {growth.show(point)}."


def _steepness(line: Sequence[tuple[int, float]], place: int) -> str:
    """How much more this point costs than the one before, by how much it is larger."""
    if place == 0:
        return "\\-"
    (lastPoint, lastCost), (point, cost) = line[place - 1 : place + 1]
    return f"{(cost / lastCost) / (point / lastPoint):.2f}"


def describeVerdicts(verdicts: Sequence[Verdict], titles: dict[str, str]) -> str:
    header = (
        *("workload", "target", "measured", "lowest to highest", f"a {LEAST.name}'s"),
        "",
    )
    return formatTable(header, [_describeVerdict(each, titles) for each in verdicts])


def _describeVerdict(verdict: Verdict, titles: dict[str, str]) -> Row:
    target = verdict.target
    show = target.figure.show if target.peer is None else "{:.3f}".format
    measure = "least" if target.isLeast else "most"
    bound = show(target.bound) if target.peer is None else f"{target.bound:g}"
    times = "" if target.peer is None else f" × {target.peer}"
    return (
        titles[target.workload],
        f"{target.figure.name} at {measure} {bound}{times}",
        show(verdict.value),
        f"{show(verdict.lowest)} to {show(verdict.highest)}",
        "" if verdict.least is None else show(verdict.least),
        (
            "reached"
            if verdict.isReached
            else f"missed by a factor of {_distance(verdict):.2f}"
        ),
    )


def _distance(verdict: Verdict) -> float:
    ratio = verdict.value / verdict.target.bound
    return 1 / ratio if verdict.target.isLeast else ratio
