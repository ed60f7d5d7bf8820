# -*- test-case-name: tests.test_extensions -*-
"""
The extensions that the server knows, a row for each.
"""

from __future__ import annotations

from functools import lru_cache

from attrs import evolve

from smtpsession.addresses import SMTPAddress
from smtpsession.authentication import AUTH
from smtpsession.chunking import BINARYMIME, CHUNKING
from smtpsession.errors import SMTPError
from smtpsession.keywords import AnnouncedLimits, printLimits
from smtpsession.limits import ENVID, ORCPT
from smtpsession.offers import Extension, MailParameter, RcptParameter
from smtpsession.parameters import (
    DSNEnvelope,
    DSNRcpt,
    parseEnvid,
    parseNotify,
    parseOrcpt,
    parseRet,
)
from smtpsession.replies import messageTooLarge
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.settings import Settings
from smtpsession.starttls import STARTTLS
from smtpsession.xclient import XCLIENT, XFORWARD


def _sizeLimit(session: SMTPSession, settings: Settings) -> str:
    return str(settings.messageSize)


def _checkSize(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    # RFC 1870, section 3: size-value ::= 1*20DIGIT
    if not (len(value) <= 20 and value.isascii() and value.isdigit()):
        raise ValueError(f"not a size: {value!r}")
    if int(value) > settings.messageSize:
        raise SMTPError.saying(messageTooLarge(settings.messageSize))


def _fillBody(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    if (bodyType := value.lower()) not in ("7bit", "8bitmime"):
        raise ValueError(f"not a body type: {value!r}")
    envelope.bodyType = bodyType


def _fillSmtpUtf8(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    envelope.smtpUtf8 = True


_NO_DSN_ENVELOPE = DSNEnvelope()
_NO_DSN_RCPT = DSNRcpt()


def _prepareDSN(envelope: SMTPEnvelope) -> None:
    envelope.dsn = _NO_DSN_ENVELOPE


def _fillRet(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    envelope.dsn = evolve(envelope.dsn or _NO_DSN_ENVELOPE, ret=parseRet(value))


def _fillEnvid(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    envelope.dsn = evolve(envelope.dsn or _NO_DSN_ENVELOPE, envid=parseEnvid(value))


def _fillNotify(address: SMTPAddress, value: str) -> SMTPAddress:
    dsn = evolve(address.dsn or _NO_DSN_RCPT, notify=parseNotify(value))
    return address.withDSN(dsn)


def _fillOrcpt(address: SMTPAddress, value: str) -> SMTPAddress:
    dsn = evolve(address.dsn or _NO_DSN_RCPT, orcpt=parseOrcpt(value))
    return address.withDSN(dsn)


PIPELINING = Extension(keyword="PIPELINING", rfc="RFC 2920")
SIZE = Extension(
    keyword="SIZE",
    rfc="RFC 1870",
    offer=_sizeLimit,
    mailParameters=(MailParameter("SIZE", _checkSize),),
    mailOctets=len(" SIZE=") + 20,
)
EIGHT_BIT_MIME = Extension(
    keyword="8BITMIME",
    rfc="RFC 6152",
    mailParameters=(MailParameter("BODY", _fillBody),),
    mailOctets=17,
)
SMTPUTF8 = Extension(
    keyword="SMTPUTF8",
    rfc="RFC 6531",
    needs="8BITMIME",
    mailParameters=(MailParameter("SMTPUTF8", _fillSmtpUtf8, takesValue=False),),
    mailOctets=10,
)
ENHANCED_STATUS_CODES = Extension(keyword="ENHANCEDSTATUSCODES", rfc="RFC 2034")
DSN = Extension(
    keyword="DSN",
    rfc="RFC 3461",
    mailParameters=(MailParameter("RET", _fillRet), MailParameter("ENVID", _fillEnvid)),
    rcptParameters=(
        RcptParameter("NOTIFY", _fillNotify),
        RcptParameter("ORCPT", _fillOrcpt),
    ),
    prepareEnvelope=_prepareDSN,
    recipientDSN=_NO_DSN_RCPT,
    mailOctets=len(" RET=FULL ENVID=") + ENVID,
    rcptOctets=len(" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=") + ORCPT,
)


def _announceLimits(session: SMTPSession, settings: Settings) -> str | None:
    return _limitsLine(
        settings.recipients, settings.transactions, settings.recipientDomains
    )


@lru_cache
def _limitsLine(*limits: int | None) -> str | None:
    return printLimits(AnnouncedLimits(*limits))


LIMITS = Extension(keyword="LIMITS", rfc="RFC 9422", offer=_announceLimits)

#: What the server offers where it is not told otherwise, each as far as the settings
#: allow it.
BUILT_IN = (
    PIPELINING,
    SIZE,
    EIGHT_BIT_MIME,
    SMTPUTF8,
    ENHANCED_STATUS_CODES,
    DSN,
    CHUNKING,
    BINARYMIME,
    LIMITS,
    STARTTLS,
    AUTH,
    XCLIENT,
    XFORWARD,
)
