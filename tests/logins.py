"""
What the tests of logins share: an application that knows one user, a server with AUTH
in front of it, and a client that can go through any exchange, as far as it wants to.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

from scramp import ScramClient  # type: ignore[import-untyped]

from smtpsession import (
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
    ScramKeys,
    SMTPSession,
)
from smtpsession.sasl.mechanisms import BY_NAME
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.certificates import client as clientCertificate

EHLO = "EHLO client.example.com"
ACCEPTED = "235 2.7.0 Authentication succeeded"
FAILED = "535 5.7.8 Authentication failed"
CANCELLED = "501 5.7.0 Authentication cancelled"
NOT_BASE64 = "501 5.5.2 Not base64"
MALFORMED = "501 5.5.2 Malformed authentication exchange"
TOO_LONG = "500 5.5.6 Response too long"
TOO_MANY = "421 4.7.0 Too many failed logins"

#: Those of C{sesame}.
KEYS = {
    name: ScramKeys.derive("sesame", hashName=name, iterations=4096)
    for name in ("SHA-1", "SHA-256", "SHA-512")
}
TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg"
#: The channel bindings of a client with TLS, and the one that it uses.
BINDINGS = {"tls-exporter": b"exported", "tls-server-end-point": b"hashed"}
BINDING = ("tls-server-end-point", b"hashed")

#: What bob responds to each challenge, where that is the same every time.
RESPONSES = {
    "PLAIN": [b"\0bob\0sesame"],
    "LOGIN": [b"bob", b"sesame"],
    "OAUTHBEARER": [b"n,a=bob,\1auth=Bearer %b\1\1" % TOKEN.encode()],
    "XOAUTH2": [b"user=bob\1auth=Bearer %b\1\1" % TOKEN.encode()],
    "EXTERNAL": [b""],
}

# What a client responds to a challenge.
Turn = Callable[[bytes], bytes]


def encoded(text: bytes | str) -> str:
    """As a client sends it."""
    octets = text.encode("utf-8") if isinstance(text, str) else text
    return b64encode(octets).decode("ascii")


PLAIN = "AUTH PLAIN " + encoded("\0bob\0sesame")
WRONG = "AUTH PLAIN " + encoded("\0bob\0open")


async def login(auth: Any, session: SMTPSession) -> str | None:
    """An C{onAuth} that knows one user, C{bob} with the password C{sesame}."""
    if isinstance(auth, PasswordAuth):
        isRight = auth.username == "bob" and auth.password == "sesame"
    elif isinstance(auth, CramMD5Auth):
        isRight = auth.validatePassword("sesame")
    elif isinstance(auth, ScramAuth):
        keys = KEYS[auth.hashName] if auth.username == "bob" else None
        isRight = await auth.validateKeys(keys)
    elif isinstance(auth, BearerAuth):
        isRight = auth.accessToken == TOKEN
    else:
        isRight = isinstance(auth, ExternalAuth)
    return "the user" if isRight else None


def serverWith(onAuth: Any = login, **arguments: Any) -> MemoryServer:
    """
    A server that offers AUTH in clear.

    @param arguments: its callbacks, and its options
    """
    callbacks = {each: arguments.pop(each) for each in [*arguments] if each[:2] == "on"}
    given = {
        "auth": "optional",
        "allowInsecureAuth": True,
        "mechanisms": tuple(BY_NAME),
        **arguments,
    }
    return MemoryServer(onAuth=onAuth, options=memoryOptions(**given), **callbacks)


def hello(server: MemoryServer) -> MemoryClient:
    """A client that has said EHLO."""
    client = server.connect()
    client.hear()
    client.say(EHLO)
    return client


def secure(server: MemoryServer) -> MemoryClient:
    """One that has said it over TLS, and has shown its certificate."""
    client = hello(server)
    client.session.secure = True
    client.session.peerCertificate = clientCertificate().certificate
    client.protocol._dialogue.channelBindings = BINDINGS
    client.say(EHLO)
    return client


def challenged(lines: list[str]) -> bytes:
    """The octets of the only challenge."""
    (line,) = lines
    assert line.startswith("334 "), line
    return b64decode(line[4:], validate=True)


def exchange(
    client: MemoryClient,
    method: str,
    count: int | None = None,
    isAtOnce: bool = False,
    **arguments: Any,
) -> list[str]:
    """
    Go through an exchange, all of it or up to a refusal.

    @param count: to how many challenges the client responds; by default to each
    @param isAtOnce: the first response comes with the command
    @param arguments: for `turnsOf`
    @return: what the client hears last
    """
    turns = turnsOf(method, **arguments)[:count]
    initial = " " + (encoded(turns.pop(0)(b"")) or "=") if isAtOnce else ""
    heard = client.say(f"AUTH {method}{initial}")
    for turn in turns:
        if not (heard and heard[0].startswith("334 ")):
            break
        heard = client.say(encoded(turn(challenged(heard))))
    return heard


def turnsOf(
    method: str,
    username: str = "bob",
    password: str = "sesame",
    channelBinding: tuple[str, bytes] = BINDING,
) -> list[Turn]:
    """
    What a client responds to each challenge.

    @param username: for SCRAM only, which has a client by other authors, and so is
        C{channelBinding}
    @param password: for SCRAM and CRAM-MD5
    """
    if method == "CRAM-MD5":
        return [partial(_cramMD5, password)]
    if method in RESPONSES:
        return [partial(_same, octets) for octets in RESPONSES[method]]
    binding = channelBinding if method.endswith("-PLUS") else None
    scram = ScramClient([method], username, password, channel_binding=binding)

    def first(challenge: bytes) -> bytes:
        message: str = scram.get_client_first()
        return message.encode("utf-8")

    def final(challenge: bytes) -> bytes:
        scram.set_server_first(challenge.decode("utf-8"))
        message: str = scram.get_client_final()
        return message.encode("utf-8")

    def end(challenge: bytes) -> bytes:
        # It looks whether the server knows the password too.
        scram.set_server_final(challenge.decode("utf-8"))
        return b""

    return [first, final, end]


def _same(octets: bytes, challenge: bytes) -> bytes:
    return octets


def _cramMD5(password: str, challenge: bytes) -> bytes:
    digest = hmac.new(password.encode("utf-8"), challenge, "md5").hexdigest()
    return f"bob {digest}".encode("ascii")
