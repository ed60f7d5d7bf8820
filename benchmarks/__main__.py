"""
The command line: which servers, which workloads, how often.
"""

from __future__ import annotations

import resource
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import page
from benchmarks.growth import GROWTHS, Growth, Lines
from benchmarks.measurement import BenchmarkError, Cores, chooseCores, measureRounds
from benchmarks.process import SIGNALS
from benchmarks.report import describeGrowth, describeResults
from benchmarks.servers import OURS, SERVERS, Server
from benchmarks.workloads import WORKLOADS, Workload

ROUNDS = 5

TWO_CORES = "Servers run on one core and the load on another."
ONE_CORE = "Servers and load share one core."


def parseArguments(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the CPU that SMTP servers spend on a message: all of "
        "them, on all workloads and lines of growth, or on those that are named.",
    )
    servers = [server.name for server in SERVERS]
    workloads = [workload.name for workload in WORKLOADS]
    growths = [growth.name for growth in GROWTHS]
    parser.add_argument("--servers", nargs="+", choices=servers, default=servers)
    parser.add_argument("--workloads", nargs="*", choices=workloads, default=workloads)
    parser.add_argument("--growth", nargs="*", choices=growths, default=growths)
    parser.add_argument("--rounds", type=positive, help=f"default: {ROUNDS}")
    parser.add_argument(
        "--messages",
        type=positive,
        help="in a round, where these are what is counted; "
        "default: a number for each workload",
    )
    parser.add_argument(
        "--one-core",
        dest="oneCore",
        action="store_true",
        help="the load on the servers' core, so that neither wakes an idle one",
    )
    parser.add_argument(
        "--write", type=folder, metavar="FOLDER", help="the page and its drawings too"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="one round of a few messages: whether it works, not how fast",
    )
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def folder(text: str) -> Path:
    """Made at once: it would be a pity after the first hour."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentTypeError(f"{error.strerror}: {text}") from error
    return path


class Run:
    """Measures what was asked for and prints each table as soon as it is complete."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._rounds: int = options.rounds or (1 if options.smoke else ROUNDS)
        self._cores: Cores = chooseCores(options.oneCore)
        isOne = self._cores.isOne or len(self._cores.all) == 1
        chosen = [each for each in SERVERS if each.name in options.servers]
        self._servers = [each for each in chosen if each.isInstalled()]
        absent = [each.name for each in chosen if each not in self._servers]
        if not self._servers:
            raise BenchmarkError(f"not installed: {', '.join(absent)}")
        absent += sorted(
            {each.needs for each in WORKLOADS if each.needs and not each.isPossible()}
        )
        conditions = page.describeConditions(ONE_CORE if isOne else TWO_CORES, absent)
        if options.smoke:
            conditions += "\nThis was a smoke run: the figures mean nothing."
        self._figures = page.Figures(conditions, [], [], [])

    def measure(self) -> None:
        print(self._figures.conditions, flush=True)
        for workload in WORKLOADS:
            if workload.name in self._options.workloads:
                self._measureWorkload(workload)
                self._write()
        for each in GROWTHS:
            if each.name in self._options.growth:
                self._measureGrowth(each)
                self._write()
        print("\n" + page.describeTargets(self._figures), flush=True)

    def _write(self) -> None:
        """The page as far as it is, so that nothing is lost if the rest fails."""
        if self._options.write is not None:
            page.write(self._figures, self._options.write)

    def _measureWorkload(self, workload: Workload) -> None:
        servers = self._serversOf(workload)
        if not servers or not workload.isPossible():
            return
        count = self._countOf(workload)
        results = measureRounds(workload, servers, self._rounds, count, self._cores)
        table = describeResults(workload, count, self._rounds, results)
        self._figures.workloads.append((workload, results))
        self._figures.tables.append(table)
        print("\n" + table, flush=True)

    def _measureGrowth(self, line: Growth) -> None:
        points = line.smokePoints() if self._options.smoke else line.points
        workloads = [line.makeWorkload(point) for point in points]
        servers = [each for each in self._servers if each.name in line.servers]
        if not servers or not workloads[0].isPossible():
            return
        lines: Lines = {server: [] for server in servers}
        for point, workload in zip(points, workloads, strict=True):
            count = self._countOf(workload)
            results = measureRounds(workload, servers, self._rounds, count, self._cores)
            for server, measurements in results.items():
                cpu = median(each.cpu for each in measurements)
                lines[server].append((point, line.costOf(point, cpu)))
        self._figures.growths.append((line, lines))
        print(f"\n{line.title}\n\n{describeGrowth(line, lines)}", flush=True)

    def _serversOf(self, workload: Workload) -> list[Server]:
        """The chosen servers; those of one workload alone come with ours."""
        return [
            each
            for each in workload.servers
            if workload.tls in each.tls
            and (each if each in SERVERS else OURS) in self._servers
            and each.isInstalled()
            and each.cores <= len(self._cores.all)
        ]

    def _countOf(self, workload: Workload) -> int:
        return workload.countOf(self._options.messages, self._options.smoke)


def leave(number: int, frame: object) -> None:
    """Leave by an exception, so that the server that runs is ended on the way."""
    for each in SIGNALS:
        # Another one would leave before that is done.
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> None:
    options = parseArguments(sys.argv[1:])
    for number in SIGNALS:
        signal.signal(number, leave)
    # Thousands of sessions have as many sockets, here and in the servers.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        Run(options).measure()
    except BenchmarkError as error:
        sys.exit(f"benchmarks: {error}")


if __name__ == "__main__":
    main()
