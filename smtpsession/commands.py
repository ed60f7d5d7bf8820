# -*- test-case-name: tests.test_commands -*-
"""
The commands of SMTP and LMTP: a frozen class for each verb.

Each class reads its argument with C{parse} and prints itself with C{str}, as inverses.
A parser consumes everything or fails with an `SMTPError` that carries the reply.
Arguments are octets without control characters that are valid UTF-8; `splitCommand`
sees to that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, TypeVar

from attrs import evolve, field, frozen

from smtpsession._grammar import (
    BDAT,
    CONTROL,
    PATH,
    SASL_MECH,
    UTF_8_CONTROL,
)
from smtpsession.addresses import (
    PathTooLong,
    SMTPAddress,
    isHostname,
    parseForwardPath,
    parseReversePath,
    printPath,
)
from smtpsession.attributes import (
    XCLIENT,
    XFORWARD,
    Known,
    parseAttributes,
    printAttributes,
)
from smtpsession.encodings import parseBase64, printBase64
from smtpsession.errors import SMTPError
from smtpsession.limits import AUTH_RESPONSE, CHUNK
from smtpsession.parameters import (
    NO_ARGS,
    SMTPAddressArgs,
    parseParameters,
    printParameters,
)
from smtpsession.replies import (
    BAD_BASE64,
    BAD_CHARACTERS,
    BAD_FORWARD_PATH,
    BAD_HOSTNAME,
    BAD_REVERSE_PATH,
    RESPONSE_TOO_LONG,
    Reply,
    badArguments,
)

C = TypeVar("C", bound="Command")
W = TypeVar("W", bound="_WithAttributes")
A = TypeVar("A", bound="_WithAddress")


def splitCommand(line: bytes) -> tuple[str, bytes]:
    """
    The verb in upper case and the argument of a command line without its CRLF.

    White space at the end is ignored (RFC 5321, section 4.1.1); before it, one space
    parts the verb from its argument.

    @raise SMTPError: 500, the line holds control characters or is not UTF-8
    """
    line = line.rstrip(b" \t")
    verb, _, argument = line.partition(b" ")
    try:
        text = line.decode("utf-8")
        # All of ASCII that is not printable is a control character.
        if not (text.isascii() and text.isprintable()):
            if CONTROL.search(line) or UTF_8_CONTROL.search(line):
                raise SMTPError.saying(BAD_CHARACTERS)
        return verb.decode("ascii").upper(), argument
    except UnicodeDecodeError:
        raise SMTPError.saying(BAD_CHARACTERS) from None


@frozen
class Command:
    """
    @cvar verb: in upper case
    @cvar syntax: what the client is told when its argument is wrong
    """

    verb: ClassVar[str]
    syntax: ClassVar[str]

    @classmethod
    def parse(cls: type[C], argument: bytes) -> C:
        """
        @raise SMTPError: the argument is not of this command's syntax
        """
        if argument:
            raise SMTPError.saying(badArguments(cls.syntax))
        return cls()

    def __str__(self) -> str:
        return self.verb


class Data(Command):
    """RFC 5321, section 4.1.1.4."""

    verb = syntax = "DATA"


class Rset(Command):
    """RFC 5321, section 4.1.1.5."""

    verb = syntax = "RSET"


class Quit(Command):
    """RFC 5321, section 4.1.1.10."""

    verb = syntax = "QUIT"


class Starttls(Command):
    """RFC 3207, section 4."""

    verb = syntax = "STARTTLS"


@frozen
class _WithText(Command):
    """A command with text that nobody interprets."""

    text: str = ""

    @classmethod
    def parse(cls: type[C], argument: bytes) -> C:
        return cls(argument.decode("utf-8"))  # type: ignore[call-arg]

    def __str__(self) -> str:
        return f"{self.verb} {self.text}" if self.text else self.verb


class Noop(_WithText):
    """RFC 5321, section 4.1.1.9: the text has no effect."""

    verb, syntax = "NOOP", "NOOP [string]"


class Help(_WithText):
    """RFC 5321, section 4.1.1.8."""

    verb, syntax = "HELP", "HELP [string]"


class _WithName(_WithText):
    """A command with text that must not be missing."""

    @classmethod
    def parse(cls: type[C], argument: bytes) -> C:
        if not argument:
            raise SMTPError.saying(badArguments(cls.syntax))
        return cls(argument.decode("utf-8"))  # type: ignore[call-arg]


class Vrfy(_WithName):
    """RFC 5321, section 4.1.1.6."""

    verb, syntax = "VRFY", "VRFY string"


class Expn(_WithName):
    """RFC 5321, section 4.1.1.7."""

    verb, syntax = "EXPN", "EXPN string"


@frozen
class Hello(Command):
    """
    How a client opens the conversation.

    @ivar hostname: what it calls itself, as given
    """

    hostname: str

    @classmethod
    def parse(cls: type[C], argument: bytes) -> C:
        if not argument:
            raise SMTPError.saying(badArguments(cls.syntax))
        if not isHostname(argument):
            raise SMTPError.saying(BAD_HOSTNAME)
        return cls(argument.decode("ascii"))  # type: ignore[call-arg]

    def __str__(self) -> str:
        return f"{self.verb} {self.hostname}"


class Helo(Hello):
    """RFC 5321, section 4.1.1.1."""

    verb, syntax = "HELO", "HELO hostname"


class Ehlo(Hello):
    """RFC 5321, section 4.1.1.1."""

    verb, syntax = "EHLO", "EHLO hostname"


class Lhlo(Hello):
    """RFC 2033, section 4.1."""

    verb, syntax = "LHLO", "LHLO hostname"


def _pathBehind(preposition: bytes) -> re.Pattern[bytes]:
    """A path, and the parameters if there is a space behind it."""
    # RFC 5321, section 3.3: no spaces on either side of the colon.
    return re.compile(
        rb"(?i:%b)(%b)(?: (.*))?" % (preposition, PATH.pattern), re.DOTALL
    )


@frozen
class _WithAddress(Command):
    """
    A command with a path and its parameters.

    @cvar preposition: what stands in front of the path
    @cvar bad: what is said to a path that is none

    @ivar address: the path with its parameters
    """

    preposition: ClassVar[bytes]
    bad: ClassVar[Reply]
    _argument: ClassVar[re.Pattern[bytes]]
    address: SMTPAddress

    @classmethod
    def parse(cls: type[A], argument: bytes) -> A:
        found = cls._argument.fullmatch(argument)
        if found is None:
            raise SMTPError.saying(badArguments(cls.syntax))
        path, parameters = found.groups()
        args = NO_ARGS if parameters is None else parseParameters(parameters)
        try:
            return cls(cls._parsePath(path, args))
        except PathTooLong as error:
            raise SMTPError.saying(evolve(cls.bad, text="Path too long")) from error
        except ValueError as error:
            raise SMTPError.saying(cls.bad) from error

    @staticmethod
    def _parsePath(path: bytes, args: SMTPAddressArgs) -> SMTPAddress:
        raise NotImplementedError

    def __str__(self) -> str:
        printed = self.preposition + printPath(self.address)
        if self.address.args:
            printed += b" " + printParameters(self.address.args)
        return f"{self.verb} {printed.decode('utf-8')}"


class Mail(_WithAddress):
    """RFC 5321, section 4.1.1.2."""

    verb, syntax = "MAIL", "MAIL FROM:<reverse-path> [parameters]"
    preposition = b"FROM:"
    _argument = _pathBehind(preposition)
    bad = BAD_REVERSE_PATH
    _parsePath = staticmethod(parseReversePath)


class Rcpt(_WithAddress):
    """RFC 5321, section 4.1.1.3."""

    verb, syntax = "RCPT", "RCPT TO:<forward-path> [parameters]"
    preposition = b"TO:"
    _argument = _pathBehind(preposition)
    bad = BAD_FORWARD_PATH
    _parsePath = staticmethod(parseForwardPath)


@frozen
class Bdat(Command):
    """
    RFC 3030, section 2.

    The chunk follows at once, whatever the answer will be.  Who refuses a BDAT has to
    drop as many octets, and who cannot parse it has to hang up: else what is in the
    message would be taken for commands.

    @ivar size: how many octets follow
    @ivar isLast: they are the last of the message
    """

    verb, syntax = "BDAT", "BDAT size [LAST]"
    size: int
    isLast: bool = False

    @classmethod
    def parse(cls, argument: bytes) -> Bdat:
        found = BDAT.fullmatch(argument)
        if found is None or (size := int(found[1])) > CHUNK:
            raise SMTPError.saying(badArguments(cls.syntax))
        return cls(size, found[2] is not None)

    def __str__(self) -> str:
        return f"{self.verb} {self.size}" + (" LAST" if self.isLast else "")


@frozen
class Auth(Command):
    """
    RFC 4954, section 4.

    @ivar mechanism: in upper case, known to us or not
    @ivar initial: the initial response, decoded; None where there is none, and C{b""}
        for one that is empty
    """

    verb, syntax = "AUTH", "AUTH mechanism [initial-response]"
    mechanism: str
    # It may be a password, which has no business in a log or a traceback.
    initial: bytes | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, argument: bytes) -> Auth:
        mechanism, space, response = argument.partition(b" ")
        if SASL_MECH.fullmatch(mechanism) is None or (space and not response):
            raise SMTPError.saying(badArguments(cls.syntax))
        name = mechanism.decode("ascii").upper()
        if not response:
            return cls(name)
        if len(response) > AUTH_RESPONSE:
            raise SMTPError.saying(RESPONSE_TOO_LONG)
        try:
            return cls(name, b"" if response == b"=" else parseBase64(response))
        except ValueError as error:
            raise SMTPError.saying(BAD_BASE64) from error

    def __str__(self) -> str:
        if self.initial is None:
            return f"{self.verb} {self.mechanism}"
        response = printBase64(self.initial) or b"="
        return f"{self.verb} {self.mechanism} {response.decode('ascii')}"


def _unchanging(values: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return MappingProxyType(dict(values))


@frozen
class _WithAttributes(Command):
    """
    A command of a proxy or a filter about the client behind it.

    @cvar known: what may be said

    @ivar attributes: what is said, by upper-case name; None for what is not available
    """

    known: ClassVar[Known]
    attributes: Mapping[str, str | None] = field(converter=_unchanging, hash=False)

    @classmethod
    def parse(cls: type[W], argument: bytes) -> W:
        if not argument:
            raise SMTPError.saying(badArguments(cls.syntax))
        return cls(parseAttributes(argument, cls.known))

    def __str__(self) -> str:
        return f"{self.verb} {printAttributes(self.attributes).decode('ascii')}"


class Xclient(_WithAttributes):
    """Postfix, XCLIENT_README."""

    verb, syntax = "XCLIENT", "XCLIENT name=value..."
    known = XCLIENT


class Xforward(_WithAttributes):
    """Postfix, XFORWARD_README."""

    verb, syntax = "XFORWARD", "XFORWARD name=value..."
    known = XFORWARD
