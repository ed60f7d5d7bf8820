"""
Sessions that do nothing, and messages from clients of all kinds beside them.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median
from threading import Event, Thread
from typing import NamedTuple

from benchmarks.bodies import MIB
from benchmarks.client import Client
from benchmarks.process import ServerProcess
from soak.clients import KINDS, Ledger, bring
from soak.messages import TornError, numberOf
from soak.service import Service, running

#: How much more may be held in the last third of the time than in the first.
GROWTH = 8 * MIB
#: Seconds between two looks at the memory, and that it may take to forget clients.
_INTERVAL, _PATIENCE = 0.5, 20.0
#: Descriptors that are needed besides one for each session.
_OTHERS = 200


class Promise(NamedTuple):
    """Something that has to hold, and what was seen."""

    what: str
    isKept: bool
    seen: str


class Report(NamedTuple):
    """What the run has shown."""

    promises: Sequence[Promise]
    figures: Sequence[tuple[str, str]]


def allowDescriptors(sessions: int) -> None:
    """
    Have this process and the service open as many as that takes.

    @raise OSError: that is not allowed
    """
    needed = sessions + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        if hard < needed and hard != resource.RLIM_INFINITY:
            raise OSError(f"{needed} descriptors are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def soak(sessions: int, messages: int) -> Report:
    """
    @param sessions: how many do nothing
    @param messages: how many the good clients bring
    """
    allowDescriptors(sessions)
    clients = sessions + _OTHERS
    limits = {"clients": clients, "clients-per-address": clients}
    with running({**limits, "command-timeout": 3600}) as service:
        return _soak(service, sessions, Ledger(messages))


def _soak(service: Service, sessions: int, ledger: Ledger) -> Report:
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
        held = process.memory() - empty
        started, cpu = time.monotonic(), process.cpuSeconds()
        samples = _sampled(process, lambda: _bring(service.port, ledger))
        seconds = time.monotonic() - started
        cpu = process.cpuSeconds() - cpu
        awake = _awake(idle)
    after = _settle(process, before)
    kept, torn = _kept(service)
    missing = len(ledger.accepted - kept)
    third = max(1, len(samples) // 3)
    growth = median(samples[-third:]) - median(samples[:third])
    promises = [
        Promise("no client sees what it should not", not ledger.failures, _of(ledger)),
        Promise(
            "every message that got a 250 is there",
            missing == 0,
            f"{len(ledger.accepted):,} got one, {missing:,} missing",
        ),
        Promise("and whole", torn == 0, f"{len(kept):,} files, {torn:,} torn"),
        Promise(
            "idle sessions are answered in the end",
            awake == sessions,
            f"{awake:,} of {sessions:,}",
        ),
        Promise(
            f"memory is flat, within {GROWTH // MIB} MiB",
            growth <= GROWTH,
            f"{growth / MIB:+.1f} MiB from the first third to the last",
        ),
        Promise(
            "descriptors return to what they were",
            after == before,
            f"{before} before, {after} after",
        ),
    ]
    figures = [
        ("seconds", f"{seconds:.0f}"),
        ("messages a second", f"{len(ledger.accepted) / seconds:,.0f}"),
        ("CPU of the service, s", f"{cpu:.0f}"),
        ("memory when empty, MiB", f"{empty / MIB:.1f}"),
        ("an idle session, KiB", f"{held / 1024 / max(1, sessions):.1f}"),
        ("most memory, MiB", f"{process.peakMemory() / MIB:.1f}"),
    ]
    return Report(promises, figures)


def _of(ledger: Ledger) -> str:
    return ledger.failures[0] if ledger.failures else "none did"


def _bring(port: int, ledger: Ledger) -> None:
    threads = [
        Thread(target=bring, args=(kind, port, ledger, seed), daemon=True)
        for kind, count in KINDS.items()
        for seed in range(count)
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
        each.send(b"NOOP\r\n")
        count += each.expect(b"250") != b""
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
