# -*- test-case-name: tests.test_usual -*-
"""
Commands as nearly all of them are, read in one go.

Most lines that a server is sent are MAIL or RCPT with a plain address, or nothing but a
verb.  Such a line needs none of the care that others do: one pattern knows it, or a
table.  What is read here is what C{splitCommand} and the command's own C{parse} make of
it, and everything else, parameters with a mistake in them too, is left to them.
"""

from __future__ import annotations

import re

from smtpsession._grammar import usual_path
from smtpsession.addresses import usualAddress
from smtpsession.commands import Command, Data, Mail, Noop, Quit, Rcpt, Rset
from smtpsession.errors import SMTPError
from smtpsession.limits import LABEL
from smtpsession.parameters import NO_ARGS, DSNRcpt, parseParameters

_find = re.compile(
    (rb"(?i:(MAIL) FROM|RCPT TO):%b(?: ([ -~]+))?" % usual_path).decode("ascii"),
    re.ASCII,
).fullmatch

#: Those that come without an argument, and in upper case.
_ALONE: dict[bytes, Command] = {
    command.verb.encode("ascii"): command
    for command in (Data(), Rset(), Noop(), Quit())
}


def usualCommand(line: bytes, dsn: DSNRcpt | None = None) -> Command | None:
    """
    The command of a line without its CRLF, or None where a closer look is needed.

    @param dsn: what a recipient is made with; to give it later would be to make it anew
    """
    # As text, so that its parts are text too.  Of what is not ASCII nothing is usual,
    # whatever it is taken for.
    found = _find(line.decode("latin-1"))
    if found is None:
        return _ALONE.get(line)
    mail, address, localPart, domain, parameters = found.groups()
    # One that is as short as a label may be passes none of the limits.
    if len(address) > LABEL:
        return None
    args = NO_ARGS
    if parameters is not None:
        try:
            args = parseParameters(parameters.encode("ascii"))
        except SMTPError:
            return None
    if mail is None:
        return Rcpt(usualAddress(address, localPart, domain, args, dsn))
    return Mail(usualAddress(address, localPart, domain, args))
