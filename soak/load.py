"""
Sessions that do nothing, and messages from clients of all kinds beside them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from threading import Event, Thread

from benchmarks.client import Client, LoadError
from benchmarks.process import ServerProcess
from soak.clients import KINDS, Ledger, bring
from soak.descriptors import OTHERS, allowDescriptors
from soak.messages import TornError, numberOf
from soak.promises import Observation
from soak.service import Service, running

#: Seconds between two looks at the memory, and that it may take to forget clients.
_INTERVAL, _PATIENCE = 0.5, 20.0


def soak(sessions: int, messages: int) -> Observation:
    """
    See what the service does.

    @param sessions: how many do nothing
    @param messages: how many the good clients bring
    @raise DescriptorsError: fewer sessions than that are allowed
    """
    allowDescriptors(sessions)
    clients = sessions + OTHERS
    limits = {"clients": clients, "clients-per-address": clients}
    with running({**limits, "command-timeout": 3600}) as service:
        return _soak(service, sessions, Ledger(messages))


def _soak(service: Service, sessions: int, ledger: Ledger) -> Observation:
    process = service.process
    with Client(service.port) as client:
        client.open()
        client.quit()
    time.sleep(_INTERVAL)
    before, empty = process.descriptors(), process.memory()
    with ExitStack() as stack:
        idle = [stack.enter_context(Client(service.port)) for _ in range(sessions)]
        for client in idle:
            client.open()
        held = process.memory()
        started, cpu = time.monotonic(), process.cpuSeconds()
        samples = _sampled(process, lambda: _bring(service.port, ledger))
        seconds = time.monotonic() - started
        cpu = process.cpuSeconds() - cpu
        awake = _awake(idle)
    left = _settle(process, before)
    kept, torn = _kept(service)
    return Observation(
        failures=ledger.failures,
        visits={each.name: ledger.visits[each.name] for each in KINDS},
        wanted=ledger.wanted,
        accepted=ledger.accepted,
        kept=kept,
        torn=torn,
        unfinished=len(service.unfinished()),
        sessions=sessions,
        awake=awake,
        memory=samples,
        descriptors=before,
        left=left,
        faults=service.faults(),
        empty=empty,
        idle=held - empty,
        most=process.peakMemory(),
        seconds=seconds,
        cpu=cpu,
    )


def _bring(port: int, ledger: Ledger) -> None:
    threads = [
        Thread(target=bring, args=(kind, port, ledger, seed), daemon=True)
        for kind in KINDS
        for seed in range(kind.threads)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _sampled(process: ServerProcess, act: Callable[[], None]) -> list[int]:
    """What is held every now and then while something is done."""
    samples: list[int] = []
    done = Event()

    def look() -> None:
        while not done.wait(_INTERVAL):
            samples.append(process.memory())

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        act()
    finally:
        done.set()
        looking.join()
    return samples or [process.memory()]


def _awake(clients: Sequence[Client]) -> int:
    """How many of these are answered."""
    count = 0
    for each in clients:
        with suppress(LoadError, OSError):
            each.send(b"NOOP\r\n")
            each.expect(b"250")
            count += 1
    return count


def _settle(process: ServerProcess, descriptors: int) -> int:
    """Let it see that clients have gone; how many descriptors are open then."""
    end = time.monotonic() + _PATIENCE
    while process.descriptors() > descriptors and time.monotonic() < end:
        time.sleep(_INTERVAL)
    return process.descriptors()


def _kept(service: Service) -> tuple[set[int], int]:
    """The messages that are there, and how many files are none, or not all of one."""
    kept, torn = set(), 0
    for path in service.files():
        try:
            kept.add(numberOf(path.read_bytes()))
        except TornError:
            torn += 1
    return kept, torn
