# -*- test-case-name: tests.test_selftest -*-
"""
What is said of the results, to people and to programs.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from smtpsession.selftest.heard import shown
from smtpsession.selftest.model import (
    Kind,
    Pause,
    Result,
    Send,
    SendApart,
    Step,
    Target,
    Verdict,
)
from smtpsession.selftest.probe import Introduction

_WIDTH = 88
_INDENT = " " * 4


def text(
    target: Target,
    introduction: Introduction,
    results: Sequence[Result],
    isVerbose: bool,
) -> str:
    """
    For people.

    @param isVerbose: whether all is told of what passed too
    """
    protocol = "LMTP" if target.isLMTP else "SMTP"
    lines = [
        f"{target.address}, {protocol}: {introduction.greeting}",
        f"offers: {' '.join(introduction.extensions) or 'nothing'}",
    ]
    for kind in Kind:
        of = [each for each in results if each.case.kind is kind]
        if of:
            lines += ["", kind.value]
        for result in of:
            lines += _told(result, isVerbose)
    lines += ["", _summary(results)]
    return "\n".join(lines) + "\n"


def data(
    target: Target, introduction: Introduction, results: Sequence[Result]
) -> dict[str, Any]:
    """For programs: plain values, as JSON has them."""
    counts = Counter(each.verdict for each in results)
    return {
        "host": target.host,
        "port": target.port,
        "protocol": "lmtp" if target.isLMTP else "smtp",
        "mailFrom": target.mailFrom,
        "rcptTo": target.rcptTo,
        "greeting": introduction.greeting,
        "extensions": list(introduction.extensions),
        "counts": {each.value: counts[each] for each in Verdict},
        "cases": [
            {
                "name": each.case.name,
                "kind": each.case.kind.value,
                "title": each.case.title,
                "ground": each.case.ground,
                "verdict": each.verdict.value,
                "reason": each.reason,
                "sent": [_step(step) for step in each.sent],
                "received": _received(each),
            }
            for each in results
        ],
    }


def _told(result: Result, isVerbose: bool) -> Iterator[str]:
    yield f"  {result.verdict.value:<14}  {result.case.name:<20}  {result.case.title}"
    verdict = result.verdict
    if verdict is Verdict.NOT_APPLICABLE or verdict is Verdict.UNTESTED:
        yield from _field("because", result.reason)
    elif verdict is Verdict.FINDING or isVerbose:
        if result.reason:
            yield from _field("because", result.reason)
        yield from _field("ground", result.case.ground)
        for step in result.sent:
            yield from _field("sent", _step(step))
        for line in _received(result):
            yield from _field("received", line)


def _field(name: str, value: str) -> Iterator[str]:
    first = f"{_INDENT}{name + ':':<10}"
    yield from textwrap.wrap(
        value, _WIDTH, initial_indent=first, subsequent_indent=" " * len(first)
    )


def _summary(results: Sequence[Result]) -> str:
    counts = Counter(each.verdict for each in results)
    return ", ".join(f"{each.value}: {counts[each]}" for each in Verdict)


def _step(step: Step) -> str:
    if isinstance(step, Send):
        return shown(step.octets)
    if isinstance(step, SendApart):
        return f"{shown(step.octets)} (octet by octet)"
    return "(a pause)" if isinstance(step, Pause) else "(TLS, if the server says 220)"


def _received(result: Result) -> list[str]:
    lines = [shown(line) for each in result.heard.answers for line in each.lines]
    return [*lines, "(closed)"] if result.heard.isClosed else lines
