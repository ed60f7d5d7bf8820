"""
One measurement, and the rounds of them.

Every measurement has a fresh process, so that its peak of memory is that of its
workload.  Within a round all servers take their turn, so that a machine that grows
slower, grows slower for all of them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.client import LoadError
from benchmarks.process import ServerProcess, StartError, running
from benchmarks.servers import Server
from benchmarks.workloads import Workload, makeBody

#: The part of a round's messages that is sent before the clock starts: the first
#: messages import modules, fill caches and let the interpreter specialize its code.
WARM_UP = 0.1


class BenchmarkError(Exception):
    """A measurement failed; says which."""


class Cores(NamedTuple):
    """The core of the servers and the core of the load."""

    server: int
    load: int


class Measurement(NamedTuple):
    """What a number of messages cost a server."""

    messages: int
    cpuSeconds: float
    seconds: float
    peakMemory: int
    extensions: frozenset[bytes]

    @property
    def cpuPerMessage(self) -> float:
        return self.cpuSeconds / self.messages

    @property
    def messagesPerSecond(self) -> float:
        return self.messages / self.seconds


def chooseCores(oneCore: bool) -> Cores:
    """Two cores that this process may use, or one twice if it is to be one or is."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(server=allowed[0], load=allowed[0 if oneCore else -1])


def measureRounds(
    workload: Workload,
    servers: Sequence[Server],
    rounds: int,
    messages: int,
    cores: Cores,
) -> dict[Server, list[Measurement]]:
    """Measure each server in each round; the lists are in the order of the rounds."""
    body = makeBody(workload.size)
    results: dict[Server, list[Measurement]] = {server: [] for server in servers}
    for number in range(1, rounds + 1):
        for server in servers:
            measurement = measure(workload, server, messages, body, cores)
            results[server].append(measurement)
            print(
                f"{workload.name}, round {number} of {rounds}, {server.name}: "
                f"{measurement.cpuPerMessage * 1000:.3f} ms",
                file=sys.stderr,
            )
    return results


def measure(
    workload: Workload, server: Server, messages: int, body: bytes, cores: Cores
) -> Measurement:
    """Start a server, put the messages through it, and end it."""
    try:
        with running(server, cores.server) as process:
            extensions = askExtensions(workload, process.port)
            workload.send(process.port, body, max(1, int(messages * WARM_UP)))
            return measureLoad(workload, process, messages, body, extensions)
    except (LoadError, StartError, OSError) as error:
        raise BenchmarkError(f"{server.name}, {workload.name}: {error}") from error


def askExtensions(workload: Workload, port: int) -> frozenset[bytes]:
    with workload.connect(port) as client:
        extensions = client.open()
        client.quit()
    return extensions


def measureLoad(
    workload: Workload,
    process: ServerProcess,
    messages: int,
    body: bytes,
    extensions: frozenset[bytes],
) -> Measurement:
    cpuBefore, before = process.cpuSeconds(), time.perf_counter()
    workload.send(process.port, body, messages)
    cpuAfter, after = process.cpuSeconds(), time.perf_counter()
    return Measurement(
        messages=messages,
        cpuSeconds=cpuAfter - cpuBefore,
        seconds=after - before,
        peakMemory=process.peakMemory(),
        extensions=extensions,
    )
