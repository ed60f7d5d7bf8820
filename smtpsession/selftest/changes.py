# -*- test-case-name: tests.test_selftest -*-
"""
Where one thing becomes another: clear text TLS, a request of HTTP mail, a counted
message commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpsession.selftest.endings import another
from smtpsession.selftest.judges import (
    atMost,
    forgotten,
    inOrder,
    noMessage,
    notInjected,
)
from smtpsession.selftest.model import (
    Begin,
    Case,
    Handshake,
    Kind,
    Pause,
    Send,
    Target,
)

_QUIT = Send(b"QUIT\r\n")
_DISCARDED = (
    "RFC 3207, section 4.2: what was obtained from the client before TLS MUST be "
    "discarded"
)


def changes(target: Target) -> Iterator[Case]:
    """The cases."""
    yield from _startTLS(target)
    yield _pipelined(target)
    yield from _http(target)
    yield from _chunking(target)


def _startTLS(target: Target) -> Iterator[Case]:
    yield Case(
        "starttls-injection",
        Kind.STARTTLS,
        "what was sent in the clear behind STARTTLS is no command in TLS",
        f"{_DISCARDED}; CVE-2011-0411, CVE-2024-34083",
        Begin.HELLO,
        (
            (
                Send(b"STARTTLS\r\nNOOP injected\r\n"),
                *(Handshake(mayFail=True), Pause(), _QUIT),
            ),
        ),
        notInjected,
        "STARTTLS",
    )
    yield Case(
        "starttls-transaction",
        Kind.STARTTLS,
        "a sender that was given in the clear is forgotten in TLS",
        _DISCARDED,
        Begin.MAIL,
        (
            (
                *(Send(b"STARTTLS\r\n"), Handshake(), Send(target.hello), Pause()),
                *(Send(target.rcpt), Pause(), _QUIT),
            ),
        ),
        forgotten,
        "STARTTLS",
    )


def _pipelined(target: Target) -> Case:
    group = b"RSET\r\n" + target.mail + b"RCPT TO:\r\n" + target.rcpt + b"DATA\r\n"
    return Case(
        "pipelined-order",
        Kind.PIPELINING,
        "the replies to a group of commands come in their order",
        "RFC 2920, section 3.2: a server MUST respond to commands in the order they "
        "are received",
        # So that the recipient is known to be accepted.
        Begin.RCPT,
        (
            (
                Send(group),
                # DATA is the last of a group, RFC 2920, section 3.1.
                *(Pause(), Pause(), Send(b".\r\n"), Pause(), _QUIT),
            ),
        ),
        inOrder(2, 2, 5, 2, 3, None, 2),
        "PIPELINING",
    )


def _http(target: Target) -> Iterator[Case]:
    """A browser can be made to send this by any page that it shows."""
    for verb in ("GET", "POST", "PUT", "CONNECT"):
        request = f"{verb} / HTTP/1.1\r\nHost: {target.address}\r\n\r\n"
        yield Case(
            f"http-{verb.lower()}",
            Kind.HTTP,
            f"what follows a {verb} of HTTP sends no mail",
            "cross-protocol scripting (HTML Form Protocol Attack, 2001; NAT "
            "Slipstreaming, 2020)",
            Begin.CONNECT,
            ((Send(request.encode("ascii") + target.hello + another(target)),),),
            noMessage,
        )


def _chunking(target: Target) -> Iterator[Case]:
    content = b"From: <selftest@selftest.invalid>\r\n\r\nx\r\n.\r\nNOOP\r\nNOOP\r\n"
    counted = b"BDAT %d LAST\r\n" % len(content)
    yield Case(
        "bdat-content",
        Kind.CHUNKING,
        "a message that is counted has no commands in it",
        "RFC 3030, section 2: the octets of a chunk are counted, whatever they are",
        Begin.RCPT,
        ((Send(counted + content), Pause(), _QUIT),),
        atMost(2),
        "CHUNKING",
    )
    yield Case(
        "bdat-refused",
        Kind.CHUNKING,
        "the octets of a chunk that is refused are no commands",
        "RFC 3030, section 2: if BDAT fails, the server MUST accept and discard the "
        "data before it says so",
        Begin.HELLO,
        ((Send(counted + content), Pause(), _QUIT),),
        atMost(2),
        "CHUNKING",
    )
    yield Case(
        "bdat-size",
        Kind.CHUNKING,
        "a size of more than 64 bits is not what is left of it",
        "RFC 3030, section 2: chunk-size is any number of digits, and as many octets "
        "follow",
        Begin.RCPT,
        ((Send(b"BDAT %d LAST\r\nxNOOP\r\nNOOP\r\n" % (2**64 + 1)), Pause()),),
        atMost(1),
        "CHUNKING",
    )
