# -*- test-case-name: tests.test_datetimes -*-
"""
Points in time as parameters have them: parse and print.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from smtpsession._grammar import DATE_TIME


def parseDateTime(text: str) -> datetime:
    """
    RFC 3339, section 5.6: C{"2026-02-28T12:30:00Z"}, C{"2026-02-28t14:30:00.5+02:00"}.

    A leap second, which C{datetime} does not know, is given as the second behind it.

    @return: in UTC, cut to microseconds
    @raise ValueError: it is something else, or no day of the calendar has it
    """
    found = DATE_TIME.fullmatch(text.encode("utf-8"))
    if found is None:
        raise ValueError(f"not a date-time: {text!r}")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, offset = found["fraction"] or b"", found["offset"].decode("ascii")
    moment = datetime(year, month, day, hour, minute, min(second, 59))
    try:
        moment -= _offset(offset)
        if second == 60:
            moment = _behindLeapSecond(moment)
    except OverflowError as error:
        raise ValueError(f"not in the years 1 to 9999: {text!r}") from error
    microsecond = int(fraction.ljust(6, b"0")[:6])
    return moment.replace(microsecond=microsecond, tzinfo=timezone.utc)


def printDateTime(moment: datetime) -> str:
    """
    The inverse of `parseDateTime`, in UTC.

    @raise ValueError: it does not know its time zone
    """
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {moment}")
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def _offset(text: str) -> timedelta:
    """How much earlier it is in UTC."""
    if text in ("Z", "z"):
        return timedelta()
    size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return -size if text.startswith("-") else size


def _behindLeapSecond(moment: datetime) -> datetime:
    # RFC 3339, section 5.7: it is the last second of a month, in UTC.
    moment += timedelta(seconds=1)
    if (moment.day, moment.hour, moment.minute, moment.second) != (1, 0, 0, 0):
        raise ValueError(f"no leap second before {moment}")
    return moment
