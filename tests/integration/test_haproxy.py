"""
HAProxy between a client and the library.
"""

from __future__ import annotations

import smtplib

from twisted.internet.threads import deferToThread

from tests.integration.haproxy import SKIP, HAProxy
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)


class HAProxyTests(NetworkTestCase):
    """A HAProxy that hands connections on to a server of this process."""

    if SKIP is not None:
        skip = SKIP

    async def begin(
        self, server: str = "", *options: str
    ) -> tuple[KeepingServer, HAProxy]:
        """Start both."""
        factory = KeepingServer(options=localOptions())
        port = await self.listen(factory)
        return factory, HAProxy(self, port.getHost().port, server, *options)

    async def test_plain(self) -> None:
        """
        Without the PROXY protocol the library sees the proxy as its client.
        """
        factory, proxy = await self.begin()

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", proxy.port, timeout=PATIENCE) as client:
                client.sendmail("alice@example.com", ["bob@example.org"], MESSAGE)

        await deferToThread(send)
        [(session, content)] = factory.messages
        self.assertEqual(content, MESSAGE)
        self.assertEqual(session["remoteAddress"], "127.0.0.1")

    async def test_healthCheck(self) -> None:
        """
        The proxy's own check finds the server well.
        """
        _, proxy = await self.begin(
            "check inter 50",
            "option smtpchk EHLO proxy.example.com",
            "option log-health-checks",
        )
        await proxy.process.said("server smtp/library succeeded")
