# -*- test-case-name: tests.test_passwd -*-
"""
C{python -m smtpsession}: what there is to do besides C{twistd smtpsession}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from attrs import frozen

from smtpsession import check, passwd
from smtpsession.selftest import command as selftest
from smtpsession.version import describeVersion


@frozen
class Subcommand:
    """
    A row of the table.

    @ivar synopsis: its arguments
    @ivar summary: what it does
    @ivar main: given its arguments, returns the status to exit with: 0; 1, it could not
        be done, or what it looks at is not good; 2, the arguments are not right, or
        there was nothing to look at.  Messages go to standard error.
    """

    synopsis: str
    summary: str
    main: Callable[[Sequence[str]], int]


SUBCOMMANDS = {
    "check": Subcommand("FILE", "look whether a configuration is good", check.main),
    "passwd": Subcommand(
        "FILE NAME [--scheme SCHEME]", "set a password in a users file", passwd.main
    ),
    "selftest": Subcommand(
        "HOST:PORT [--rcpt-to ADDRESS]",
        "try the known attacks on a server",
        selftest.main,
    ),
}


def main(arguments: Sequence[str]) -> int:
    """
    Run the subcommand that the first argument names.

    @return: the status to exit with
    """
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name == "--version":
        print(describeVersion())
        return 0
    if name not in SUBCOMMANDS:
        print(_usage(), file=sys.stderr)
        return 2
    return SUBCOMMANDS[name].main(rest)


def _usage() -> str:
    lines = ["usage: python -m smtpsession COMMAND", ""]
    for name, each in SUBCOMMANDS.items():
        lines.append(f"  {name} {each.synopsis}\n      {each.summary}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
