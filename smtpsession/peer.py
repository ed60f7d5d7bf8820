# -*- test-case-name: tests.test_peer -*-
"""
The other end of a connection: where it is, and whether it is still there.
"""

from __future__ import annotations

import ipaddress
import select
import socket
from typing import Any

from smtpsession.proxyline import ProxyInfo
from smtpsession.session import SMTPSession


def hostAndPort(address: Any) -> tuple[str, int]:
    """
    The parts of a Twisted address, C{("", 0)} where it has none, as that of a UNIX
    socket.

    An IPv4-mapped IPv6 address is given as IPv4; the zone of a link-local one is left
    out.
    """
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if not isinstance(host, str) or not isinstance(port, int):
        return "", 0
    host = host.partition("%")[0]
    if host.lower().startswith("::ffff:"):
        mapped = ipaddress.IPv6Address(host).ipv4_mapped
        if mapped is not None:
            host = str(mapped)
    return host, port


def applyProxy(session: SMTPSession, info: ProxyInfo) -> None:
    """
    Fill in where the client is, by the word of the proxy in front.

    Where that speaks for itself or does not know, it is the client.
    """
    session.proxy = info
    if info.isLocal or info.sourceAddress is None or info.destinationAddress is None:
        return
    hasAddresses = info.sourcePort is not None
    session.remoteAddress = info.sourceAddress if hasAddresses else ""
    session.remotePort = info.sourcePort or 0
    session.localAddress = info.destinationAddress if hasAddresses else ""
    session.localPort = info.destinationPort or 0
    session.peerAddress = session.remoteAddress


def hasGone(transport: Any) -> bool:
    """
    Whether the peer of a transport that is paused has closed its side or is lost.

    Nobody reads from a paused transport, so nobody is told of its end either.  The
    socket knows, even where unread octets come before the end.
    """
    while hasattr(transport, "transport"):
        transport = transport.transport
    handle = getattr(transport, "socket", None)
    if not isinstance(handle, socket.socket):
        return False
    if handle.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(handle, _PEER_CLOSED)
    return bool(poll.poll(0))


# Beside these, poll() always tells of errors and hang-ups.
_PEER_CLOSED = getattr(select, "POLLRDHUP", 0)
