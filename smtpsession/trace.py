# -*- test-case-name: tests.test_trace -*-
"""
Trace headers: what a server writes in front of a message that it delivers.

RFC 5321, section 4.4.  Each is a string with its CRLF.  All that comes from the client
has passed the grammar, so none of it can end a line.

Of the clauses of C{Received} all are written but C{via}, which is optional and could
say C{TCP} and nothing else.  Rspamd (seen with 3.4) takes a clause that it does not
know, and that is one, for all that is left up to the date: behind C{via TCP} it knows
neither C{with}, and so of no TLS and no login, nor C{for}.  The grammar has C{via} in
front of those, so there is no other place for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from email.utils import format_datetime

from smtpsession.addresses import SMTPAddress
from smtpsession.session import SMTPSession


def returnPath(session: SMTPSession) -> str:
    """The reverse-path, as final delivery preserves it."""
    return f"Return-Path: <{session.envelope.mailFrom or ''}>\r\n"


def deliveredTo(recipient: SMTPAddress) -> str:
    """For whom this copy is, RFC 9228."""
    return f"Delivered-To: {recipient}\r\n"


def received(
    session: SMTPSession,
    recipients: Sequence[SMTPAddress],
    hostname: str,
    seconds: float,
) -> str:
    """
    Where, how and when the message came here.

    @param recipients: if there is one, it is named; several are not, for they may not
        know of each other (RFC 5321, section 7.2)
    @param hostname: our own name
    @param seconds: the time of arrival, since the epoch
    """
    when = format_datetime(datetime.fromtimestamp(int(seconds), timezone.utc))
    address = recipients[0].address if len(recipients) == 1 else ""
    # Who comes by XCLIENT need not have said hello.
    name = session.hostNameAppearsAs or "unknown"
    return (
        f"Received: from {name} ({_client(session)})\r\n"
        f"\tby {hostname} with {session.transmissionType}{_tls(session)}"
        f" id {messageId(session)}"
        + (f"\r\n\tfor <{address}>" if address else "")
        + f";\r\n\t{when}\r\n"
    )


def messageId(session: SMTPSession) -> str:
    """What the message of the current transaction is called in traces and logs."""
    return f"{session.id}.{session.transaction}"


def _tls(session: SMTPSession) -> str:
    """What the message was protected with, as a comment."""
    tls = session.tlsOptions
    if tls is None:
        return ""
    return f"\r\n\t({tls.version} {tls.standardName or tls.name})"


def _client(session: SMTPSession) -> str:
    """TCP-info, RFC 5321, section 4.4: a name if there is one, and the address."""
    address, name = session.remoteAddress, session.clientHostname
    if not address:
        return name
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    return literal if name.startswith("[") else f"{name} {literal}"
