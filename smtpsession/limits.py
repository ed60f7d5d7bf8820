# -*- test-case-name: tests.test_limits -*-
"""
Every size, count and time that the server enforces, each with where it comes from.

What happens when one is passed is said beside the code that enforces it; always the
conversation stays in step or ends.
"""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen, validators

#: RFC 5321, section 4.5.3.1.4: a command line with its CRLF.  What each extension adds
#: for its own parameters stands in its row of the table.
COMMAND_LINE = 512
#: RFC 5321, sections 4.5.3.1.1 to 4.5.3.1.3, in octets; a path with its brackets.
LOCAL_PART, DOMAIN, PATH = 64, 255, 256
#: RFC 1035, section 2.3.4.
LABEL = 63
#: RFC 3461, sections 4.4 and 4.2, in octets, before decoding.
ENVID, ORCPT = 100, 500
#: The PROXY protocol, section 2.1: a line of version 1 with its CRLF.
PROXY_LINE = 107
#: A whole header of version 2, as in nginx.  The specification wants every header to
#: fit into 536 octets, but what is known of TLS can be longer.
PROXY_HEADER = 4096
#: Section 2.2.5 of it.
PROXY_UNIQUE_ID = 128
#: RFC 3030 sets no limit; what fits a count of 64 bits, in whatever reads the message.
CHUNK = 2**63 - 1
#: RFC 2852, section 4, and RFC 4865, section 3: a number of seconds has nine digits.
SECONDS = 999_999_999
#: RFC 9422, section 4: a limit that LIMITS announces has six.
ANNOUNCED = 999_999
#: Postfix, XFORWARD_README: a value of XCLIENT or XFORWARD before decoding, and the
#: name of a protocol among them, in octets.
ATTRIBUTE_VALUE, PROTOCOL_NAME = 255, 64
#: A name of a user, a password beyond ASCII, a nonce, in characters.  RFC 4616, section
#: 2 wants 255 octets at the least; what is longer is costly to normalize.
SASL_TEXT = 1024
#: RFC 4954, section 4: a response in base64, its CRLF not counted.
AUTH_RESPONSE = 12_288
#: How many addresses with failed logins are known at a time; about 2 MB of memory.
BANS = 10_000


# A bool is an int, and nobody's limit.
_WHOLE: list[Any] = [
    validators.instance_of(int),
    validators.not_(validators.instance_of(bool)),
]
_COUNT = [*_WHOLE, validators.ge(1)]


def _count(default: int, minimum: int = 1) -> int:
    return field(
        default=default,
        validator=[*_WHOLE, validators.ge(minimum)],
        metadata={"minimum": minimum},
    )


def _seconds(default: float) -> float:
    return field(
        default=default,
        validator=[
            validators.instance_of((int, float)),
            validators.gt(0),
            validators.lt(math.inf),
        ],
    )


@frozen(kw_only=True)
class Limits:
    """
    The limits that an operator may set; sizes in octets, times in seconds.

    @ivar messageSize: of a message, dots removed; 552 beyond.  RFC 5321, section
        4.5.3.1.7 wants 64 KiB at the least; 25 MiB is what the large receivers take.
    @ivar recipients: in a transaction; 452 beyond.  RFC 5321, section 4.5.3.1.8 wants
        100 at the least; 1000 as in Postfix.
    @ivar recipientDomains: different domains of recipients on a connection; 452 beyond.
        None, as by default, for any number.
    @ivar transactions: on a connection; 421 beyond.
    @ivar errors: commands that cannot be understood or come in the wrong order, on a
        connection; 421 beyond.  20 as in Postfix.
    @ivar clients: connections to a listener, from wherever; 421 beyond.
    @ivar clientsPerAddress: of them, those from an IPv4 address or an IPv6 /64; 421
        beyond.  50 as in Postfix.
    @ivar commandTimeout: for a whole command line, however slowly its octets come.
        RFC 5321, section 4.5.3.2.7: 5 minutes.
    @ivar dataTimeout: between two pieces of a message.  RFC 5321, section 4.5.3.2.5
        wants 3 minutes at the least; 10 are what a client waits for the last reply.
    @ivar minimumDataRate: octets a second of a message, or of a part of it by BDAT, on
        the average once C{dataTimeout} has passed; 0 for no such limit
    @ivar handshakeTimeout: for TLS, and for a PROXY header; then the connection is
        closed without a word.
    @ivar authFailures: failed logins on a connection; 421 beyond.
    @ivar authFailuresPerAddress: failed logins from an IPv4 address or an IPv6 /64,
        over all connections, and those whose client did not wait for the answer;
        beyond, a new connection from there gets 421 for C{banTime}.
    @ivar banTime: for so long after the last of these; it also is the time in which
        half of the failed logins are forgotten.
    @ivar closingTimeout: for the client to take what was said before a hang-up.
    @ivar streamBuffer: how much of a message a `MessageStream` holds while nobody
        reads, before the transport is paused; one read of the transport (64 KiB) can
        come on top.  Also the most that a header section may have for
        C{stream.headers()}.
    @ivar bufferedOctets: how much of their messages, and of replies that are not taken,
        all connections to all listeners may hold together; beyond, a new connection
        gets 421 and a new transaction 451.  Messages that have begun go on.  Checked
        ten times a second at the most.
    @ivar loopLag: how late the server may be for what it has to do, because it has too
        much of that; beyond, it is the same.
    """

    messageSize: int = _count(26_214_400)
    recipients: int = _count(1000)
    recipientDomains: int | None = field(
        default=None, validator=validators.optional(_COUNT), metadata={"minimum": 1}
    )
    transactions: int = _count(1000)
    errors: int = _count(20, minimum=0)
    clients: int = _count(1000)
    clientsPerAddress: int = _count(50)
    commandTimeout: float = _seconds(300)
    dataTimeout: float = _seconds(600)
    minimumDataRate: int = _count(128, minimum=0)
    handshakeTimeout: float = _seconds(60)
    authFailures: int = _count(3, minimum=0)
    authFailuresPerAddress: int = _count(30)
    banTime: float = _seconds(600)
    closingTimeout: float = _seconds(30)
    streamBuffer: int = _count(65_536)
    bufferedOctets: int = _count(268_435_456)
    loopLag: float = _seconds(5)

    @property
    def shortestTime(self) -> float:
        """The shortest time that a client is given for anything."""
        return min(
            self.commandTimeout,
            self.dataTimeout,
            self.handshakeTimeout,
            self.closingTimeout,
        )
