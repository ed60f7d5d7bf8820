# -*- test-case-name: tests.test_selftest -*-
"""
Commands, and what is no command or one with something wrong in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpsession.selftest.judges import atMost, oneReply, proper, refused
from smtpsession.selftest.model import (
    Begin,
    Case,
    Judge,
    Kind,
    Pause,
    Send,
    Target,
)

_QUIT = Send(b"QUIT\r\n")

_LINE = (
    "RFC 5321, section 2.3.8: nothing but CRLF may be recognized as the end of a line"
)
_CODES = (
    "RFC 5321, section 4.1.2: a command with invalid character codes MUST be rejected "
    "with 501"
)
_PATH = "RFC 5321, section 4.1.2: the grammar of a path"
_RCPT = "RFC 5321, section 4.1.1.3: the grammar of RCPT, which has no null path"
_LITERAL = "RFC 5321, section 4.1.3: the grammar of an address literal"

#: More than any server takes for a line.
_LONG = 200_000

#: name, what has to be, what is between two commands
LINE_ENDS = (
    ("bare-lf", "LF alone does not end a command", b"\n"),
    ("bare-cr", "CR alone does not end a command", b"\r"),
    ("nul", "NUL does not end a command", b"\0"),
    ("lf-cr", "LF CR does not end a command", b"\n\r"),
    ("nel", "U+0085 does not end a command", b"\xc2\x85"),
)

#: name, what has to be refused, the path with %b for the domain, the ground
PATHS = (
    ("path-nul", "NUL in a path", b"<self\0test@%b>", _CODES),
    ("path-control", "a control character in a path", b"<self\x01test@%b>", _CODES),
    ("path-quoted-control", "such a one in quotes", b'<"self\x01test"@%b>', _CODES),
    ("path-cr", "CR in a path", b"<self\rtest@%b>", _CODES),
    ("path-lf", "LF in a path", b'<"self\ntest"@%b>', _CODES),
    ("path-8-bit", "8 bits that are not UTF-8", b"<self\xfftest@%b>", _CODES),
    ("domain-nul", "NUL in a domain", b"<selftest@%b\0.invalid>", _CODES),
    ("path-null", "the null path as a recipient", b"<>", _RCPT),
    ("path-no-end", "a path without its end", b"<selftest@%b", _PATH),
    ("path-tail", "something behind a path", b"<selftest@%b>x", _PATH),
    ("path-two", "two paths", b"<selftest@%b><other@%b>", _PATH),
    ("path-nested", "a path in a path", b"<<selftest@%b>>", _PATH),
    ("path-space", "an unquoted space in a path", b"<self test@%b>", _PATH),
    ("path-two-at", "two unquoted @", b"<self@test@%b>", _PATH),
    ("path-no-local-part", "a path without its local part", b"<@%b>", _PATH),
    ("path-open-quote", "a quote that does not end", b'<"selftest@%b>', _PATH),
    ("path-two-dots", "two dots in a domain", b"<selftest@x..%b>", _PATH),
    ("path-literal", "an address that is none", b"<selftest@[300.1.1.1]>", _LITERAL),
)


def parsing(target: Target) -> Iterator[Case]:
    """The cases."""
    for name, title, octets in LINE_ENDS:
        yield _case(
            name,
            title,
            _LINE,
            Begin.HELLO,
            b"NOOP first" + octets + b"NOOP second\r\n",
            atMost(2),
        )
    yield from _long()
    for name, what, path, ground in PATHS:
        yield _case(
            name,
            f"refused: {what}",
            ground,
            Begin.MAIL,
            b"RCPT TO:" + path.replace(b"%b", target.domain) + b"\r\n",
            refused,
        )
    yield from _parameters(target)
    yield from _verbs()


def _long() -> Iterator[Case]:
    """A line that is too long, with what would be a command in it and at its end."""
    ground = (
        "RFC 5321, section 4.2: every command MUST generate exactly one reply; section "
        "2.3.8: a line ends with CRLF, and not where a buffer does"
    )
    filling = b"NOOP " * (_LONG // 5)
    for name, title, steps in (
        ("long-line", "a long line is one command", (Send(filling + b"\r\n"),)),
        (
            "long-line-apart",
            "a long line is one command, though its end comes late",
            (Send(filling), Pause(), Send(b"NOOP\r\n")),
        ),
    ):
        yield Case(
            name,
            Kind.PARSING,
            title,
            ground,
            Begin.HELLO,
            ((*steps, Pause(), _QUIT),),
            oneReply,
        )


def _parameters(target: Target) -> Iterator[Case]:
    unknown = (
        "RFC 5321, section 4.1.1.11: a parameter that is not recognized returns 555"
    )
    mail, rcpt = (each.removesuffix(b"\r\n") for each in (target.mail, target.rcpt))
    yield _case(
        "parameter-mail",
        "refused: an unknown parameter of MAIL",
        unknown,
        Begin.HELLO,
        mail + b" SELFTEST=1\r\n",
        refused,
    )
    yield _case(
        "parameter-rcpt",
        "refused: an unknown parameter of RCPT",
        unknown,
        Begin.MAIL,
        rcpt + b" SELFTEST=1\r\n",
        refused,
    )
    yield _case(
        "parameter-no-space",
        "refused: a parameter right behind the path",
        "RFC 5321, section 4.1.1.2: the grammar of MAIL",
        Begin.HELLO,
        mail + b"BODY=8BITMIME\r\n",
        refused,
        "8BITMIME",
    )
    yield _case(
        "parameter-size",
        "refused: a size that is no number",
        "RFC 1870, section 3: size-value is 1 to 20 digits",
        Begin.HELLO,
        mail + b" SIZE=-1\r\n",
        refused,
        "SIZE",
    )
    yield _case(
        "parameter-body",
        "refused: a body of an unknown type",
        "RFC 6152, section 2: BODY is 7BIT or 8BITMIME",
        Begin.HELLO,
        mail + b" BODY=SELFTEST\r\n",
        refused,
        "8BITMIME",
    )


def _verbs() -> Iterator[Case]:
    yield _case(
        "verb-prefix",
        "refused: a verb that only begins like one",
        "RFC 5321, section 4.2.4: a command that is not recognized gets 500",
        Begin.HELLO,
        b"RSETX\r\n",
        refused,
    )
    yield _case(
        "verb-nul",
        "refused: a verb with NUL behind it",
        _CODES,
        Begin.HELLO,
        b"RSET\0X\r\n",
        refused,
    )
    octets = b"\x1b[2J\x07\xff\0\r250 \n250 "
    for name, what, command, begin in (
        ("reply-verb", "a verb", b"SELFTEST" + octets, Begin.HELLO),
        ("reply-hello", "a name", b"HELO selftest" + octets, Begin.CONNECT),
        ("reply-path", "a path", b"RCPT TO:<selftest" + octets + b">", Begin.MAIL),
    ):
        yield _case(
            name,
            f"whatever is in {what}, replies are well formed",
            "RFC 5321, section 4.2: the text of a reply is made of printable ASCII and "
            "tabs; reply injection",
            begin,
            command + b"\r\n",
            proper,
        )
    yield _case(
        "reply-long",
        "a long verb does not make a reply too long",
        "RFC 5321, section 4.5.3.1.5: a reply line has 512 octets at most",
        Begin.HELLO,
        b"SELFTEST" * 60 + b"\r\n",
        proper,
    )


def _case(
    name: str,
    title: str,
    ground: str,
    begin: Begin,
    line: bytes,
    judge: Judge,
    needs: str | None = None,
) -> Case:
    """One line, and QUIT as soon as it is answered."""
    trials = ((Send(line), Pause(), _QUIT),)
    return Case(name, Kind.PARSING, title, ground, begin, trials, judge, needs)
