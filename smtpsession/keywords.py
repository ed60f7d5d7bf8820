# -*- test-case-name: tests.test_keywords -*-
"""
What follows the keyword of an extension in the answer to EHLO: parse and print.

Each C{parseX} has a C{printX} that is its inverse.  The text begins behind the space;
it is C{""} where nothing follows the keyword.  Parsers raise `ValueError`.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from smtpsession._grammar import (
    DELIVERBY_PARAM,
    FUTURE_RELEASE_INTEGER,
    LIMIT_NAME_VALUE,
    LIMIT_NUMBER,
    PRIORITY_PROFILE,
)
from smtpsession.datetimes import parseDateTime, printDateTime
from smtpsession.limits import ANNOUNCED


def parseMinByTime(text: str) -> int | None:
    """
    Of DELIVERBY, RFC 2852, section 2: how many seconds are the least, None where that
    is not said.  Options of the future are passed over.

    @raise ValueError: it is something else
    """
    found = DELIVERBY_PARAM.fullmatch(text.encode("utf-8"))
    if found is None:
        raise ValueError(f"not a list of options: {text!r}")
    return int(found[1]) if found[1] else None


def printMinByTime(seconds: int | None) -> str:
    """The inverse of `parseMinByTime`."""
    return "" if seconds is None else str(seconds)


def parsePriorityProfile(text: str) -> str | None:
    """
    Of MT-PRIORITY, RFC 6710, section 7: the policy's name in upper case, None where
    there is none.

    @raise ValueError: it is no name
    """
    if not text:
        return None
    octets = text.encode("utf-8")
    if PRIORITY_PROFILE.fullmatch(octets) is None:
        raise ValueError(f"not the name of a policy: {text!r}")
    return text.upper()


def printPriorityProfile(name: str | None) -> str:
    """The inverse of `parsePriorityProfile`."""
    return "" if name is None else name


def parseMaxFutureRelease(text: str) -> tuple[int, datetime]:
    """
    Of FUTURERELEASE, RFC 4865, section 3: for how many seconds a message is held at the
    most, and until when.

    @raise ValueError: it is something else
    """
    interval, _, dateTime = text.partition(" ")
    octets = interval.encode("utf-8")
    if FUTURE_RELEASE_INTEGER.fullmatch(octets) is None:
        raise ValueError(f"not an interval and a date-time: {text!r}")
    return int(octets), parseDateTime(dateTime)


def printMaxFutureRelease(interval: int, dateTime: datetime) -> str:
    """The inverse of `parseMaxFutureRelease`."""
    return f"{interval} {printDateTime(dateTime)}"


@frozen
class AnnouncedLimits:
    """
    What LIMITS says, RFC 9422, section 4; None for what it does not.

    @ivar rcptMax: how many RCPT commands in a transaction
    @ivar mailMax: how many MAIL commands on a connection
    @ivar rcptDomainMax: how many domains of recipients on a connection
    """

    rcptMax: int | None = None
    mailMax: int | None = None
    rcptDomainMax: int | None = None


#: The fields of `AnnouncedLimits` by the names that RFC 9422 gives them.
_FIELDS = {
    "RCPTMAX": "rcptMax",
    "MAILMAX": "mailMax",
    "RCPTDOMAINMAX": "rcptDomainMax",
}


def parseLimits(text: str) -> AnnouncedLimits:
    """
    Of LIMITS, RFC 9422.  A limit that is not known, or whose value is not one, is
    passed over (section 3.7).

    @raise ValueError: it is not a list of names and values
    """
    values: dict[str, int] = {}
    for each in text.encode("utf-8").split(b" "):
        found = LIMIT_NAME_VALUE.fullmatch(each)
        if found is None:
            raise ValueError(f"not a list of limits: {text!r}")
        field = _FIELDS.get(found[1].decode("ascii").upper())
        if field is not None and LIMIT_NUMBER.fullmatch(found[2] or b""):
            values[field] = int(found[2])
    return AnnouncedLimits(**values)


def printLimits(limits: AnnouncedLimits) -> str | None:
    """
    The inverse of `parseLimits`; None where nothing is said, for then there is no
    keyword either.
    """
    given = {name: getattr(limits, field) for name, field in _FIELDS.items()}
    # There are six digits to say it.  To say less than the truth does no harm.
    said = [
        f"{name}={min(value, ANNOUNCED)}"
        for name, value in given.items()
        if value is not None
    ]
    return " ".join(said) or None
