"""
What the server is to reach: a table with one row for each figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from benchmarks.measurement import Results
from benchmarks.probes import Measurement
from benchmarks.servers import LEAST

KIB = 1024


class Figure(NamedTuple):
    """One figure of a measurement, and how it is said."""

    name: str
    of: Callable[[Measurement], float]
    show: Callable[[float], str]


CPU = Figure("CPU", lambda each: each.cpu, lambda value: f"{value * 1000:.3f} ms")
OWN = Figure(
    "CPU but the kernel's",
    lambda each: max(0.0, each.cpu - each.kernel),
    lambda value: f"{value * 1000:.3f} ms",
)
RATE = Figure("a second", lambda each: each.rate, lambda value: f"{value:,.0f}")
HELD = Figure("held", lambda each: each.held, lambda value: f"{value / KIB:.1f} KiB")
SLOWEST = Figure(
    "99 of 100 within",
    lambda each: each.slowest,
    lambda value: f"{value * 1000:.1f} ms",
)
IDLE = Figure("idle CPU", lambda each: each.idle, lambda value: f"{value:.2%}")


class Target(NamedTuple):
    """
    One figure of a server in a workload.

    @ivar bound: what it may be at the most, as a multiple of the peer's if there is one
    @ivar isLeast: whether it is what it has to be at the least
    """

    workload: str
    bound: float
    peer: str | None = None
    figure: Figure = CPU
    isLeast: bool = False
    server: str = "smtpsession"


TARGETS = (
    Target("connect", 1.6, "smtp-sink"),
    Target("connect", 0.25, "aiosmtpd"),
    Target("kept", 1.6, "smtp-sink"),
    Target("kept", 0.18, "aiosmtpd"),
    Target("kept", 0.8, "smtp-server"),
    Target("large", 0.2, "smtp-sink"),
    Target("large", 0.033, "aiosmtpd"),
    Target("large", 0.3, "smtp-server"),
    Target("pipelined", 1.7, "smtp-sink"),
    Target("pipelined", 0.5, "smtp-server"),
    Target("recipients", 2, "smtp-sink"),
    Target("recipients", 0.15, "smtp-server"),
    Target("dots", 1.5, "smtp-sink"),
    Target("tls", 0.07, "aiosmtpd"),
    Target("tls", 0.45, "smtp-server"),
    Target("handshake", 0.9, "aiosmtpd"),
    Target("starttls", 0.95, "aiosmtpd", RATE, isLeast=True),
    Target("starttls", 0.04, figure=SLOWEST),
    Target("idle", 4 * KIB, figure=HELD),
    # What a timer of each session would take; the clock has no finer steps to trust.
    Target("idle", 0.001, figure=IDLE),
    Target(
        "workers",
        1.8,
        "service, 1 worker",
        RATE,
        isLeast=True,
        server="service, 2 workers",
    ),
    # The stream's buffer, and one read of the transport.
    Target("slow", 128 * KIB, figure=HELD, server="smtpsession, slow"),
)


class Verdict(NamedTuple):
    """
    What became of a target.

    @ivar value: the median of the rounds, which C{lowest} and C{highest} are of
    @ivar least: the same of a server that does next to nothing, if it was measured
    """

    target: Target
    value: float
    lowest: float
    highest: float
    least: float | None = None

    @property
    def isReached(self) -> bool:
        if self.target.isLeast:
            return self.value >= self.target.bound
        return self.value <= self.target.bound


def judge(target: Target, results: Mapping[str, Results]) -> Verdict | None:
    """What became of a target, or None if one of the two was not measured."""
    servers = {
        server.name: measurements
        for server, measurements in results.get(target.workload, {}).items()
    }
    if target.server not in servers or target.peer not in (None, *servers):
        return None

    def valuesOf(server: str) -> list[float]:
        values = list(map(target.figure.of, servers[server]))
        if target.peer is None:
            return values
        # Round by round, because what disturbs a round disturbs all its servers.
        others = map(target.figure.of, servers[target.peer])
        return [own / other for own, other in zip(values, others, strict=True)]

    values = valuesOf(target.server)
    isLimited = target.figure is CPU and LEAST.name in servers
    least = median(valuesOf(LEAST.name)) if isLimited else None
    return Verdict(target, median(values), min(values), max(values), least)
