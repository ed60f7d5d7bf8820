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
from smtpsession.delivery.http import HTTP, checkURL
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
from smtpsession.problems import Bench

_CLIENT = "an endpoint to connect to, such as tcp:relay.example.org:25"
_URL = "the URL of a web server"
_FACTORY = "what makes a destination, package.module:callable"
_LINE = "a file with one line"
_AUTHORITIES = "a file of PEM with certificates of authorities"


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


def make(table: object, around: Surroundings, bench: Bench) -> Destination:
    """
    The destination that a table asks for, not started.

    @param bench: where C{table} is; if something is wrong with it, that is noted there,
        and what is returned is of no use
    """
    made: Any = None
    try:
        made = MAKERS[type(table)](table, around, bench)
    except Exception as error:
        # What is noted already may be why.
        if not bench.isWrong():
            bench.blame((), "a destination that can be made", str(error))
    return made  # type: ignore[no-any-return]


def _maildir(table: MaildirTable, around: Surroundings, bench: Bench) -> Destination:
    path = around.folder / table.path
    return Folders(path, around.hostname, around.reactor, table.lineEndings)


def _discard(table: DiscardTable, around: Surroundings, bench: Bench) -> Destination:
    return Discard()


def _nextHop(protocol: str) -> Callable[[SMTPTable, Surroundings, Bench], Destination]:
    def makeIt(table: SMTPTable, around: Surroundings, bench: Bench) -> Destination:
        endpoint = bench.make(
            ("endpoint",), _CLIENT, _endpoint, around.reactor, table.endpoint
        )
        password = bench.make(("password-file",), _LINE, _lineOf, table.passwordFile)
        if table.user and not password and not bench.isWrong("password-file"):
            bench.blame(("password-file",), f"{_LINE}, for there is a user")
        isVerifying = table.tls in ("required", "implicit")
        if table.user and not (isVerifying or table.allowInsecureAuth):
            expected = '"required" or "implicit", for there is a password to give away'
            bench.blame(("tls",), expected)
        serverName = table.serverName or _hostOf(table.endpoint)
        if serverName is None and isVerifying:
            bench.blame(("server-name",), "a name, for the next hop has to prove it")
        terms = Terms(
            hostname=around.hostname,
            protocol=protocol,
            tls=table.tls,
            serverName=serverName,
            trustRoot=bench.make(("ca",), _AUTHORITIES, _authorities, table.ca),
            user=table.user,
            password=password,
            allowInsecureAuth=table.allowInsecureAuth,
            xforward=table.xforward,
            connectTimeout=table.connectTimeout,
            commandTimeout=table.commandTimeout,
            dataTimeout=table.dataTimeout,
        )
        return NextHop(endpoint, terms, around.reactor)

    return makeIt


def _command(table: CommandTable, around: Surroundings, bench: Bench) -> Destination:
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


def _http(table: HTTPTable, around: Surroundings, bench: Bench) -> Destination:
    bench.make(("url",), _URL, checkURL, table.url)
    secret = bench.make(("secret-file",), _LINE, _lineOf, table.secretFile)
    if secret == "":
        bench.blame(("secret-file",), _LINE, "it is empty")
    trustRoot = bench.make(("ca",), _AUTHORITIES, _authorities, table.ca)
    return HTTP(
        reactor=around.reactor,
        hostname=around.hostname,
        url=table.url,
        secret=secret,
        headers=table.headers.values,
        timeout=table.timeout,
        connectTimeout=table.connectTimeout,
        recipients=table.maxRecipients,
        trustRoot=trustRoot,
    )


def _python(table: PythonTable, around: Surroundings, bench: Bench) -> Destination:
    made: Destination = bench.make(
        ("factory",), _FACTORY, load, table.factory, table.options.values
    )
    return made


def _hostOf(endpoint: str) -> str | None:
    """The host in C{tcp:relay.example.org:25}."""
    kind, _, rest = endpoint.partition(":")
    host = rest.partition(":")[0].removeprefix("host=")
    return host or None if kind == "tcp" else None


def _endpoint(reactor: Any, description: str) -> Any:
    return requirePort(clientFromString(reactor, description))


def requirePort(endpoint: Any) -> Any:
    """
    The same, if its port is one: Twisted takes any number, and fails when it is used.

    @raise ValueError: it is none
    """
    port = getattr(endpoint, "_port", None)
    if isinstance(port, int) and not 0 <= port <= 65535:
        raise ValueError(f"there is no port {port}")
    return endpoint


def _lineOf(path: Path | None) -> str | None:
    return None if path is None else path.read_text("utf-8").rstrip("\r\n")


def _authorities(path: Path | None) -> Any:
    if path is None:
        return None
    end = b"-----END CERTIFICATE-----"
    blocks = path.read_bytes().split(end)[:-1]
    if not blocks:
        raise ValueError("there are none")
    found = [load_certificate(FILETYPE_PEM, block + end) for block in blocks]
    return trustRootFromCertificates([Certificate(each) for each in found])


MAKERS: Mapping[type[Any], Callable[[Any, Surroundings, Bench], Destination]] = {
    MaildirTable: _maildir,
    DiscardTable: _discard,
    SMTPTable: _nextHop("smtp"),
    LMTPTable: _nextHop("lmtp"),
    CommandTable: _command,
    HTTPTable: _http,
    PythonTable: _python,
}
