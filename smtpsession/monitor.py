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

from smtpsession.metrics import CONTENT_TYPE


class MonitorSite(Site):
    """
    C{/metrics}; C{/health}, 200 or 503; for everything else 404.
    """

    noisy = False

    def __init__(
        self,
        text: Callable[[], bytes],
        ailment: Callable[[], str | None],
        reactor: Any,
    ) -> None:
        """
        @param text: all metrics, in the text format of Prometheus
        @param ailment: why nobody should send mail here now; None if all is well
        """
        root = Resource()
        root.putChild(b"metrics", _Metrics(text))
        root.putChild(b"health", _Health(ailment))
        super().__init__(root, reactor=reactor)

    def log(self, request: Request) -> None:
        """A monitor asks all day long; nobody wants to read that."""


class _Metrics(Resource):
    def __init__(self, text: Callable[[], bytes]) -> None:
        super().__init__()
        self._text = text

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", CONTENT_TYPE.encode("ascii"))
        return self._text()


class _Health(Resource):
    def __init__(self, ailment: Callable[[], str | None]) -> None:
        super().__init__()
        self._ailment = ailment

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        ailment = self._ailment()
        if ailment is not None:
            request.setResponseCode(503)
        return f"{ailment or 'ok'}\n".encode("ascii")
