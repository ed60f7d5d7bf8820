# -*- test-case-name: tests.test_session -*-
"""
The session model: what every callback receives.

A connection, a transaction and a recipient are three lifetimes and three classes:
`SMTPSession`, `SMTPEnvelope` and `smtpsession.SMTPAddress`.  A transaction ends by the
session getting a new envelope, never by fields being reset.  None stands for "not
known, not given, not yet".
"""

from __future__ import annotations

import base64
import os
import time
from typing import Any

from attrs import define, field, frozen

from smtpsession.addresses import SMTPAddress
from smtpsession.model import Model
from smtpsession.parameters import DSNEnvelope
from smtpsession.timing import DeliverBy, FutureRelease
from smtpsession.proxyline import ProxyInfo


def newIdentifier() -> str:
    """
    An identifier that is unique across processes and machines and sorts by time: 24
    letters and digits, from a count of microseconds and 64 random bits.
    """
    moment = time.time_ns() // 1000
    octets = moment.to_bytes(7, "big") + os.urandom(8)
    return base64.b32hexencode(octets).decode("ascii").lower()


@frozen
class TLSCipherInfo(Model):
    """
    The protocol and the cipher of a TLS connection.

    @ivar name: OpenSSL's name of the cipher
    @ivar standardName: IANA's name of it, or None
    @ivar version: C{"TLSv1.2"} or C{"TLSv1.3"}
    """

    name: str
    standardName: str | None
    version: str


@define
class SMTPEnvelope(Model):
    """
    One mail transaction, filled as MAIL FROM and RCPT TO are accepted.

    @ivar mailFrom: None before MAIL FROM; the null reverse-path is an address whose
        C{address} is C{""}
    @ivar rcptTo: the accepted recipients in order, a repeated one in each of its places
    @ivar bodyType: C{"7bit"}, C{"8bitmime"} or C{"binarymime"}, as declared
    @ivar smtpUtf8: SMTPUTF8 was declared
    @ivar requireTLS: REQUIRETLS was declared
    @ivar dsn: None where DSN is not offered
    @ivar deliverBy: until when it has to be delivered (DELIVERBY, RFC 2852)
    @ivar priority: -9 to 9 (MT-PRIORITY, RFC 6710); None where the client did not say
    @ivar futureRelease: until when it has to be held (FUTURERELEASE, RFC 4865)
    @ivar submitter: who has submitted the message, by the word of the client (C{AUTH=},
        RFC 4954, section 5); C{""} where that is not known to it, or the client has not
        logged in; None where it did not say
    @ivar state: the application's own notes, and those of its extensions
    """

    mailFrom: SMTPAddress | None = None
    rcptTo: list[SMTPAddress] = field(factory=list)
    bodyType: str = "7bit"
    smtpUtf8: bool = False
    requireTLS: bool = False
    dsn: DSNEnvelope | None = None
    deliverBy: DeliverBy | None = None
    priority: int | None = None
    futureRelease: FutureRelease | None = None
    submitter: str | None = None
    state: dict[Any, Any] = field(factory=dict)


@define(eq=False, kw_only=True)
class SMTPSession(Model):
    """
    One connection, compared by identity.

    @ivar id: unique, across processes and machines too; sorts by time
    @ivar secure: the connection is using TLS
    @ivar servername: the SNI host name of the TLS handshake
    @ivar localAddress: the server's side; C{""} where the transport has none
    @ivar remoteAddress: the client's side, an IPv4-mapped IPv6 address as IPv4
    @ivar peerAddress: where the connection itself comes from, whoever XCLIENT says is
        behind it; after a PROXY header the client that this named
    @ivar clientHostname: the reverse-DNS name of the client, or C{"[remoteAddress]"}
    @ivar hostNameAppearsAs: what the client called itself; C{""} before
    @ivar openingCommand: C{"HELO"}, C{"EHLO"} or C{"LHLO"}; C{""} before
    @ivar tlsOptions: set once TLS is established
    @ivar user: what C{onAuth} returned
    @ivar transaction: the number of completed transactions, 0 during the first
    @ivar envelope: the current one, a new object for every transaction
    @ivar xClient: XCLIENT attributes by upper-case name, None where not available
    @ivar xForward: the same for XFORWARD
    @ivar authMethod: the SASL mechanism that succeeded
    @ivar peerCertificate: the client's verified certificate
    @ivar proxy: what a PROXY header said
    @ivar state: the application's own notes
    """

    id: str = field(factory=newIdentifier)
    secure: bool = False
    servername: str | None = None
    localAddress: str = ""
    localPort: int = 0
    remoteAddress: str = ""
    remotePort: int = 0
    peerAddress: str = ""
    clientHostname: str = ""
    hostNameAppearsAs: str = ""
    openingCommand: str = ""
    tlsOptions: TLSCipherInfo | None = None
    user: Any = None
    transaction: int = 0
    envelope: SMTPEnvelope = field(factory=SMTPEnvelope)
    xClient: dict[str, str | None] = field(factory=dict)
    xForward: dict[str, str | None] = field(factory=dict)
    authMethod: str | None = None
    peerCertificate: Any = None
    proxy: ProxyInfo | None = None
    state: dict[Any, Any] = field(factory=dict)

    @property
    def transmissionType(self) -> str:
        """
        The "with" keyword of a trace header: C{SMTP}, C{ESMTPSA}, C{UTF8LMTP} and the
        like, from IANA's registry (RFC 3848, RFC 6531, section 4.3).
        """
        if self.openingCommand in ("", "HELO"):
            return "SMTP"
        suffix = ("S" if self.secure else "") + ("A" if self.user is not None else "")
        protocol = "LMTP" if self.openingCommand == "LHLO" else "SMTP"
        if self.envelope.smtpUtf8:
            return "UTF8" + protocol + suffix
        return (protocol if protocol == "LMTP" else "ESMTP") + suffix

    def asDict(self) -> dict[str, Any]:
        """The same as plain JSON types under the same names."""
        return {**super().asDict(), "transmissionType": self.transmissionType}

    def _asPart(self) -> str:
        # Only the application puts a session into a session; its identifier will do.
        return self.id
