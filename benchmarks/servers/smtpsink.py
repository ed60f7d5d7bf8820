"""
Postfix's smtp-sink, a program in C that is a test server and nothing else.

It has no TLS.
"""

from __future__ import annotations

import os

from benchmarks.programs import environment, find
from benchmarks.servers import BACKLOG, CLIENTS, HOST, readSetup

if __name__ == "__main__":
    setup = readSetup()
    path = find("smtp-sink")
    assert path is not None
    command = [path, "-4", "-m", str(CLIENTS)]
    if os.getuid() == 0:
        # It does not run as root.
        command += ["-u", "nobody"]
    os.execve(path, [*command, f"{HOST}:{setup.port}", str(BACKLOG)], environment())
