# -*- test-case-name: tests.test_opening -*-
"""
How a connection to a next hop is opened, up to where a transaction can begin.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve, field, frozen, validators
from OpenSSL.SSL import Connection
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from smtpsession.addresses import isDomain
from smtpsession.delivery.client import Client
from smtpsession.delivery.loggingin import logIn, misconfigured
from smtpsession.delivery.relaying import UNREACHED, NextHopLost, Offers
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply
from smtpsession.session import SMTPSession


def _oneOf(*values: str) -> Any:
    return field(default=values[0], validator=validators.in_(values))


def _seconds(default: float) -> Any:
    return field(default=default, validator=validators.gt(0))


@frozen(kw_only=True)
class Terms:
    """
    How to speak with a next hop.

    @ivar hostname: what we call ourselves
    @ivar protocol: C{"smtp"} or C{"lmtp"} (RFC 2033)
    @ivar tls: C{"none"}; C{"opportunistic"}, STARTTLS where it is offered, with whoever
        it is; C{"required"}, STARTTLS with nobody but C{serverName}; or C{"implicit"},
        so too, but the connection begins with TLS
    @ivar serverName: the host name or the IP address that the next hop's certificate
        has to have
    @ivar trustRoot: whose word on certificates is good; None for those whom the
        platform trusts
    @ivar user: to log in as, by SCRAM-SHA-256, PLAIN or LOGIN; None for no login
    @ivar password: for that
    @ivar allowInsecureAuth: whether to log in without TLS, or over TLS with whoever it
        is
    @ivar xforward: whether to say by XFORWARD who our client is, where that is offered
    @ivar connectTimeout: for the connection, in seconds
    @ivar commandTimeout: for each reply.  RFC 5321, section 4.5.3.2: 5 minutes.
    @ivar dataTimeout: for the reply to the message, for each part of it, and for the
        next hop to take more of it.  Section 4.5.3.2.6: 10 minutes.

    @raise ValueError: one of them is none of these, or C{serverName} or C{password} is
        missing
    """

    hostname: str = field()
    protocol: str = _oneOf("smtp", "lmtp")
    tls: str = _oneOf("none", "opportunistic", "required", "implicit")
    serverName: str | None = field(default=None)
    trustRoot: Any = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    allowInsecureAuth: bool = False
    xforward: bool = False
    connectTimeout: float = _seconds(30)
    commandTimeout: float = _seconds(300)
    dataTimeout: float = _seconds(600)

    @hostname.validator
    def _isDomain(self, attribute: object, value: str) -> None:
        if not isDomain(value):
            raise ValueError(f"not a domain: {value!r}")

    @serverName.validator
    def _isKnown(self, attribute: object, value: str | None) -> None:
        if value is None and self.isVerifying:
            raise ValueError(f"tls={self.tls!r} needs a serverName")

    @password.validator
    def _isComplete(self, attribute: object, value: str | None) -> None:
        if self.user and not value:
            raise ValueError("a user needs a password")

    @property
    def isVerifying(self) -> bool:
        """Whether the next hop has to prove who it is."""
        return self.tls in ("required", "implicit")

    @property
    def isLMTP(self) -> bool:
        return self.protocol == "lmtp"


class Opener:
    """
    Opens connections to one next hop.
    """

    _log = Logger()

    def __init__(
        self, endpoint: IStreamClientEndpoint, terms: Terms, clock: IReactorTime
    ) -> None:
        """
        @param endpoint: where the next hop is; TLS is not its business but ours
        """
        self._endpoint = endpoint
        self._terms = terms
        self._clock = clock
        # It reads what the platform trusts, once.
        self._creator: Any = None

    async def open(self, session: SMTPSession) -> Client:
        """
        A connection whose next hop waits for MAIL.

        @param session: whose message it is for, for the log
        @raise NextHopLost: there is none
        """
        try:
            return await self._open(self._terms)
        except _NoTLS as error:
            if self._terms.tls != "opportunistic":
                raise
            self._log.warn(
                "{session.id} no TLS with the next hop, going on in clear: {reason}",
                event="next-hop-in-clear",
                session=session,
                reason=error.__cause__,
            )
        # RFC 7435, section 3: no TLS is no reason for no mail.
        return await self._open(evolve(self._terms, tls="none"))

    async def _open(self, terms: Terms) -> Client:
        client = await self._connect()
        try:
            await self._prepare(client, terms)
        except SMTPError as error:
            client.drop()
            if isinstance(error, NextHopLost) and error.reply.code < 500:
                raise
            # What was refused is not our client's message, which may be tried again.
            raise NextHopLost.saying(UNREACHED) from error
        except BaseException:
            client.drop()
            raise
        return client

    async def _connect(self) -> Client:
        def build() -> Client:
            return Client(self._clock, self._terms.commandTimeout)

        connecting: Deferred[Any] = self._endpoint.connect(_Clients(build))
        connecting.addTimeout(self._terms.connectTimeout, self._clock)
        try:
            client = await connecting
        except CancelledError:
            raise
        except Exception as error:
            raise NextHopLost.saying(UNREACHED) from error
        assert isinstance(client, Client)
        return client

    async def _prepare(self, client: Client, terms: Terms) -> None:
        if terms.tls == "implicit":
            await self._startTLS(client, terms)
        [greeting] = await client.replies(1)
        client.demand(greeting, 2)
        await _hello(client, terms)
        if terms.tls in ("opportunistic", "required"):
            await self._secure(client, terms)
        if terms.user is not None:
            await _logIn(client, terms)

    async def _secure(self, client: Client, terms: Terms) -> None:
        if "STARTTLS" not in client.offers:
            if terms.isVerifying:
                raise misconfigured("STARTTLS is not offered")
            return
        try:
            await client.ask(b"STARTTLS")
        except NextHopLost:
            raise
        except SMTPError as error:
            if terms.isVerifying:
                raise NextHopLost.saying(UNREACHED) from error
            return
        await self._startTLS(client, terms)
        await _hello(client, terms)

    async def _startTLS(self, client: Client, terms: Terms) -> None:
        if self._creator is None:
            self._creator = _creator(terms)
        try:
            await client.startTLS(self._creator)
        except NextHopLost as error:
            raise _NoTLS.saying(error.reply) from error.__cause__


class _NoTLS(NextHopLost):
    """The handshake has failed."""


class _Clients(Factory):
    """Makes the client of one connection."""

    noisy = False

    def __init__(self, build: Any) -> None:
        self._build = build

    def buildProtocol(self, address: object) -> Client:
        client: Client = self._build()
        return client


async def _hello(client: Client, terms: Terms) -> None:
    """RFC 5321, section 3.2, and RFC 2033, section 4.1."""
    hostname = terms.hostname.encode("ascii")
    verb = b"LHLO " if terms.isLMTP else b"EHLO "
    isVerified = client.isSecure and terms.isVerifying
    try:
        reply = await client.ask(verb + hostname)
    except NextHopLost:
        raise
    except SMTPError as error:
        if terms.isLMTP or error.reply.code < 500:
            raise
        await client.ask(b"HELO " + hostname)
        reply = Reply(250, "")
    client.offers = Offers.parse(reply, isVerified)


async def _logIn(client: Client, terms: Terms) -> None:
    """RFC 4954, section 4."""
    isVerified = client.isSecure and terms.isVerifying
    if not (isVerified or terms.allowInsecureAuth):
        raise misconfigured("nobody has proved who it is that would get the password")
    assert terms.user is not None and terms.password is not None
    await logIn(client, terms.user, terms.password)


def _creator(terms: Terms) -> IOpenSSLClientConnectionCreator:
    if terms.isVerifying:
        assert terms.serverName is not None
        return optionsForClientTLS(terms.serverName, trustRoot=terms.trustRoot)
    return _Unverified(terms.serverName)


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """
    TLS with whoever it is, which is better than none: RFC 7435.
    """

    def __init__(self, serverName: str | None) -> None:
        self._context = CertificateOptions().getContext()
        self._serverName: bytes | None = None
        if serverName is not None and not _isAddress(serverName):
            self._serverName = serverName.encode("ascii")

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        connection = Connection(self._context, None)
        if self._serverName is not None:
            connection.set_tlsext_host_name(self._serverName)
        return connection


def _isAddress(name: str) -> bool:
    # RFC 6066, section 3: a server is not asked for by its address.
    return isIPAddress(name) or isIPv6Address(name)
