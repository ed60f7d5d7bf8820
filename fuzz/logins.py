"""
SASL: whatever a client responds, an exchange asks, ends or raises what is for the
client, and what it reads it can print.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smtpsession.errors import SASLError
from smtpsession.sasl.auth import Auth
from smtpsession.sasl.bearer import (
    parseOAuthBearer,
    parseXOAuth2,
    printOAuthBearer,
    printXOAuth2,
)
from smtpsession.sasl.exchange import (
    Challenge,
    Exchange,
    ExchangeContext,
    KeysWanted,
    Proof,
)
from smtpsession.sasl.keys import ScramKeys
from smtpsession.sasl.mechanisms import MECHANISMS
from smtpsession.sasl.plain import parsePlain, printPlain
from smtpsession.sasl.scrammessages import (
    parseClientFinal,
    parseClientFirst,
    printClientFinal,
    printClientFirst,
)

#: Between two responses.
SEPARATOR = b"\xff\xff"

_SALT = b"0123456789abcdef"
_BINDINGS = {"tls-exporter": b"x" * 32, "tls-server-end-point": b"y" * 32}
_KEYS = {
    name: ScramKeys.derive("pencil", name, salt=_SALT, iterations=4096)
    for name in ("SHA-1", "SHA-256", "SHA-512")
}
_PRINTERS: tuple[tuple[Callable[[bytes], Any], Callable[[Any], bytes]], ...] = (
    (parsePlain, printPlain),
    (parseOAuthBearer, printOAuthBearer),
    (parseXOAuth2, printXOAuth2),
    (parseClientFirst, printClientFirst),
    (parseClientFinal, printClientFinal),
)


def fuzz(octets: bytes) -> None:
    """
    @param octets: first one that chooses a mechanism, one that says what the
        application thinks, then the responses
    """
    if len(octets) < 2:
        return
    mechanism = MECHANISMS[octets[0] % len(MECHANISMS)]
    opinion, responses = octets[1], octets[2:].split(SEPARATOR)
    context = ExchangeContext(
        hostname="mx.example.org",
        channelBindings=_BINDINGS if opinion & 4 else {},
        offered=[each.name for each in MECHANISMS],
        secret=b"secret",
        iterations=4096,
        nonce=lambda: "nonce",
        time=lambda: 1_700_000_000,
    )
    _converse(mechanism.start(context), responses, opinion)
    for parse, printed in _PRINTERS:
        _invert(parse, printed, responses[0])


def _converse(exchange: Exchange, responses: list[bytes], opinion: int) -> None:
    left = list(responses)
    isAsked = isProven = False
    try:
        step = next(exchange)
        for _ in range(len(responses) + 4):
            if isinstance(step, Challenge):
                if not left:
                    exchange.close()
                    return
                step = exchange.send(left.pop(0))
            elif isinstance(step, KeysWanted):
                assert not isAsked
                isAsked = True
                keys = _KEYS.get(step.hashName) if opinion & 2 else None
                step = exchange.send(keys)
            elif isinstance(step, Proof):
                assert isAsked and not isProven
                isProven = True
                step = exchange.send(step.isValid and bool(opinion & 1))
            else:
                assert isinstance(step, Auth) and not isAsked
                isAsked = True
                step = exchange.send(bool(opinion & 1))
        raise AssertionError("it does not end")
    except StopIteration:
        assert isAsked
    except SASLError as error:
        assert error.reply.code in (501, 535), error.reply
        assert isProven or not isAsked, "somebody waits for the proof"


def _invert(
    parse: Callable[[bytes], Any], printed: Callable[[Any], bytes], octets: bytes
) -> None:
    try:
        message = parse(octets)
    except SASLError:
        return
    assert parse(printed(message)) == message
