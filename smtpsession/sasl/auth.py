# -*- test-case-name: tests.test_sasl_auth -*-
"""
What the application's C{onAuth} is given: a frozen object for each family of
mechanisms.

What a client has to keep to itself is never shown by C{repr}.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import field, frozen

from smtpsession.sasl.keys import ScramKeys


@frozen(kw_only=True)
class Auth:
    """
    What a client says who it is.

    @ivar method: the SASL mechanism, or C{"XCLIENT"}
    @ivar username: whose credentials these are, after SASLprep (RFC 4013)
    @ivar authzid: whom it wants to act as, after SASLprep; None if it did not say.
        Whether C{username} may is for the application to know.
    """

    method: str
    username: str
    authzid: str | None = None


@frozen(kw_only=True)
class PasswordAuth(Auth):
    """
    PLAIN and LOGIN.

    @ivar password: after SASLprep, not empty
    """

    password: str = field(repr=False)


@frozen(kw_only=True)
class CramMD5Auth(Auth):
    """
    CRAM-MD5: it takes the secret itself to check it.

    @ivar challenge: what the server had sent
    @ivar digest: what the client made of it, in hexadecimal
    """

    challenge: bytes = field(repr=False)
    digest: str = field(repr=False)

    def validatePassword(self, secret: str | bytes) -> bool:
        """
        Whether this is the secret that the client used.  An empty one is nobody's, as
        in the other mechanisms.
        """
        key = secret.encode("utf-8") if isinstance(secret, str) else secret
        expected = hmac.new(key, self.challenge, "md5").hexdigest()
        return hmac.compare_digest(expected, self.digest) and bool(key)


@frozen(kw_only=True)
class ScramAuth(Auth):
    """
    SCRAM: the exchange goes on when the application has brought the user's keys.

    @ivar hashName: the hash function that the keys have to be of
    """

    hashName: str
    _validate: Callable[[ScramKeys | None], Awaitable[bool]] = field(
        eq=False, repr=False
    )

    def validateKeys(self, keys: ScramKeys | None) -> Awaitable[bool]:
        """
        Let the client prove that it knows the password of these keys; once.

        The answer may be True only for an existing user: with None the client goes
        through the whole exchange, and it is False.

        @param keys: None if there is no such user, or if it has no keys
        @raise ValueError: they are of another hash function
        """
        if keys is not None and keys.hashName != self.hashName:
            raise ValueError(f"keys of {keys.hashName} for {self.method}")
        return self._validate(keys)


@frozen(kw_only=True)
class BearerAuth(Auth):
    """
    OAUTHBEARER and XOAUTH2.

    C{username} is only what the client claims, C{""} if it left that to the token: whom
    the token is for has to be found out from the token.

    @ivar accessToken: not empty, of the letters of RFC 6750, section 2.1
    @ivar host: the server that the client thinks it is talking to, or None
    @ivar port: its port, or None
    """

    accessToken: str = field(repr=False)
    host: str | None = None
    port: int | None = None


@frozen(kw_only=True)
class ExternalAuth(Auth):
    """
    EXTERNAL: the client has proved in the TLS handshake who it is.

    C{username} is from the certificate, never from what the client says besides: the
    first e-mail address in its alternative names, or else its common name.

    @ivar certificate: the verified certificate of the client
    """

    certificate: Any = field(repr=False)


@frozen(kw_only=True)
class XClientAuth(Auth):
    """
    XCLIENT LOGIN: a trusted proxy has authenticated the client and says who it is.
    """

    method: str = "XCLIENT"
