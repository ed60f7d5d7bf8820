"""
Tests of smtpsession.delivery.sweeping: what a crash leaves behind in a Maildir.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery import sweeping
from smtpsession.delivery.folders import Folders
from smtpsession.delivery.sweeping import INTERVAL, STALE

NOW = 1_700_000_000


class SweeperTests(SynchronousTestCase):
    """Folders, and what is in C{tmp}."""

    def setUp(self) -> None:
        self.patch(sweeping, "deferToThread", maybeDeferred)
        self.root = Path(self.mktemp()).absolute()
        self.clock = Clock()
        self.clock.advance(NOW)

    def leave(self, name: str, age: float, read: float | None = None) -> Path:
        """A file of this age, read so long ago."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"Hello.")
        os.utime(path, (NOW - (age if read is None else read), NOW - age))
        return path

    def start(self, template: str) -> Folders:
        folders = Folders(self.root / template, "mx.example.org", self.clock)
        folders.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(folders.stop()))
        return folders

    def test_stale(self) -> None:
        """At the start what is older than 36 hours goes, and nothing else."""
        old = self.leave("mail/tmp/old", STALE + 1)
        kept = [
            self.leave("mail/tmp/new", STALE - 1),
            self.leave("mail/tmp/read", STALE + 1, read=1),
            self.leave("mail/new/old", STALE + 1),
            self.leave("mail/cur/old", STALE + 1),
            self.leave("other/tmp/old", STALE + 1),
        ]
        (self.root / "mail/tmp/folder").mkdir()
        os.utime(self.root / "mail/tmp/folder", (0, 0))
        (self.root / "mail/tmp/link").symlink_to(old)
        self.start("mail")
        self.assertFalse(old.exists())
        self.assertTrue(all(each.exists() for each in kept))
        self.assertTrue((self.root / "mail/tmp/folder").exists())

    def test_eachRecipient(self) -> None:
        """All Maildirs of a template are looked at, and a sign in it is a sign."""
        old = self.leave("[mail]/example.org/bob/tmp/old", STALE + 1)
        other = self.leave("m/example.org/bob/tmp/old", STALE + 1)
        self.start("[mail]/{domain}/{localpart}")
        self.assertFalse(old.exists())
        self.assertTrue(other.exists())

    def test_daily(self) -> None:
        """It looks again each day, until it is stopped."""
        folders = self.start("mail")
        file = self.leave("mail/tmp/file", STALE - INTERVAL / 2)
        self.clock.advance(INTERVAL)
        self.assertFalse(file.exists())
        self.successResultOf(Deferred.fromCoroutine(folders.stop()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fault(self) -> None:
        """Whatever goes wrong is logged, and it looks again the next day."""

        def broken(*ignored: Any) -> int:
            raise ZeroDivisionError("oh")

        self.patch(sweeping, "sweep", broken)
        self.start("mail")
        self.clock.advance(INTERVAL)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_gone(self) -> None:
        """A file that somebody else has removed is no error."""
        self.assertEqual(sweeping.sweep([str(self.root / "nowhere")], NOW), 0)
