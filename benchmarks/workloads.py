"""
The workloads: a table with one row for each.

A row says what is measured, by a probe, and how much of it in a round.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from benchmarks import loads, probes
from benchmarks.bodies import KIB, MIB, makeBody, makeDots
from benchmarks.programs import find
from benchmarks.servers import PROMPT, SERVERS, SLOW, WORKERS, Server

SMALL, LARGE, DOTS = (
    partial(makeBody, KIB),
    partial(makeBody, MIB),
    partial(makeDots, MIB),
)


class Workload(NamedTuple):
    """
    One workload.

    @ivar unit: what the cost is the cost of
    @ivar amount: how many of these there are in a round
    @ivar few: how many in a smoke run
    @ivar tls: how servers are set up
    @ivar extension: the EHLO keyword without which the workload is improper
    @ivar servers: on which it is measured, as far as they have such a setup
    @ivar isShared: whether the load runs on the cores of the server
    @ivar needs: the program that makes the load, if it is not this one
    """

    name: str
    title: str
    probe: probes.Probe
    amount: int
    unit: str = "message"
    few: int = 3
    tls: str = "none"
    extension: bytes | None = None
    servers: tuple[Server, ...] = SERVERS
    isShared: bool = False
    needs: str | None = None

    @property
    def units(self) -> str:
        return self.unit if self.unit == "MiB" else f"{self.unit}s"

    def isPossible(self) -> bool:
        return self.needs is None or find(self.needs) is not None

    def countOf(self, messages: int | None, isSmoke: bool) -> int:
        """How many there are in a round for which so many messages were asked."""
        # Another number of anything else would be another workload.
        if messages is not None and self.unit == "message":
            return messages
        return self.few if isSmoke else self.amount


def _source(name: str, title: str, load: loads.Load, amount: int) -> Workload:
    return Workload(name, title, probes.messages(load), amount, needs="smtp-source")


def _pipelined(name: str, title: str, load: loads.Load, amount: int) -> Workload:
    probe = probes.messages(load)
    return Workload(name, title, probe, amount, extension=b"PIPELINING")


WORKLOADS = (
    _source(
        "connect",
        "one connection a message, 1 KiB",
        loads.source(KIB, keep=False),
        2000,
    )._replace(servers=PROMPT),
    _source("kept", "many messages a connection, 1 KiB", loads.source(KIB), 4000),
    _source(
        "busy",
        "many messages on each of 16 connections, 1 KiB",
        loads.source(KIB, sessions=16),
        8000,
    ),
    _source("large", "1 MiB messages", loads.source(MIB), 150),
    _pipelined(
        "pipelined", "pipelined, 1 recipient, 1 KiB", loads.pipelined(1, SMALL), 4000
    ),
    _pipelined(
        "recipients", "pipelined, 50 recipients, 1 KiB", loads.pipelined(50, SMALL), 400
    ),
    _pipelined(
        "dots",
        "1 MiB of short lines that begin with dots",
        loads.pipelined(1, DOTS),
        15,
    ),
    Workload(
        "tls",
        "1 MiB over TLS",
        probes.messages(loads.overTLS(LARGE)),
        60,
        tls="implicit",
    ),
    Workload(
        "handshake",
        "implicit TLS handshake, small message",
        probes.messages(loads.implicitTLS(SMALL)),
        300,
        tls="implicit",
        servers=PROMPT,
    ),
    Workload(
        "starttls",
        "STARTTLS handshakes",
        probes.handshakes,
        300,
        "handshake",
        tls="starttls",
        servers=PROMPT,
    ),
    Workload(
        "idle", "2,000 idle sessions after EHLO", probes.idleSessions, 2000, "session"
    ),
    _source(
        "workers",
        "workers on as many cores, small messages",
        loads.source(KIB, sessions=16, keep=False),
        4000,
    )._replace(servers=WORKERS, isShared=True),
    Workload(
        "slow",
        "64 MiB to a slow callback",
        probes.slowReader,
        64,
        "MiB",
        few=2,
        servers=(SLOW,),
    ),
)
