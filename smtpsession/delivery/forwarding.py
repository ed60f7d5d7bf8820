# -*- test-case-name: tests.test_forwarding -*-
"""
What a next hop is told of our client by XFORWARD, as Postfix's XFORWARD_README has it:
for its log and its filters, for which the client would otherwise be us.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpsession.attributes import XFORWARD, parseAttributes, printAttributes
from smtpsession.delivery.relaying import Offers
from smtpsession.errors import SMTPError
from smtpsession.session import SMTPSession
from smtpsession.trace import messageId

#: RFC 5321, section 4.5.3.1.4: a command line, its CRLF included.
_LINE = 512
_PROTOCOLS = {"HELO": "SMTP", "EHLO": "ESMTP", "LHLO": "LMTP"}


def xforwardCommands(session: SMTPSession, offers: Offers) -> Iterator[bytes]:
    """
    The commands that say who the client is, without their CRLF; none where the next hop
    does not offer to hear it.

    What is not known, or could not have come by XFORWARD itself, is said to be not
    available, and not left out: what is left out the next hop takes from us.
    """
    known = session.xForward or _seen(session)
    command = b"XFORWARD"
    for name in XFORWARD:
        if name not in offers.keywords.get("XFORWARD", ()):
            continue
        word = printAttributes({name: _checked(name, known.get(name))})
        if len(command) + len(b" " + word + b"\r\n") > _LINE:
            yield command
            command = b"XFORWARD"
        command += b" " + word
    if command != b"XFORWARD":
        yield command


def _seen(session: SMTPSession) -> dict[str, str | None]:
    """Our client, which is not known to stand for somebody else."""
    name = session.clientHostname
    return {
        # In brackets is the address of whom the DNS has no name for.
        "NAME": None if name.startswith("[") else name,
        "ADDR": session.remoteAddress,
        "PORT": str(session.remotePort or ""),
        "PROTO": _PROTOCOLS.get(session.openingCommand),
        "HELO": session.hostNameAppearsAs,
        "IDENT": messageId(session),
        "SOURCE": "REMOTE",
    }


def _checked(name: str, value: str | None) -> str | None:
    """The value, or None where the client has said what no next hop should read."""
    if not value:
        return None
    try:
        return parseAttributes(printAttributes({name: value}), XFORWARD)[name]
    except SMTPError:
        return None
