# -*- test-case-name: tests.test_totals -*-
"""
The metrics of several workers as those of one service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.samples import Sample

from smtpsession.metrics import Metrics
from smtpsession.reports import Report, decode, reportOf


class Totals:
    """
    The sum of what all workers have reported.

    What a worker had counted when it ended stays in the sum, so that nothing that is
    only ever counted goes back.  What it had open, or held, has ended with it.
    """

    def __init__(
        self, metrics: Metrics, workers: int, countAlive: Callable[[], int]
    ) -> None:
        """
        @param metrics: like those of the workers, and nothing in them
        @param workers: how many there are to be
        @param countAlive: called with each C{text}; how many serve
        """
        self._metrics = metrics
        self._workers, self._countAlive = workers, countAlive
        self._restarts = 0
        self._lines: dict[int, bytes] = {}
        self._past: Report = {}

    def reported(self, place: int, line: bytes) -> None:
        """
        The worker at this place has reported.

        @param line: as C{smtpsession.reports.encode} gives it
        """
        self._lines[place] = line

    def ended(self, place: int) -> None:
        """It has ended."""
        line = self._lines.pop(place, None)
        if line is None:
            return
        report = decode(line)
        for metric in self._metrics.collect():
            if metric.type == "gauge":
                report.pop(metric.name, None)
        _add(self._past, report)

    def restarted(self) -> None:
        """Another has begun in the place of one that has ended."""
        self._restarts += 1

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Each metric, with its values for the whole service."""
        known = list(self._metrics.collect())
        sums = reportOf(known)
        for report in (self._past, *map(decode, self._lines.values())):
            _add(sums, report)
        for metric in known:
            metric.samples = [
                Sample(name, dict(labels), value)
                for (name, labels), value in sums[metric.name].items()
            ]
            yield metric
        yield GaugeMetricFamily(
            "smtpsession_workers", "Workers that there are to be.", self._workers
        )
        yield GaugeMetricFamily(
            "smtpsession_workers_alive",
            "Workers that serve, and have said so lately.",
            self._countAlive(),
        )
        yield CounterMetricFamily(
            "smtpsession_worker_restarts",
            "Workers that were begun in the place of one that had ended.",
            self._restarts,
        )


def _add(sums: Report, report: Report) -> None:
    for name, samples in report.items():
        into = sums.setdefault(name, {})
        for key, value in samples.items():
            into[key] = into.get(key, 0) + value
