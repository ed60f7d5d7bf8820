# -*- test-case-name: tests.test_usual -*-
"""
Commands as nearly all of them are, read in one go.

Most lines that a server is sent are MAIL or RCPT with a plain address and without
parameters.  Such a line needs none of the care that others do, and is known by one
pattern.  What is read here is what C{splitCommand} and the command's own C{parse} make
of it, and everything else is left to them.
"""

from __future__ import annotations

import re

from smtpsession._grammar import usual_path
from smtpsession.addresses import usualAddress
from smtpsession.commands import Mail, Rcpt
from smtpsession.limits import LABEL
from smtpsession.parameters import DSNRcpt

_find = re.compile(
    (rb"(?i:(MAIL) FROM|RCPT TO):%b" % usual_path).decode("ascii"), re.ASCII
).fullmatch

#: A path that is as short as a label may be passes none of the limits.
_LONGEST = len("RCPT TO:") + LABEL


def usualCommand(line: bytes, dsn: DSNRcpt | None = None) -> Mail | Rcpt | None:
    """
    The command of a line without its CRLF, or None where a closer look is needed.

    @param dsn: what a recipient is made with; to give it later would be to make it anew
    """
    if len(line) > _LONGEST:
        return None
    # As text, so that its parts are text too.  Of what is not ASCII nothing is usual,
    # whatever it is taken for.
    found = _find(line.decode("latin-1"))
    if found is None:
        return None
    mail, address, localPart, domain = found.groups()
    if mail is None:
        return Rcpt(usualAddress(address, localPart, domain, dsn))
    return Mail(usualAddress(address, localPart, domain))
