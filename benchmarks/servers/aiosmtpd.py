"""
aiosmtpd on asyncio's own loop, with coroutines for RCPT and DATA.

This module has the name of the package that it imports.  That is no clash as long as
it is run with C{-m}, which leaves this folder out of the import path.
"""

from __future__ import annotations

import asyncio
import ssl

from aiosmtpd.smtp import SMTP, Envelope, Session
from benchmarks.servers import BACKLOG, HOST, MESSAGE_SIZE, Setup, readSetup


class Discard:
    """Accepts every recipient and forgets every message."""

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return f"250 discarded for {len(envelope.rcpt_tos)}"


def makeContext(setup: Setup) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(setup.certificate)
    return context


async def serve(setup: Setup) -> None:
    context = None if setup.tls == "none" else makeContext(setup)
    isImplicit = setup.tls == "implicit"

    def buildProtocol() -> SMTP:
        return SMTP(
            Discard(),
            data_size_limit=MESSAGE_SIZE,
            hostname="localhost",
            tls_context=None if isImplicit else context,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        buildProtocol,
        HOST,
        setup.port,
        ssl=context if isImplicit else None,
        backlog=BACKLOG,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(readSetup()))
