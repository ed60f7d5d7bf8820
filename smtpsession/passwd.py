# -*- test-case-name: tests.test_passwd -*-
"""
C{python -m smtpsession passwd FILE NAME}: sets a password in the users file.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from getpass import getpass

from smtpsession.accountedit import editFile
from smtpsession.accountlines import prepareAccount
from smtpsession.passwords import SCHEMES, makeSecret

#: Serves SCRAM, and passwords too.
DEFAULT = "SCRAM-SHA-256"


def main(arguments: Sequence[str]) -> int:
    """
    Run the command.

    @return: the status to exit with: 0, or 1 if nothing was changed
    @raise SystemExit: with 2, the arguments are not right
    """
    options = _parse(arguments)
    try:
        name = prepareAccount(options.name)
        secret = makeSecret(options.scheme, _readPassword())
        edited = editFile(options.file, name, options.scheme, secret.value)
    except UnicodeError:
        return _fail("the password is not UTF-8")
    except OSError as error:
        return _fail(f"{options.file}: {error.strerror}")
    except (ValueError, EOFError) as error:
        return _fail(str(error))
    if edited.others:
        others = ", ".join(f"{{{each}}}" for each in sorted(set(edited.others)))
        _tell(f"{name} has other lines, which still let in: {others}")
    return 0


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        prog="python -m smtpsession passwd",
        description="Set a password in a users file: read it from standard input, and "
        "write the line of the name. Lines of other names and other schemes stay.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the users file, made if absent")
    parser.add_argument("name", metavar="NAME", help="whose password it is")
    parser.add_argument(
        "--scheme",
        choices=SCHEMES,
        default=DEFAULT,
        help="how it is kept (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _readPassword() -> str:
    """
    One line of standard input; at a terminal, twice the same.

    @raise EOFError: there is none
    @raise ValueError: not the same
    """
    if sys.stdin.isatty():
        password = getpass("Password: ")
        if getpass("Again: ") != password:
            raise ValueError("these were two passwords")
        return password
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError("no password on standard input")
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")


def _tell(message: str) -> None:
    print(f"smtpsession passwd: {message}", file=sys.stderr)


def _fail(message: str) -> int:
    _tell(message)
    return 1
