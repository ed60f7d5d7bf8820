# -*- test-case-name: tests.test_configfile -*-
"""
The configuration of destinations: what else stands in a route, by what its C{deliver}
says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Union

from attrs import frozen

from smtpsession.kinds import (
    COMMAND,
    FILE,
    FLAG,
    FOLDERS,
    HEADERS,
    OPTIONS,
    SECONDS,
    SERVER_NAME,
    TEXT,
    TEXTS,
    Options,
    choice,
    count,
    setting,
)


@frozen(kw_only=True)
class MaildirTable:
    """
    Each message becomes a file of a Maildir, and is on the disk before it is accepted.

    @ivar path: the folder, made if absent.  In it C{{domain}} and C{{localpart}} stand
        for those of each recipient; a recipient whose name could lead elsewhere is
        refused.
    @ivar lineEndings: how the lines of the file end
    """

    path: str = setting(FOLDERS, "maildir")
    lineEndings: str = setting(choice("lf", "crlf"), "lf")


@frozen(kw_only=True)
class DiscardTable:
    """Messages are read to their end, accepted, and forgotten."""


@frozen(kw_only=True)
class SMTPTable:
    """
    Messages are handed on to another server within the client's transaction: what that
    accepts is accepted, and what it refuses is refused with its codes.

    @ivar endpoint: where it is, a Twisted endpoint string: C{tcp:relay.example.org:25}
    @ivar tls: C{"opportunistic"} uses STARTTLS where it is offered, with whoever it is;
        C{"required"} does not go on without it, nor with another server; with
        C{"implicit"} the connection begins with TLS
    @ivar serverName: what its certificate has to be for; by default the host of
        C{endpoint}
    @ivar ca: a file with the authorities whose word on certificates is good; by default
        those of the system
    @ivar user: to log in as, by the best of SCRAM-SHA-256, PLAIN and LOGIN that is
        offered
    @ivar passwordFile: a file with the password for that, on one line
    @ivar allowInsecureAuth: whether to log in without TLS, or with whoever it is, as
        C{"opportunistic"} has it
    @ivar xforward: whether it is told by XFORWARD who the client is, where it offers
        that; it has to trust this server for it
    @ivar connectTimeout: for the connection
    @ivar commandTimeout: for each reply
    @ivar dataTimeout: for each part of a message, and the reply to it
    """

    endpoint: str = setting(TEXT)
    tls: str = setting(
        choice("none", "opportunistic", "required", "implicit"), "opportunistic"
    )
    serverName: str | None = setting(SERVER_NAME, None)
    ca: Path | None = setting(FILE, None)
    user: str | None = setting(TEXT, None)
    passwordFile: Path | None = setting(FILE, None)
    allowInsecureAuth: bool = setting(FLAG, False)
    xforward: bool = setting(FLAG, False)
    connectTimeout: float = setting(SECONDS, 30)
    commandTimeout: float = setting(SECONDS, 300)
    dataTimeout: float = setting(SECONDS, 600)


@frozen(kw_only=True)
class LMTPTable(SMTPTable):
    """
    The same by LMTP, to a mail store: each recipient has an outcome of its own.  The
    keys are those of C{smtp}.
    """


@frozen(kw_only=True)
class CommandTable:
    """
    Messages go to a program, on its standard input, which says by its exit status what
    has become of them: those of C{sysexits.h}.

    @ivar command: the program, and what it is called with; no shell has a hand in it
    @ivar lineEndings: how the lines of the message end
    @ivar directory: where it runs; by default where the service does
    @ivar inherit: variables that it has from the service; PATH it has in any case
    @ivar timeout: for how many seconds it may take nothing of the message, and how many
        it may have after the message's end
    @ivar concurrency: how many may run at once; other messages wait
    """

    command: tuple[str, ...] = setting(COMMAND)
    lineEndings: str = setting(choice("lf", "crlf"), "lf")
    directory: Path | None = setting(FILE, None)
    inherit: tuple[str, ...] = setting(TEXTS, ())
    timeout: float = setting(SECONDS, 300)
    concurrency: int = setting(count(), 20)


@frozen(kw_only=True)
class HTTPTable:
    """
    Each message is the body of a POST to a web server, which says by its status what
    has become of it.

    @ivar url: where to; the certificate of C{https} is verified
    @ivar ca: the authorities whose word on its certificate is good, a file; those that
        the platform trusts, where it is not given
    @ivar secretFile: a file with the secret that requests are signed with, on one line
    @ivar headers: more headers, such as C{Authorization}
    @ivar timeout: for how many seconds the server may take nothing of the message, and
        how many it may have for its answer
    @ivar connectTimeout: for the connection
    @ivar maxRecipients: how many a message may have; a client brings the others with
        another message
    """

    url: str = setting(TEXT)
    ca: Path | None = setting(FILE, None)
    secretFile: Path | None = setting(FILE, None)
    headers: Options = setting(HEADERS, Options())
    timeout: float = setting(SECONDS, 120)
    connectTimeout: float = setting(SECONDS, 30)
    maxRecipients: int = setting(count(), 25)


@frozen(kw_only=True)
class PythonTable:
    """
    Messages go to a destination of your own, a class like
    C{smtpsession.delivery.destination.Destination}.

    @ivar factory: what makes it, C{package.module:callable}
    @ivar options: what that is called with, by keyword
    """

    factory: str = setting(TEXT)
    options: Options = setting(OPTIONS, Options())


#: By what C{deliver} says.
DESTINATIONS: Mapping[str, type[object]] = {
    "maildir": MaildirTable,
    "discard": DiscardTable,
    "smtp": SMTPTable,
    "lmtp": LMTPTable,
    "command": CommandTable,
    "http": HTTPTable,
    "python": PythonTable,
}

DestinationTable = Union[
    MaildirTable,
    DiscardTable,
    SMTPTable,
    LMTPTable,
    CommandTable,
    HTTPTable,
    PythonTable,
]


def nameOf(table: DestinationTable) -> str:
    """What a destination is called where it is measured: C{smtp tcp:10.0.0.2:25}."""
    [name] = [name for name, kind in DESTINATIONS.items() if kind is type(table)]
    for key in ("path", "endpoint", "command", "factory"):
        value = getattr(table, key, None)
        if value is not None:
            return f"{name} {value[0] if isinstance(value, tuple) else value}"
    if isinstance(table, HTTPTable):
        # What is behind it may be a token, and that is for the web server alone.
        return f"{name} {table.url.partition('?')[0]}"
    return name
