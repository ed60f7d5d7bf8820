# -*- test-case-name: tests.test_selftest -*-
"""
What is wrong with what was heard.

A server may hang up on whom it does not like, and then there are fewer replies than
commands; that is never held against it.
"""

from __future__ import annotations

from smtpsession.selftest.heard import Heard
from smtpsession.selftest.model import Judge


def atMost(due: int) -> Judge:
    """
    No more replies than commands.

    @param due: how many there are commands, QUIT included
    """

    def judge(heard: Heard) -> str | None:
        count = len(heard.answers)
        if count <= due:
            return None
        what = f"{count} replies where {due} were due"
        if noMessage(heard) is not None:
            return f"{what}: a message that nobody had sent was accepted"
        return f"{what}: what was no command was taken for one"

    return judge


def oneReply(heard: Heard) -> str | None:
    """One line, however long, has one reply, and QUIT another one."""
    count = len(heard.answers)
    if count <= 2:
        return None
    return f"{count} replies to one line and QUIT: its parts were taken for lines"


def exactly(due: int) -> Judge:
    """As many replies as commands; a server that hangs up says at least why."""
    tooMany = atMost(due)

    def judge(heard: Heard) -> str | None:
        if heard.isClosed and not heard.answers:
            return f"it hung up, and said nothing where {due} replies were due"
        if len(heard.answers) < due and not heard.isClosed:
            return f"only {len(heard.answers)} replies in time where {due} were due"
        return tooMany(heard)

    return judge


def refused(heard: Heard) -> str | None:
    """The first command is not carried out."""
    if heard.answers and heard.answers[0].isPositive:
        return f"accepted: {heard.answers[0]}"
    return None


def proper(heard: Heard) -> str | None:
    """All that was said is made of replies."""
    line = heard.improper
    return None if line is None else f"not a reply line: {line[:60]!r}"


def inOrder(*classes: int | None) -> Judge:
    """
    The replies come in the order of the commands, as many as there are.

    @param classes: the first digits of their codes; None for any
    """

    def judge(heard: Heard) -> str | None:
        got = [each // 100 for each in heard.codes]
        pairs = zip(classes, got, strict=False)
        if len(got) <= len(classes) and all(a in (None, b) for a, b in pairs):
            return None
        due = " ".join(f"{each or 'x'}xx" for each in classes)
        return f"{' '.join(map(str, heard.codes))} where {due} were due"

    return judge


def notInjected(heard: Heard) -> str | None:
    """What stood behind STARTTLS has no reply, neither in the clear nor in TLS."""
    if heard.codes[:1] == [220]:
        for each in heard.answers[1:]:
            if each.isPositive and each.code != 221:
                return f"answered, though it came before TLS: {each}"
    return None


def forgotten(heard: Heard) -> str | None:
    """
    A RCPT behind the second hello is refused: the replies are those to STARTTLS, to
    hello, and to it.
    """
    if [each // 100 for each in heard.codes[:3]] == [2, 2, 2]:
        return f"accepted: {heard.answers[2]}"
    return None


def noMessage(heard: Heard) -> str | None:
    """No message was accepted."""
    for first, second in zip(heard.codes, heard.codes[1:], strict=False):
        if first == 354 and second // 100 == 2:
            return "a message was accepted"
    return None
