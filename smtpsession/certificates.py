# -*- test-case-name: tests.test_certificates -*-
"""
The certificates that a server has, chosen by the name that a client asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from types import MappingProxyType

import idna
from attrs import frozen
from OpenSSL.SSL import Connection, Context
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from smtpsession.contexts import TLSPolicy
from smtpsession.errors import CertificateError
from smtpsession.pem import CertificatePair, Credential, Source
from smtpsession.tls import hostName

#: How long before a certificate expires the log begins to warn of it.
_NOTICE = timedelta(days=14)

#: What the default certificate goes by among the others.
_DEFAULT = ""


@frozen(eq=False)
class _Contexts:
    """
    The contexts of one load.

    @ivar default: where every connection begins
    @ivar named: where it goes on, by name or pattern
    """

    default: Context
    named: Mapping[str, Context]

    def __attrs_post_init__(self) -> None:
        self.default.set_tlsext_servername_callback(self._choose)
        for context in self.named.values():
            # OpenSSL may call what belongs to the context that a connection began with
            # after it has gone on to another, so that this has to keep the first alive.
            context.set_app_data(self.default)

    def _choose(self, connection: Connection) -> None:
        """Go on with the certificate for the name that the client asks for."""
        name = hostName(connection.get_servername())
        if name is None:
            return
        context = self.named.get(name) or self.named.get(_wildcard(name))
        if context is not None:
            connection.set_context(context)


@implementer(IOpenSSLServerConnectionCreator)
class CertificateStore:
    """
    What C{startTLS} of a server's transport takes, and C{TLSMemoryBIOFactory}.

    All connections share its contexts.  One that exists keeps its certificate, whatever
    is loaded later.
    """

    _log = Logger()

    def __init__(
        self,
        certificate: Source,
        key: Source | None = None,
        *,
        names: Mapping[str, CertificatePair] | None = None,
        minimumVersion: str = "TLSv1.2",
        clientCertificates: str = "none",
        ca: Source | None = None,
    ) -> None:
        """
        Load everything.

        @param certificate: for clients that ask for no name, or an unknown one; a path
            to PEM, or PEM as bytes, as in `CertificatePair`
        @param key: its key; by default it is in the same file
        @param names: more certificates, by the name that a client asks for (SNI), or by
            C{"*.example.net"} for each name that has one label in place of the asterisk
            and is not here itself
        @param minimumVersion: as in `TLSPolicy`
        @param clientCertificates: as in `TLSPolicy`
        @param ca: as in `TLSPolicy`
        @raise CertificateError: something cannot be loaded
        @raise ValueError: what is asked for makes no sense
        """
        self._policy = TLSPolicy(
            minimumVersion=minimumVersion, clientCertificates=clientCertificates, ca=ca
        )
        self._pairs = {_DEFAULT: CertificatePair(certificate, key)}
        for pattern, pair in (names or {}).items():
            canonical = _canonical(pattern)
            if canonical in self._pairs:
                raise ValueError(f"two certificates for {canonical}")
            self._pairs[canonical] = pair
        self._load()

    @property
    def expirations(self) -> Mapping[str, datetime]:
        """
        When the certificates expire, in UTC, by name or pattern with A-labels in lower
        case; the default is under C{""}.
        """
        return self._expirations

    def reload(self) -> None:
        """
        Load everything anew, for the connections to come.

        @raise CertificateError: something cannot be loaded; everything stays as it was
        """
        try:
            self._load()
        except CertificateError as error:
            self._log.error(
                "certificates not reloaded: {error}",
                event="certificates-not-reloaded",
                error=error,
            )
            raise

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """
        A connection whose client is to be the next.
        """
        return self._policy.connection(self._contexts.default)

    def _load(self) -> None:
        authorities = self._policy.readAuthorities()
        credentials = {name: pair.read() for name, pair in self._pairs.items()}
        contexts = {
            name: self._policy.context(credential, authorities)
            for name, credential in credentials.items()
        }
        # From here on nothing can fail.
        self._contexts = _Contexts(contexts.pop(_DEFAULT), contexts)
        self._expirations = MappingProxyType(
            {
                name: credential.certificate.not_valid_after_utc
                for name, credential in credentials.items()
            }
        )
        for name, credential in credentials.items():
            self._warn(name, credential)

    def _warn(self, name: str, credential: Credential) -> None:
        expiration = credential.certificate.not_valid_after_utc
        now = datetime.now(timezone.utc)
        if expiration - now > _NOTICE:
            return
        self._log.warn(
            "the certificate for {name}, {source}, {state}: {expiration}",
            event="certificate-expires",
            name=name or "any other name",
            source=credential.source,
            state="has expired" if expiration <= now else "expires soon",
            expiration=expiration.isoformat(),
        )


def _wildcard(name: str) -> str:
    """The pattern that a name fits: C{"*.example.net"}."""
    return "*." + name.partition(".")[2]


def _canonical(pattern: str) -> str:
    """
    A name or a pattern with A-labels in lower case.

    @raise ValueError: it is neither
    """
    asterisk, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    if not name.isascii():
        name = idna.encode(name.lower()).decode("ascii")
    host = hostName(name.encode("ascii"))
    if host is None:
        raise ValueError(f"neither a host nor *. and a domain: {pattern!r}")
    return asterisk + host
