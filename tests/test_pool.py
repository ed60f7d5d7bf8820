"""
Tests of smtpsession.delivery.pool.
"""

from __future__ import annotations

from smtpsession.delivery.client import Client
from smtpsession.delivery.pool import Pool
from smtpsession.delivery.relaying import NextHopLost
from smtpsession.session import SMTPSession
from tests.nexthops import Hop, HopTestCase


class PoolTests(HopTestCase):
    """Connections between two transactions."""

    def setUp(self) -> None:
        super().setUp()
        self.pool = Pool(self.open, self.clock, idleTimeout=60, maximumIdle=2)

    async def open(self, session: SMTPSession) -> Client:
        client = Client(self.clock, 10)
        self.endpoint.hops.append(Hop(client))
        return client

    def connect(self) -> Client:
        client: Client = self.successResultOf(
            self.begin(self.pool.connect(SMTPSession()))
        )
        return client

    def test_reuse(self) -> None:
        """Of those that are kept, the last comes first, and only once."""
        first, second = self.connect(), self.connect()
        self.assertIsNone(self.pool.take())
        self.pool.put(first)
        self.pool.put(second)
        self.assertIs(self.pool.take(), second)
        self.assertIs(self.pool.take(), first)
        self.assertIsNone(self.pool.take())

    def test_useless(self) -> None:
        """One that has failed is not kept."""
        client = self.connect()
        client.drop()
        self.pool.put(client)
        self.assertIsNone(self.pool.take())

    def test_failsIdle(self) -> None:
        """One that fails while it is kept is not given to anybody."""
        client = self.connect()
        self.pool.put(client)
        self.hop.say("421 4.4.2 Idle for too long")
        self.assertIsNone(self.pool.take())

    def test_leavesIdle(self) -> None:
        """Of one that leaves nothing is kept."""
        self.pool.put(self.connect())
        self.hop.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertIsNone(self.pool.take())

    def test_busy(self) -> None:
        """One that has not answered is dropped."""
        client = self.connect()
        asked = self.begin(client.ask(b"NOOP"))
        self.pool.put(client)
        self.assertTrue(self.hop.isDropped)
        self.failureResultOf(asked, NextHopLost)

    def test_expiry(self) -> None:
        """One that nobody wants is let go."""
        self.pool.put(self.connect())
        self.clock.advance(59)
        self.assertEqual(self.hop.hear(), b"")
        self.clock.advance(1)
        self.assertEqual(self.hop.hear(), b"QUIT\r\n")
        self.assertIsNone(self.pool.take())
        self.hop.say("221 Bye")
        self.assertTrue(self.hop.isDropped)

    def test_taken(self) -> None:
        """One that somebody has is not."""
        self.pool.put(self.connect())
        self.pool.take()
        self.clock.advance(60)
        self.assertEqual(self.hop.hear(), b"")

    def test_full(self) -> None:
        """No more are kept than wanted."""
        clients = [self.connect() for _ in range(3)]
        for client in clients:
            self.pool.put(client)
        self.assertEqual(self.hop.hear(), b"QUIT\r\n")
        self.assertIs(self.pool.take(), clients[1])

    def test_stop(self) -> None:
        """
        All are closed, the idle ones with a word, and that is waited for.
        """
        idle, used = self.connect(), self.connect()
        self.pool.put(idle)
        stopping = self.begin(self.pool.stop())
        first, second = self.endpoint.hops
        self.assertEqual(first.hear(), b"QUIT\r\n")
        self.assertTrue(second.isDropped)
        self.assertIs(second.client, used)
        second.leave()
        self.assertNoResult(stopping)
        self.clock.advance(5)
        self.assertTrue(first.isDropped)
        first.leave()
        self.successResultOf(stopping)

    def test_afterwards(self) -> None:
        """After that there are no more connections."""
        self.successResultOf(self.begin(self.pool.stop()))
        connecting = self.begin(self.pool.connect(SMTPSession()))
        self.failureResultOf(connecting, NextHopLost)
        self.assertTrue(self.hop.isDropped)
