"""
The package smtp-server of Nodemailer, on Node.js.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.programs import find
from benchmarks.servers import BACKLOG, HOST, MESSAGE_SIZE, readSetup

SCRIPT = Path(__file__).with_suffix(".js")

if __name__ == "__main__":
    setup = readSetup()
    path = find("node")
    assert path is not None
    arguments = [HOST, setup.port, setup.tls, setup.certificate, MESSAGE_SIZE, BACKLOG]
    os.execv(path, [path, str(SCRIPT), *map(str, arguments)])
