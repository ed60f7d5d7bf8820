"""
What the tests of SASL share: a runner of exchanges that is nothing but a loop, and a
client of SCRAM that can do wrong.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from smtpsession.errors import SASLError
from smtpsession.sasl.encoding import parseBase64
from smtpsession.sasl.exchange import Exchange, ExchangeContext, Step
from smtpsession.sasl.gs2 import GS2Header, printGS2Header
from smtpsession.sasl.keys import HASHES
from smtpsession.sasl.scrammessages import (
    ClientFinal,
    ClientFirst,
    printClientFinal,
    printClientFirst,
)

#: A context in which nothing is left to chance.
CONTEXT = ExchangeContext(
    hostname="mx.example.org",
    secret=b"a secret of the server",
    nonce=lambda: "3rfcNHYJY1ZVvWVs7j",
    time=lambda: 697170952.5,
)

#: In place of a step: the exchange has returned.
ENDED = None

#: What comes of a step: its answer, or what gives it.
Answer = Any


def play(exchange: Exchange, *answers: Answer) -> list[Step | SASLError | None]:
    """
    Run an exchange.

    @param answers: what is sent in for its steps, one after the other; a callable is
        given the step
    @return: the steps; at the end of the exchange C{ENDED}, or the error that it raised
    """
    steps: list[Step | SASLError | None] = [next(exchange)]
    for answer in answers:
        sent = answer(steps[-1]) if callable(answer) else answer
        try:
            steps.append(exchange.send(sent))
        except StopIteration:
            steps.append(ENDED)
        except SASLError as error:
            steps.append(error)
    return steps


def outcome(start: Callable[[], Exchange], *answers: Answer) -> object:
    """The last step of an exchange, raised if it is an error."""
    last = play(start(), *answers)[-1]
    if isinstance(last, SASLError):
        raise last
    return last


@frozen
class ScramClient:
    """
    The client's side of SCRAM.

    @ivar bindingData: of the channel binding that C{header} names
    @ivar change: made to the last message, before its proof is made
    """

    username: str
    password: str
    hashName: str = "SHA-256"
    header: GS2Header = GS2Header()
    bindingData: bytes = b""
    nonce: str = "fyko+d2lbbFgONRv9qkxdawL"
    change: Callable[[ClientFinal], ClientFinal] = field(default=lambda final: final)

    def first(self, step: object = None) -> bytes:
        """The first message."""
        return printClientFirst(self._first)

    def final(self, challenge: Any) -> bytes:
        """The last message, upon what the server said to the first."""
        nonce, salt, iterations = (
            part[2:] for part in challenge.octets.split(b",") if part[1:2] == b"="
        )
        function, _ = HASHES[self.hashName]
        salted = hashlib.pbkdf2_hmac(
            function, self.password.encode(), parseBase64(salt), int(iterations)
        )
        key = hmac.digest(salted, b"Client Key", function)
        binding = printGS2Header(self.header) + self.bindingData
        final = self.change(ClientFinal(binding, nonce.decode(), b""))
        signature = hmac.digest(
            hashlib.new(function, key).digest(),
            b",".join((self._first.bare, challenge.octets, final.withoutProof)),
            function,
        )
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return printClientFinal(evolve(final, proof=proof))

    @property
    def _first(self) -> ClientFirst:
        return ClientFirst(self.header, self.username, self.nonce)
