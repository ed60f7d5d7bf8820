"""
The probes: each puts a load on a server, and says what that cost it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import quantiles
from typing import NamedTuple

from benchmarks.bodies import KIB, MIB, makeBody
from benchmarks.client import Client, LoadError, groupReplies, makeGroup
from benchmarks.loads import Load
from benchmarks.process import ServerProcess

#: The part of the messages that is sent before the clock starts: the first ones import
#: modules, fill caches and let the interpreter specialize its code.
WARM_UP = 0.1

#: For how many seconds idle sessions are watched, if there are many.
IDLE = 3.0

#: Connections that are made before the first of them reads its greeting: a server that
#: delays it does so for all of them at once, and no queue of the kernel is too short.
AT_ONCE = 100


class Measurement(NamedTuple):
    """
    What a load cost a server.

    @ivar cpu: seconds of CPU time for each unit of the workload
    @ivar rate: how many of these a second
    @ivar peak: the most memory held, in octets
    @ivar held: what was held for the one thing that the probe is about, in octets
    @ivar slowest: seconds within which 99 of 100 were done
    @ivar idle: seconds of CPU time each second, with nothing to do
    @ivar kernel: how much of C{cpu} was the kernel's
    @ivar isProper: whether the server offers what the load makes use of
    """

    cpu: float
    rate: float
    peak: int
    kernel: float = 0
    held: float = 0
    slowest: float = 0
    idle: float = 0
    isProper: bool = True


#: Puts a load of such a number on the server.
Probe = Callable[[ServerProcess, int], Measurement]


class Meter:
    """What a server uses from now on."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process
        self._cpu, self._kernel = process.cpuSeconds(), process.kernelSeconds()
        self._time = time.perf_counter()

    def read(self, count: int) -> Measurement:
        """What each of so many took."""
        cpu = self._process.cpuSeconds() - self._cpu
        kernel = self._process.kernelSeconds() - self._kernel
        seconds = time.perf_counter() - self._time
        peak = self._process.peakMemory()
        return Measurement(cpu / count, count / seconds, peak, kernel / count)


def messages(load: Load) -> Probe:
    """The cost of each message of a load."""

    def probe(process: ServerProcess, count: int) -> Measurement:
        load(process.port, max(1, int(count * WARM_UP)))
        meter = Meter(process)
        load(process.port, count)
        return meter.read(count)

    return probe


def handshakes(process: ServerProcess, count: int) -> Measurement:
    """Connections that do STARTTLS, one after the other, and nothing else."""
    durations = []

    def shakeHands() -> None:
        with Client(process.port) as client:
            client.open()
            before = time.perf_counter()
            client.startTLS()
            durations.append(time.perf_counter() - before)
            client.quit()

    for _ in range(max(1, int(count * WARM_UP))):
        shakeHands()
    durations.clear()
    meter = Meter(process)
    for _ in range(count):
        shakeHands()
    return meter.read(count)._replace(slowest=_almostAll(durations))


def _almostAll(durations: list[float]) -> float:
    return quantiles(durations, n=100, method="inclusive")[-1]


def idleSessions(process: ServerProcess, count: int) -> Measurement:
    """Sessions that have said EHLO and no more."""
    with ExitStack() as stack:
        _openSessions(stack, process.port, max(1, int(count * WARM_UP)))
        before, meter = process.memory(), Meter(process)
        _openSessions(stack, process.port, count)
        opened = meter.read(count)
        held = (process.memory() - before) / count
        seconds = min(IDLE, count / AT_ONCE)
        waiting = process.cpuSeconds()
        time.sleep(seconds)
        idle = (process.cpuSeconds() - waiting) / seconds
    return opened._replace(held=held, idle=idle)


def _openSessions(stack: ExitStack, port: int, count: int) -> list[Client]:
    clients: list[Client] = []
    while len(clients) < count:
        number = min(AT_ONCE, count - len(clients))
        new = [stack.enter_context(Client(port)) for _ in range(number)]
        for client in new:
            client.open()
        clients += new
    return clients


def sessions(process: ServerProcess, count: int) -> Measurement:
    """Sessions that are all open at once, each of which sends a message in the end."""
    body, replies = makeBody(KIB), groupReplies(1)

    def serve(number: int) -> None:
        with ExitStack() as stack:
            clients = _openSessions(stack, process.port, number)
            for place, client in enumerate(clients):
                client.deliver(makeGroup(place, 1), replies, body)
                client.quit()

    serve(max(1, int(count * WARM_UP)))
    meter = Meter(process)
    # A few alone would cost less than can be told from nothing.
    times = max(1, 200 // count)
    for _ in range(times):
        serve(count)
    return meter.read(count * times)


def slowReader(process: ServerProcess, count: int) -> Measurement:
    """A message of so many MiB to a callback that is slow, and says what was held."""

    def deliver(size: int) -> int:
        with Client(process.port) as client:
            client.open()
            reply = client.deliver(makeGroup(0, 1), groupReplies(1), makeBody(size))
            client.quit()
        said = re.search(rb"held (\d+)", reply)
        if said is None:
            raise LoadError(f"expected what was held and read {reply!r}")
        return int(said.group(1))

    deliver(MIB)
    process.forgetPeak()
    before, meter = process.memory(), Meter(process)
    held = deliver(count * MIB)
    measured = meter.read(count)
    return measured._replace(held=held, peak=max(0, measured.peak - before))
