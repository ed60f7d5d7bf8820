# -*- test-case-name: tests.test_reports -*-
"""
What a worker tells its supervisor of its metrics: each second all of them, as JSON on a
line.

The supervisor never has to ask, so that no worker can keep it waiting, and of a worker
that is killed it knows all but the last second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from smtpsession.metrics import Metrics

#: In seconds, from one report to the next.
INTERVAL = 1.0

# How often, and how many seconds apart, the last report is tried.
_ATTEMPTS, _PAUSE = 20, 0.1

#: The values of each metric: by the name, which may have a suffix, and the labels.
Report = dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]]


def reportOf(metrics: Iterable[Metric]) -> Report:
    """What these metrics are now."""
    return {
        metric.name: {
            (each.name, tuple(each.labels.items())): each.value
            for each in metric.samples
        }
        for metric in metrics
    }


def encode(report: Report) -> bytes:
    """The line."""
    values = {
        name: [[*key, value] for key, value in samples.items()]
        for name, samples in report.items()
    }
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Report:
    """The report that is on this line."""
    return {
        name: {
            (sample, tuple((label, each) for label, each in labels)): value
            for sample, labels, value in samples
        }
        for name, samples in json.loads(line).items()
    }


class Reporter:
    """
    Tells the supervisor, in a worker.
    """

    _log = Logger()

    def __init__(self, metrics: Metrics, descriptor: int, reactor: Any) -> None:
        """
        @param descriptor: the end of a pipe that is written to
        """
        os.set_blocking(descriptor, False)
        # It is to end with this process, whatever this one has started.
        os.set_inheritable(descriptor, False)
        self._metrics = metrics
        self._descriptor = descriptor
        self._reactor = reactor
        self._unsent = b""
        self._loop = LoopingCall(self._report)
        self._loop.clock = reactor

    def start(self) -> None:
        """Tell now, and from now on."""
        self._loop.start(INTERVAL).addErrback(
            lambda failure: self._log.failure(
                "no more reports", failure, event="reports-ended"
            )
        )

    async def stop(self) -> None:
        """Tell the last, and wait a little if the supervisor is busy."""
        if self._loop.running:
            self._loop.stop()
        self._unsent += self._line()
        for _ in range(_ATTEMPTS):
            self._write()
            if not self._unsent:
                break
            await deferLater(self._reactor, _PAUSE)

    def _report(self) -> None:
        if not self._unsent:
            self._unsent = self._line()
        self._write()

    def _line(self) -> bytes:
        return encode(reportOf(self._metrics.collect()))

    def _write(self) -> None:
        try:
            while self._unsent:
                written = os.write(self._descriptor, self._unsent)
                self._unsent = self._unsent[written:]
        except BlockingIOError:
            # The rest goes another time, before anything new.
            pass
        except OSError:
            # There is nobody any more who wants to know.
            self._unsent = b""
