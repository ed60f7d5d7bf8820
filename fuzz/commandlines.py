"""
The grammar of commands: a line is refused with a reply, or printed and read again is
the same.  A line that is read in one go is what a closer look makes of it.
"""

from __future__ import annotations

from smtpsession.authentication import AUTH
from smtpsession.chunking import CHUNKING
from smtpsession.commands import Command, splitCommand
from smtpsession.errors import SMTPError
from smtpsession.starttls import STARTTLS
from smtpsession.usual import usualCommand
from smtpsession.verbs import RULES
from smtpsession.xclient import XCLIENT, XFORWARD

_BROUGHT = (AUTH, CHUNKING, STARTTLS, XCLIENT, XFORWARD)

#: Every command, by its verb.
COMMANDS: dict[str, type[Command]] = {
    rule.command.verb: rule.command
    for rules in (
        *(table.values() for table in RULES.values()),
        *(extension.verbs for extension in _BROUGHT),
    )
    for rule in rules
}


def fuzz(line: bytes) -> None:
    """
    @param line: without its CRLF
    """
    usual = usualCommand(line)
    try:
        verb, argument = splitCommand(line)
        if verb not in COMMANDS:
            assert usual is None, usual
            return
        command = COMMANDS[verb].parse(argument)
    except SMTPError as error:
        assert 500 <= error.reply.code <= 555, error.reply
        assert usual is None, usual
        return
    assert usual is None or usual == command, usual
    printed = str(command).encode("utf-8")
    again, itsArgument = splitCommand(printed)
    assert again == verb, printed
    try:
        assert COMMANDS[verb].parse(itsArgument) == command, printed
    except SMTPError:
        # What is printed is all in xtext, and can so be longer than what was sent; the
        # limits are for what was sent.
        assert len(printed) > len(line), printed
