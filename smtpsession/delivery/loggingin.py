# -*- test-case-name: tests.test_loggingin -*-
"""
How to log in to a next hop, RFC 4954: by the best way that both know.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from secrets import token_urlsafe

from attrs import evolve

from smtpsession.delivery.client import Client
from smtpsession.delivery.relaying import MISCONFIGURED, NextHopLost
from smtpsession.encodings import parseBase64, printBase64
from smtpsession.errors import SMTPError
from smtpsession.sasl.auth import PasswordAuth
from smtpsession.sasl.gs2 import GS2Header, printGS2Header
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.plain import printPlain
from smtpsession.sasl.prep import preparePassword
from smtpsession.sasl.scrammessages import (
    ClientFinal,
    ClientFirst,
    parseServerFirst,
    printClientFinal,
    printClientFirst,
    printServerFinal,
)

_HASH = "SHA-256"
#: RFC 7677, section 4, has the least: with fewer, whoever it is could soon guess the
#: password from our proof.  With more a hostile next hop could have us compute for
#: hours; these take a tenth of a second.
_LEAST, _MOST = 4096, 200_000


def misconfigured(why: str) -> SMTPError:
    """
    What to raise where the next hop is not what it should be.

    @param why: for the log
    """
    error = NextHopLost.saying(MISCONFIGURED)
    error.__cause__ = ValueError(why)
    return error


async def logIn(client: Client, user: str, password: str) -> None:
    """
    @raise NextHopLost: the next hop knows no such way, does not let us in, or does not
        know the password although it should
    """
    offered = client.offers.keywords.get("AUTH", ())
    way = next((act for name, act in _WAYS.items() if name in offered), None)
    if way is None:
        raise misconfigured(f"no way to log in is offered that we know: {offered}")
    try:
        await way(client, user, password)
    except NextHopLost:
        raise
    except SMTPError as error:
        raise NextHopLost.saying(MISCONFIGURED) from error


async def _plain(client: Client, user: str, password: str) -> None:
    """RFC 4616."""
    auth = PasswordAuth(method="PLAIN", username=user, password=password)
    await client.ask(b"AUTH PLAIN " + printBase64(printPlain(auth)))


async def _login(client: Client, user: str, password: str) -> None:
    """As everybody does it: what the challenges say does not matter."""
    await client.ask(b"AUTH LOGIN", category=3)
    await client.ask(printBase64(user.encode("utf-8")), category=3)
    await client.ask(printBase64(password.encode("utf-8")))


async def _scram(client: Client, user: str, password: str) -> None:
    """RFC 5802 and RFC 7677: the password stays with us, and both prove to have it."""
    first = ClientFirst(GS2Header(), user, token_urlsafe(18))
    opening = b"AUTH SCRAM-SHA-256 " + printBase64(printClientFirst(first))
    serverFirst = _challenge((await client.ask(opening, category=3)).text)
    nonce, salt, iterations = parseServerFirst(serverFirst)
    if not nonce.startswith(first.nonce) or nonce == first.nonce:
        raise misconfigured("the nonce is not made of ours")
    if not _LEAST <= iterations <= _MOST:
        raise misconfigured(f"{iterations} iterations are too few or too many")
    final = ClientFinal(printGS2Header(first.header), nonce, b"")
    message = b"%b,%b,%b" % (first.bare, serverFirst, final.withoutProof)
    try:
        keys = ScramKeys.derive(password, _HASH, salt, iterations)
    except ValueError as error:
        raise NextHopLost.saying(MISCONFIGURED) from error
    proof = _proof(keys, password, message)
    answer = printClientFinal(evolve(final, proof=proof))
    reply = await client.ask(printBase64(answer), category=3)
    if _challenge(reply.text) != printServerFinal(keys.signature(message)):
        # Whoever this is has not got the password, and is not to get the mail.
        raise misconfigured("it does not prove that it knows the password")
    await client.ask(b"")


def _proof(keys: ScramKeys, password: str, message: bytes) -> bytes:
    """RFC 5802, section 3: the C{ClientProof}."""
    salted = hashlib.pbkdf2_hmac(
        "sha256",
        preparePassword(password).encode("utf-8"),
        keys.salt,
        keys.iterations,
    )
    clientKey = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(keys.storedKey, message, "sha256")
    return bytes(a ^ b for a, b in zip(clientKey, signature, strict=True))


def _challenge(text: str) -> bytes:
    try:
        return parseBase64(text.encode("utf-8"))
    except ValueError as error:
        raise NextHopLost.saying(MISCONFIGURED) from error


#: The best first.
_WAYS: dict[str, Callable[[Client, str, str], Awaitable[None]]] = {
    "SCRAM-SHA-256": _scram,
    "PLAIN": _plain,
    "LOGIN": _login,
}
