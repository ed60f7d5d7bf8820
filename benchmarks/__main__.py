"""
The command line: which servers, which workloads, how often.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence

from benchmarks.measurement import BenchmarkError, chooseCores, measureRounds
from benchmarks.report import describeMachine, describeResults
from benchmarks.servers import SERVERS
from benchmarks.workloads import WORKLOADS

ROUNDS = 5
SMOKE_MESSAGES = 3


def parseArguments(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the CPU that SMTP servers spend on a message.",
    )
    servers = [server.name for server in SERVERS]
    workloads = [workload.name for workload in WORKLOADS]
    parser.add_argument("--servers", nargs="+", choices=servers, default=servers)
    parser.add_argument("--workloads", nargs="+", choices=workloads, default=workloads)
    parser.add_argument("--rounds", type=positive, help=f"default: {ROUNDS}")
    parser.add_argument(
        "--messages",
        type=positive,
        help="in a round; default: a number for each workload",
    )
    parser.add_argument(
        "--one-core",
        dest="oneCore",
        action="store_true",
        help="the load on the servers' core, so that neither wakes an idle one",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help=f"one round of {SMOKE_MESSAGES} messages: whether it works, not how fast",
    )
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def run(options: Namespace) -> None:
    """Measure what was asked for and print each table as soon as it is complete."""
    chosen = [server for server in SERVERS if server.name in options.servers]
    servers = [server for server in chosen if server.isInstalled()]
    cores = chooseCores(options.oneCore)
    print(describeMachine())
    for server in chosen:
        if server not in servers:
            print(f"Left out, not installed: {server.name}")
    if not servers:
        raise BenchmarkError("no server to measure")
    if cores.server == cores.load:
        print("Servers and load share one core.")
    sys.stdout.flush()
    os.sched_setaffinity(0, {cores.load})
    rounds = options.rounds or (1 if options.smoke else ROUNDS)
    for workload in WORKLOADS:
        if workload.name in options.workloads:
            default = SMOKE_MESSAGES if options.smoke else workload.messages
            messages = options.messages or default
            results = measureRounds(workload, servers, rounds, messages, cores)
            print(describeResults(workload, messages, results), flush=True)


def leave(number: int, frame: object) -> None:
    """Leave by an exception, so that the server that runs is ended on the way."""
    sys.exit(128 + number)


def main() -> None:
    options = parseArguments(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        run(options)
    except BenchmarkError as error:
        sys.exit(f"benchmarks: {error}")


if __name__ == "__main__":
    main()
