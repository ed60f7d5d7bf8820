# -*- test-case-name: tests.test_sasl_scram -*-
"""
SCRAM, RFC 5802 and RFC 7677: each side proves that it knows the password, and neither
sends it.

A user that there is not is treated like one that there is, up to the last word: the
same messages, a salt that is the same each time, the same work.
"""

from __future__ import annotations

import hmac

from smtpsession.errors import SASLError
from smtpsession.replies import AUTHENTICATION_FAILED, BAD_EXCHANGE
from smtpsession.sasl.exchange import (
    Challenge,
    Exchange,
    ExchangeContext,
    KeysWanted,
    Proof,
)
from smtpsession.sasl.gs2 import GS2Header, printGS2Header
from smtpsession.sasl.keys import ScramKeys, madeUpKeys
from smtpsession.sasl.prep import prepareName
from smtpsession.sasl.scrammessages import (
    ClientFinal,
    parseClientFinal,
    parseClientFirst,
    printServerFinal,
    printServerFirst,
)

#: What the name of a mechanism ends with that binds to its channel.
PLUS = "-PLUS"


def scram(method: str, hashName: str, context: ExchangeContext) -> Exchange:
    """
    @param method: the name of the mechanism, which binds to the channel if it ends so
    """
    first = parseClientFirst((yield Challenge(b"")))
    expectedBinding = _expectedBinding(first.header, method, context)
    username = prepareName(first.username)
    authzid = first.header.authzid
    if authzid is not None:
        authzid = prepareName(authzid)

    given = yield KeysWanted(method, username, authzid, hashName)
    # Made up in any case, so that it takes as long for a user that there is.
    madeUp = madeUpKeys(context.secret, username, hashName, context.iterations)
    keys: ScramKeys = madeUp if given is None else given

    nonce = first.nonce + context.nonce()
    serverFirst = printServerFirst(nonce, keys.salt, keys.iterations)
    final = _finalOf((yield Challenge(serverFirst)))
    message = b"%b,%b,%b" % (first.bare, serverFirst, final.withoutProof)
    # All three are looked at, whatever the first ones say.
    proofs = (
        keys.proves(message, final.proof),
        hmac.compare_digest(final.binding, expectedBinding),
        hmac.compare_digest(final.nonce, nonce),
    )
    isValid = given is not None and all(proofs)
    if not (yield Proof(isValid)):
        return
    if not isValid:
        # Nobody gets in without a proof, though the application should have said so.
        raise SASLError.saying(AUTHENTICATION_FAILED)

    # RFC 4954 has no room for it in the 235, so that the client answers with nothing.
    if (yield Challenge(printServerFinal(keys.signature(message)))):
        raise SASLError.saying(BAD_EXCHANGE)


def _expectedBinding(header: GS2Header, method: str, context: ExchangeContext) -> bytes:
    """
    RFC 5802, section 6: what the client has to send in its last message.

    @raise SASLError: 535, channel binding is demanded and not done, or done and not
        possible, or someone has taken it out of what the client was offered
    """
    if (header.binding is not None) != method.endswith(PLUS):
        raise SASLError.saying(AUTHENTICATION_FAILED)
    if header.flag == "y" and any(name.endswith(PLUS) for name in context.offered):
        raise SASLError.saying(AUTHENTICATION_FAILED)
    data: bytes | None = b""
    if header.binding is not None:
        data = context.channelBindings.get(header.binding)
    if data is None:
        raise SASLError.saying(AUTHENTICATION_FAILED)
    return printGS2Header(header) + data


def _finalOf(octets: bytes) -> ClientFinal:
    """
    What the client sent, or what nobody accepts: who waits for its proof has to hear
    of it.
    """
    try:
        return parseClientFinal(octets)
    except SASLError:
        return ClientFinal(b"", "", b"")
