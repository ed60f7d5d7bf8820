# -*- test-case-name: tests.test_accountlines -*-
"""
The lines of the users file and of the tokens file: C{name:{SCHEME}value}, in UTF-8.

A name may have several lines.  It is taken after SASLprep (RFC 4013), and has no colon.
What is behind the closing brace, up to the end of the line, is the value, with its
spaces.  Empty lines and lines that begin with C{#} do not count.

Besides the schemes of L{smtpsession.passwords} there are C{{EXTERNAL}} in the users
file and C{{SHA256}} in the tokens file, each with a SHA-256 in hexadecimal: that of a
certificate, where there may be colons between its octets, and that of a token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from attrs import field, frozen

from smtpsession.errors import SMTPSessionError
from smtpsession.limits import SASL_TEXT
from smtpsession.passwords import parseSecret
from smtpsession.sasl.prep import prepare
from smtpsession.secret import Secret

T = TypeVar("T")

EXTERNAL, SHA256 = "EXTERNAL", "SHA256"

_LINE = re.compile(
    r"(?P<name>[^:]*):\{(?P<scheme>[A-Z0-9-]*)\}(?P<value>.*)", re.DOTALL
)
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}")


class AccountsError(SMTPSessionError):
    """
    A file with accounts cannot be used.

    @ivar problems: all that is wrong, each as C{"file:line: what"}, or C{"file: what"}
        where that is the whole file
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


@frozen
class Digest:
    """
    A SHA-256.

    @ivar scheme: C{"EXTERNAL"}, of a certificate, or C{"SHA256"}, of a token
    @ivar octets: 32 of them
    """

    scheme: str
    octets: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{{{self.scheme}}}{self.octets.hex()}"


@frozen
class Line(Generic[T]):
    """
    One account.

    @ivar number: of the line, from 1
    @ivar name: after SASLprep
    @ivar entry: what lets this name in
    """

    number: int
    name: str
    entry: T

    def __str__(self) -> str:
        return f"{self.name}:{self.entry}"


def prepareAccount(name: str) -> str:
    """
    The name of an account in its one form.

    @raise ValueError: SASLprep has none that may be stored, or it cannot stand in a
        line
    """
    prepared = prepare(name, isStored=True)
    if not prepared or prepared.strip() != prepared:
        raise ValueError("a name that is empty, or begins or ends with a space")
    if len(prepared) > SASL_TEXT:
        raise ValueError(f"a name longer than {SASL_TEXT} characters")
    if ":" in prepared or prepared.startswith("#"):
        raise ValueError("a name that has a colon, or begins with #")
    return prepared


def splitLine(text: str) -> tuple[str, str, str] | None:
    """
    What a line has: name, scheme and value, or None if it does not count.

    @raise ValueError: it is not of this form, or its name is not that of an account
    """
    if not text.strip() or text.startswith("#"):
        return None
    found = _LINE.fullmatch(text)
    if found is None:
        # Not what it is: it may have a password.
        raise ValueError("not of the form name:{SCHEME}value")
    return prepareAccount(found["name"]), found["scheme"], found["value"]


def parseUser(scheme: str, value: str) -> Secret | Digest:
    """
    What lets a user in.

    @raise ValueError: there is no such scheme, or the value is not of its form
    """
    if scheme == EXTERNAL:
        return _parseDigest(scheme, value)
    return parseSecret(scheme, value)


def parseToken(scheme: str, value: str) -> Digest:
    """
    The hash of a token.

    @raise ValueError: as in `parseUser`
    """
    if scheme != SHA256:
        raise ValueError(f"no scheme for tokens: {{{scheme}}}")
    return _parseDigest(scheme, value)


def parseLines(
    octets: bytes, source: str, parse: Callable[[str, str], T]
) -> list[Line[T]]:
    """
    Read a whole file.

    @param source: what it is called in problems
    @param parse: `parseUser` or `parseToken`
    @raise AccountsError: with everything that is wrong
    """
    lines, problems = list[Line[T]](), list[str]()
    for number, each in cutLines(octets):
        try:
            parts = splitLine(each.decode("utf-8"))
            if parts is not None:
                name, scheme, value = parts
                lines.append(Line(number, name, parse(scheme, value)))
        except UnicodeDecodeError:
            problems.append(f"{source}:{number}: not UTF-8")
        except ValueError as error:
            problems.append(f"{source}:{number}: {error}")
    if problems:
        raise AccountsError(*problems)
    return lines


def cutLines(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """
    The lines with their numbers, without CR or LF at their ends.  There is nothing else
    that ends a line: what a password has in it does not.
    """
    for number, line in enumerate(octets.split(b"\n"), 1):
        yield number, line.removesuffix(b"\r")


def _parseDigest(scheme: str, value: str) -> Digest:
    if _DIGEST.fullmatch(value) is None:
        raise ValueError("not a SHA-256 in hexadecimal")
    return Digest(scheme, bytes.fromhex(value.replace(":", "")))
