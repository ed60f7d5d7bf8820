"""
Tests of smtpsession.datetimes.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.datetimes import parseDateTime, printDateTime
from tests.cases import TableTestCase
from tests.strategies import dateTimes


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


DATE_TIMES = [
    # name, text, point in time
    ("a second", "2026-02-28T12:30:05Z", utc(2026, 2, 28, 12, 30, 5)),
    ("lower case", "2026-02-28t12:30:05z", utc(2026, 2, 28, 12, 30, 5)),
    ("a tenth", "2026-02-28T12:30:05.5Z", utc(2026, 2, 28, 12, 30, 5, 500_000)),
    ("a microsecond", "2026-02-28T12:30:05.000001Z", utc(2026, 2, 28, 12, 30, 5, 1)),
    ("nanoseconds", "2026-02-28T12:30:05.000001999Z", utc(2026, 2, 28, 12, 30, 5, 1)),
    ("east", "2026-02-28T12:30:05+02:00", utc(2026, 2, 28, 10, 30, 5)),
    ("west", "2026-02-28T12:30:05-02:30", utc(2026, 2, 28, 15, 0, 5)),
    ("the day before", "2026-03-01T00:30:00+01:00", utc(2026, 2, 28, 23, 30)),
    ("far east", "2026-02-28T12:30:00+23:59", utc(2026, 2, 27, 12, 31)),
    ("no offset", "2026-02-28T12:30:05+00:00", utc(2026, 2, 28, 12, 30, 5)),
    ("an unknown one", "2026-02-28T12:30:05-00:00", utc(2026, 2, 28, 12, 30, 5)),
    ("a leap day", "2024-02-29T00:00:00Z", utc(2024, 2, 29)),
    ("a leap second", "1990-12-31T23:59:60Z", utc(1991, 1, 1)),
    ("the same in the west", "1990-12-31T15:59:60-08:00", utc(1991, 1, 1)),
    ("a part of it", "2016-12-31T23:59:60.25Z", utc(2017, 1, 1, 0, 0, 0, 250_000)),
    ("the first year", "0001-01-01T00:00:00Z", utc(1, 1, 1)),
    ("the last year", "9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59)),
]

MALFORMED = [
    # name, text
    ("nothing", ""),
    ("a date", "2026-02-28"),
    ("a time", "12:30:05Z"),
    ("no time zone", "2026-02-28T12:30:05"),
    ("no seconds", "2026-02-28T12:30Z"),
    ("a space between", "2026-02-28 12:30:05Z"),
    ("no hyphens", "20260228T123005Z"),
    ("a week", "2026-W09-6T12:30:05Z"),
    ("a short year", "26-02-28T12:30:05Z"),
    ("a long year", "12026-02-28T12:30:05Z"),
    ("a negative year", "-2026-02-28T12:30:05Z"),
    ("a short month", "2026-2-28T12:30:05Z"),
    ("a comma", "2026-02-28T12:30:05,5Z"),
    ("an empty fraction", "2026-02-28T12:30:05.Z"),
    ("a long fraction", "2026-02-28T12:30:05.0000000001Z"),
    ("an offset of hours", "2026-02-28T12:30:05+02"),
    ("an offset without a colon", "2026-02-28T12:30:05+0200"),
    ("an offset with seconds", "2026-02-28T12:30:05+02:00:00"),
    ("an offset of a day", "2026-02-28T12:30:05+24:00"),
    ("an offset of 60 minutes", "2026-02-28T12:30:05+01:60"),
    ("the name of a time zone", "2026-02-28T12:30:05CET"),
    ("two time zones", "2026-02-28T12:30:05Z+00:00"),
    ("a space in front", " 2026-02-28T12:30:05Z"),
    ("a line end behind", "2026-02-28T12:30:05Z\n"),
    ("digits that are not ASCII", "202\u0666-02-28T12:30:05Z"),
    ("a very long one", "2026-02-28T12:30:05." + "0" * 100_000 + "Z"),
    ("half of a surrogate pair", "\ud800"),
    #
    # Not in the calendar.
    ("no year", "0000-01-01T00:00:00Z"),
    ("no month", "2026-00-28T12:30:05Z"),
    ("month 13", "2026-13-28T12:30:05Z"),
    ("no day", "2026-02-00T12:30:05Z"),
    ("no leap day", "2026-02-29T12:30:05Z"),
    ("the 31st of April", "2026-04-31T12:30:05Z"),
    ("hour 24", "2026-02-28T24:00:00Z"),
    ("minute 60", "2026-02-28T12:60:00Z"),
    ("second 61", "2026-12-31T23:59:61Z"),
    ("a leap second at noon", "2026-12-31T12:00:60Z"),
    ("one minute too early", "2026-12-31T23:58:60Z"),
    ("in the middle of a month", "2026-12-30T23:59:60Z"),
    ("at midnight elsewhere", "2026-12-31T23:59:60+01:00"),
    ("before the first year", "0001-01-01T00:00:00+01:00"),
    ("behind the last year", "9999-12-31T23:59:59-01:00"),
    ("the last leap second", "9999-12-31T23:59:60Z"),
]


class DateTimeTests(TableTestCase):
    """Points in time, RFC 3339."""

    def test_parse(self):
        """A point in time is read as such, whatever its time zone."""
        self.assertGives(parseDateTime, DATE_TIMES)

    def test_utc(self):
        """What is read is in UTC."""
        for _, text, _ in DATE_TIMES:
            self.assertEqual(timezone.utc, parseDateTime(text).tzinfo, text)

    def test_malformed(self):
        """What is not of the RFC's grammar, or not in the calendar, is refused."""
        self.assertRefuses(ValueError, parseDateTime, MALFORMED)

    def test_print(self):
        """A point in time is printed in UTC, with no more digits than it needs."""
        self.assertGives(
            printDateTime,
            [
                ("a second", utc(2026, 2, 28, 12, 30, 5), "2026-02-28T12:30:05Z"),
                ("a part", utc(2026, 2, 28, 0, 0, 0, 5), "2026-02-28T00:00:00.000005Z"),
                ("an early year", utc(26, 2, 28), "0026-02-28T00:00:00Z"),
                (
                    "elsewhere",
                    datetime(2026, 2, 28, tzinfo=timezone(timedelta(hours=1))),
                    "2026-02-27T23:00:00Z",
                ),
            ],
        )

    def test_noTimeZone(self):
        """One that could be anywhere is not printed."""
        self.assertRaises(ValueError, printDateTime, datetime(2026, 2, 28))

    @given(dateTimes)
    def test_roundTrip(self, moment):
        """Reading what is printed gives the same point in time."""
        self.assertEqual(moment, parseDateTime(printDateTime(moment)))

    @given(dateTimes)
    def test_isoformat(self, moment):
        """So does reading it as Python prints it, with its own offset."""
        self.assertEqual(moment, parseDateTime(moment.isoformat()))

    @given(st.text("0123456789-:.TZ+", max_size=30))
    def test_anyText(self, text):
        """Whatever the text is, it is read or refused with a C{ValueError}."""
        try:
            parseDateTime(text)
        except ValueError:
            pass
