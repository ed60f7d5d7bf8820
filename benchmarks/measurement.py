"""
One measurement, and the rounds of them.

Every measurement has a fresh process, so that its peak of memory is that of its
workload.  Within a round all servers take their turn, so that a machine that grows
slower, grows slower for all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from subprocess import SubprocessError
from typing import NamedTuple

from benchmarks.client import Client, LoadError
from benchmarks.probes import Measurement
from benchmarks.process import StartError, running
from benchmarks.servers import Server
from benchmarks.workloads import Workload

#: What was measured of each server, in the order of the rounds.
Results = Mapping[Server, Sequence[Measurement]]


class BenchmarkError(Exception):
    """A measurement failed; says which."""


class Cores(NamedTuple):
    """The cores that may be used, and whether servers and load are to share one."""

    all: Sequence[int]
    isOne: bool

    def place(self, workload: Workload, server: Server) -> tuple[set[int], set[int]]:
        """The cores of a server, and those of its load."""
        own = set(self.all[: server.cores])
        if self.isOne or workload.isShared or len(self.all) == 1:
            return own, own
        return own, {self.all[-1]}


def chooseCores(isOne: bool) -> Cores:
    return Cores(sorted(os.sched_getaffinity(0)), isOne)


def measureRounds(
    workload: Workload,
    servers: Sequence[Server],
    rounds: int,
    count: int,
    cores: Cores,
) -> Results:
    """Measure each server in each round."""
    results: dict[Server, list[Measurement]] = {server: [] for server in servers}
    for number in range(1, rounds + 1):
        for server in servers:
            measurement = measure(workload, server, count, cores)
            results[server].append(measurement)
            print(
                f"{workload.name}, round {number} of {rounds}, {server.name}: "
                f"{measurement.cpu * 1000:.3f} ms",
                file=sys.stderr,
            )
    return results


def measure(
    workload: Workload, server: Server, count: int, cores: Cores
) -> Measurement:
    """Start a server, put the load on it, and end it."""
    own, loading = cores.place(workload, server)
    os.sched_setaffinity(0, loading)
    try:
        with running(server, workload.tls, own) as process:
            isProper = _isProper(workload, process.port)
            measurement = workload.probe(process, count)
            return measurement._replace(isProper=isProper)
    except (LoadError, StartError, SubprocessError, OSError) as error:
        raise BenchmarkError(f"{server.name}, {workload.name}: {error}") from error


def _isProper(workload: Workload, port: int) -> bool:
    """Whether the server offers the extension that the workload makes use of."""
    if workload.extension is None:
        return True
    with Client(port) as client:
        client.open()
        client.quit()
    return workload.extension in client.extensions
