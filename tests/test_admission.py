"""
Tests of smtpsession.admission.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpsession.admission import Admission
from smtpsession.allowance import Passed
from smtpsession.ledger import Ledger, OwnCounts
from smtpsession.limits import Limits
from smtpsession.replies import (
    BANNED,
    OVERLOADED,
    TOO_MANY_CLIENTS,
    TOO_MANY_FROM_THERE,
)
from smtpsession.testing import MemoryServer, memoryOptions
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

SAME = [
    # name, the addresses that count as one
    ("an IPv4 address", ["192.0.2.1", "192.0.2.1"]),
    ("an IPv6 address", ["2001:db8::1", "2001:db8::1"]),
    ("an IPv6 network of 64 bits", ["2001:db8::1", "2001:db8::ffff:0:0:1"]),
    ("the same in another spelling", ["2001:db8::1", "2001:DB8:0:0::1"]),
]

DIFFERENT = [
    # name, the addresses that count for themselves
    ("neighbours in IPv4", ["192.0.2.1", "192.0.2.2"]),
    ("neighbour networks in IPv6", ["2001:db8::1", "2001:db8:0:1::1"]),
    ("both kinds", ["192.0.2.1", "2001:db8::1"]),
    ("loopback of both kinds", ["127.0.0.1", "::1"]),
]


FULL = Passed("clients", TOO_MANY_CLIENTS)
CROWDED = Passed("clients-per-address", TOO_MANY_FROM_THERE)
BANNED_HERE = Passed("auth-failures-per-address", BANNED)


class OneLedger(Ledger):
    """A ledger of one server, whose counts can be seen."""

    def newCounts(self):
        self.counts = OwnCounts()
        return self.counts


class AdmissionTests(TableTestCase):
    """Connections counted."""

    def test_clients(self):
        """Beyond the limit of connections nobody is let in."""
        admission = Admission(Limits(clients=2), Ledger(Clock().seconds))

        self.assertEqual(
            [None, None, FULL],
            [admission.enter(f"192.0.2.{number}") for number in range(3)],
        )

    def test_clientsPerAddress(self):
        """Beyond the limit for an address nobody from there is let in."""
        admission = Admission(Limits(clientsPerAddress=2), Ledger(Clock().seconds))

        self.assertEqual(
            [None, None, CROWDED],
            [admission.enter("192.0.2.1") for _ in range(3)],
        )
        self.assertIsNone(admission.enter("192.0.2.2"))

    def test_same(self):
        """What one client owns counts as one address."""
        for name, (one, other) in SAME:
            admission = Admission(Limits(clientsPerAddress=1), Ledger(Clock().seconds))
            self.assertIsNone(admission.enter(one), name)
            self.assertEqual(CROWDED, admission.enter(other), name)

    def test_different(self):
        """What several clients own does not."""
        for name, (one, other) in DIFFERENT:
            admission = Admission(Limits(clientsPerAddress=1), Ledger(Clock().seconds))
            self.assertIsNone(admission.enter(one), name)
            self.assertIsNone(admission.enter(other), name)

    def test_withoutAddress(self):
        """Through a UNIX socket there is no address, and only the total counts."""
        admission = Admission(
            Limits(clients=3, clientsPerAddress=1), Ledger(Clock().seconds)
        )

        self.assertEqual(
            [None, None, None, FULL],
            [admission.enter("") for _ in range(4)],
        )

    def test_banned(self):
        """Who has failed to log in too often is not let in, from his whole network."""
        admission = Admission(Limits(authFailuresPerAddress=1), Ledger(Clock().seconds))
        for host in ("2001:db8::1", "2001:db8::2"):
            self.assertIsNone(admission.enter(host))
            admission.failedLogin(host)

        self.assertEqual(BANNED_HERE, admission.enter("2001:db8::3"))
        self.assertIsNone(admission.enter("2001:db8:0:1::1"))

    def test_nobodyBanned(self):
        """Who has no address cannot be banned."""
        admission = Admission(Limits(authFailuresPerAddress=1), Ledger(Clock().seconds))
        for _ in range(9):
            admission.failedLogin("")

        self.assertIsNone(admission.enter(""))

    def test_adopt(self):
        """Other limits hold for those who come, and forget no failure."""
        admission = Admission(Limits(authFailuresPerAddress=9), Ledger(Clock().seconds))
        for _ in range(2):
            admission.failedLogin("192.0.2.1")
        admission.adopt(Limits(clients=1, authFailuresPerAddress=2))
        admission.failedLogin("192.0.2.1")

        self.assertEqual(BANNED_HERE, admission.enter("192.0.2.1"))
        self.assertEqual(FULL, admission.enter("192.0.2.2"))

    def test_leave(self):
        """Who leaves makes room, for the address and in all."""
        admission = Admission(
            Limits(clients=2, clientsPerAddress=1), Ledger(Clock().seconds)
        )
        admission.enter("192.0.2.1")
        admission.enter("192.0.2.2")
        admission.leave("192.0.2.1")

        self.assertIsNone(admission.enter("192.0.2.1"))

    def test_refusedCountToo(self):
        """Who is not let in counts until he leaves, as he is told so meanwhile."""
        admission = Admission(Limits(clients=1), Ledger(Clock().seconds))
        admission.enter("192.0.2.1")
        self.assertEqual(FULL, admission.enter("192.0.2.2"))
        admission.leave("192.0.2.1")
        self.assertEqual(FULL, admission.enter("192.0.2.3"))
        admission.leave("192.0.2.2")
        admission.leave("192.0.2.3")

        self.assertIsNone(admission.enter("192.0.2.4"))

    def test_nothingIsKept(self):
        """Of addresses that have left nothing is kept."""
        ledger = OneLedger(Clock().seconds)
        admission = Admission(Limits(), ledger)
        for number in range(1000):
            host = f"2001:db8:0:{number:x}::1"
            admission.enter(host)
            admission.leave(host)

        self.assertEqual({}, dict(ledger.counts.byNetwork))

    @given(st.lists(st.sampled_from(["192.0.2.1", "2001:db8::1", ""]), max_size=20))
    def test_everybodyLeaves(self, hosts):
        """When all have left, it is as if nobody had come."""
        admission = Admission(
            Limits(clients=1, clientsPerAddress=1), Ledger(Clock().seconds)
        )
        for host in hosts:
            admission.enter(host)
        for host in hosts:
            admission.leave(host)

        self.assertIsNone(admission.enter("192.0.2.1"))


class OverloadTests(TableTestCase):
    """What all connections hold together."""

    def test_count(self):
        """It is counted ten times a second at the most, and then holds."""
        clock, held = Clock(), [100]
        limits = Limits(bufferedOctets=100)
        ledger = Ledger(clock.seconds)
        ledger.addHolder(lambda: held[0])
        admission = Admission(limits, ledger)
        self.assertIsNone(admission.enter("192.0.2.1"))
        held[0] = 101
        self.assertIsNone(admission.enter("192.0.2.1"))
        clock.advance(0.1)
        self.assertEqual(
            Passed("buffered-octets", OVERLOADED), admission.enter("192.0.2.1")
        )
        held[0] = 0
        clock.advance(0.1)
        self.assertIsNone(admission.enter("192.0.2.1"))

    def test_told(self):
        """Beyond it 421 for who comes, 451 for MAIL, until a message was read."""
        streams = []

        async def onData(stream, session):
            streams.append(stream)
            await waiting

        waiting = Deferred[None]()
        options = memoryOptions(bufferedOctets=5)
        server = MemoryServer(onData=onData, options=options)
        mail = "MAIL FROM:<alice@example.com>"
        one, other = server.connect(), server.connect()
        for client in (one, other):
            client.say("HELO client.example.com")
        one.say(mail, "RCPT TO:<bob@example.org>", "DATA", "Hello.")
        server.clock.advance(0.1)
        self.assertEqual(
            ["451 4.3.1 Too busy for another message, try later"], other.say(mail)
        )
        late = server.connect()
        self.assertEqual(["421 4.3.2 Too busy, come back later"], late.hear())
        self.assertTrue(late.closed)
        streams[0].read()
        one.say(".")
        waiting.callback(None)
        server.clock.advance(0.1)
        self.assertEqual("250", other.say(mail)[0][:3])

    def test_lag(self):
        """Nor may who comes when the server is late for what it has to do."""
        server = MemoryServer(options=memoryOptions(loopLag=5))
        factory = server.factory
        factory.startFactory()
        self.addCleanup(factory.stopFactory)
        client = server.connect()
        client.say("HELO client.example.com")
        server.clock.rightNow += 7
        self.assertEqual("421", server.connect().hear()[0][:3])
        self.assertEqual("451", client.say("MAIL FROM:<alice@example.com>")[0][:3])
        server.clock.pump([1] * 3)
        self.assertEqual("220", server.connect().hear()[0][:3])
        self.assertEqual("250", client.say("MAIL FROM:<alice@example.com>")[0][:3])
