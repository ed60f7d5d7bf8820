# -*- test-case-name: tests.test_contexts -*-
"""
What every connection with TLS has to keep to: versions, ciphers, clients' certificates,
sessions.

TLS 1.2 with elliptic curves, and TLS 1.3.  A client that knows neither sends in clear,
if at all, so that nothing is refused for the sake of a better mark: suites with CBC are
what Exchange on Windows Server 2012 has, where a server's certificate is one of RSA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen, validators
from cryptography.x509 import Certificate
from OpenSSL import SSL, crypto
from OpenSSL.SSL import Connection, Context

from smtpsession.errors import CertificateError
from smtpsession.pem import Credential, Source, nameOf, readCertificates
from smtpsession.tls import JudgedConnection

_VERSIONS = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}

#: Those of TLS 1.2, best first; each has forward secrecy and a certificate (RFC 9325,
#: section 4.1).  Those of TLS 1.3 are OpenSSL's choice.
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!AESCCM:!aNULL:!eNULL:!PSK"

_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    # A client that renegotiates has the server do all the work, as often as it likes
    # (CVE-2011-1473), and who it is could change in the middle of the dialogue.
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    # A ticket is encrypted with a key that would have to be changed (RFC 9325, section
    # 3.3), and pyOpenSSL has no way to do that.  Sessions are in memory instead.
    | SSL.OP_NO_TICKET
)

#: How long a session can be resumed, in seconds, and so how long a client's certificate
#: is trusted after it was verified.  OpenSSL has 7200; a client that has one message
#: after another for us comes back within minutes.
_SESSION_LIFETIME = 300

#: A session is resumed only where it was made for the same purpose.
_SESSION_CONTEXT = b"smtpsession"

_VERIFY = {
    "none": SSL.VERIFY_NONE,
    "request": SSL.VERIFY_PEER,
    "require": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}


@frozen(kw_only=True)
class TLSPolicy:
    """
    What is asked of a connection and its client.

    @ivar minimumVersion: C{"TLSv1.2"} or C{"TLSv1.3"}
    @ivar clientCertificates: C{"none"} are asked for; or C{"request"} one, and let a
        client in without, or with one that cannot be verified, as if it had none; or
        C{"require"} one that can be verified, without which the handshake fails
    @ivar ca: the certificates of the authorities whose word on clients is good, signed
        by themselves or not; needed unless C{"none"} are asked for, and then not read

    @raise ValueError: one of them is none of these, or C{ca} is missing
    """

    minimumVersion: str = field(default="TLSv1.2", validator=validators.in_(_VERSIONS))
    clientCertificates: str = field(default="none", validator=validators.in_(_VERIFY))
    ca: Source | None = field(default=None, repr=nameOf)

    def __attrs_post_init__(self) -> None:
        if self._asks and self.ca is None:
            raise ValueError("without a ca no client's certificate can be verified")

    @property
    def _asks(self) -> bool:
        return self.clientCertificates != "none"

    def readAuthorities(self) -> list[Certificate]:
        """
        Read C{ca}, if it is needed.

        @raise CertificateError: it cannot be read
        """
        if not self._asks:
            return []
        assert self.ca is not None, "checked in __attrs_post_init__"
        return readCertificates(self.ca)

    def context(
        self, credential: Credential, authorities: Sequence[Certificate]
    ) -> Context:
        """
        A context for many connections.

        @param authorities: as from `readAuthorities`
        @raise CertificateError: OpenSSL has no use for the credential
        """
        context = Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[self.minimumVersion])
        context.set_options(_OPTIONS)
        # Most connections wait most of the time, and need no buffers for that.
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_cipher_list(_CIPHERS)
        self._limitSessions(context)
        try:
            _present(context, credential)
            self._verify(context, authorities)
        except (SSL.Error, crypto.Error) as error:
            raise CertificateError(credential.source, _reason(error)) from error
        return context

    def connection(self, context: Context) -> Connection:
        """
        A server's connection.

        @param context: as from `context`
        """
        if self.clientCertificates == "request":
            return JudgedConnection(context)
        return Connection(context)

    def _limitSessions(self, context: Context) -> None:
        context.set_session_id(_SESSION_CONTEXT)
        context.set_timeout(_SESSION_LIFETIME)
        # A session has its client's certificate, but not what we thought of it.  So it
        # is not resumed where we may have gone on in spite of a bad one.
        context.set_session_cache_mode(
            SSL.SESS_CACHE_OFF
            if self.clientCertificates == "request"
            else SSL.SESS_CACHE_SERVER
        )

    def _verify(self, context: Context, authorities: Sequence[Certificate]) -> None:
        mode = _VERIFY[self.clientCertificates]
        if self.clientCertificates == "request":
            context.set_verify(mode, JudgedConnection.judge)
        else:
            context.set_verify(mode)
        store = context.get_cert_store()
        assert store is not None, "a context has one"
        # Who is named as an authority is one, whoever has signed its certificate.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        for each in authorities:
            store.add_cert(crypto.X509.from_cryptography(each))
            # Clients choose their certificate by this list.
            context.add_client_ca(each)


def _present(context: Context, credential: Credential) -> None:
    context.use_certificate(credential.certificate)
    for each in credential.chain:
        context.add_extra_chain_cert(each)
    context.use_privatekey(credential.key)
    context.check_privatekey()


def _reason(error: Any) -> str:
    """What OpenSSL has against it."""
    queue = error.args[0] if error.args else []
    return f"OpenSSL refuses it: {queue[-1][-1] if queue else 'no reason given'}"
