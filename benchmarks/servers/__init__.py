"""
The servers that are compared: a table with one row for each.

Every row names a module of this package that is run as a program with the arguments of
a L{Setup}.  It listens on the port of L{HOST} that these name, accepts every message,
discards it unless the row says otherwise, and runs until it is killed.  Where such a
module is a program of another language, it replaces itself with that program
(C{os.exec*}).
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from subprocess import DEVNULL, run
from typing import NamedTuple

from benchmarks.programs import find

HOST = "127.0.0.1"

# What the load would pass of the limits that servers have.  It is the same for all of
# them, and every other limit and time-out is the server's own.

#: Larger than the message of any workload.
MESSAGE_SIZE = 80 * 1024 * 1024
CLIENTS = 10_000
TRANSACTIONS = 1_000_000_000
#: How many connections wait to be accepted; the next ones are not made for a second.
BACKLOG = 1000

#: In a server's folder: a certificate and its key, in one file.
CERTIFICATE = "server.pem"


class Setup(NamedTuple):
    """
    What a server is told, as the arguments of its module.

    C{tls} is C{none}, C{starttls} or C{implicit}; C{folder} is the server's own, which
    is removed after it.
    """

    port: int
    tls: str
    folder: str

    @property
    def certificate(self) -> str:
        return f"{self.folder}/{CERTIFICATE}"


def readSetup() -> Setup:
    """The setup that this module was started with."""
    port, tls, folder = sys.argv[1:4]
    return Setup(int(port), tls, folder)


class Server(NamedTuple):
    """
    One server: its name, its module here, and whether it can be run.

    C{arguments} come after those of the setup, C{cores} is on how many it runs, and
    C{tls} are the setups that it has.
    """

    name: str
    module: str
    isInstalled: Callable[[], bool]
    tls: tuple[str, ...] = ("none", "starttls", "implicit")
    arguments: tuple[str, ...] = ()
    cores: int = 1


def importable(*packages: str) -> Callable[[], bool]:
    """The condition that all these top-level packages can be imported."""
    return lambda: all(map(isImportable, packages))


def isImportable(package: str) -> bool:
    spec = find_spec(package)
    # A folder of that name alone has no origin; the checkout has such a "twisted".
    return spec is not None and spec.origin is not None


@cache
def isInNode() -> bool:
    """Whether Node.js is there and finds smtp-server, by NODE_PATH or by itself."""
    node = find("node")
    if node is None:
        return False
    script = "require.resolve('smtp-server')"
    return run([node, "-e", script], stdout=DEVNULL, stderr=DEVNULL).returncode == 0


OURS = Server("smtpsession", "ours", importable("smtpsession", "twisted"))

#: It understands next to nothing: what a server in Python can hardly go below.
LEAST = Server("bare loop", "bareloop", lambda: hasattr(select, "epoll"), ("none",))

#: The first server that takes part is the one that the others are compared with.
SERVERS = (
    OURS,
    Server(
        "service, Maildir", "service", importable("cattrs"), ("none",), ("maildir",)
    ),
    Server("smtp-sink", "smtpsink", lambda: find("smtp-sink") is not None, ("none",)),
    Server("smtp-server", "smtpserver", isInNode),
    Server("twisted.mail", "twistedmail", importable("twisted")),
    Server("aiosmtpd", "aiosmtpd", importable("aiosmtpd")),
    Server("bare Twisted", "baretwisted", importable("twisted"), ("none",)),
    LEAST,
)

#: Those for workloads with a connection for each message: smtp-server lets every client
#: wait for 100 ms before it greets, to see whether it talks first.
PROMPT = tuple(server for server in SERVERS if server.module != "smtpserver")

# Those of ours that take part in one workload only.
SLOW = OURS._replace(name="smtpsession, slow", arguments=("slow",))
WORKERS = tuple(
    Server(
        f"service, {count} worker{'s' if count > 1 else ''}",
        "service",
        importable("cattrs"),
        ("none",),
        ("discard", str(count)),
        count,
    )
    for count in (1, 2)
)
