"""
Tests of smtpsession.sharedledger: what the servers of several processes count.
"""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.config import markOf
from smtpsession.ledger import OwnCounts
from smtpsession.limits import Limits
from smtpsession.sharedledger import (
    Page,
    SharedLedger,
    adoptedIn,
    clear,
    openMemory,
    pagesIn,
)
from tests import strategies  # noqa: F401 (it says how hypothesis runs)

LIMITS = Limits(authFailuresPerAddress=4, banTime=100)
HOST = "192.0.2.1"
HOSTS = ("", HOST, "192.0.2.2", "2001:db8::/64")


class SharedLedgerTests(SynchronousTestCase):
    """SharedLedger."""

    def setUp(self) -> None:
        self.clock = Clock()

    def pages(self, processes: int = 2, servers: int = 1) -> list[Page]:
        descriptor = openMemory(processes, servers)
        self.addCleanup(os.close, descriptor)
        # Each process maps it anew.
        return [pagesIn(descriptor, servers)[place] for place in range(processes)]

    def ledgers(self, pages: list[Page]) -> list[SharedLedger]:
        return [
            SharedLedger(self.clock.seconds, pages, place, b"secret")
            for place, _ in enumerate(pages)
        ]

    @given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(HOSTS)), max_size=30))
    def test_counts(self, entries: list[tuple[int, str]]) -> None:
        """Each process counts for all, as one would; who leaves is not counted."""
        one = OwnCounts()
        counts = [each.newCounts() for each in self.ledgers(self.pages(3))]
        for number in (1, -1):
            for place, host in entries:
                one.add(host, number)
                counts[place].add(host, number)
                for each in counts:
                    self.assertEqual(each.total(), one.total())
                    for other in HOSTS:
                        self.assertEqual(each.of(other), one.of(other))

    def test_servers(self) -> None:
        """Each server has counts of its own."""
        ledgers = self.ledgers(self.pages(2, 2))
        first = [each.newCounts() for each in ledgers]
        second = [each.newCounts() for each in ledgers]
        first[0].add(HOST, 1)
        second[1].add(HOST, 5)
        self.assertEqual([each.total() for each in first + second], [1, 1, 5, 5])
        self.assertEqual([each.of(HOST) for each in first + second], [1, 1, 5, 5])

    def test_many(self) -> None:
        """Of a thousand others hardly one is taken for a part of a network."""
        [ledger] = self.ledgers(self.pages(1))
        counts = ledger.newCounts()
        for number in range(1000):
            counts.add(f"192.0.{number // 250}.{number % 250}", 1)
        found = [counts.of(f"198.51.100.{number}") for number in range(250)]
        self.assertLess(sum(found), 25)

    def test_held(self) -> None:
        """What all processes hold, as far as they have said it."""
        one, other = self.ledgers(self.pages())
        one.addHolder(lambda: 10)
        other.addHolder(lambda: 5)
        self.assertEqual(one.held(), 10)
        self.assertEqual(other.held(), 15)
        self.assertEqual(one.held(), 15)

    def test_told(self) -> None:
        """While a process listens, the others know what it holds, be it idle."""
        one, other = self.ledgers(self.pages())
        held = [10]
        one.addHolder(lambda: held[0])
        one.start(self.clock)
        self.addCleanup(one.stop)
        one.held()
        held[0] = 0
        self.clock.advance(1)
        self.assertEqual(other.held(), 0)

    def test_bans(self) -> None:
        """Failed logins are counted for all, and forgotten with time, as in Bans."""
        one, other = self.ledgers(self.pages())
        for ledger in (one, other, one, other):
            ledger.failed(HOST, LIMITS)
            self.assertFalse(one.isBanned(HOST) or other.isBanned(HOST))
        self.clock.advance(100)
        for ledger in (one, other):
            ledger.failed(HOST, LIMITS)
        self.assertFalse(one.isBanned(HOST) or other.isBanned(HOST))
        other.failed(HOST, LIMITS)
        self.clock.advance(99)
        self.assertTrue(one.isBanned(HOST) and other.isBanned(HOST))
        self.assertFalse(one.isBanned("192.0.2.2"))
        self.clock.advance(1)
        self.assertFalse(one.isBanned(HOST) or other.isBanned(HOST))

    def test_bansSpreadToNobody(self) -> None:
        """However many are banned, nobody else is; the oldest are forgotten."""
        one, other = self.ledgers(self.pages())
        for number in range(10_000):
            for _ in range(5):
                one.failed(f"2001:db8:0:{number:x}::/64", LIMITS)
            self.clock.advance(0.001)
        strangers = [f"198.51.{each // 250}.{each % 250}" for each in range(5000)]
        self.assertEqual([each for each in strangers if other.isBanned(each)], [])
        last = [f"2001:db8:0:{number:x}::/64" for number in range(9_900, 10_000)]
        self.assertGreater(sum(map(other.isBanned, last)), 90)

    def test_adopted(self) -> None:
        """What a process has adopted is known to all, also when it has ended."""
        pages = self.pages()
        one, other = self.ledgers(pages)
        self.assertEqual(adoptedIn(pages[0]), 0)
        mark = markOf(b"text")
        self.assertNotEqual(mark, markOf(b"another"))
        one.adopted(mark)
        clear(pages[0])
        self.assertEqual([adoptedIn(each) for each in pages], [mark, 0])

    def test_ended(self) -> None:
        """Of a process that has ended only its bans are left."""
        pages = self.pages()
        one, other = self.ledgers(pages)
        counts = [each.newCounts() for each in (one, other)]
        one.addHolder(lambda: 10)
        one.held()
        counts[0].add(HOST, 3)
        counts[1].add(HOST, 1)
        for _ in range(5):
            one.failed(HOST, LIMITS)
        clear(pages[0])
        self.assertEqual((counts[1].total(), counts[1].of(HOST)), (1, 1))
        self.assertEqual(other.held(), 0)
        self.assertTrue(other.isBanned(HOST))

    def test_begun(self) -> None:
        """Who begins in a page that somebody had finds nobody there."""
        pages = self.pages()
        one, other = self.ledgers(pages)
        one.newCounts().add(HOST, 3)
        SharedLedger(self.clock.seconds, pages, 0, b"secret")
        self.assertEqual(other.newCounts().total(), 0)
