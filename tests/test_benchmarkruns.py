"""
Tests of how the benchmarks are run, and of how they fail.

The server is a program that pretends to be Node.js.  The benchmarks are not part of the
package; there is nothing to test where they are not at hand.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen

from twisted.trial.unittest import SynchronousTestCase

#: Seconds that anything here may take.
LIMIT = 60.0

PROGRAM = f"""\
#!{sys.executable}
import os, socket, subprocess, sys
if sys.argv[1] in ("-e", "-p"):
    # It is asked whether the package is there, and what the versions are.
    sys.exit(print("pretended"))
host, port, _, certificate = sys.argv[2:6]
"""
#: The first connection asks whether it listens.
LISTEN = """\
listening = socket.create_server((host, int(port)))
listening.accept()
client, _ = listening.accept()
"""
ENDED = "sys.exit(3)"
REFUSING = f"{LISTEN}client.sendall(b'554 no\\r\\n'); client.recv(1)"
# The child has the same standard error, which is at its end once both have ended.
SILENT = f"""\
{LISTEN}
child = subprocess.Popen(["sleep", "600"])
print(os.path.dirname(certificate), file=sys.stderr, flush=True)
child.wait()
"""

if find_spec("benchmarks") is not None:
    import benchmarks

    CHECKOUT = Path(benchmarks.__file__).parent.parent

    class RunTests(SynchronousTestCase):
        """C{python -m benchmarks}"""

        def begin(self, script: str | None, *options: str) -> Popen[str]:
            """With this as the server, or with none."""
            folder = Path(self.mktemp()).absolute()
            folder.mkdir()
            if script is not None:
                node = folder / "node"
                node.write_text(PROGRAM + script, encoding="utf-8")
                node.chmod(0o700)
            command = [sys.executable, "-m", "benchmarks", "--smoke", "--growth"]
            command += ["--workloads", "pipelined", "--servers", "smtp-server"]
            return Popen(
                [*command, *options],
                cwd=CHECKOUT,
                env={"PATH": f"{folder}:/usr/bin:/bin"} if script else {"PATH": "."},
                stdout=PIPE,
                stderr=PIPE,
                text=True,
            )

        def end(self, process: Popen[str]) -> tuple[int, str]:
            """
            Its status, and what it has said of its end.

            It is not before the servers and their children have ended too.
            """
            with process:
                try:
                    _, said = process.communicate(timeout=LIMIT)
                finally:
                    process.kill()
            return process.returncode, said

        def runAll(self, script: str | None, *options: str) -> tuple[int, str]:
            return self.end(self.begin(script, *options))

        def test_wrongAnswer(self) -> None:
            """A server that answers something else ends the run, with what it said."""
            status, said = self.runAll(REFUSING)
            expected = "expected (b'220',) and read b'554 no\\r\\n'"
            self.assertEqual(f"benchmarks: smtp-server, pipelined: {expected}\n", said)
            self.assertEqual(1, status)

        def test_noStart(self) -> None:
            """So does one that does not start."""
            status, said = self.runAll(ENDED)
            expected = "it ended with status 3"
            self.assertEqual(f"benchmarks: smtp-server, pipelined: {expected}\n", said)
            self.assertEqual(1, status)

        def test_notInstalled(self) -> None:
            """Where no server is there, it is said which was looked for."""
            status, said = self.runAll(None)
            self.assertEqual("benchmarks: not installed: smtp-server\n", said)
            self.assertEqual(1, status)

        def test_interrupted(self) -> None:
            """Told to end, it leaves no process behind and no folder."""
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process = self.begin(SILENT)
                assert process.stderr is not None
                folder = process.stderr.readline().rstrip()
                self.assertTrue(os.path.isdir(folder), folder)
                process.send_signal(number)
                self.assertEqual((128 + number, ""), self.end(process))
                self.assertFalse(os.path.exists(folder))

        def test_folder(self) -> None:
            """The page's folder is made, with all that it is in, before the run."""
            folder = Path(self.mktemp()).absolute()
            self.runAll(ENDED, "--write", f"{folder}/a/b")
            self.assertTrue((folder / "a" / "b").is_dir())

        def test_noFolder(self) -> None:
            """A run whose page can't be written does not begin."""
            file = Path(self.mktemp()).absolute()
            file.write_bytes(b"")
            status, said = self.runAll(ENDED, "--write", f"{file}/docs")
            expected = f"argument --write: Not a directory: {file}/docs\n"
            self.assertTrue(said.endswith(expected), said)
            self.assertEqual(2, status)
