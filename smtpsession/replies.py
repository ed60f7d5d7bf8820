# -*- test-case-name: tests.test_replies -*-
"""
Replies, and the catalogue of all those that the server gives.

A `Reply` is a value that cannot lie: the class of its enhanced status code is the
first digit of its code (RFC 2034, section 4), and its text cannot break out of its
line, whoever wrote it.  The catalogue below it is the vocabulary of the server; only
the application adds to it, through `smtpsession.SMTPError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from attrs import field, frozen

from smtpsession.printable import printable

#: RFC 5321, section 4.5.3.1.5: a reply line, with its code and its CRLF.
MAX_REPLY_LINE = 512
# What is left of it for an enhanced code and a text.
_ROOM = MAX_REPLY_LINE - len("250-\r\n")

_ENHANCED = re.compile(r"([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_NOT_PRINTABLE = re.compile(r"[^ -~]")


@frozen(order=True)
class EnhancedCode:
    """
    An enhanced mail system status code, RFC 3463.

    @ivar category: 2 success, 4 persistent transient failure, 5 permanent failure
    @ivar subject: 0 to 999
    @ivar detail: 0 to 999
    """

    category: int
    subject: int = 0
    detail: int = 0
    _text: str = field(init=False, eq=False, repr=False)

    @_text.default
    def _checkAndPrint(self) -> str:
        text = f"{self.category}.{self.subject}.{self.detail}"
        if _ENHANCED.fullmatch(text) is None:
            raise ValueError(f"not an enhanced status code: {text}")
        return text

    @classmethod
    def parse(cls, text: str) -> EnhancedCode:
        """
        Read C{"5.7.1"}; the inverse of C{str}.

        @raise ValueError: it is not an enhanced status code
        """
        found = _ENHANCED.fullmatch(text)
        if found is None:
            raise ValueError(f"not an enhanced status code: {text!r}")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return self._text


def _fitting(text: str, room: int) -> list[str]:
    """The lines of a text, cut where they are too long, and safe to send."""
    return [
        line[start : start + room]
        for line in map(_masked, _LINE_ENDS.split(text))
        for start in range(0, len(line) or 1, room)
    ]


def _masked(line: str) -> str:
    return _NOT_PRINTABLE.sub("?", line)


# An application writes the same few of them again and again.  Clients write none.
_parsedCode = lru_cache(EnhancedCode.parse)


def _enhancedCode(value: EnhancedCode | str | None) -> EnhancedCode | None:
    return _parsedCode(value) if isinstance(value, str) else value


@frozen
class Reply:
    """
    What the server says to one command: a code, lines of text, an enhanced code.

    A text of several lines makes a reply of several lines, RFC 5321, section 4.2.1;
    so does a line too long for one.  What is neither printable ASCII nor a line end
    goes out as C{?}.

    @ivar code: 200 to 599
    @ivar text: what follows the codes
    @ivar enhanced: RFC 3463; None for every 3xx reply, for the greeting and for the
        answer to HELO, EHLO and LHLO (RFC 2034, section 4).  A refusal has one there
        too: nobody minds, and it says why.  Its text form is accepted.

    @raise ValueError: the code is out of range, or the codes contradict each other
    """

    code: int
    text: str
    enhanced: EnhancedCode | None = field(default=None, converter=_enhancedCode)
    _encoded: bytes = field(init=False, eq=False, repr=False)

    @_encoded.default
    def _checkAndEncode(self) -> bytes:
        code, text, enhanced = self.code, self.text, self.enhanced
        if not 200 <= code <= 599:
            raise ValueError(f"{code} is not the code of a reply")
        prefix = ""
        if enhanced is not None:
            prefix = f"{enhanced._text} "
            if enhanced.category != code // 100:
                raise ValueError(f"{enhanced} contradicts {code}")
        room = _ROOM - len(prefix)
        if len(text) <= room and text.isascii() and text.isprintable():
            return f"{code} {prefix}{text}\r\n".encode("ascii")
        *others, last = _fitting(text, room)
        lines = [f"{code}-{prefix}{line}\r\n" for line in others]
        return "".join([*lines, f"{code} {prefix}{last}\r\n"]).encode("ascii")

    @property
    def isPositive(self) -> bool:
        """Whether the command was carried out, or may go on: 2xx and 3xx."""
        return self.code < 400

    @property
    def endsConnection(self) -> bool:
        """Whether the server closes after it: 421 (RFC 5321) and 521 (RFC 7504)."""
        return self.code in (421, 521)

    def encode(self) -> bytes:
        """The reply as it goes over the wire, its last CRLF included."""
        return self._encoded

    def __str__(self) -> str:
        """For a log: on one line, whoever has written it."""
        codes = (
            f"{self.code}" if self.enhanced is None else f"{self.code} {self.enhanced}"
        )
        return printable(f"{codes} {self.text}")


# The catalogue.  First what depends on the occasion, then what never changes.  What
# nearly every client of a server is told in the same words is kept.


@lru_cache
def greeting(hostname: str, protocol: str) -> Reply:
    """RFC 5321, section 4.2: C{protocol} is C{"ESMTP"} or C{"LMTP"}."""
    return Reply(220, f"{hostname} {protocol} ready")


@lru_cache
def hello(hostname: str, extensions: tuple[str, ...] = ()) -> Reply:
    """The answer to HELO, EHLO and LHLO: a line for each extension."""
    return Reply(250, "\n".join([hostname, *extensions]))


def helpText(verbs: Iterable[str]) -> Reply:
    """RFC 5321, section 4.1.1.8."""
    return Reply(214, "Commands: " + " ".join(verbs), "2.0.0")


def unknownParameter(keyword: str) -> Reply:
    """RFC 5321, section 4.1.1.11: not known, or not offered here."""
    return Reply(555, f"Parameter {keyword} not recognized", "5.5.4")


def badParameter(keyword: str) -> Reply:
    """A parameter that is known and offered, with a value that it cannot have."""
    return Reply(501, f"Bad value of parameter {keyword}", "5.5.4")


def repeatedParameter(keyword: str) -> Reply:
    return Reply(501, f"Parameter {keyword} given twice", "5.5.4")


def unknownAttribute(name: str) -> Reply:
    """Of XCLIENT or XFORWARD."""
    return Reply(501, f"Attribute {name} not recognized", "5.5.4")


def messageTooLarge(limit: int) -> Reply:
    """RFC 1870, section 6: the declared or the actual size is over the limit."""
    return Reply(552, f"Message exceeds the limit of {limit} octets", "5.3.4")


def chunkReceived(octets: int) -> Reply:
    """RFC 3030, section 2: one part of a message has come, and not the last."""
    return Reply(250, f"{octets} octets received", "2.0.0")


def challenge(text: str) -> Reply:
    """RFC 4954, section 4: in base64."""
    return Reply(334, text)


def badArguments(syntax: str) -> Reply:
    """A command that is known, with arguments that its syntax forbids."""
    return Reply(501, f"Syntax: {syntax}", "5.5.4")


BYE = Reply(221, "Closing connection", "2.0.0")
OK = Reply(250, "OK", "2.0.0")
REVERSE_PATH_OK = Reply(250, "Sender OK", "2.1.0")
FORWARD_PATH_OK = Reply(250, "Recipient OK", "2.1.5")
DONE = EnhancedCode(2)
READY_FOR_TLS = Reply(220, "Ready to start TLS", "2.0.0")
AUTHENTICATED = Reply(235, "Authentication succeeded", "2.7.0")
MESSAGE_ACCEPTED = Reply(250, "Message accepted", "2.6.0")
CANNOT_VERIFY = Reply(252, "Cannot verify, send some mail and see", "2.5.2")
START_MAIL_INPUT = Reply(354, "End with <CRLF>.<CRLF>")

TOO_MANY_CLIENTS = Reply(421, "Too many connections, come back later", "4.7.0")
TOO_MANY_FROM_THERE = Reply(421, "Too many connections from your address", "4.7.0")
BANNED = Reply(421, "Too many failed logins from your address", "4.7.0")
OVERLOADED = Reply(421, "Too busy, come back later", "4.3.2")
TOO_MANY_ERRORS = Reply(421, "Too many errors, closing connection", "4.7.0")
TOO_MANY_TRANSACTIONS = Reply(421, "Too many messages, connect again", "4.7.0")
COMMAND_TIMEOUT = Reply(421, "Waited too long for a command", "4.4.2")
DATA_TIMEOUT = Reply(421, "Waited too long for the message", "4.4.2")
TOO_MANY_LOGINS = Reply(421, "Too many failed logins", "4.7.0")
OUT_OF_STEP = Reply(421, "Cannot tell where the next command begins", "4.5.0")
INJECTED = Reply(421, "Nothing may follow STARTTLS in the clear", "4.7.0")
NOT_HTTP = Reply(421, "This is not a web server", "4.7.0")
SHUTTING_DOWN = Reply(421, "Service is going down, try again later", "4.3.2")
SERVER_FAILED = Reply(421, "Server failed, try again later", "4.3.0")
LOCAL_ERROR = Reply(451, "Local error in processing", "4.3.0")
LOGINS_BUSY = Reply(454, "Temporary authentication failure", "4.7.0")
NO_ROOM_NOW = Reply(451, "Too busy for another message, try later", "4.3.1")
TOO_MANY_RECIPIENTS = Reply(452, "Too many recipients", "4.5.3")

LINE_TOO_LONG = Reply(500, "Line too long", "5.5.2")
UNKNOWN_COMMAND = Reply(500, "Command not recognized", "5.5.1")
BAD_CHARACTERS = Reply(500, "Control characters or invalid UTF-8 in command", "5.5.2")
RESPONSE_TOO_LONG = Reply(500, "Response too long", "5.5.6")
AUTH_CANCELLED = Reply(501, "Authentication cancelled", "5.7.0")
BAD_BASE64 = Reply(501, "Not base64", "5.5.2")
BAD_HOSTNAME = Reply(501, "Neither a domain nor an address literal", "5.5.4")
BAD_PARAMETERS = Reply(501, "Malformed parameters", "5.5.4")
BAD_EXCHANGE = Reply(501, "Malformed authentication exchange", "5.5.2")
BAD_REVERSE_PATH = Reply(501, "Bad reverse-path", "5.1.7")
BAD_FORWARD_PATH = Reply(501, "Bad forward-path", "5.1.3")
LISTS_NOT_EXPANDED = Reply(502, "Lists are not expanded here", "5.5.1")
NOT_OFFERED = Reply(502, "Not offered here", "5.5.1")
HELLO_FIRST = Reply(503, "Say hello first", "5.5.1")
MAIL_FIRST = Reply(503, "MAIL first", "5.5.1")
RCPT_FIRST = Reply(503, "No valid recipients", "5.5.1")
EHLO_FIRST = Reply(503, "Say EHLO first", "5.5.1")
CHUNKS_FIRST = Reply(503, "The message is not complete", "5.5.1")
BINARY_BY_CHUNKS = Reply(503, "BINARYMIME is sent by BDAT", "5.5.1")
TLS_ACTIVE = Reply(503, "TLS is active already", "5.5.1")
AUTH_ACTIVE = Reply(503, "Authenticated already", "5.5.1")
NESTED_MAIL = Reply(503, "Already in a mail transaction", "5.5.1")
SERVICE_REFUSED = Reply(503, "No service here, only QUIT", "5.5.1")
UNKNOWN_MECHANISM = Reply(504, "Mechanism not offered", "5.5.4")
STARTTLS_FIRST = Reply(530, "STARTTLS first", "5.7.0")
AUTHENTICATE_FIRST = Reply(530, "AUTH first", "5.7.0")
ENCRYPTION_REQUIRED = Reply(538, "AUTH needs TLS", "5.7.11")
AUTHENTICATION_FAILED = Reply(535, "Authentication failed", "5.7.8")
NOT_AUTHORIZED = Reply(550, "Not authorized", "5.7.0")
BARE_NEWLINE = Reply(550, "Bare CR or LF in message", "5.6.0")
NO_SUCH_FOLDER = Reply(553, "Not a name for a mailbox here", "5.1.3")
RELAYING_DENIED = Reply(550, "Relaying denied", "5.7.1")
ANOTHER_ROUTE = Reply(452, "Begin another transaction for this recipient", "4.5.3")
MAIL_LOOP = Reply(554, "Too many hops, this looks like a mail loop", "5.4.6")
INSUFFICIENT_STORAGE = Reply(452, "Insufficient system storage", "4.3.1")
HEADER_TOO_LARGE = Reply(552, "Header section too large", "5.3.4")
UTF8_ADDRESS = Reply(553, "Address needs SMTPUTF8", "5.6.7")
BY_TIME_TOO_SHORT = Reply(553, "Cannot be delivered in so short a time", "5.7.0")
HELD_TOO_LONG = Reply(501, "Cannot be held for so long", "5.5.4")
TOO_MANY_DOMAINS = Reply(452, "Too many domains", "4.5.3")
NO_VALID_RECIPIENTS = Reply(554, "No valid recipients", "5.5.1")

# What becomes of a message behind the server, as its destination says.
DELIVERY_DEFERRED = Reply(451, "Cannot be delivered now, try again later", "4.3.0")
NEXT_HOP_SILENT = Reply(451, "No answer from the next system", "4.4.1")
DELIVERY_FAILED = Reply(554, "Cannot be delivered", "5.3.0")
DELIVERY_MISCONFIGURED = Reply(554, "Delivery is not set up rightly", "5.3.5")
DELIVERY_OUT_OF_STEP = Reply(554, "Delivery was not understood", "5.5.0")
DELIVERY_FORBIDDEN = Reply(550, "Delivery is not permitted", "5.7.0")
MAILBOX_FAILED = Reply(554, "Cannot be stored", "5.2.0")
NO_SUCH_RECIPIENT = Reply(550, "No such recipient", "5.1.1")
NO_SUCH_DOMAIN = Reply(550, "No such domain", "5.1.2")
MESSAGE_REJECTED = Reply(554, "Message not acceptable", "5.6.0")
