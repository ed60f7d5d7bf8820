"""
Tests of smtpsession.keywords.
"""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.keywords import (
    AnnouncedLimits,
    parseLimits,
    parseMaxFutureRelease,
    parseMinByTime,
    parsePriorityProfile,
    printLimits,
    printMaxFutureRelease,
    printMinByTime,
    printPriorityProfile,
)
from tests.cases import TableTestCase
from tests.strategies import dateTimes

NOON = datetime(2026, 2, 28, 12, tzinfo=timezone.utc)

_limits = st.none() | st.integers(1, 999_999)


class MinByTimeTests(TableTestCase):
    """DELIVERBY, RFC 2852, section 2."""

    def test_parse(self):
        """It is the least time, if it is there."""
        self.assertGives(
            parseMinByTime,
            [
                ("not there", "", None),
                ("there", "240", 240),
                ("zero", "0", 0),
                ("the longest", "999999999", 999_999_999),
                ("an option of the future", "240,X=1", 240),
                ("only such options", ",X,Y", None),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseMinByTime,
            [
                ("a word", "soon"),
                ("a negative time", "-1"),
                ("ten digits", "1000000000"),
                ("a space", "240 X"),
                ("a comma behind", "240,"),
                ("two commas", "240,,X"),
                ("a digit that is not ASCII", "\u0661"),
                ("a line end behind", "240\n"),
                ("very many commas", "," * 100_000),
            ],
        )

    @given(st.none() | st.integers(0, 999_999_999))
    def test_roundTrip(self, seconds):
        """Reading what is printed gives the same."""
        self.assertEqual(seconds, parseMinByTime(printMinByTime(seconds)))


class PriorityProfileTests(TableTestCase):
    """MT-PRIORITY, RFC 6710, section 7."""

    def test_parse(self):
        """It is the name of a policy in any case, if it is there."""
        self.assertGives(
            parsePriorityProfile,
            [
                ("not there", "", None),
                ("there", "MIXER", "MIXER"),
                ("lower case", "stanag4406", "STANAG4406"),
                ("signs", "A-B_C.9", "A-B_C.9"),
                ("20 letters", "A" * 20, "A" * 20),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parsePriorityProfile,
            [
                ("21 letters", "A" * 21),
                ("two names", "MIXER NSEP"),
                ("another sign", "MIXER/1"),
                ("a letter that is not ASCII", "M\xcfXER"),
                ("a line end behind", "MIXER\n"),
            ],
        )

    @given(st.none() | st.from_regex(r"[A-Z0-9._-]{1,20}", fullmatch=True))
    def test_roundTrip(self, name):
        """Reading what is printed gives the same."""
        self.assertEqual(name, parsePriorityProfile(printPriorityProfile(name)))


class MaxFutureReleaseTests(TableTestCase):
    """FUTURERELEASE, RFC 4865, section 3."""

    def test_parse(self):
        """It is an interval and a point in time."""
        self.assertGives(
            parseMaxFutureRelease,
            [
                ("a week", "604800 2026-02-28T12:00:00Z", (604_800, NOON)),
                ("elsewhere", "1 2026-02-28T13:00:00+01:00", (1, NOON)),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseMaxFutureRelease,
            [
                ("nothing", ""),
                ("an interval alone", "604800"),
                ("a space behind", "604800 "),
                ("a point in time alone", "2026-02-28T12:00:00Z"),
                ("the other way round", "2026-02-28T12:00:00Z 604800"),
                ("two spaces", "604800  2026-02-28T12:00:00Z"),
                ("no interval", "0 2026-02-28T12:00:00Z"),
                ("ten digits", "1000000000 2026-02-28T12:00:00Z"),
                ("a third word", "1 2026-02-28T12:00:00Z X"),
            ],
        )

    @given(st.integers(1, 999_999_999), dateTimes)
    def test_roundTrip(self, interval, dateTime):
        """Reading what is printed gives the same."""
        self.assertEqual(
            (interval, dateTime),
            parseMaxFutureRelease(printMaxFutureRelease(interval, dateTime)),
        )


class LimitsTests(TableTestCase):
    """LIMITS, RFC 9422."""

    def test_parse(self):
        """It is a list of limits, of which those that are known are read."""
        self.assertGives(
            parseLimits,
            [
                ("the RFC's", "RCPTMAX=20 MAILMAX=5", AnnouncedLimits(20, 5)),
                (
                    "all",
                    "RCPTDOMAINMAX=1 MAILMAX=2 RCPTMAX=3",
                    AnnouncedLimits(3, 2, 1),
                ),
                ("lower case", "rcptmax=20", AnnouncedLimits(20)),
                ("the largest", "MAILMAX=999999", AnnouncedLimits(mailMax=999_999)),
            ],
        )

    def test_passedOver(self):
        """RFC 9422, section 3.7: what is not known, or no number, is passed over."""
        for text in (
            *("X=1", "X", "X=a=b", "RCPTMAX", "RCPTMAX=0", "RCPTMAX=01", "RCPTMAX=-1"),
            *("RCPTMAX=1000000", "RCPTMAX=many", "RCPTMAX=1.0", "RCPTMAX=+1"),
        ):
            self.assertEqual(
                AnnouncedLimits(mailMax=5), parseLimits(f"{text} MAILMAX=5"), text
            )

    def test_malformed(self):
        """What is no such list is refused as a whole."""
        self.assertRefuses(
            ValueError,
            parseLimits,
            [
                ("nothing", ""),
                ("a space", " "),
                ("a space behind", "RCPTMAX=20 "),
                ("two spaces", "RCPTMAX=20  MAILMAX=5"),
                ("no name", "=20"),
                ("no value behind the sign", "RCPTMAX="),
                ("a semicolon", "RCPTMAX=20;MAILMAX=5"),
                ("a dot in a name", "RCPT.MAX=20"),
                ("what is not ASCII", "RCPTMAX=\u0661"),
                ("a line end behind", "RCPTMAX=20\n"),
                ("very many spaces", " " * 100_000),
            ],
        )

    def test_print(self):
        """What is said is printed; where nothing is, there is nothing to announce."""
        self.assertGives(
            printLimits,
            [
                (
                    "all",
                    AnnouncedLimits(3, 2, 1),
                    "RCPTMAX=3 MAILMAX=2 RCPTDOMAINMAX=1",
                ),
                ("one", AnnouncedLimits(mailMax=5), "MAILMAX=5"),
                ("none", AnnouncedLimits(), None),
            ],
        )

    def test_printTooLarge(self):
        """A limit of more than six digits is announced as the largest that has six."""
        self.assertEqual("RCPTMAX=999999", printLimits(AnnouncedLimits(5_000_000)))

    @given(st.builds(AnnouncedLimits, _limits, _limits, _limits))
    def test_roundTrip(self, limits):
        """Reading what is printed gives the same."""
        printed = printLimits(limits)

        if printed is None:
            self.assertEqual(AnnouncedLimits(), limits)
        else:
            self.assertEqual(limits, parseLimits(printed))
