"""
The figures as Markdown: a table of medians for each workload.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from benchmarks.measurement import Measurement
from benchmarks.servers import Server
from benchmarks.workloads import MIB, Workload

DISTRIBUTIONS = ("smtpsession", "Twisted", "aiosmtpd")

Row = Sequence[str]


def describeMachine() -> str:
    """The software that the figures belong to."""
    names = [f"Python {platform.python_version()}", f"Linux {platform.release()}"]
    for distribution in DISTRIBUTIONS:
        try:
            names.append(f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            pass
    return ", ".join(names)


def describeResults(
    workload: Workload, messages: int, results: Mapping[Server, Sequence[Measurement]]
) -> str:
    """The heading of a workload, its table, and its footnote."""
    reference, *_ = results
    header = (
        "server",
        "CPU ms/message",
        "lowest to highest",
        "messages/s",
        "peak MiB",
        f"CPU / {reference.name}'s",
    )
    rows = [
        describeServer(workload, server, measurements, results[reference])
        for server, measurements in results.items()
    ]
    heading = f"## {workload.name}: {workload.description}, {messages} a round"
    return "\n".join(["", heading, "", *formatTable(header, rows), *footnote(rows)])


def describeServer(
    workload: Workload,
    server: Server,
    measurements: Sequence[Measurement],
    reference: Sequence[Measurement],
) -> Row:
    cpu = [each.cpuPerMessage * 1000 for each in measurements]
    # Round by round, because what disturbs a round disturbs all its servers.
    ratio = median(
        each.cpuPerMessage / other.cpuPerMessage
        for each, other in zip(measurements, reference, strict=True)
    )
    return (
        server.name + ("" if isProper(workload, measurements) else " *"),
        f"{median(cpu):.3f}",
        f"{min(cpu):.3f} to {max(cpu):.3f}",
        f"{median(each.messagesPerSecond for each in measurements):.0f}",
        f"{median(each.peakMemory for each in measurements) / MIB:.1f}",
        f"{ratio:.2f}",
    )


def isProper(workload: Workload, measurements: Sequence[Measurement]) -> bool:
    """Whether the server offers the extension that the workload makes use of."""
    return workload.extension is None or all(
        workload.extension in each.extensions for each in measurements
    )


def footnote(rows: Sequence[Row]) -> list[str]:
    if not any(row[0].endswith("*") for row in rows):
        return []
    return ["", "\\* does not offer the extension, yet was sent the same load."]


def formatTable(header: Row, rows: Sequence[Row]) -> list[str]:
    """Pad the cells, the first column to the left and figures to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return [formatRow(row, widths) for row in (header, rule, *rows)]


def formatRow(row: Row, widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [
        cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
    ]
    return "| " + " | ".join(cells) + " |"
