"""
What hypothesis draws from for whole conversations: what a client sends, and how it
comes, what a server is told, and how an application answers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.rfcterms import Plan, Terms

T = TypeVar("T")

_PLAIN = base64.b64encode(b"\0carol\0sesame").decode("ascii")
_CAROL = base64.b64encode(b"carol").decode("ascii")

_GOOD = [
    *("EHLO client.example.net", "LHLO client.example.net"),
    *("MAIL FROM:<alice@example.com>", "RCPT TO:<bob@example.org>"),
    *("DATA", "BDAT 0 LAST", "BDAT 5\r\nabcde", "BDAT 9 LAST\r\nNOOP\r\nab", "RSET"),
    *("NOOP", "QUIT", "STARTTLS"),
]
_FAIR = [
    *("HELO client.example.net", "EHLO other.example.net", "MAIL FROM:<>"),
    *("MAIL FROM:<alice@example.com> BODY=BINARYMIME", "mail from:<x@example.net>"),
    *("MAIL FROM:<alice@example.com> SIZE=200 RET=HDRS", "RCPT TO:<postmaster>"),
    *("MAIL FROM:<jürgen@example.com> SMTPUTF8", "RCPT TO:<zoë@example.org>"),
    *(
        "RCPT TO:<carol@example.org> NOTIFY=NEVER",
        "BDAT 3 LAST\r\n\r\n.",
        "BDAT 1\r\n\r",
    ),
    *("NOOP with text", "VRFY bob", "EXPN list", "HELP", "STARTTLS", "rset\t"),
    *(f"AUTH PLAIN {_PLAIN}", "AUTH PLAIN", "AUTH LOGIN", f"AUTH LOGIN {_CAROL}"),
    *(f"AUTH LOGIN\r\n{_CAROL}\r\n{_CAROL}", f"AUTH LOGIN {_CAROL}\r\n{_CAROL}"),
    *(
        f"AUTH PLAIN\r\n{_PLAIN}",
        "AUTH LOGIN\r\nNOOP",
        "STARTTLS\r\nNOOP",
        "AUTH LOGIN\r\nRSET\r\nRSET",
    ),
    *(_PLAIN, _CAROL, "*", "XCLIENT ADDR=192.0.2.77", "XCLIENT LOGIN=dave HELO=there"),
]
_BAD = [
    *("", ".", "NONSENSE", "DATA now", "QUIT now", "EHLO", "EHLO [", "LHLO"),
    *(
        "MAIL FROM:alice@example.com",
        "MAIL FROM:<alice@>",
        "MAIL FROM: <a@example.com>",
    ),
    *("RCPT TO:<bob@example.org>x", "RCPT TO:<>", "MAIL FROM:<a@example.com> X=1"),
    *(
        "MAIL FROM:<a@example.com> SIZE=1 SIZE=2",
        "MAIL FROM:<a@example.com> SIZE=999999",
    ),
    *("MAIL FROM:<a@example.com> BODY=9BIT", "RCPT TO:<b@example.org> NOTIFY=MAYBE"),
    *("MAIL FROM:<zoë@example.org>", "VRFY", "RSET now", "STARTTLS now", "AUTH"),
    *("AUTH GSSAPI", "AUTH PLAIN !", "AUTH PLAIN =", "AUTH PLAIN AGE=", "XCLIENT"),
    *(
        "BDAT",
        "BDAT x",
        "BDAT 6 NOW",
        "BDAT  6\r\nNOOP\r\n",
        "BDAT\t6\r\nQUIT\r\n",
        "BDAT6",
    ),
    *("BDAT 9223372036854775808", "BDAT 18446744073709551616 LAST", "NOOP\rNOOP"),
    *("NOOP\nNOOP", "RSET\0", "NOOP \x7f", "NOOP \x85", "RSÈT", "GET / HTTP/1.1"),
    *("NOOP " + "x" * 600, "BDAT " + "0" * 600, "x" * 20_000),
]


def oneOf(values: Sequence[T]) -> st.SearchStrategy[T]:
    """As C{sampled_from}, for what is too long to be shown."""
    return st.integers(0, len(values) - 1).map(lambda n: values[n])


def _octets(lines: Iterable[str]) -> list[bytes]:
    return [line.encode("utf-8") + b"\r\n" for line in lines]


#: A line of a client.
lines = st.one_of(
    oneOf(_octets(_GOOD)),
    oneOf(_octets(_GOOD)),
    oneOf(_octets(_FAIR)),
    oneOf(_octets(_FAIR)),
    oneOf(_octets(_BAD) + [b"NOOP \xff\r\n", b"\x80\r\n", b"\r", b"\n"]),
)
groups = st.lists(lines, min_size=1, max_size=5).map(b"".join)

_CLEAN = [
    *(b"Subject: x\r\n", b"text", b"\r\n", b".", b"..", b"\r\n..\r\n..a\r\n", b"\0"),
    *(b"\xff", b" ", b"\r\n. \r\n", b"\r\n.\0\r\n", b"x" * 90, b"DATA\r\n"),
    *(b"MAIL FROM:<eve@example.com>\r\n", b"RCPT TO:<eve@example.org>\r\n"),
]
_NASTY = [
    *(b"\r", b"\n", b"\r\n.", b"\r\n.\n", b"\n.\r\n", b"\n.\n", b"\r\n.\r"),
    *(b"\r.\r\n", b"\r\n.\r\n"),
]
#: A message, or what is one until its end comes too soon; half of them have no line
#: ends but real ones.
contents = st.lists(st.sampled_from(_CLEAN), max_size=6).map(b"".join) | st.lists(
    st.sampled_from([*_CLEAN, *_NASTY, *_NASTY]), max_size=6
).map(b"".join)

_hellos = {
    "smtp": b"EHLO client.example.net\r\n",
    "lmtp": b"LHLO client.example.net\r\n",
}
_mails = st.sampled_from(
    [b"MAIL FROM:<alice@example.com>\r\n"] * 3
    + [b"MAIL FROM:<alice@example.com> BODY=BINARYMIME\r\n"]
)


def opening(terms: Terms, way: str) -> list[bytes]:
    """
    What a client begins with, that knows its way; it waits for each to be done.

    @param way: C{"all"} that it has to say before it may send, C{"hello"} alone, or
        C{"login"}, which it should not say before it asks for TLS
    """
    if way == "nothing":
        return []
    hello = _hellos[terms.protocol]
    login = f"AUTH PLAIN {_PLAIN}\r\n".encode("ascii")
    said = [hello]
    if way == "login":
        said += [login, b"STARTTLS\r\n", hello]
    if way == "all" and terms.tls == "required":
        said += [b"STARTTLS\r\n", hello]
    if way == "all" and terms.auth == "required":
        said.append(login)
    return said


@st.composite
def transactions(draw: st.DrawFn, protocol: str) -> bytes:
    """All that it takes to send a message, and maybe its end."""
    recipients = draw(st.integers(1, 3))
    rcpts = b"".join(b"RCPT TO:<r%d@example.org>\r\n" % n for n in range(recipients))
    begin = draw(st.sampled_from([b"", _hellos[protocol], b"RSET\r\n"]))
    opening = begin + draw(_mails) + rcpts
    content = draw(contents) + draw(st.sampled_from([b"", b"", b"", b"\r"]))
    how = draw(st.sampled_from(["DATA", "DATA", "BDAT", "BDAT", "RSET"]))
    if how == "RSET":
        message = b"RSET\r\n"
    elif how == "DATA":
        message = b"DATA\r\n" + content + draw(st.sampled_from([b"\r\n.\r\n", b""]))
    else:
        cut = draw(st.integers(0, len(content)))
        parts = content[:cut], content[cut:]
        message = b"BDAT %d\r\n%bBDAT %d%b\r\n%b" % (
            *(len(parts[0]), parts[0], len(parts[1])),
            *(draw(st.sampled_from([b" LAST", b" LAST", b""])), parts[1]),
        )
    return opening + message + draw(st.sampled_from([b"", b"NOOP\r\n", b"QUIT\r\n"]))


def said(protocol: str) -> st.SearchStrategy[bytes]:
    """What a client says at once."""
    return st.one_of(
        transactions(protocol), groups, transactions(protocol), groups, contents
    )


@st.composite
def cuts(draw: st.DrawFn) -> list[int]:
    """Where octets are cut; [0] is everywhere."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return [0]
    return sorted(draw(st.lists(st.integers(1, 300), max_size=4))) if kind > 2 else []


