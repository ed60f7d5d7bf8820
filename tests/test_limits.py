"""
Tests of smtpsession.limits.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict
from attrs.exceptions import FrozenInstanceError

from smtpsession import limits
from smtpsession.limits import Limits
from tests.cases import TableTestCase

DEFAULTS = {
    "messageSize": 26_214_400,
    "recipients": 1000,
    "recipientDomains": None,
    "transactions": 1000,
    "errors": 20,
    "clients": 1000,
    "clientsPerAddress": 50,
    "commandTimeout": 300,
    "dataTimeout": 600,
    "minimumDataRate": 128,
    "handshakeTimeout": 60,
    "authFailures": 3,
    "authFailuresPerAddress": 30,
    "banTime": 600,
    "closingTimeout": 30,
    "streamBuffer": 65_536,
    "bufferedOctets": 268_435_456,
    "loopLag": 5,
}

COUNTS = [
    *("messageSize", "recipients", "transactions", "errors"),
    *("clients", "clientsPerAddress", "streamBuffer", "authFailures"),
    "authFailuresPerAddress",
    "bufferedOctets",
]
TIMES = [
    "commandTimeout",
    "dataTimeout",
    "handshakeTimeout",
    "closingTimeout",
    "banTime",
    "loopLag",
]


#: Of what nothing at all may be allowed.
MAY_BE_NONE = ("errors", "authFailures")


class LimitsTests(TableTestCase):
    """The limits that an operator may set."""

    def test_defaults(self):
        """Each limit has its documented default."""
        self.assertEqual(DEFAULTS, asdict(Limits()))

    def test_defaultsAreNotBelowTheStandard(self):
        """No default is below what RFC 5321, section 4.5.3, demands."""
        default = Limits()

        self.assertTrue(default.messageSize >= 64 * 1024, "section 4.5.3.1.7")
        self.assertTrue(default.recipients >= 100, "section 4.5.3.1.8")
        self.assertTrue(default.commandTimeout >= 5 * 60, "section 4.5.3.2.7")
        self.assertTrue(default.dataTimeout >= 3 * 60, "section 4.5.3.2.5")

    def test_smallestCounts(self):
        """A count may be as small as one, and some as small as none."""
        for name in COUNTS:
            self.assertEqual(1, getattr(Limits(**{name: 1}), name), name)
        for name in MAY_BE_NONE:
            self.assertEqual(0, getattr(Limits(**{name: 0}), name), name)

    def test_smallCounts(self):
        """A count that lets nothing in is refused."""
        rows = [(name, {name: 0}) for name in COUNTS if name not in MAY_BE_NONE]
        rows += [(name, {name: -1}) for name in COUNTS]

        self.assertRefuses(ValueError, lambda row: Limits(**row), rows)

    def test_countsAreWhole(self):
        """A count that is not an int is refused."""
        values: list[Any] = [1.5, "10", None]
        rows = [(name, {name: value}) for name in COUNTS for value in values]

        self.assertRefuses(TypeError, lambda row: Limits(**row), rows)

    def test_times(self):
        """A time may be an int or a float."""
        values: list[Any] = [5, 0.5]
        for name in TIMES:
            for value in values:
                self.assertEqual(value, getattr(Limits(**{name: value}), name), name)

    def test_badTimes(self):
        """A time that is not above zero, or has no end, is refused."""
        values = [0, -0.5, float("nan"), float("inf")]
        rows = [(name, {name: value}) for name in TIMES for value in values]
        texts = [(name, {name: "5"}) for name in TIMES]

        self.assertRefuses(ValueError, lambda row: Limits(**row), rows)
        self.assertRefuses(TypeError, lambda row: Limits(**row), texts)

    def test_frozen(self):
        """Limits never change."""
        with self.assertRaises(FrozenInstanceError):
            Limits().recipients = 5  # type: ignore[misc]

    def test_keywordsOnly(self):
        """Limits are given by name, so that none is taken for another."""
        with self.assertRaises(TypeError):
            Limits(1000)  # type: ignore[call-arg]

    def test_standard(self):
        """The limits that nobody sets are those of the RFCs."""
        self.assertEqual(512, limits.COMMAND_LINE, "RFC 5321, section 4.5.3.1.4")
        self.assertEqual(64, limits.LOCAL_PART, "RFC 5321, section 4.5.3.1.1")
        self.assertEqual(255, limits.DOMAIN, "RFC 5321, section 4.5.3.1.2")
        self.assertEqual(256, limits.PATH, "RFC 5321, section 4.5.3.1.3")
        self.assertEqual(63, limits.LABEL, "RFC 1035, section 2.3.4")
        self.assertEqual(100, limits.ENVID, "RFC 3461, section 4.4")
        self.assertEqual(500, limits.ORCPT, "RFC 3461, section 4.2")
        self.assertEqual(999_999_999, limits.SECONDS, "RFC 2852, section 4")
        self.assertEqual(999_999, limits.ANNOUNCED, "RFC 9422, section 4")
        self.assertEqual(255, limits.ATTRIBUTE_VALUE, "XFORWARD_README, note 1")
        self.assertEqual(64, limits.PROTOCOL_NAME, "XFORWARD_README")
