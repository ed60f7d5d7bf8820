# -*- test-case-name: tests.test_making -*-
"""
Destinations out of their tables in the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from OpenSSL.crypto import FILETYPE_PEM, load_certificate
from twisted.internet.endpoints import clientFromString
from twisted.internet.ssl import Certificate, trustRootFromCertificates

from smtpsession.delivery.command import Command
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.discard import Discard
from smtpsession.delivery.folders import Folders
from smtpsession.delivery.http import HTTP
from smtpsession.delivery.opening import Terms
from smtpsession.delivery.python import load
from smtpsession.delivery.smtp import NextHop
from smtpsession.goals import (
    CommandTable,
    DiscardTable,
    HTTPTable,
    LMTPTable,
    MaildirTable,
    PythonTable,
    SMTPTable,
)


@frozen
class Surroundings:
    """
    What destinations are made with.

    @ivar hostname: what the server calls itself
    @ivar folder: what relative paths are relative to
    @ivar reactor: for everything
    """

    hostname: str
    folder: Path
    reactor: Any


def make(table: object, around: Surroundings) -> Destination:
    """
    The destination that a table asks for, not started.

    @raise Exception: it cannot be made
    """
    return MAKERS[type(table)](table, around)


def _maildir(table: MaildirTable, around: Surroundings) -> Destination:
    path = around.folder / table.path
    return Folders(path, around.hostname, around.reactor, table.lineEndings)


def _discard(table: DiscardTable, around: Surroundings) -> Destination:
    return Discard()


def _nextHop(protocol: str) -> Callable[[SMTPTable, Surroundings], Destination]:
    def makeIt(table: SMTPTable, around: Surroundings) -> Destination:
        terms = Terms(
            hostname=around.hostname,
            protocol=protocol,
            tls=table.tls,
            serverName=table.serverName or _hostOf(table.endpoint),
            trustRoot=None if table.ca is None else _authorities(table.ca),
            user=table.user,
            password=(
                None if table.passwordFile is None else _lineOf(table.passwordFile)
            ),
            allowInsecureAuth=table.allowInsecureAuth,
            xforward=table.xforward,
            connectTimeout=table.connectTimeout,
            commandTimeout=table.commandTimeout,
            dataTimeout=table.dataTimeout,
        )
        endpoint = clientFromString(around.reactor, table.endpoint)
        return NextHop(endpoint, terms, around.reactor)

    return makeIt


def _command(table: CommandTable, around: Surroundings) -> Destination:
    return Command(
        reactor=around.reactor,
        hostname=around.hostname,
        arguments=table.command,
        lineEndings=table.lineEndings,
        directory=None if table.directory is None else str(table.directory),
        inherit=table.inherit,
        timeout=table.timeout,
        concurrency=table.concurrency,
    )


def _http(table: HTTPTable, around: Surroundings) -> Destination:
    return HTTP(
        reactor=around.reactor,
        hostname=around.hostname,
        url=table.url,
        secret=None if table.secretFile is None else _lineOf(table.secretFile),
        headers={name: str(value) for name, value in table.headers.values.items()},
        timeout=table.timeout,
        connectTimeout=table.connectTimeout,
        recipients=table.maxRecipients,
        trustRoot=None if table.ca is None else _authorities(table.ca),
    )


def _python(table: PythonTable, around: Surroundings) -> Destination:
    return load(table.factory, table.options.values)


def _hostOf(endpoint: str) -> str | None:
    """The host in C{tcp:relay.example.org:25}."""
    kind, _, rest = endpoint.partition(":")
    host = rest.partition(":")[0].removeprefix("host=")
    return host or None if kind == "tcp" else None


def _lineOf(path: Path) -> str:
    return path.read_text("utf-8").rstrip("\r\n")


def _authorities(path: Path) -> Any:
    end = b"-----END CERTIFICATE-----"
    blocks = path.read_bytes().split(end)[:-1]
    if not blocks:
        raise ValueError(f"{path}: no certificates")
    found = [load_certificate(FILETYPE_PEM, block + end) for block in blocks]
    return trustRootFromCertificates([Certificate(each) for each in found])


MAKERS: Mapping[type[Any], Callable[[Any, Surroundings], Destination]] = {
    MaildirTable: _maildir,
    DiscardTable: _discard,
    SMTPTable: _nextHop("smtp"),
    LMTPTable: _nextHop("lmtp"),
    CommandTable: _command,
    HTTPTable: _http,
    PythonTable: _python,
}
