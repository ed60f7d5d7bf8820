"""
The servers that are compared: a table with one row for each.

Every row names a module of this package that is run as a program.  It listens on
L{HOST} on a port of the system's choice, prints the number of that port on a line of
its own once it listens, accepts every message, discards it, and runs until it is
killed.  Where such a module is a program of another language, it replaces itself with
that program (C{os.exec*}), so that the process measured is the server.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

HOST = "127.0.0.1"

#: Larger than the message of any workload; the same for every server.
MESSAGE_SIZE = 64 * 1024 * 1024


class Server(NamedTuple):
    """One server: its name, its module here, and whether it can be run."""

    name: str
    module: str
    isInstalled: Callable[[], bool]


def importable(*packages: str) -> Callable[[], bool]:
    """The condition that all these top-level packages can be imported."""
    return lambda: all(map(isImportable, packages))


def isImportable(package: str) -> bool:
    spec = find_spec(package)
    # A folder of that name alone has no origin; the checkout has such a "twisted".
    return spec is not None and spec.origin is not None


def announce(port: int) -> None:
    """Tell the harness, from a server's process, that it listens on C{port}."""
    print(port, flush=True)


#: The first server that takes part is the one that the others are compared with.
SERVERS = (
    Server("smtpsession", "ours", importable("smtpsession", "twisted")),
    Server("aiosmtpd", "aiosmtpd", importable("aiosmtpd")),
    Server("twisted.mail", "twistedmail", importable("twisted")),
)
