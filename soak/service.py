"""
The service that is put under load: C{twistd smtpsession} with a Maildir.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
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
