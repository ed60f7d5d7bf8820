"""
Tests of smtpsession.totals: the metrics of several workers as those of one service.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.metrics import Metrics
from smtpsession.reports import encode, reportOf
from smtpsession.testing import MemoryServer
from smtpsession.totals import Totals
from tests import conversations as c
from tests.test_metrics import samples

MANUAL = Path(__file__).parent.parent / "docs" / "operators.rst"


class TotalsTests(SynchronousTestCase):
    """Totals."""

    def setUp(self) -> None:
        self.alive = 2
        self.totals = Totals(Metrics(), 2, lambda: self.alive)
        self.metrics = {place: Metrics() for place in range(2)}
        self.held = {0: 5, 1: 7}
        self.servers = {place: self.begin(place) for place in range(2)}

    def begin(self, place: int) -> MemoryServer:
        """A new worker."""
        metrics = self.metrics[place] = Metrics()
        metrics.askForHeld(lambda: self.held[place])
        return MemoryServer(watcher=metrics)

    def report(self, *places: int) -> None:
        for place in places:
            line = encode(reportOf(self.metrics[place].collect()))
            self.totals.reported(place, line.rstrip(b"\n"))

    def assertCounted(self, *name: str, value: float) -> None:
        self.assertEqual(samples(self.totals.text()).get(name), value, name)

    def test_nothing(self) -> None:
        """Before anybody has reported, what can be said is zero."""
        self.assertCounted("connections_total", value=0)
        self.assertCounted("connections_open", value=0)
        self.assertCounted("messages_total", "refused", value=0)
        self.assertCounted("worker_restarts_total", value=0)
        self.assertCounted("workers", value=2)
        self.assertCounted("workers_alive", value=2)

    def test_sum(self) -> None:
        """Counters, gauges and histograms are those of all, label by label."""
        c.ready(self.servers[0]).say(c.MAIL, c.RCPT, "NONSENSE")
        c.ready(self.servers[1]).say(c.MAIL)
        c.greeted(self.servers[1]).leave()
        for place, seconds in ((0, 0.05), (0, 20), (1, 0.3)):
            self.metrics[place].delivered("maildir mail", seconds)
        self.metrics[1].delivered("discard", 1)
        self.report(0, 1)
        self.assertCounted("connections_total", value=3)
        self.assertCounted("connections_open", value=2)
        self.assertCounted("replies_total", "220", value=3)
        self.assertCounted("replies_total", "500", value=1)
        self.assertCounted("callback_seconds_count", "onMailFrom", value=2)
        self.assertCounted("held_octets", value=12)
        mail = "maildir mail"
        self.assertCounted("delivery_seconds_count", mail, value=3)
        self.assertCounted("delivery_seconds_sum", mail, value=20.35)
        for limit, value in (("0.01", 0), ("0.05", 1), ("0.5", 2), ("+Inf", 3)):
            self.assertCounted("delivery_seconds_bucket", mail, limit, value=value)
        self.assertCounted("delivery_seconds_count", "discard", value=1)

    def test_one(self) -> None:
        """The sum of one is the same text, but for what is said of workers."""
        c.ready(self.servers[0]).say(c.MAIL, c.RCPT, "DATA", "Hello.", ".", "QUIT")
        self.metrics[0].delivered("discard", 0.5)
        self.report(0)
        text, _, more = self.totals.text().partition(b"# HELP smtpsession_workers ")
        self.assertEqual(text, self.metrics[0].text())
        self.assertEqual(len(re.findall(b"(?m)^# TYPE ", more)), 3)

    def test_reportedAgain(self) -> None:
        """A report takes the place of the one before."""
        self.servers[0].connect()
        self.report(0)
        self.servers[0].connect()
        self.report(0)
        self.assertCounted("connections_total", value=2)

    def test_ended(self) -> None:
        """
        What one had counted when it ended stays, what it had open does not; who comes
        after it adds to that.
        """
        for server in self.servers.values():
            c.ready(server).say(c.MAIL)
        self.report(0, 1)
        self.totals.ended(0)
        self.assertCounted("connections_total", value=2)
        self.assertCounted("callback_seconds_count", "onMailFrom", value=2)
        self.assertCounted("callback_seconds_bucket", "onMailFrom", "1.0", value=2)
        self.assertCounted("connections_open", value=1)
        self.assertCounted("held_octets", value=7)
        self.servers[0] = self.begin(0)
        c.ready(self.servers[0]).say(c.MAIL)
        self.report(0)
        self.assertCounted("connections_total", value=3)
        self.assertCounted("connections_open", value=2)
        self.totals.ended(0)
        self.totals.ended(1)
        self.assertCounted("connections_total", value=3)
        self.assertCounted("connections_open", value=0)

    def test_endedUnheard(self) -> None:
        """One that ends before it has reported changes nothing."""
        self.totals.ended(0)
        self.assertCounted("connections_total", value=0)

    def test_workers(self) -> None:
        """Who is alive is asked anew each time; who has begun again is counted."""
        self.alive = 1
        self.totals.restarted()
        self.totals.restarted()
        self.assertCounted("workers", value=2)
        self.assertCounted("workers_alive", value=1)
        self.assertCounted("worker_restarts_total", value=2)

    def test_otherVersion(self) -> None:
        """A metric that is not known here is left out, and does no harm."""
        line = b'{"smtpsession_new":[["smtpsession_new_total",[],3]]}'
        self.totals.reported(0, line)
        self.totals.ended(0)
        self.totals.reported(0, line)
        self.assertNotIn(b"_new", self.totals.text())

    def test_manual(self) -> None:
        """The manual, where it is at hand, has each metric, and no other."""
        if MANUAL.exists():
            written = re.findall(
                "(?m)^``(smtpsession_.*?)``", MANUAL.read_text("utf-8")
            )
            text = self.totals.text().decode("utf-8")
            given = re.findall("(?m)^# TYPE ([^ ]+)", text)
            self.assertEqual(sorted(written), sorted(given))
