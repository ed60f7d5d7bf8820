# -*- test-case-name: tests.test_sweeping -*-
"""
What a crash leaves behind in a Maildir.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from glob import iglob
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

#: The convention, maildir(5): what nobody has touched for 36 hours is no delivery.
STALE = 36 * 3600.0
#: Between two looks, in seconds.
INTERVAL = 24 * 3600.0


class Sweeper:
    """
    Removes the files that were left in the C{tmp} of Maildirs, at once and then every
    day, in a thread.
    """

    _log = Logger()

    def __init__(self, maildirs: str, clock: IReactorTime) -> None:
        """
        @param maildirs: their paths, as a pattern of C{glob}
        @param clock: for the time of day
        """
        self._maildirs = maildirs
        self._clock = clock
        self._loop = LoopingCall(self._sweep)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin."""
        if not self._loop.running:
            self._loop.start(INTERVAL)

    def stop(self) -> None:
        """End."""
        if self._loop.running:
            self._loop.stop()

    def _sweep(self) -> Any:
        before = self._clock.seconds() - STALE
        sweeping = deferToThread(sweep, iglob(f"{self._maildirs}/tmp/*"), before)
        return sweeping.addCallbacks(self._tell, self._complain)

    def _tell(self, count: int) -> None:
        if count:
            self._log.info(
                "removed {count} stale files", event="stale-files-removed", count=count
            )

    def _complain(self, failure: Any) -> None:
        # It is no reason not to look tomorrow.
        self._log.failure("stale files stay", failure, event="stale-files-stay")


def sweep(paths: Iterable[str], before: float) -> int:
    """
    Remove those of these that are files, and that nobody has touched for long.

    @param before: when they were touched last, as a time of the system
    @return: how many were removed
    """
    count = 0
    for path in paths:
        try:
            found = os.lstat(path)
            # A file may be read for long after it was written.
            touched = max(found.st_mtime, found.st_atime)
            if stat.S_ISREG(found.st_mode) and touched < before:
                os.unlink(path)
                count += 1
        except OSError:
            # Another process was quicker, or it is not ours.
            continue
    return count
