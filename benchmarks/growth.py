"""
How the cost grows: a table of lines, each a workload in several sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks import loads, probes
from benchmarks.bodies import KIB, MIB, makeBody
from benchmarks.servers import Server
from benchmarks.workloads import Workload


class Growth(NamedTuple):
    """
    One plot.

    @ivar axis: what grows, as the plot says it
    @ivar points: how far
    @ivar makeWorkload: the workload at a point
    @ivar costOf: seconds of CPU time at a point, from those of a unit of the workload
    @ivar show: a point as text
    @ivar servers: those whose lines are drawn
    """

    name: str
    title: str
    axis: str
    points: Sequence[int]
    makeWorkload: Callable[[int], Workload]
    costOf: Callable[[int, float], float] = lambda point, cpu: cpu
    show: Callable[[int], str] = "{:,}".format
    servers: tuple[str, ...] = ("smtpsession", "smtp-sink", "smtp-server")

    def smokePoints(self) -> Sequence[int]:
        return self.points[:3]


#: What was measured: the median cost in seconds of each server at each point.
Lines = dict[Server, list[tuple[int, float]]]


def bendOf(line: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """
    The point where a line is furthest above a straight one, and how far that is: how
    many times as much a unit costs there as at the point before where it is cheapest.

    That is 1 where units only get cheaper, as they do on a straight line that begins
    with what a message costs in any case.
    """
    cheapest = math.inf
    bend = (line[0][0], 1.0)
    for point, cost in line:
        cheapest = min(cheapest, cost / point)
        times = cost / point / cheapest
        if times > bend[1]:
            bend = (point, times)
    return bend


def showSize(octets: int) -> str:
    return f"{octets // MIB} MiB" if octets >= MIB else f"{octets // KIB} KiB"


def _ofSize(size: int) -> Workload:
    count = max(2, min(1000, 64 * MIB // size))
    probe = probes.messages(loads.source(size))
    name = f"size {showSize(size)}"
    return Workload(name, name, probe, count, needs="smtp-source")


def _ofRecipients(count: int) -> Workload:
    load = loads.pipelined(count, partial(makeBody, KIB))
    name = f"{count} recipients"
    return Workload(name, name, probes.messages(load), max(8, min(1000, 8000 // count)))


def _ofSessions(count: int) -> Workload:
    name = f"{count} sessions"
    return Workload(name, name, probes.sessions, count, "session", few=count)


GROWTHS = (
    Growth(
        "size",
        "A message, by its size",
        "size of the message",
        [KIB, 16 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB],
        _ofSize,
        show=showSize,
    ),
    Growth(
        "recipients",
        "A message of 1 KiB, by its recipients",
        "recipients",
        [1, 3, 10, 30, 100, 300, 1000],
        _ofRecipients,
    ),
    Growth(
        "sessions",
        "Sessions open at once, with a message in each",
        "sessions",
        [1, 10, 100, 1000, 2000, 5000],
        _ofSessions,
        lambda point, cpu: point * cpu,
        # smtp-server lets each client wait.
        servers=("smtpsession", "smtp-sink", "aiosmtpd"),
    ),
)