def pieces(octets: bytes, places: list[int]) -> list[bytes]:
    """The octets, cut at these places."""
    if places == [0]:
        places = [*range(1, min(len(octets), 400))]
    ends = [0, *places, len(octets)]
    parts = [octets[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    return [each for each in parts if each]


_usual = [*["accept"] * 4, "refuse", "later", "hang up", "raise"]
#: What may be answered to a question, by the name of its callback.
VERDICTS = {
    "onData": [*_usual, "text", "bad", "each"],
    "onAuth": [*_usual, "nobody"],
    **dict.fromkeys(["onConnect", "onSecure", "onHelo", "onRcptTo"], _usual),
    **dict.fromkeys(["onMailFrom"], _usual),
    "onClose": ["accept", "raise", "refuse"],
}


def _ways(name: str) -> tuple[str, ...]:
    reading = ("reading", "reading late") if name == "onData" else ()
    return ("at once", "late", *reading)


#: How a callback is going to answer once, with its name.
plans = oneOf(
    [
        (name, Plan(how, verdict, style))
        for name, verdicts in VERDICTS.items()
        for verdict in verdicts
        for how in _ways(name)
        for style in ("value", "coroutine", "Deferred")
    ]
)


def _mostly(usual: object, *others: object) -> st.SearchStrategy[object]:
    return st.sampled_from([*[usual] * 4, *others])


#: What a server is told.
terms = st.builds(
    Terms,
    protocol=_mostly("smtp", "lmtp"),
    tls=_mostly("none", "starttls", "required", "implicit"),
    auth=_mostly("none", "optional", "required"),
    allowInsecureAuth=_mostly(True, False),
    bareNewlines=_mostly("refuse", "normalize"),
    messageSize=_mostly(100_000, 100),
    recipients=_mostly(1000, 2),
    transactions=_mostly(1000, 2),
    errors=_mostly(20, 0, 2),
    authFailures=_mostly(3, 0),
    minimumDataRate=_mostly(0, 1),
    isProxied=_mostly(False, False, True),
    isTrusted=_mostly(False, True),
)
