# -*- test-case-name: tests.test_results -*-
"""
What a callback says to a message, as replies.
"""

from __future__ import annotations

from attrs import evolve

from smtpsession.actions import Outcome, Refused
from smtpsession.errors import SMTPError
from smtpsession.replies import DONE, MESSAGE_ACCEPTED, EnhancedCode, Reply


class BadResult(TypeError):
    """A callback returned what is not of its contract."""


def repliesTo(outcome: Outcome, recipients: int | None) -> list[Reply]:
    """
    The replies to a message: one, or under LMTP one for each of C{recipients}.

    @raise BadResult: the callback returned what is not of its contract
    """
    if isinstance(outcome, Refused):
        return [outcome.reply] * (1 if recipients is None else recipients)
    if recipients is None:
        return [_replyTo(outcome.value)]
    if isinstance(outcome.value, (list, tuple)):
        if len(outcome.value) != recipients:
            raise BadResult(f"{len(outcome.value)} results for {recipients} recipients")
        return [_replyTo(each) for each in outcome.value]
    return [_replyTo(outcome.value)] * recipients


def _replyTo(value: object) -> Reply:
    if value is None:
        return MESSAGE_ACCEPTED
    if isinstance(value, str):
        return Reply(250, value, DONE)
    if isinstance(value, SMTPError) and hasattr(value, "reply"):
        return value.reply
    if isinstance(value, Reply) and value.code // 100 in (2, 4, 5):
        # RFC 2034, section 4: every such reply has an enhanced code.
        if value.enhanced is not None:
            return value
        return evolve(value, enhanced=EnhancedCode(value.code // 100))
    raise BadResult(f"not an answer to a message: {value!r}")
