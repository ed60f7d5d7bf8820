# -*- test-case-name: tests.test_selftest -*-
"""
All cases.
"""

from __future__ import annotations

from smtpsession.selftest.changes import changes
from smtpsession.selftest.endings import endings
from smtpsession.selftest.model import Case, Target
from smtpsession.selftest.parsing import parsing


def corpus(target: Target) -> tuple[Case, ...]:
    """All cases, as they are for this target, in the order of the report."""
    return (*endings(target), *parsing(target), *changes(target))
