"""
Tests of smtpsession.peer.
"""

from __future__ import annotations

import socket

from twisted.internet.address import (
    HostnameAddress,
    IPv4Address,
    IPv6Address,
    UNIXAddress,
)
from twisted.internet.testing import StringTransport

from smtpsession.peer import hasGone, hostAndPort
from tests.cases import TableTestCase

ADDRESSES = [
    # name, address, (host, port)
    ("IPv4", IPv4Address("TCP", "192.0.2.1", 25), ("192.0.2.1", 25)),
    ("IPv6", IPv6Address("TCP", "2001:db8::1", 25), ("2001:db8::1", 25)),
    ("IPv6 loopback", IPv6Address("TCP", "::1", 25), ("::1", 25)),
    (
        "IPv4 mapped into IPv6",
        IPv6Address("TCP", "::ffff:192.0.2.1", 25),
        ("192.0.2.1", 25),
    ),
    (
        "the same in capitals",
        IPv6Address("TCP", "::FFFF:192.0.2.1", 25),
        ("192.0.2.1", 25),
    ),
    (
        "the same in hexadecimal",
        IPv6Address("TCP", "::ffff:c000:201", 25),
        ("192.0.2.1", 25),
    ),
    (
        "what only begins like it",
        IPv6Address("TCP", "::ffff:0:192.0.2.1", 25),
        ("::ffff:0:192.0.2.1", 25),
    ),
    ("a zone", IPv6Address("TCP", "fe80::1%eth0", 25), ("fe80::1", 25)),
    ("a UNIX socket", UNIXAddress(b"/run/mail.sock"), ("", 0)),
    ("a UNIX socket without a name", UNIXAddress(None), ("", 0)),
    ("a name that is text", HostnameAddress(b"mx.example.org", 25), ("", 0)),
    ("nothing", None, ("", 0)),
]


class Wrapper:
    """A transport around another, as that of TLS is."""

    def __init__(self, transport: object) -> None:
        self.transport = transport


class SocketTransport:
    """A transport that has a socket."""

    def __init__(self, handle: socket.socket) -> None:
        self.socket = handle


class HostAndPortTests(TableTestCase):
    """Addresses of Twisted taken apart."""

    def test_addresses(self):
        """An address is given in its usual form, and nothing where there is none."""
        self.assertGives(hostAndPort, ADDRESSES)


class HasGoneTests(TableTestCase):
    """A look at who does not speak."""

    def setUp(self) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.addCleanup(self.near.close)
        self.addCleanup(self.far.close)
        self.transport = SocketTransport(self.near)

    def test_there(self):
        """Who says nothing is still there."""
        self.assertFalse(hasGone(self.transport))

    def test_speaking(self):
        """Who has said something is there, and what was said stays to be read."""
        self.far.send(b"QUIT\r\n")

        self.assertFalse(hasGone(self.transport))
        self.assertEqual(b"QUIT\r\n", self.near.recv(100))

    def test_gone(self):
        """Who has closed the connection has gone."""
        self.far.close()

        self.assertTrue(hasGone(self.transport))

    def test_halfClosed(self):
        """Who has closed his side has gone, for nothing more will come."""
        self.far.shutdown(socket.SHUT_WR)

        self.assertTrue(hasGone(self.transport))

    def test_goneAfterSpeaking(self):
        """Who has spoken and then gone has gone, though it is not all read yet."""
        self.far.send(b"QUIT\r\n")
        self.far.close()

        self.assertTrue(hasGone(self.transport))
        self.assertEqual(b"QUIT\r\n", self.near.recv(100))

    def test_lost(self):
        """Where the socket itself is lost, so is who was at its other end."""
        self.near.close()

        self.assertTrue(hasGone(self.transport))

    def test_wrapped(self):
        """It looks through whatever is wrapped around the transport."""
        wrapped = Wrapper(Wrapper(self.transport))
        self.assertFalse(hasGone(wrapped))
        self.far.close()

        self.assertTrue(hasGone(wrapped))

    def test_withoutSocket(self):
        """Where there is no socket nobody can tell, so nobody has gone."""
        self.assertFalse(hasGone(StringTransport()))
        self.assertFalse(hasGone(None))
