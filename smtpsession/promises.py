# -*- test-case-name: tests.test_promises -*-
"""
Extensions by which the server promises to do something with the message later.

Nothing in this library keeps these promises: the application has to, and so it has to
ask for the extensions, C{ServerOptions(extensions=[*BUILT_IN, REQUIRETLS])}.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from attrs import evolve

from smtpsession.addresses import SMTPAddress
from smtpsession.errors import SMTPError
from smtpsession.keywords import (
    parsePriorityProfile,
    printMaxFutureRelease,
    printMinByTime,
    printPriorityProfile,
)
from smtpsession.limits import SECONDS
from smtpsession.offers import Extension, MailParameter, RcptParameter
from smtpsession.replies import BY_TIME_TOO_SHORT, HELD_TOO_LONG
from smtpsession.session import SMTPEnvelope, SMTPSession
from smtpsession.settings import Settings
from smtpsession.timing import (
    FutureRelease,
    parseDeliverBy,
    parseHoldFor,
    parseHoldUntil,
    parsePriority,
    parseRRVS,
)


def _overTLS(session: SMTPSession, settings: Settings) -> str | None:
    # RFC 8689, section 3: it is advertised after STARTTLS, and never in the clear.
    return "" if session.secure else None


def _fillRequireTLS(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
    envelope.requireTLS = True


REQUIRETLS = Extension(
    keyword="REQUIRETLS",
    rfc="RFC 8689",
    offer=_overTLS,
    mailParameters=(MailParameter("REQUIRETLS", _fillRequireTLS, takesValue=False),),
    mailOctets=len(" REQUIRETLS"),
)


def deliverBy(minimum: int | None = None) -> Extension:
    """
    DELIVERBY, RFC 2852.

    @param minimum: how many seconds a message needs at the least; who wants it returned
        sooner is refused at once
    @raise ValueError: that is less than none, or has more than nine digits
    """
    if minimum is not None and not 0 <= minimum <= SECONDS:
        raise ValueError(f"not from 0 to {SECONDS} seconds: {minimum}")

    def fill(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
        wanted = parseDeliverBy(value)
        if wanted.mode == "R" and wanted.seconds < (minimum or 0):
            raise SMTPError.saying(BY_TIME_TOO_SHORT)
        envelope.deliverBy = wanted

    return Extension(
        keyword="DELIVERBY",
        rfc="RFC 2852",
        offer=lambda session, settings: printMinByTime(minimum),
        mailParameters=(MailParameter("BY", fill),),
        # Section 4 of it.
        mailOctets=17,
    )


def mtPriority(profile: str | None = None) -> Extension:
    """
    MT-PRIORITY, RFC 6710.

    @param profile: the name of the priority profile that the server follows
    @raise ValueError: that is none
    """
    if profile is not None and parsePriorityProfile(profile) is None:
        raise ValueError("the name of a profile is not empty")

    def fill(envelope: SMTPEnvelope, value: str, settings: Settings) -> None:
        envelope.priority = parsePriority(value)

    return Extension(
        keyword="MT-PRIORITY",
        rfc="RFC 6710",
        offer=lambda session, settings: printPriorityProfile(profile),
        mailParameters=(MailParameter("MT-PRIORITY", fill),),
        mailOctets=len(" MT-PRIORITY=-9"),
    )


def futureRelease(maxInterval: int) -> Extension:
    """
    FUTURERELEASE, RFC 4865: for message submission.

    @param maxInterval: for how many seconds a message is held at the most
    @raise ValueError: that is not a positive number of nine digits
    """
    FutureRelease(holdFor=maxInterval)

    def latest() -> datetime:
        now = datetime.now(timezone.utc).replace(microsecond=0)
        return now + timedelta(seconds=maxInterval)

    def hold(envelope: SMTPEnvelope, release: FutureRelease) -> None:
        if envelope.futureRelease is not None:
            # Section 4: one of them, not both.
            raise ValueError("HOLDFOR and HOLDUNTIL")
        isTooLong = (release.holdFor or 0) > maxInterval or (
            release.holdUntil is not None and release.holdUntil > latest()
        )
        if isTooLong:
            raise SMTPError.saying(HELD_TOO_LONG)
        envelope.futureRelease = release

    return Extension(
        keyword="FUTURERELEASE",
        rfc="RFC 4865",
        offer=lambda session, settings: printMaxFutureRelease(maxInterval, latest()),
        mailParameters=(
            MailParameter(
                "HOLDFOR",
                lambda envelope, value, _: hold(envelope, parseHoldFor(value)),
            ),
            MailParameter(
                "HOLDUNTIL",
                lambda envelope, value, _: hold(envelope, parseHoldUntil(value)),
            ),
        ),
        # Section 4 of it.
        mailOctets=34,
    )


def _fillRRVS(address: SMTPAddress, value: str) -> SMTPAddress:
    return evolve(address, rrvs=parseRRVS(value))


RRVS = Extension(
    keyword="RRVS",
    rfc="RFC 7293",
    rcptParameters=(RcptParameter("RRVS", _fillRRVS),),
    # Section 3 of it.
    rcptOctets=33,
)

#: All of them, for who promises no more than that: messages are held for a day.
OPT_IN = (REQUIRETLS, deliverBy(), mtPriority(), futureRelease(86_400), RRVS)
