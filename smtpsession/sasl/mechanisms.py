# -*- test-case-name: tests.test_sasl_mechanisms -*-
"""
The table of the mechanisms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from attrs import frozen

from smtpsession.sasl.auth import (
    Auth,
    BearerAuth,
    CramMD5Auth,
    ExternalAuth,
    PasswordAuth,
    ScramAuth,
)
from smtpsession.sasl.bearer import oauthBearer, xoauth2
from smtpsession.sasl.cram import cramMD5
from smtpsession.sasl.exchange import Exchange, ExchangeContext
from smtpsession.sasl.external import external
from smtpsession.sasl.login import login
from smtpsession.sasl.plain import plain
from smtpsession.sasl.scram import PLUS, scram


def _always(context: ExchangeContext) -> bool:
    return True


def _hasCertificate(context: ExchangeContext) -> bool:
    return context.certificate is not None


def _hasBindings(context: ExchangeContext) -> bool:
    return bool(context.channelBindings)


@frozen
class Mechanism:
    """
    A row of the table.

    @ivar name: as IANA has it
    @ivar start: begins an exchange
    @ivar authType: what it asks the application with
    @ivar hashName: of SCRAM, the hash function; None of others
    @ivar isServerFirst: an initial response from the client is malformed
    @ivar sendsSecret: who can read the connection can take the client's place
    @ivar isPossible: whether a connection has what the mechanism needs
    """

    name: str
    start: Callable[[ExchangeContext], Exchange]
    authType: type[Auth]
    hashName: str | None = None
    isServerFirst: bool = False
    sendsSecret: bool = False
    isPossible: Callable[[ExchangeContext], bool] = _always


def _scram(name: str) -> Mechanism:
    isPlus = name.endswith(PLUS)
    hashName = name.removeprefix("SCRAM-").removesuffix(PLUS)
    isPossible = _hasBindings if isPlus else _always
    start = partial(scram, name, hashName)
    return Mechanism(name, start, ScramAuth, hashName, isPossible=isPossible)


#: The strongest first.
MECHANISMS = (
    Mechanism("EXTERNAL", external, ExternalAuth, isPossible=_hasCertificate),
    _scram("SCRAM-SHA-512-PLUS"),
    _scram("SCRAM-SHA-256-PLUS"),
    _scram("SCRAM-SHA-1-PLUS"),
    _scram("SCRAM-SHA-512"),
    _scram("SCRAM-SHA-256"),
    _scram("SCRAM-SHA-1"),
    Mechanism("OAUTHBEARER", oauthBearer, BearerAuth, sendsSecret=True),
    Mechanism("XOAUTH2", xoauth2, BearerAuth, sendsSecret=True),
    Mechanism("CRAM-MD5", cramMD5, CramMD5Auth, isServerFirst=True),
    Mechanism("PLAIN", plain, PasswordAuth, sendsSecret=True),
    Mechanism("LOGIN", login, PasswordAuth, sendsSecret=True),
)

#: The same by name.
BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


def possible(
    context: ExchangeContext, names: Collection[str] = tuple(BY_NAME)
) -> tuple[str, ...]:
    """
    Those of the mechanisms for which a connection has what they need, the strongest
    first.  What C{context} says of those that were offered does not matter.
    """
    return tuple(
        mechanism.name
        for mechanism in MECHANISMS
        if mechanism.name in names and mechanism.isPossible(context)
    )
