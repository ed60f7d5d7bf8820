# -*- test-case-name: tests.test_metrics -*-
"""
What a monitor asks of the service by HTTP: its metrics, and whether it is well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from smtpsession.metrics import CONTENT_TYPE, Metrics


class MonitorSite(Site):
    """
    C{/metrics}; C{/health}, 200 or 503; for everything else 404.
    """

    noisy = False

    def __init__(
        self, metrics: Metrics, isRunning: Callable[[], bool], reactor: Any
    ) -> None:
        """
        @param isRunning: whether the service is up, and not about to stop
        """
        root = Resource()
        root.putChild(b"metrics", _Metrics(metrics))
        root.putChild(b"health", _Health(isRunning))
        super().__init__(root, reactor=reactor)

    def log(self, request: Request) -> None:
        """A monitor asks all day long; nobody wants to read that."""


class _Metrics(Resource):
    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", CONTENT_TYPE.encode("ascii"))
        return self._metrics.text()


class _Health(Resource):
    def __init__(self, isRunning: Callable[[], bool]) -> None:
        super().__init__()
        self._isRunning = isRunning

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        if self._isRunning():
            return b"ok\n"
        request.setResponseCode(503)
        return b"stopping\n"
