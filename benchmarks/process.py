"""
A server as a tree of processes, and what the kernel knows about it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import NamedTuple

from benchmarks.certificate import makeCertificate
from benchmarks.servers import CERTIFICATE, HOST, Server, Setup

#: Seconds that a server may take to listen, and how often it is asked.
START_TIMEOUT, START_INTERVAL = 20.0, 0.02

#: A server is at rest that takes no more than so much of a core for so many seconds.
RESTING, REST = 0.01, 0.2

#: By which the harness is told to end.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

CHECKOUT = Path(__file__).resolve().parent.parent

#: Where the folders of servers are: in memory, so that no disk is measured.
MEMORY = Path("/dev/shm")

_TICKS = os.sysconf("SC_CLK_TCK")


class StartError(Exception):
    """The server does not listen, or does not come to rest after that."""


class ServerProcess(NamedTuple):
    """A server that listens; all its processes are of the session of this one."""

    pid: int
    port: int

    def cpuSeconds(self) -> float:
        """User and system time of all its processes so far, ended ones included."""
        return sum(map(_cpuSeconds, self.pids()))

    def kernelSeconds(self) -> float:
        """How much of that was the kernel's, in steps of 10 ms."""
        return sum(map(_kernelSeconds, self.pids()))

    def memory(self) -> int:
        """How much its processes hold resident, in octets."""
        return self._sum("VmRSS")

    def peakMemory(self) -> int:
        """The most that each of its processes has ever held, in octets."""
        return self._sum("VmHWM")

    def descriptors(self) -> int:
        """How many files and sockets its processes have open."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def forgetPeak(self) -> None:
        """Have the peak begin anew."""
        for pid in self.pids():
            # proc(5): 5 resets the peak of the resident set.
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def awaitRest(self) -> None:
        """
        Wait until it has begun in all its processes.

        A port that is open does not say so: a supervisor opens it before its workers
        have imported anything, and they would do it while the clock runs.

        @raise StartError: it works on and on
        """
        deadline = time.monotonic() + START_TIMEOUT
        used = self.cpuSeconds()
        while time.monotonic() < deadline:
            time.sleep(REST)
            before, used = used, self.cpuSeconds()
            if used - before <= RESTING * REST:
                return
        raise StartError(f"it is not at rest after {START_TIMEOUT:g} seconds")

    def _sum(self, name: str) -> int:
        return sum(_memory(pid, name) for pid in self.pids())

    def pids(self) -> list[int]:
        found = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return [pid for pid in found if _sessionOf(pid) == self.pid]


def _sessionOf(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _cpuSeconds(pid: int) -> float:
    """
    What a process has used, and those that have ended and were waited for.

    The clock is the one that C{clock_getcpuclockid(3)} names: the same time as in
    C{/proc/PID/stat}, which has it only in steps of 10 ms.
    """
    # proc(5): cutime and cstime are fields 16 and 17.
    ended = _ticks(pid, 16) + _ticks(pid, 17)
    return time.clock_gettime((~pid << 3) | 2) + ended / _TICKS


def _kernelSeconds(pid: int) -> float:
    # proc(5): stime and cstime are fields 15 and 17.
    return (_ticks(pid, 15) + _ticks(pid, 17)) / _TICKS


def _ticks(pid: int, field: int) -> int:
    _, _, rest = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")
    # What is behind the name begins with field 3.
    return int(rest.split()[field - 3])


def _memory(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    match = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
    # A process that has ended, and was not waited for yet, has none.
    return int(match.group(1)) * 1024 if match else 0


@contextmanager
def running(server: Server, tls: str, cores: Iterable[int]) -> Iterator[ServerProcess]:
    """
    Run a server on these cores, and end it however the block ends.

    The session of its own keeps a Ctrl-C at the terminal from the server: it is for
    the harness, which then leaves this block.
    """
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=place) as folder:
        Path(folder, CERTIFICATE).write_bytes(makeCertificate())
        setup = Setup(freePort(), tls, folder)
        command = [sys.executable, "-m", f"benchmarks.servers.{server.module}"]
        command += [*map(str, setup), *server.arguments]
        with serving(command, setup.port, cores) as process:
            process.awaitRest()
            yield process


@contextmanager
def serving(
    command: Sequence[str], port: int, cores: Iterable[int]
) -> Iterator[ServerProcess]:
    """
    The same with a command that begins a server at this port.

    @raise StartError: it does not listen
    """
    with _postponing() as release, Popen(
        command,
        cwd=CHECKOUT,
        stdin=DEVNULL,
        stdout=DEVNULL,
        start_new_session=True,
        preexec_fn=release,
    ) as process:
        try:
            release()
            os.sched_setaffinity(process.pid, cores)
            _awaitListening(process, port)
            yield ServerProcess(process.pid, port)
        finally:
            # There is nothing that it would have to save.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _postponing() -> Iterator[Callable[[], object]]:
    """
    Keep signals waiting until what is yielded is called, or the block ends.

    One that came while a process is begun would leave it to nobody.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    release = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        yield release
    finally:
        release()


def freePort() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    return port


def _awaitListening(process: Popen[bytes], port: int) -> None:
    """Wait until connections are accepted at the port."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(f"it ended with status {process.returncode}")
        try:
            with socket.create_connection((HOST, port), START_INTERVAL):
                return
        except OSError:
            time.sleep(START_INTERVAL)
    raise StartError(f"it does not listen after {START_TIMEOUT:g} seconds")
