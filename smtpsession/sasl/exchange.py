# -*- test-case-name: tests.test_sasl_exchange -*-
"""
What a SASL exchange is, and what is owed to it.

An exchange is a generator, so that each mechanism reads from top to bottom as its RFC
has it.  It yields steps, and whoever runs it sends in what came of each:

 - A `Challenge` goes to the client in base64, after a 334.  Sent in are the octets of
   its response, out of base64.

 - An `Auth` goes to the application.  Sent in is a bool: whether it accepted.

 - `KeysWanted` goes to the application too, as the `ScramAuth` that it makes.  Sent
   in is what the application gives to C{validateKeys}, `ScramKeys` or None; and None
   also if it makes up its mind without giving any, for then it cannot accept.

 - A `Proof` follows in any case, though a challenge comes before it: the answer to
   C{validateKeys}, upon which the application makes up its mind.  Sent in is a bool:
   whether it accepted.

An exchange ends by returning.  If the last bool that was sent in was True, the client
is authenticated, 235; otherwise it is refused, with 535 or with the application's own
reply.  Not before the end: OAUTHBEARER has something to say after a refusal, and SCRAM
after a consent.

Or it ends by raising `SASLError`, whose reply is for the client.  The application has
then not been asked, or has refused, or what it consented to does not happen.  It never
waits in vain: no exchange raises between `KeysWanted` and the `Proof`.

Whether the client speaks first is in the mechanism's row of the table.  All but
CRAM-MD5 do.  They begin with a challenge for those clients that sent no initial
response with the command; where one came, that challenge is not sent and the response
is sent in at once (RFC 4954, section 4: C{=} stands for an empty one).  An initial
response for a mechanism in which the server speaks first is malformed.

The client may cancel instead of responding, and may go away: then C{close()} the
exchange, and let C{validateKeys} fail if it was called.  How long a response may be is
for the runner to say (RFC 4954, section 4: 12288 octets); an exchange takes time in
proportion to it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from secrets import token_bytes, token_urlsafe
from typing import Any, Union

from attrs import field, frozen

from smtpsession.sasl.auth import Auth, ScramAuth
from smtpsession.sasl.keys import ITERATIONS, ScramKeys


@frozen
class Challenge:
    """
    What the server says to the client.

    @ivar octets: not in base64 yet
    """

    octets: bytes


@frozen
class KeysWanted:
    """
    A client wants to prove that it knows a password, whose keys are wanted for that.
    """

    method: str
    username: str
    authzid: str | None
    hashName: str

    def auth(
        self, validate: Callable[[ScramKeys | None], Awaitable[bool]]
    ) -> ScramAuth:
        """
        What to ask the application with.

        @param validate: called with the keys; its result comes from the `Proof`
        """
        return ScramAuth(
            method=self.method,
            username=self.username,
            authzid=self.authzid,
            hashName=self.hashName,
            validate=validate,
        )


@frozen
class Proof:
    """
    @ivar isValid: whether the client knows the password of the keys that were given
    """

    isValid: bool


Step = Union[Challenge, Auth, KeysWanted, Proof]

Exchange = Generator[Step, Any, None]

#: For those who have no more than one process and do not mind new salts at a restart.
SECRET = token_bytes(32)


def _namesIn(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


def _newNonce() -> str:
    return token_urlsafe(18)


@frozen(kw_only=True)
class ExchangeContext:
    """
    What mechanisms have to know of their connection and of their server.

    @ivar hostname: what the server calls itself
    @ivar certificate: the verified certificate of the client, or None; of pyOpenSSL or
        of cryptography
    @ivar channelBindings: their data by their names, C{"tls-exporter"} (RFC 9266) and
        C{"tls-server-end-point"} (RFC 5929); empty without TLS
    @ivar offered: the names of the mechanisms that the client was told of
    @ivar secret: what the salts of users that there are not are made of.  Processes
        that serve the same users need the same one: else their salts differ, which
        tells that there is no such user.
    @ivar iterations: of users that there are not; those of the others, if all have the
        same
    @ivar nonce: gives a new one each time, printable and without a comma
    @ivar time: in seconds
    """

    hostname: str
    certificate: Any | None = None
    channelBindings: Mapping[str, bytes] = field(factory=dict)
    offered: frozenset[str] = field(default=frozenset(), converter=_namesIn)
    secret: bytes = field(default=SECRET, repr=False)
    iterations: int = ITERATIONS
    nonce: Callable[[], str] = _newNonce
    time: Callable[[], float] = time.time
