"""
A server as a process of its own, and what the kernel knows about it.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import NamedTuple

from benchmarks.servers import Server

#: Seconds that a server may take to listen.
START_TIMEOUT = 20.0

CHECKOUT = Path(__file__).resolve().parent.parent


class StartError(Exception):
    """The server did not say on which port it listens."""


class ServerProcess(NamedTuple):
    """A server that listens."""

    pid: int
    port: int

    def cpuSeconds(self) -> float:
        """
        User and system time of all its threads so far.

        This is the clock that C{clock_getcpuclockid(3)} names: the same time as in
        C{/proc/PID/stat}, which has it only in steps of 10 ms.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def peakMemory(self) -> int:
        """The most memory that it has ever held resident, in octets."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        match = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
        if match is None:
            raise OSError(f"no VmHWM for process {self.pid}")
        return int(match.group(1)) * 1024


@contextmanager
def running(server: Server, core: int) -> Iterator[ServerProcess]:
    """
    Run a server on one core, and end it however the block ends.

    The session of its own keeps a Ctrl-C at the terminal from the server: it is for
    the harness, which then leaves this block.
    """
    command = [sys.executable, "-m", f"benchmarks.servers.{server.module}"]
    with Popen(
        command, cwd=CHECKOUT, stdin=DEVNULL, stdout=PIPE, start_new_session=True
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            yield ServerProcess(process.pid, readPort(process))
        finally:
            # There is nothing that it would have to save.
            process.kill()


def readPort(process: Popen[bytes]) -> int:
    """Wait for the line that a server prints once it listens."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT)
    if not ready:
        raise StartError(f"no port after {START_TIMEOUT:g} seconds")
    line = process.stdout.readline()
    if not line.strip().isdigit():
        raise StartError(f"expected a port on standard output and read {line!r}")
    return int(line)
