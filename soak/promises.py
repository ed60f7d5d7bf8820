"""
What must hold under load, and whether it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from statistics import median
from typing import NamedTuple

from benchmarks.bodies import MIB

#: How much more may be held in the last third of the time than in the first.
GROWTH = 8 * MIB


class Promise(NamedTuple):
    """Something that has to hold, and what was seen."""

    what: str
    isKept: bool
    seen: str


class Observation(NamedTuple):
    """
    What was seen of the service.

    @ivar failures: what clients have seen that they should not have
    @ivar visits: how many clients of each kind have come and gone
    @ivar wanted: how many messages were to be brought at the least
    @ivar accepted: the numbers of the messages that got a 250
    @ivar kept: of those that are in the Maildir, and are whole
    @ivar torn: how many files there are none of these
    @ivar unfinished: how many files are in C{tmp} after everybody has gone
    @ivar sessions: how many were idle
    @ivar awake: how many of them were answered in the end
    @ivar memory: what was held, in octets, time after time
    @ivar descriptors: how many were open before anybody came
    @ivar left: how many are open after everybody has gone
    @ivar faults: what the log has of exceptions that nobody foresaw
    @ivar empty: what was held before anybody came, in octets
    @ivar idle: what was held besides when the idle sessions were there
    @ivar most: the most that was ever held
    @ivar seconds: how long the messages took
    @ivar cpu: how many seconds of CPU they took
    """

    failures: Sequence[str]
    visits: Mapping[str, int]
    wanted: int
    accepted: Set[int]
    kept: Set[int]
    torn: int
    unfinished: int
    sessions: int
    awake: int
    memory: Sequence[int]
    descriptors: int
    left: int
    faults: Sequence[str]
    empty: int
    idle: int
    most: int
    seconds: float
    cpu: float


def judge(seen: Observation) -> list[Promise]:
    """What is promised, each with whether it holds."""
    missing = len(seen.accepted - seen.kept)
    unheard = [kind for kind, count in seen.visits.items() if not count]
    growth = last(seen.memory) - first(seen.memory)
    return [
        _none("no client sees what it should not", seen.failures),
        _none("no kind of client has stayed away", unheard),
        Promise(
            "all that is brought is accepted",
            len(seen.accepted) >= seen.wanted,
            f"{len(seen.accepted):,} messages of {seen.wanted:,}",
        ),
        Promise(
            "every message that got a 250 is there",
            not missing,
            f"{missing:,} missing",
        ),
        Promise(
            "and whole",
            not (seen.torn or seen.unfinished),
            f"{len(seen.kept):,} files, {seen.torn:,} torn, {seen.unfinished:,} begun",
        ),
        Promise(
            "idle sessions are answered in the end",
            seen.awake == seen.sessions,
            f"{seen.awake:,} of {seen.sessions:,}",
        ),
        Promise(
            f"memory is flat, within {GROWTH // MIB} MiB",
            growth <= GROWTH,
            f"{growth / MIB:+.1f} MiB from the first third to the last",
        ),
        Promise(
            "descriptors return to what they were",
            seen.left == seen.descriptors,
            f"{seen.descriptors} before, {seen.left} after",
        ),
        _none("no exception is in the log", seen.faults),
    ]


def figures(seen: Observation) -> list[tuple[str, str]]:
    """What nobody has promised, each with its name."""
    held = seen.idle / 1024 / max(1, seen.sessions)
    return [
        *((kind, f"{count:,}") for kind, count in seen.visits.items()),
        ("seconds", f"{seen.seconds:.0f}"),
        ("messages a second", f"{len(seen.accepted) / seen.seconds:,.0f}"),
        ("CPU of the service, s", f"{seen.cpu:.0f}"),
        ("an idle session, KiB", f"{held:.1f}"),
        ("memory when empty, MiB", f"{seen.empty / MIB:.1f}"),
        ("in the first third, MiB", f"{first(seen.memory) / MIB:.1f}"),
        ("in the last third, MiB", f"{last(seen.memory) / MIB:.1f}"),
        ("at the most, MiB", f"{seen.most / MIB:.1f}"),
    ]


def first(samples: Sequence[int]) -> float:
    """The median of the first third of these."""
    return median(samples[: _third(samples)])


def last(samples: Sequence[int]) -> float:
    """The median of the last third."""
    return median(samples[-_third(samples) :])


def _third(samples: Sequence[int]) -> int:
    return max(1, len(samples) // 3)


def _none(what: str, wrong: Sequence[str]) -> Promise:
    more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
    return Promise(what, not wrong, wrong[0] + more if wrong else "none")
