# -*- test-case-name: tests.test_timing -*-
"""
When a message is to be delivered, and how urgently: values of parameters of MAIL and
RCPT, parse and print.

Each C{parseX} has a C{printX} that is its inverse.  Parsers raise `ValueError`, for the
caller knows which parameter it was.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from smtpsession._grammar import BY_VALUE, FUTURE_RELEASE_INTEGER, PRIORITY_VALUE
from smtpsession.datetimes import parseDateTime, printDateTime
from smtpsession.limits import SECONDS


@frozen
class DeliverBy:
    """
    Until when a message has to be delivered, RFC 2852.

    @ivar seconds: from now on; zero or less for what is late already
    @ivar mode: what to do with it then: C{"R"}, return it, or C{"N"}, go on and notify
        the sender
    @ivar trace: whether the sender wants to know who relays it

    @raise ValueError: one of these is out of range, or it is to be returned at once
    """

    seconds: int
    mode: str
    trace: bool = False

    def __attrs_post_init__(self) -> None:
        if self.mode not in ("R", "N"):
            raise ValueError(f"neither R nor N: {self.mode!r}")
        if abs(self.seconds) > SECONDS:
            raise ValueError(f"more than {SECONDS} seconds: {self.seconds}")
        if self.mode == "R" and self.seconds <= 0:
            raise ValueError(f"no time left until it is returned: {self.seconds}")

    def asDict(self) -> dict[str, int | str | bool]:
        """The same as plain JSON types."""
        return {"seconds": self.seconds, "mode": self.mode, "trace": self.trace}


def parseDeliverBy(text: str) -> DeliverBy:
    """
    The value of BY, RFC 2852, section 4: C{"120;R"}, C{"-5;NT"}.

    @raise ValueError: it is something else
    """
    found = BY_VALUE.fullmatch(text.encode("utf-8"))
    if found is None:
        raise ValueError(f"not a time and a mode: {text!r}")
    seconds, mode, trace = found.groups()
    return DeliverBy(int(seconds), mode.decode("ascii").upper(), trace is not None)


def printDeliverBy(deliverBy: DeliverBy) -> str:
    """The inverse of `parseDeliverBy`."""
    trace = "T" if deliverBy.trace else ""
    return f"{deliverBy.seconds};{deliverBy.mode}{trace}"


def parsePriority(text: str) -> int:
    """
    The value of MT-PRIORITY, RFC 6710, section 7: from -9, the lowest, to 9.

    @raise ValueError: it is something else
    """
    octets = text.encode("utf-8")
    if PRIORITY_VALUE.fullmatch(octets) is None:
        raise ValueError(f"not a priority: {text!r}")
    return int(octets)


def printPriority(priority: int) -> str:
    """The inverse of `parsePriority`."""
    return str(priority)


@frozen
class FutureRelease:
    """
    How long to hold a message before it is delivered, RFC 4865: one of the two.

    @ivar holdFor: in seconds
    @ivar holdUntil: with its time zone

    @raise ValueError: both are given, or none, or C{holdFor} is out of range
    """

    holdFor: int | None = None
    holdUntil: datetime | None = None

    def __attrs_post_init__(self) -> None:
        if (self.holdFor is None) is (self.holdUntil is None):
            raise ValueError("a message is held for a time or until one")
        if self.holdFor is not None and not 1 <= self.holdFor <= SECONDS:
            raise ValueError(f"not from 1 to {SECONDS} seconds: {self.holdFor}")

    def asDict(self) -> dict[str, int | str | None]:
        """The same as plain JSON types."""
        until = None if self.holdUntil is None else printDateTime(self.holdUntil)
        return {"holdFor": self.holdFor, "holdUntil": until}


def parseHoldFor(text: str) -> FutureRelease:
    """
    The value of HOLDFOR, RFC 4865, section 3.

    @raise ValueError: it is not a positive number of seconds
    """
    octets = text.encode("utf-8")
    if FUTURE_RELEASE_INTEGER.fullmatch(octets) is None:
        raise ValueError(f"not a number of seconds: {text!r}")
    return FutureRelease(holdFor=int(octets))


def parseHoldUntil(text: str) -> FutureRelease:
    """
    The value of HOLDUNTIL, RFC 4865, section 3, with erratum 2040: the date-time of
    RFC 3339.  It should be in UTC; if it is not, there is no doubt what it means.

    @raise ValueError: it is no date-time
    """
    return FutureRelease(holdUntil=parseDateTime(text))


def printFutureRelease(release: FutureRelease) -> tuple[str, str]:
    """
    The inverse of `parseHoldFor` and `parseHoldUntil`.

    @return: the parameter's keyword and its value
    """
    if release.holdUntil is not None:
        return "HOLDUNTIL", printDateTime(release.holdUntil)
    return "HOLDFOR", str(release.holdFor)


@frozen
class RRVS:
    """
    Since when a mailbox has to have had its owner, RFC 7293.

    @ivar since: with its time zone
    @ivar action: what to do with the message where the next server cannot check it:
        C{"R"}, reject, C{"C"}, continue; None where that is not said, which is to
        reject (section 5.1.1)

    @raise ValueError: C{action} is another
    """

    since: datetime
    action: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.action not in ("C", "R", None):
            raise ValueError(f"neither C nor R: {self.action!r}")

    def asDict(self) -> dict[str, str | None]:
        """The same as plain JSON types."""
        return {"since": printDateTime(self.since), "action": self.action}


def parseRRVS(text: str) -> RRVS:
    """
    The value of RRVS, RFC 7293, section 3.1: C{"2026-02-28T12:30:00Z;C"}.

    @raise ValueError: it is something else
    """
    since, semicolon, action = text.partition(";")
    if not semicolon:
        return RRVS(parseDateTime(since))
    # None of the letters that are not ASCII becomes one of these in upper case.
    return RRVS(parseDateTime(since), action.upper())


def printRRVS(rrvs: RRVS) -> str:
    """The inverse of `parseRRVS`."""
    since = printDateTime(rrvs.since)
    return since if rrvs.action is None else f"{since};{rrvs.action}"
