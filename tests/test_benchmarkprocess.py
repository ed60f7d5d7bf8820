"""
Tests of how the benchmarks begin and end a server, and of what they know about it.

The benchmarks are not part of the package; there is nothing to test where they are not
at hand.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

if find_spec("benchmarks") is not None:
    from benchmarks import process as processes
    from benchmarks.process import ServerProcess, StartError

    class ServerProcessTests(SynchronousTestCase):
        """What a server has used."""

        WORK = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"

        @contextmanager
        def running(self, script: str) -> Iterator[Popen[bytes]]:
            """A server that is this shell script, which is to read in the end."""
            with Popen(
                ["sh", "-c", script], stdin=PIPE, stdout=PIPE, start_new_session=True
            ) as process:
                assert process.stdin is not None
                try:
                    yield process
                finally:
                    process.stdin.close()

        def test_parts(self) -> None:
            """Who only computes has used next to nothing of the kernel."""
            with self.running(f"{self.WORK}; echo; read x") as process:
                assert process.stdout is not None
                process.stdout.readline()
                server = ServerProcess(process.pid, 0)
                used, kernel = server.cpuSeconds(), server.kernelSeconds()
            self.assertGreater(used, 0.02)
            self.assertLess(kernel, used / 2)

        def test_tree(self) -> None:
            """What its processes have used counts, and what those that ended have."""
            for script in (
                f"({self.WORK}; echo; read x)",
                f"({self.WORK}); echo; read x",
            ):
                with self.running(f"{script}; :") as process:
                    assert process.stdout is not None
                    process.stdout.readline()
                    used = ServerProcess(process.pid, 0).cpuSeconds()
                self.assertGreater(used, 0.02, script)

        def test_rest(self) -> None:
            """A server is not measured before all that it begins with is done."""
            with self.running(f"({self.WORK}; read x); :") as process:
                server = ServerProcess(process.pid, 0)
                server.awaitRest()
                used = server.cpuSeconds()
            self.assertGreater(used, 0.02)

        def test_toldAtTheStart(self) -> None:
            """Who is told to end while a server is begun ends that too."""
            begun = []

            class ToldPopen(Popen[bytes]):
                def __init__(self, *arguments: Any, **options: Any) -> None:
                    super().__init__(*arguments, **options)
                    begun.append(self)
                    os.kill(os.getpid(), signal.SIGHUP)

            def leave(number: int, frame: object) -> None:
                raise KeyboardInterrupt

            self.patch(processes, "Popen", ToldPopen)
            self.addCleanup(
                signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP)
            )
            signal.signal(signal.SIGHUP, leave)
            with self.assertRaises(KeyboardInterrupt):
                with processes.serving(["sleep", "60"], 0, os.sched_getaffinity(0)):
                    pass
            [process] = begun
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.assertEqual(-signal.SIGKILL, process.poll())

        def test_untold(self) -> None:
            """A server may be told to end like any other process."""
            status = "grep SigBlk /proc/self/status"
            port, cores = processes.freePort(), os.sched_getaffinity(0)
            log = Path(self.mktemp()).absolute()
            with self.assertRaises(StartError):
                with processes.serving(["sh", "-c", f"{status} >{log}"], port, cores):
                    pass
            blocked = log.read_text("ascii").split()[1]
            self.assertEqual(0, int(blocked, 16))

        def test_noRest(self) -> None:
            """One that works on and on is not measured at all."""
            self.patch(processes, "START_TIMEOUT", 0.5)
            with self.running("while :; do :; done") as process:
                try:
                    server = ServerProcess(process.pid, 0)
                    error = self.assertRaises(StartError, server.awaitRest)
                finally:
                    process.kill()
            self.assertEqual("it is not at rest after 0.5 seconds", str(error))
