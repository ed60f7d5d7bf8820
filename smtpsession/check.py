# -*- test-case-name: tests.test_check -*-
"""
C{python -m smtpsession check FILE}: whether a configuration can be used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from smtpsession.errors import ConfigError


def main(arguments: Sequence[str]) -> int:
    """
    Read a configuration and make all that it asks for, but start nothing.

    @return: 0, and standard output says what may not be meant; 1, something is wrong,
        and standard error says all that is; 2, the arguments are not right
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m smtpsession check FILE", file=sys.stderr)
        return 2
    (name,) = arguments
    try:
        hints = _check(Path(name))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for each in hints:
        print(f"{name}: {each}")
    print(f"{name}: good")
    return 0


def _check(file: Path) -> Sequence[str]:
    # Not before: who sets a password has no use for all that.
    from twisted.internet import reactor

    try:
        from smtpsession.examination import examineWhole
    except ImportError as error:
        what = f"{error.name} is missing: pip install 'smtpsession[service]'"
        raise ConfigError([what]) from error
    from smtpsession.trials import hintsFor

    return [*hintsFor(examineWhole(file, reactor))]
