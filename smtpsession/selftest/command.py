# -*- test-case-name: tests.test_selftest -*-
"""
C{python -m smtpsession selftest HOST:PORT}: tries the known attacks on a server.
"""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence

from smtpsession.selftest.corpus import corpus
from smtpsession.selftest.model import Result, Target, Verdict
from smtpsession.selftest.probe import CannotTest, examine, introduce
from smtpsession.selftest.report import data, text

_DESCRIPTION = """\
Try the known attacks on a server of SMTP or LMTP, and say what came of each. It sends
mail: use it on a server that is yours, with a recipient whose mail nobody needs.
"""
_EPILOG = """\
Exit status: 0, nothing was found; 1, there are findings; 2, the server, or something
of it, could not be tested.
"""


def main(arguments: Sequence[str]) -> int:
    """
    Run the command.

    @return: the status to exit with: 0; 1, there are findings; 2, there are none, but
        not everything could be tested
    @raise SystemExit: with 2, the arguments are not right
    """
    options = _parse(arguments)
    host, port = options.address
    target = Target(
        host=host,
        port=port,
        isLMTP=options.lmtp,
        mailFrom=options.mail_from,
        rcptTo=options.rcpt_to,
        timeout=options.timeout,
    )
    try:
        introduction = introduce(target)
    except CannotTest as error:
        print(f"smtpsession selftest: {error}", file=sys.stderr)
        return 2
    results = [
        examine(each, target, introduction)
        for each in corpus(target)
        if not options.case or each.name in options.case
    ]
    if options.json:
        print(json.dumps(data(target, introduction, results), indent=1))
    else:
        print(text(target, introduction, results, options.verbose), end="")
    return _status(results)


def _status(results: Sequence[Result]) -> int:
    verdicts = {each.verdict for each in results}
    if Verdict.FINDING in verdicts:
        return 1
    return 2 if Verdict.UNTESTED in verdicts else 0


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m smtpsession selftest",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument(
        "address", metavar="HOST:PORT", type=_address, help="where the server listens"
    )
    parser.add_argument("--lmtp", action="store_true", help="it speaks LMTP")
    parser.add_argument(
        "--mail-from",
        metavar="ADDRESS",
        type=_path,
        default="",
        help="the reverse-path (default: the null one, so that nothing comes back)",
    )
    parser.add_argument(
        "--rcpt-to",
        metavar="ADDRESS",
        type=_path,
        default="postmaster",
        help="a recipient that the server accepts (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="for one case in one way, all in all (default: 10)",
    )
    parser.add_argument(
        "--case",
        metavar="NAME",
        type=_name,
        action="append",
        help="only this one; may be given several times",
    )
    parser.add_argument(
        "--json", action="store_true", help="for programs, and with all there is"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="all of what passed, too"
    )
    return parser.parse_args(arguments)


def _address(value: str) -> tuple[str, int]:
    """An IPv6 address is in brackets."""
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise ArgumentTypeError("not HOST:PORT")
    return host, int(port)


def _path(value: str) -> str:
    if not value.isprintable() or set(value) & set("<> "):
        raise ArgumentTypeError("not an address")
    return value


def _name(value: str) -> str:
    if value not in (each.name for each in corpus(Target("", 0))):
        raise ArgumentTypeError(f"there is no case {value!r}")
    return value


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise ArgumentTypeError("not a number of seconds")
    return seconds
