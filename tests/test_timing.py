"""
Tests of smtpsession.timing.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from smtpsession.timing import (
    RRVS,
    DeliverBy,
    FutureRelease,
    parseDeliverBy,
    parseHoldFor,
    parseHoldUntil,
    parsePriority,
    parseRRVS,
    printDeliverBy,
    printFutureRelease,
    printPriority,
    printRRVS,
)
from tests.cases import TableTestCase
from tests.strategies import deliverBys, futureReleases, rrvs

NOON = datetime(2026, 2, 28, 12, tzinfo=timezone.utc)

DELIVER_BY = [
    # name, text, value
    ("return it", "120;R", DeliverBy(120, "R")),
    ("notify", "120;N", DeliverBy(120, "N")),
    ("return it and trace", "120;RT", DeliverBy(120, "R", trace=True)),
    ("notify and trace", "120;NT", DeliverBy(120, "N", trace=True)),
    ("lower case", "120;rt", DeliverBy(120, "R", trace=True)),
    ("a sign", "+120;R", DeliverBy(120, "R")),
    ("late", "-120;N", DeliverBy(-120, "N")),
    ("now", "0;N", DeliverBy(0, "N")),
    ("zeros in front", "000000120;R", DeliverBy(120, "R")),
    ("the longest time", "999999999;R", DeliverBy(999_999_999, "R")),
    ("the latest", "-999999999;NT", DeliverBy(-999_999_999, "N", trace=True)),
]

NOT_DELIVER_BY = [
    # name, text
    ("nothing", ""),
    ("no mode", "120"),
    ("an empty mode", "120;"),
    ("no time", ";R"),
    ("only a sign", "+;R"),
    ("two signs", "--1;N"),
    ("another mode", "120;X"),
    ("both modes", "120;RN"),
    ("only a trace", "120;T"),
    ("the trace in front", "120;TR"),
    ("two traces", "120;RTT"),
    ("a comma", "120,R"),
    ("a space", "120; R"),
    ("ten digits", "1234567890;N"),
    ("very many digits", "1" * 100_000 + ";N"),
    ("a fraction", "1.5;R"),
    ("an underscore", "1_0;R"),
    ("digits that are not ASCII", "\u0661;R"),
    ("a line end behind", "120;R\n"),
    ("returned at once", "0;R"),
    ("returned at once, with a sign", "-0;R"),
    ("returned before", "-1;R"),
    ("returned before, traced", "-1;rt"),
]


class DeliverByTests(TableTestCase):
    """BY, RFC 2852, section 4."""

    def test_parse(self):
        """It is a time and a mode, and whether to trace."""
        self.assertGives(parseDeliverBy, DELIVER_BY)

    def test_malformed(self):
        """It is nothing else, and nothing is returned before any time has passed."""
        self.assertRefuses(ValueError, parseDeliverBy, NOT_DELIVER_BY)

    def test_outOfRange(self):
        """No such value is made in another way either."""
        for seconds, mode in [
            (0, "R"),
            (1, "X"),
            (1, "r"),
            (10**9, "R"),
            (-(10**9), "N"),
        ]:
            self.assertRaises(ValueError, DeliverBy, seconds, mode)

    def test_print(self):
        """It is printed without what it does not need."""
        self.assertEqual("120;R", printDeliverBy(DeliverBy(120, "R")))
        self.assertEqual("-5;NT", printDeliverBy(DeliverBy(-5, "N", trace=True)))

    def test_asDict(self):
        """As JSON it is an object."""
        self.assertEqual(
            {"seconds": 5, "mode": "R", "trace": True},
            json.loads(json.dumps(DeliverBy(5, "R", trace=True).asDict())),
        )

    @given(deliverBys)
    def test_roundTrip(self, deliverBy):
        """Reading what is printed gives the same value."""
        self.assertEqual(deliverBy, parseDeliverBy(printDeliverBy(deliverBy)))


class PriorityTests(TableTestCase):
    """MT-PRIORITY, RFC 6710, section 7."""

    def test_parse(self):
        """It is a number from -9 to 9, and so is what is printed."""
        for priority in range(-9, 10):
            self.assertEqual(priority, parsePriority(str(priority)))
            self.assertEqual(str(priority), printPriority(priority))

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parsePriority,
            [
                ("nothing", ""),
                ("ten", "10"),
                ("minus ten", "-10"),
                ("a zero in front", "01"),
                ("a negative zero", "-0"),
                ("a sign", "+1"),
                ("only a sign", "-"),
                ("a fraction", "1.0"),
                ("a word", "high"),
                ("a space", " 1"),
                ("a line end behind", "1\n"),
                ("a digit that is not ASCII", "\u0661"),
                ("very many digits", "1" * 100_000),
            ],
        )


class FutureReleaseTests(TableTestCase):
    """HOLDFOR and HOLDUNTIL, RFC 4865, section 3."""

    def test_holdFor(self):
        """HOLDFOR is a positive number of seconds."""
        self.assertGives(
            parseHoldFor,
            [
                ("a second", "1", FutureRelease(holdFor=1)),
                ("a week", "604800", FutureRelease(holdFor=604_800)),
                ("the longest", "999999999", FutureRelease(holdFor=999_999_999)),
            ],
        )

    def test_notHoldFor(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseHoldFor,
            [
                ("nothing", ""),
                ("no time", "0"),
                ("a zero in front", "01"),
                ("a negative time", "-1"),
                ("a sign", "+1"),
                ("ten digits", "1000000000"),
                ("a fraction", "1.5"),
                ("an underscore", "1_0"),
                ("a unit", "1h"),
                ("a date-time", "2026-02-28T12:00:00Z"),
                ("a digit that is not ASCII", "\u0661"),
                ("a line end behind", "1\n"),
                ("very many digits", "1" * 100_000),
            ],
        )

    def test_holdUntil(self):
        """HOLDUNTIL is a point in time."""
        self.assertGives(
            parseHoldUntil,
            [
                ("in UTC", "2026-02-28T12:00:00Z", FutureRelease(holdUntil=NOON)),
                ("elsewhere", "2026-02-28T14:00:00+02:00", FutureRelease(None, NOON)),
            ],
        )

    def test_notHoldUntil(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseHoldUntil,
            [
                ("nothing", ""),
                ("a number of seconds", "60"),
                ("a date", "2026-02-28"),
                ("no time zone", "2026-02-28T12:00:00"),
                ("no such day", "2026-02-30T12:00:00Z"),
                ("two", "2026-02-28T12:00:00Z;2026-02-28T12:00:00Z"),
            ],
        )

    def test_oneOfBoth(self):
        """A message is held for a time or until one, not both and not neither."""
        self.assertRaises(ValueError, FutureRelease)
        self.assertRaises(ValueError, FutureRelease, 60, NOON)

    def test_outOfRange(self):
        """No time that cannot be asked for is made in another way."""
        for seconds in (0, -1, 1_000_000_000):
            self.assertRaises(ValueError, FutureRelease, seconds)

    def test_print(self):
        """It is printed as the one parameter or the other, and that in UTC."""
        elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))

        self.assertEqual(
            ("HOLDFOR", "60"), printFutureRelease(FutureRelease(holdFor=60))
        )
        self.assertEqual(
            ("HOLDUNTIL", "2026-02-28T12:00:00Z"),
            printFutureRelease(FutureRelease(holdUntil=elsewhere)),
        )

    def test_asDict(self):
        """As JSON it is an object."""
        self.assertEqual(
            {"holdFor": None, "holdUntil": "2026-02-28T12:00:00Z"},
            json.loads(json.dumps(FutureRelease(holdUntil=NOON).asDict())),
        )
        self.assertEqual(
            {"holdFor": 60, "holdUntil": None}, FutureRelease(holdFor=60).asDict()
        )

    @given(futureReleases)
    def test_roundTrip(self, release):
        """Reading what is printed gives the same value."""
        keyword, value = printFutureRelease(release)
        parse = {"HOLDFOR": parseHoldFor, "HOLDUNTIL": parseHoldUntil}[keyword]

        self.assertEqual(release, parse(value))


class RRVSTests(TableTestCase):
    """RRVS, RFC 7293, section 3.1."""

    def test_parse(self):
        """It is a point in time, and what to do where that cannot be checked."""
        self.assertGives(
            parseRRVS,
            [
                ("alone", "2026-02-28T12:00:00Z", RRVS(NOON)),
                ("continue", "2026-02-28T12:00:00Z;C", RRVS(NOON, "C")),
                ("reject", "2026-02-28T12:00:00Z;R", RRVS(NOON, "R")),
                ("lower case", "2026-02-28t12:00:00z;r", RRVS(NOON, "R")),
                ("elsewhere", "2026-02-28T07:00:00-05:00;C", RRVS(NOON, "C")),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseRRVS,
            [
                ("nothing", ""),
                ("no time", ";C"),
                ("a date", "2026-02-28;C"),
                ("no such day", "2026-02-30T12:00:00Z"),
                ("an empty action", "2026-02-28T12:00:00Z;"),
                ("another action", "2026-02-28T12:00:00Z;X"),
                ("both actions", "2026-02-28T12:00:00Z;CR"),
                ("two actions", "2026-02-28T12:00:00Z;C;R"),
                ("a space", "2026-02-28T12:00:00Z; C"),
                ("a comma", "2026-02-28T12:00:00Z,C"),
                ("a line end behind", "2026-02-28T12:00:00Z;C\n"),
                ("a letter that looks like one", "2026-02-28T12:00:00Z;\u0421"),
            ],
        )

    def test_outOfRange(self):
        """No other action is made in another way."""
        for action in ("X", "c", ""):
            self.assertRaises(ValueError, RRVS, NOON, action)

    def test_print(self):
        """It is printed in UTC."""
        self.assertEqual("2026-02-28T12:00:00Z", printRRVS(RRVS(NOON)))
        self.assertEqual("2026-02-28T12:00:00Z;C", printRRVS(RRVS(NOON, "C")))

    def test_asDict(self):
        """As JSON it is an object."""
        self.assertEqual(
            {"since": "2026-02-28T12:00:00Z", "action": "C"},
            json.loads(json.dumps(RRVS(NOON, "C").asDict())),
        )

    @given(rrvs)
    def test_roundTrip(self, value):
        """Reading what is printed gives the same value."""
        self.assertEqual(value, parseRRVS(printRRVS(value)))


class ValueTests(TableTestCase):
    """All of these values."""

    def test_frozen(self):
        """A value never changes."""
        with self.assertRaises(FrozenInstanceError):
            DeliverBy(1, "R").seconds = 2  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            FutureRelease(1).holdFor = 2  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            RRVS(NOON).action = "C"  # type: ignore[misc]

    @given(st.text(max_size=40))
    def test_anyText(self, text):
        """Whatever the text is, it is read or refused with a C{ValueError}."""
        for parse in (
            *(parseDeliverBy, parsePriority, parseHoldFor, parseHoldUntil, parseRRVS),
        ):
            try:
                parse(text)
            except ValueError:
                pass
