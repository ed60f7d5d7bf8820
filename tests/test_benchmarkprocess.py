"""
Tests of how the benchmarks begin, place and end a server, and of what they know of it.

The benchmarks are not part of the package; there is nothing to test where they are not
at hand.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

if find_spec("benchmarks") is not None:
    from benchmarks import process as processes
    from benchmarks.measurement import Cores
    from benchmarks.process import ServerProcess, StartError
    from benchmarks.servers import HOST, OURS, Server
    from benchmarks.workloads import WORKLOADS

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
            # A shell would unblock them by itself.
            log = Path(self.mktemp()).absolute()
            script = "import signal, sys; print(signal.pthread_sigmask(0, ()), file="
            script += f"open({str(log)!r}, 'w'))"
            port, cores = processes.freePort(), os.sched_getaffinity(0)
            with self.assertRaises(StartError):
                with processes.serving([sys.executable, "-c", script], port, cores):
                    pass
            self.assertEqual("set()\n", log.read_text("ascii"))

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

        def test_pinned(self) -> None:
            """A server and what it begins run on the cores that they are given."""
            port, core = processes.freePort(), max(os.sched_getaffinity(0))
            script = f"import socket; socket.create_server(('{HOST}', {port})).accept()"
            script += "; import subprocess; subprocess.run(['sleep', '60'])"
            command = [sys.executable, "-c", script]
            with processes.serving(command, port, {core}) as process:
                process.awaitRest()
                pinned = [os.sched_getaffinity(pid) for pid in process.pids()]
            self.assertEqual([{core}, {core}], pinned)

    class CoresTests(SynchronousTestCase):
        """Where servers and their load run."""

        ONE, TWO = OURS, OURS._replace(cores=2)

        def place(
            self, cores: Cores, server: Server, isShared: bool = False
        ) -> tuple[set[int], set[int]]:
            return cores.place(WORKLOADS[0]._replace(isShared=isShared), server)

        def test_apart(self) -> None:
            """The load has a core that the server has not."""
            self.assertEqual(({0}, {1}), self.place(Cores([0, 1], False), self.ONE))
            self.assertEqual(({2}, {7}), self.place(Cores([2, 5, 7], False), self.ONE))

        def test_together(self) -> None:
            """They share what there is if it is one core, or asked for."""
            self.assertEqual(({3}, {3}), self.place(Cores([3], False), self.ONE))
            self.assertEqual(({0}, {0}), self.place(Cores([0, 1], True), self.ONE))
            shared = self.place(Cores([0, 1], False), self.TWO, isShared=True)
            self.assertEqual(({0, 1}, {0, 1}), shared)
