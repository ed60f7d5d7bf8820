# -*- test-case-name: tests.test_logfile -*-
"""
A file that grows by lines.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


class LineFile:
    """
    Appends to a file, a whole line at a time, so that several processes may.

    @ivar path: made if absent, readable for nobody else
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        # The last line stands there in part.
        self._isTorn = False

    def open(self) -> None:
        """
        Open the file, or once more after it was moved away.

        @raise OSError: that cannot be done; what was open stays so
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        self.close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def write(self, line: str) -> None:
        """
        @param line: without its LF; what is not ASCII is escaped, as Python does it
        @raise OSError: the disk does not take it
        """
        octets = line.encode("ascii", "backslashreplace") + b"\n"
        if self._isTorn:
            octets = b"\n" + octets
        written = os.write(self._descriptor, octets)
        if written < len(octets):
            # As much as there was room for.
            self._isTorn = True
            raise OSError(errno.ENOSPC, "No space left on device", str(self.path))
        self._isTorn = False
