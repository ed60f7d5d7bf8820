# -*- test-case-name: tests.test_printable -*-
"""
Text of others, as people read it in a log or on a terminal.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """
    The same on one line: what is not printable is escaped, as Python does it.

    That is what would end the line, and what a terminal obeys, or shows as something
    else: control characters, those without a width, and those that turn the direction
    (CVE-2021-42574).
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
