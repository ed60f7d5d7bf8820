# -*- test-case-name: tests.test_selftest -*-
"""
The end of a message, and what looks like it.

Each look-alike stands between the text of a message and the commands of another one.
For a server that takes it for an end, the rest is commands, and it answers each of
them: that is SMTP smuggling (SEC Consult, December 2023).
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpsession.selftest.judges import atMost, exactly
from smtpsession.selftest.model import Begin, Case, Kind, Send, SendApart, Target

_LF = (
    "RFC 5321, section 4.1.1.4: servers MUST NOT accept lines that end only in LF; "
    "SMTP smuggling, CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2024-27305"
)
_LINE = (
    "RFC 5321, section 2.3.8: nothing but CRLF may be recognized as the end of a line; "
    "SMTP smuggling (SEC Consult, December 2023)"
)
_DOT = (
    "RFC 5321, section 4.5.2: only a line that is a single period and nothing else "
    "ends a message"
)
_OTHER = (
    "RFC 5321, section 2.3.8: nothing but CRLF may be recognized as the end of a line"
)

#: name, the octets, how they are written, the ground
LOOK_ALIKES = (
    ("lf-dot-lf", b"\n.\n", "LF . LF", _LF),
    ("lf-dot-crlf", b"\n.\r\n", "LF . CRLF", _LF),
    ("crlf-dot-lf", b"\r\n.\n", "CRLF . LF", _LF),
    ("lf-dot-cr", b"\n.\r", "LF . CR", _LINE),
    ("cr-dot-cr", b"\r.\r", "CR . CR", _LINE),
    ("cr-dot-lf", b"\r.\n", "CR . LF", _LINE),
    ("cr-dot-crlf", b"\r.\r\n", "CR . CRLF", _LINE),
    ("crlf-dot-cr", b"\r\n.\r", "CRLF . CR", _LINE),
    ("crlf-dot-cr-crlf", b"\r\n.\r\r\n", "CRLF . CR CRLF", _LINE),
    ("cr-crlf-dot-cr-crlf", b"\r\r\n.\r\r\n", "CR CRLF . CR CRLF", _LINE),
    ("lf-cr-dot-lf-cr", b"\n\r.\n\r", "LF CR . LF CR", _LINE),
    ("crlf-nul-dot-crlf", b"\r\n\0.\r\n", "CRLF NUL . CRLF", _DOT),
    ("crlf-dot-nul-crlf", b"\r\n.\0\r\n", "CRLF . NUL CRLF", _DOT),
    ("crlf-dot-cr-nul-lf", b"\r\n.\r\0\n", "CRLF . CR NUL LF", _DOT),
    ("crlf-dot-space-crlf", b"\r\n. \r\n", "CRLF . SP CRLF", _DOT),
    ("crlf-space-dot-crlf", b"\r\n .\r\n", "CRLF SP . CRLF", _DOT),
    ("crlf-dot-tab-crlf", b"\r\n.\t\r\n", "CRLF . TAB CRLF", _DOT),
    ("crlf-dot-dot-crlf", b"\r\n..\r\n", "CRLF . . CRLF", _DOT),
    ("vt-dot-vt", b"\x0b.\x0b", "VT . VT", _OTHER),
    ("ff-dot-ff", b"\x0c.\x0c", "FF . FF", _OTHER),
    ("nel-dot-nel", b"\xc2\x85.\xc2\x85", "NEL . NEL (U+0085)", _OTHER),
    ("ls-dot-ls", b"\xe2\x80\xa8.\xe2\x80\xa8", "LS . LS (U+2028)", _OTHER),
)


def endings(target: Target) -> Iterator[Case]:
    """The cases."""
    yield _end(target)
    yield Case(
        "empty-message",
        Kind.END_OF_DATA,
        "a line with a period right behind DATA ends an empty message",
        "RFC 5321, section 4.1.1.4: the CRLF of the DATA line is the first one of "
        "CRLF . CRLF",
        Begin.DATA,
        ((Send(b".\r\nQUIT\r\n"),), (SendApart(b".\r\n"), Send(b"QUIT\r\n"))),
        exactly(2),
    )
    for name, octets, written, ground in LOOK_ALIKES:
        yield Case(
            name,
            Kind.END_OF_DATA,
            f"{written} does not end a message",
            ground,
            Begin.DATA,
            _bothWays(_text(name), octets, another(target)),
            atMost(2),
        )


def another(target: Target) -> bytes:
    """The commands of a second message, and the message."""
    return (
        target.mail
        + target.rcpt
        + b"DATA\r\n"
        + _text("the second message, which nobody sent")
        + b"\r\n.\r\nQUIT\r\n"
    )


def _end(target: Target) -> Case:
    """What is no look-alike: a server that misses it would pass all others."""
    name = "crlf-dot-crlf"
    return Case(
        name,
        Kind.END_OF_DATA,
        "CRLF . CRLF ends a message, and what follows at once is commands",
        "RFC 5321, section 4.1.1.4: receipt of the end of mail data indication "
        "requires the server to process the message",
        Begin.DATA,
        _bothWays(_text(name), b"\r\n.\r\n", b"RSET\r\nNOOP\r\nQUIT\r\n"),
        exactly(4),
    )


def _bothWays(
    before: bytes, octets: bytes, behind: bytes
) -> tuple[tuple[Send | SendApart, ...], ...]:
    """In one piece, and with the octets in question one by one."""
    return (
        (Send(before + octets + behind),),
        (Send(before), SendApart(octets), Send(behind)),
    )


def _text(subject: str) -> bytes:
    """A message, all but its last CRLF."""
    return (
        b"From: <selftest@selftest.invalid>\r\nSubject: smtpsession selftest: "
        + subject.encode("ascii")
        + b"\r\n\r\nA test of the end of a message."
    )
