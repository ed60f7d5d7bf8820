"""
How many files and sockets may be open.
"""

from __future__ import annotations

from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

#: What is needed besides one for each session.
OTHERS = 200


class DescriptorsError(Exception):
    """Too few may be open."""


def allowDescriptors(sessions: int) -> None:
    """
    Have this process and the service open as many as so many sessions take.

    @raise DescriptorsError: that is not allowed
    """
    needed = sessions + OTHERS
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft != RLIM_INFINITY and soft < needed:
        most = hard if hard == RLIM_INFINITY else max(hard, needed)
        try:
            setrlimit(RLIMIT_NOFILE, (needed, most))
        except (OSError, ValueError) as error:
            raise DescriptorsError(
                f"{needed:,} files have to be open at a time, and {hard:,} may be: "
                "raise the hard limit (ulimit -Hn) or ask for fewer --sessions"
            ) from error
