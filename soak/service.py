"""
The service that is put under load: C{twistd smtpsession} with a Maildir.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.process import MEMORY, ServerProcess, freePort, serving
from benchmarks.servers import BACKLOG, HOST
from benchmarks.servers.service import TWISTD

USER = "alice"
#: Each guess at her password costs what C{passwd} has it cost by default.
PASSWORD = "correct horse battery staple"

#: How Twisted writes an exception that it, or nobody, has caught.
_FAULT = re.compile(r"Traceback \(most recent call last\)|Unhandled [Ee]rror|#critical")

CONFIGURATION = """\
[[listener]]
endpoint = "tcp:{port}:interface={HOST}:backlog={BACKLOG}"
proxy-protocol = [{proxies}]
{auth}

[dns]
reverse-lookup = false

[limits]
{limits}

[[route]]
recipients = ["*"]
"""


AUTH = """\
auth = "optional"
allow-insecure-auth = true

[auth]
users = "users"
"""


class Service(NamedTuple):
    """A service that listens, and its folder."""

    process: ServerProcess
    folder: Path

    @property
    def port(self) -> int:
        return self.process.port

    def files(self) -> list[Path]:
        """The messages that it has accepted."""
        return [*(self.folder / "maildir" / "new").iterdir()]

    def unfinished(self) -> list[Path]:
        """The messages that it has begun to write."""
        return [*(self.folder / "maildir" / "tmp").iterdir()]

    def faults(self) -> list[str]:
        """What its log has of exceptions."""
        with open(self.folder / "log", encoding="utf-8", errors="replace") as log:
            return faultsIn(log)


def faultsIn(log: Iterable[str]) -> list[str]:
    """The lines with which exceptions begin that nobody foresaw."""
    return [line.strip() for line in log if _FAULT.search(line)]


@contextmanager
def running(
    limits: Mapping[str, float], users: str = "", isProxied: bool = False
) -> Iterator[Service]:
    """
    Start the service, with defaults but for these limits, and end it with the block.

    @param limits: by their keys in the configuration
    @param users: the content of the users file
    @param isProxied: whether a connection has to begin with a PROXY header
    """
    # No disk is measured.
    place = MEMORY if MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="soak-", dir=place) as name:
        folder, port = Path(name), freePort()
        lines = "\n".join(f"{key} = {value}" for key, value in limits.items())
        text = CONFIGURATION.format(
            port=port,
            HOST=HOST,
            BACKLOG=BACKLOG,
            limits=lines,
            proxies=f'"{HOST}"' if isProxied else "",
            auth=AUTH if users else "",
        )
        (folder / "mail.toml").write_text(text, "utf-8")
        (folder / "users").write_text(users, "utf-8")
        command = [sys.executable, "-c", TWISTD, "-n", "--pidfile="]
        command += [f"--logfile={folder}/log", "smtpsession"]
        command += [f"--config={folder}/mail.toml"]
        with serving(command, port, os.sched_getaffinity(0)) as process:
            yield Service(process, folder)
