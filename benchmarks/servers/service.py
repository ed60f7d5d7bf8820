"""
smtpsession as C{twistd} runs it, with the configuration that the arguments ask for:
C{maildir}, or C{discard} and how many workers.

Its log, with lines for each message, goes to a file: that of C{twistd}, or with several
workers that of a table C{[log]}, which all write to.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.servers import (
    BACKLOG,
    CLIENTS,
    HOST,
    MESSAGE_SIZE,
    TRANSACTIONS,
    readSetup,
)

CONFIGURATION = """\
workers = {workers}

[[listener]]
endpoint = "tcp:{port}:interface={host}:backlog={BACKLOG}"

[dns]
reverse-lookup = false

[limits]
message-size = {MESSAGE_SIZE}
transactions = {TRANSACTIONS}
clients = {CLIENTS}
clients-per-address = {CLIENTS}

[[route]]
recipients = ["*"]
deliver = "{deliver}"
"""
#: Otherwise the first process would have to log once more what its workers do.
LOG = """
[log]
file = "mail.log"
"""
TWISTD = "from twisted.scripts.twistd import run; run()"

if __name__ == "__main__":
    setup = readSetup()
    deliver, *workers = sys.argv[4:]
    file = Path(setup.folder) / "mail.toml"
    count = int(*workers or ["1"])
    text = CONFIGURATION + (LOG if count > 1 else "")
    file.write_text(
        text.format(
            workers=count,
            port=setup.port,
            host=HOST,
            BACKLOG=BACKLOG,
            deliver=deliver,
            MESSAGE_SIZE=MESSAGE_SIZE,
            TRANSACTIONS=TRANSACTIONS,
            CLIENTS=CLIENTS,
        ),
        encoding="utf-8",
    )
    # Like -m, -c has the current folder, which is the checkout, in the path.
    command = [sys.executable, "-c", TWISTD, "-n", "--pidfile="]
    command += [f"--logfile={setup.folder}/log", "smtpsession", f"--config={file}"]
    os.execv(sys.executable, command)
