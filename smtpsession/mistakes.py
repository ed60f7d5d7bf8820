# -*- test-case-name: tests.test_dialogue -*-
"""
What a command that is refused was meant to be, and whether it is held against the
client.
"""

from __future__ import annotations

import string

from smtpsession import replies
from smtpsession.replies import Reply

#: A web page can make a browser speak to us, and its request would be so many unknown
#: commands, with whatever the page wants to say behind them.  RFC 9110, section 9.3;
#: RFC 5789; RFC 9113, section 3.4.
HTTP = frozenset(
    [
        *("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"),
        *("PATCH", "PRI"),
    ]
)

_VERB = (string.ascii_letters + string.digits + "-").encode("ascii")


def splitLoosely(line: bytes) -> tuple[bytes, bytes]:
    """
    The verb and the rest of a line that is refused, however they are parted: what the
    client means by C{"BDAT<TAB>6"} has six octets behind it, and they are no command.
    """
    end = len(line) - len(line.lstrip(_VERB))
    return line[:end], line[end:]


def isMistake(reply: Reply) -> bool:
    """A syntax error of RFC 5321, section 4.2.1 (x0z), or of 4.1.1.11 (555)."""
    if reply in (replies.MAIL_FIRST, replies.RCPT_FIRST):
        # RFC 2920, section 3.1: who pipelines cannot know that MAIL will be refused.
        return False
    return 500 <= reply.code <= 509 or reply.code == 555
