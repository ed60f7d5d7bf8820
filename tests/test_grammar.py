"""
Tests of smtpsession._grammar.

Each pattern is tried against every single octet, against a table, and against inputs
of about 100 KB that would take forever if it had two ways to consume the same octet.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

from smtpsession import _grammar as grammar
from tests.cases import TableTestCase

NON_ASCII = set(range(0x80, 0x100))
DIGITS = set(digits.encode())
ALNUM = set(ascii_letters.encode()) | DIGITS
#: RFC 5322, section 3.2.3, and RFC 6531, section 3.3.
ATEXT = ALNUM | set(b"!#$%&'*+-/=?^_`{|}~") | NON_ASCII
#: RFC 5321, section 4.1.2: what stands for itself in a quoted string.
QTEXT = set(range(32, 127)) - set(b'"\\') | NON_ASCII

SINGLE_OCTETS = [
    # name, pattern, what stands around the octet, the octets that may stand there
    ("an atom", grammar.DOT_STRING, b"%b", ATEXT),
    ("the first octet of an atom", grammar.DOT_STRING, b"%ba", ATEXT),
    ("in a quoted string", grammar.MAILBOX, b'"%b"@b', QTEXT),
    ("a quoted pair", grammar.MAILBOX, b'"\\%b"@b', set(range(32, 127))),
    ("a domain", grammar.DOMAIN, b"%b", ALNUM | NON_ASCII),
    ("within a label", grammar.DOMAIN, b"a%bb", ALNUM | NON_ASCII | set(b"-.")),
    ("the end of a label", grammar.DOMAIN, b"a%b", ALNUM | NON_ASCII),
    ("a name in a hello", grammar.HELLO_DOMAIN, b"%b", ALNUM | set(b"_")),
    ("within it", grammar.HELLO_DOMAIN, b"a%bb", ALNUM | set(b"_-.")),
    ("the end of it", grammar.HELLO_DOMAIN, b"a%b", ALNUM | set(b"_.")),
    ("the first of a keyword", grammar.ESMTP_PARAM, b"%b", ALNUM),
    ("further on in a keyword", grammar.ESMTP_PARAM, b"A%b", ALNUM | set(b"-")),
    (
        "a parameter's value",
        grammar.ESMTP_PARAM,
        b"A=%b",
        set(range(33, 127)) - set(b"=") | NON_ASCII,
    ),
    ("xtext", grammar.XTEXT, b"%b", set(range(33, 127)) - set(b"+=")),
    (
        "what xtext encodes",
        grammar.NOT_XCHAR,
        b"%b",
        {*range(33), ord("+"), ord("="), 127, *NON_ASCII},
    ),
    ("a mechanism", grammar.SASL_MECH, b"%b", ALNUM | set(b"-_")),
    ("the size of a chunk", grammar.BDAT, b"%b", set(b"0123456789")),
    ("behind it", grammar.BDAT, b"1%bLAST", set(b" ")),
    ("an attribute's name", grammar.ATTRIBUTE, b"%b=a", ALNUM - set(b"0123456789")),
    (
        "an attribute's value",
        grammar.ATTRIBUTE,
        b"A=%b",
        set(range(33, 127)) | NON_ASCII,
    ),
    ("a port", grammar.PORT, b"%b", set(b"0123456789")),
    (
        "a word in a header",
        grammar.HEADER_WORD,
        b"%b",
        set(range(33, 127)) - set(b'"()<>@;\\'),
    ),
    ("a digit of a date", grammar.DATE_TIME, b"2026-02-2%bT12:30:00Z", DIGITS),
    ("a digit of a year", grammar.DATE_TIME, b"202%b-02-28T12:30:00Z", DIGITS),
    ("a digit of a time", grammar.DATE_TIME, b"2026-02-28T12:30:0%bZ", DIGITS),
    ("a digit of a fraction", grammar.DATE_TIME, b"2026-02-28T12:30:00.%bZ", DIGITS),
    ("between date and time", grammar.DATE_TIME, b"2026-02-28%b12:30:00Z", set(b"Tt")),
    ("behind the time", grammar.DATE_TIME, b"2026-02-28T12:30:00%b", set(b"Zz")),
    ("the sign", grammar.DATE_TIME, b"2026-02-28T12:30:00%b01:00", set(b"+-")),
    ("before a time", grammar.BY_VALUE, b"%b1;R", DIGITS | set(b"+-")),
    ("a mode", grammar.BY_VALUE, b"1;%b", set(b"NRnr")),
    ("a trace", grammar.BY_VALUE, b"1;R%b", set(b"Tt")),
    ("the least time", grammar.DELIVERBY_PARAM, b"%b", DIGITS),
    (
        "an option of the future",
        grammar.DELIVERBY_PARAM,
        b"1,a%b",
        set(range(33, 127)) - set(b","),
    ),
    ("a priority", grammar.PRIORITY_VALUE, b"%b", DIGITS),
    ("a negative priority", grammar.PRIORITY_VALUE, b"-%b", DIGITS - set(b"0")),
    ("the name of a policy", grammar.PRIORITY_PROFILE, b"%b", ALNUM | set(b"-_.")),
    (
        "the first digit of an interval",
        grammar.FUTURE_RELEASE_INTEGER,
        b"%b",
        DIGITS - set(b"0"),
    ),
    ("the digits behind it", grammar.FUTURE_RELEASE_INTEGER, b"1%b", DIGITS),
    ("a limit's name", grammar.LIMIT_NAME_VALUE, b"%b", ALNUM | set(b"-_")),
    (
        "a limit's value",
        grammar.LIMIT_NAME_VALUE,
        b"A=%b",
        set(range(33, 127)) - set(b";"),
    ),
    ("a limit's first digit", grammar.LIMIT_NUMBER, b"%b", DIGITS - set(b"0")),
    ("the digits behind that", grammar.LIMIT_NUMBER, b"1%b", DIGITS),
    ("a hexadecimal digit", grammar.HEXCHAR, b"+0%b", set(b"0123456789ABCDEF")),
    (
        "an internationalized original recipient",
        grammar.UTF_8_ADDR,
        b"%b",
        set(range(33, 127)) - set(b"+=\\") | NON_ASCII,
    ),
    (
        "the type of an original recipient, which is a parameter's value and no xtext",
        grammar.ADDR_TYPE,
        b"%b",
        ATEXT - NON_ASCII - set(b"+="),
    ),
    ("a control character", grammar.CONTROL, b"%b", {*range(32), 127}),
]

MATCHING = [
    # pattern, inputs
    (
        grammar.DOT_STRING,
        [b"bob", b"bob.smith", b"a.b.c", b"!#$%&'*+-/=?^_`{|}~", "jos\xe9".encode()],
    ),
    (
        grammar.MAILBOX,
        [
            b"bob@example.org",
            b'"bob smith"@example.org',
            b'""@example.org',
            b'"\\""@example.org',
            b"bob@[192.0.2.1]",
            b"bob@[IPv6:2001:db8::1]",
            b"bob@[ipv6:::1]",
            "jos\xe9@ex\xe4mple.org".encode(),
        ],
    ),
    (grammar.DOMAIN, [b"a", b"a.b", b"a--b.c", b"1.2.3.4", b"xn--e1afmkfd.example"]),
    (
        grammar.PATH,
        [b"<>", b"<bob@example.org>", b'<"a>b"@c>', b'<"a\\">b"@c>', b"<@a,@b:c@d>"],
    ),
    (grammar.ROUTE, [b"@a:", b"@a.b,@c.d:", b"@a,@b,@c:"]),
    (grammar.POSTMASTER, [b"postmaster", b"Postmaster", b"POSTMASTER"]),
    (
        grammar.ADDRESS_LITERAL,
        [b"[0.0.0.0]", b"[255.255.255.255]", b"[IPv6:::]", b"[IPV6:::FFFF:192.0.2.1]"],
    ),
    (
        grammar.HELLO_DOMAIN,
        [b"localhost", b"mx.example.org", b"mx.example.org.", b"my_laptop", b"_a_.b"],
    ),
    (
        grammar.ESMTP_PARAM,
        [b"SIZE=1000", b"SMTPUTF8", b"x-a=b", b"8=\xc3\xa9", b"A=+-"],
    ),
    (grammar.XTEXT, [b"", b"abc", b"a+20b", b"+2B+3D", b"rfc822;bob@example.org"]),
    (grammar.ADDR_TYPE, [b"rfc822", b"utf-8", b"x-my_type"]),
    (grammar.UTF_8_ADDR, [b"bob@example.org", b"jos\xc3\xa9@b", b"\\x{E9}@b"]),
    (grammar.SASL_MECH, [b"PLAIN", b"scram-sha-256", b"X_A", b"9", b"A" * 20]),
    (grammar.BDAT, [b"0", b"1000", b"9" * 20, b"5 LAST", b"5 last", b"00 Last"]),
    (
        grammar.ATTRIBUTE,
        [b"NAME=a", b"n=[UNAVAILABLE]", b"A==", b"A=+20", b"A=\xc3\xa9"],
    ),
    (grammar.PORT, [b"0", b"25", b"00025", b"99999"]),
    (
        grammar.DATE_TIME,
        [
            b"1985-04-12T23:20:50.52Z",
            b"1996-12-19T16:39:57-08:00",
            b"1990-12-31T23:59:60Z",
            b"1937-01-01t12:00:27.123456789+23:59",
        ],
    ),
    (grammar.BY_VALUE, [b"120;R", b"+1;rt", b"-999999999;N", b"0;NT"]),
    (grammar.DELIVERBY_PARAM, [b"", b"0", b"999999999", b"1,A,b=c", b",x"]),
    (grammar.PRIORITY_VALUE, [b"0", b"9", b"-9"]),
    (grammar.PRIORITY_PROFILE, [b"MIXER", b"STANAG4406", b"a_b-c.d", b"A" * 20]),
    (grammar.FUTURE_RELEASE_INTEGER, [b"1", b"604800", b"999999999"]),
    (grammar.LIMIT_NAME_VALUE, [b"RCPTMAX=20", b"A_B-9", b"X==,=", b"x=" + b"9" * 99]),
    (grammar.LIMIT_NUMBER, [b"1", b"999999"]),
    (grammar.HEADER_WORD, [b"ESMTP", b"4XyZ1z2abc", b"!#$%&'*+,-./:=?[]^_`{|}~"]),
]

NOT_MATCHING = [
    # pattern, inputs
    (grammar.DOT_STRING, [b"", b".", b".a", b"a.", b"a..b", b"a b", b'"a"', b"a@b"]),
    (
        grammar.MAILBOX,
        [
            b"",
            b"bob",
            b"bob@",
            b"@example.org",
            b"bob smith@example.org",
            b'"bob"smith@example.org',
            b'bob."smith"@example.org',
            b'"bob@example.org',
            b'bob"@example.org',
            b'"bob\\"@example.org',
            b'"bob\n"@example.org',
            b'"bob\\\xc3\xa9"@example.org',
            b"bob@@example.org",
            b"bob@example@org",
            b"bob@example.org ",
            b"bob@example.org\n",
            b"bob@[192.0.2.1",
            b"bob@192.0.2.1]",
            b"bob@[mail:example]",
        ],
    ),
    (
        grammar.DOMAIN,
        [
            b"",
            b".",
            b".a",
            b"a.",
            b"a..b",
            b"-a",
            b"a-",
            b"a.-b",
            b"a_b",
            b"a b",
            b"[a]",
        ],
    ),
    (
        grammar.PATH,
        [b"", b"<", b">", b"a@b", b"<a@b", b"a@b>", b"<<a@b>>", b'<"a>', b'<"a\\">'],
    ),
    (grammar.ROUTE, [b"", b":", b"@:", b"a:", b"@a", b"@a,:", b"@a,b:", b"@a, @b:"]),
    (grammar.POSTMASTER, [b"", b"postmaste", b"postmasters", b"post master"]),
    (
        grammar.ADDRESS_LITERAL,
        [b"[]", b"192.0.2.1", b"[1.2.3]", b"[2001:db8::1]", b"[IPv6:::1%eth0]", b"[a]"],
    ),
    (
        grammar.HELLO_DOMAIN,
        [b"", b".", b"a..b", b"a..", b".a", b"-a", b"a-", b"a b", b"\xc3\xa9", b"a\n"],
    ),
    (
        grammar.ESMTP_PARAM,
        [b"", b"=", b"=a", b"A=", b"A==", b"A=b=c", b"-A", b"A B", b"A=b c", b"A_B"],
    ),
    (grammar.XTEXT, [b"a b", b"+", b"+2", b"+2b", b"+G0", b"a=b", b"\xc3\xa9", b"a\n"]),
    (grammar.ADDR_TYPE, [b"", b"a;b", b"a b", b"(a)", b"a.b", b"\xc3\xa9"]),
    (
        grammar.UTF_8_ADDR,
        [b"", b"a b", b"\\", b"\\x", b"\\x{}", b"\\x{e9}", b"\\x{E9", b"+E9", b"a=b"],
    ),
    (grammar.SASL_MECH, [b"", b"A" * 21, b"A.B", b"A B", b"\xc3\xa9", b"A\n"]),
    (
        grammar.BDAT,
        [
            b"",
            b"LAST",
            b"5LAST",
            b"5  LAST",
            b"5 LAST ",
            b"5 ",
            b" 5",
            b"9" * 21,
            b"-1",
        ],
    ),
    (grammar.ATTRIBUTE, [b"", b"=", b"A", b"A=", b"=a", b"A B=c", b"A=b c", b"A1=b"]),
    (
        grammar.DATE_TIME,
        [
            b"",
            b"2026-02-28",
            b"2026-02-28T12:30Z",
            b"2026-02-28T12:30:00",
            b"2026-02-28T12:30:61Z",
            b"2026-02-28T12:30:00.Z",
            b"2026-02-28T12:30:00.1234567890Z",
            b"2026-02-28T12:30:00+24:00",
            b"2026-02-28T12:30:00+01:60",
            b"2026-02-28T12:30:00+0100",
            b"2026-02-28T12:30:00Z\n",
        ],
    ),
    (grammar.BY_VALUE, [b"", b";R", b"1", b"1;", b"1;T", b"1;RN", b"1;RTT", b"--1;R"]),
    (grammar.DELIVERBY_PARAM, [b"x", b"1,", b"-1", b"1 2", b"1,,2", b"1,a b", b"1\n"]),
    (grammar.PRIORITY_VALUE, [b"", b"-0", b"+1", b"10", b"01", b"-", b"1.0", b"1\n"]),
    (grammar.PRIORITY_PROFILE, [b"", b"A" * 21, b"A B", b"A=B", b"\xc3\xa9", b"A\n"]),
    (grammar.FUTURE_RELEASE_INTEGER, [b"", b"0", b"01", b"1" * 10, b"-1", b"+1"]),
    (grammar.LIMIT_NAME_VALUE, [b"", b"=1", b"A=", b"A=;", b"A B", b"A.B=1", b"A=1\n"]),
    (grammar.LIMIT_NUMBER, [b"", b"0", b"01", b"1000000", b"-1", b"1\n"]),
    (grammar.PORT, [b"", b"-1", b"+1", b"1.0", b"0x1", b"000025", b"25\n"]),
    (grammar.HEADER_WORD, [b"", b"a b", b"(a)", b"a;b", b"<a>", b"a@b", b"\xc3\xa9"]),
]

#: Each pattern with what it nearly matches at great length.
WORST = [
    # name, pattern, input
    ("one long atom", grammar.DOT_STRING, b"a" * 100_000 + b"@"),
    ("many short atoms", grammar.DOT_STRING, b"a." * 50_000),
    ("a local part without an @", grammar.MAILBOX, b"a" * 100_000),
    ("dots and no @", grammar.MAILBOX, b"a." * 50_000),
    ("a quoted string that does not end", grammar.MAILBOX, b'"' + b"a" * 100_000),
    ("quoted pairs that do not end", grammar.MAILBOX, b'"' + b"\\\\" * 50_000),
    ("quotes without end", grammar.MAILBOX, b'"' + b'\\"' * 50_000),
    ("one long label", grammar.DOMAIN, b"a" * 100_000),
    ("a label of hyphens", grammar.DOMAIN, b"a" + b"-" * 100_000),
    ("the longest labels", grammar.DOMAIN, (b"a" * 255 + b".") * 400),
    ("labels that end badly", grammar.DOMAIN, (b"a" + b"-" * 253 + b"a.") * 400 + b"-"),
    ("labels of U-letters", grammar.DOMAIN, b"\xc3\xa9." * 33_000),
    ("a mailbox with a long domain", grammar.MAILBOX, b"a@" + b"a." * 50_000),
    ("a path that does not end", grammar.PATH, b"<" + b"a" * 100_000),
    ("a path of quotes", grammar.PATH, b"<" + b'"' * 100_001),
    ("a path of quoted strings", grammar.PATH, b"<" + b'"a"' * 33_000),
    ("a path of backslashes", grammar.PATH, b'<"' + b"\\" * 100_001),
    ("brackets", grammar.PATH, b"<" * 100_000),
    ("a route that does not end", grammar.ROUTE, b"@a," * 33_000),
    ("a route with long names", grammar.ROUTE, (b"@" + b"a-" * 100 + b"a,") * 500),
    ("a literal of dots", grammar.ADDRESS_LITERAL, b"[" + b"." * 100_000),
    ("a literal of colons", grammar.ADDRESS_LITERAL, b"[IPv6:" + b":" * 100_000),
    ("a hello of hyphens", grammar.HELLO_DOMAIN, b"a" + b"-" * 100_000),
    ("a hello of underscores", grammar.HELLO_DOMAIN, b"_" * 100_000 + b"!"),
    ("a hello of dots", grammar.HELLO_DOMAIN, b"a." * 50_000 + b"."),
    ("a long keyword", grammar.ESMTP_PARAM, b"A" * 100_000 + b" "),
    ("a long value", grammar.ESMTP_PARAM, b"A=" + b"b" * 100_000 + b" "),
    ("xtext", grammar.XTEXT, b"+20" * 33_000 + b"+"),
    ("plain xtext", grammar.XTEXT, b"a" * 100_000 + b"="),
    ("an address type", grammar.ADDR_TYPE, b"a" * 100_000 + b";"),
    ("embedded characters", grammar.UTF_8_ADDR, b"\\x{E9}" * 16_000 + b"\\x{E9"),
    ("a mechanism", grammar.SASL_MECH, b"A" * 100_000),
    ("a size", grammar.BDAT, b"9" * 100_000),
    ("an attribute's name", grammar.ATTRIBUTE, b"A" * 100_000),
    ("an attribute's value", grammar.ATTRIBUTE, b"A=" + b"=" * 100_000 + b" "),
    ("a fraction", grammar.DATE_TIME, b"2026-02-28T12:30:00." + b"0" * 100_000),
    ("a time to deliver by", grammar.BY_VALUE, b"9" * 100_000 + b";R"),
    ("options", grammar.DELIVERBY_PARAM, b"1" + b",a" * 50_000 + b","),
    ("commas", grammar.DELIVERBY_PARAM, b"," * 100_000),
    ("the name of a limit", grammar.LIMIT_NAME_VALUE, b"A" * 100_000 + b"="),
    ("the value of a limit", grammar.LIMIT_NAME_VALUE, b"A=" + b"=" * 100_000 + b";"),
    ("a word in a header", grammar.HEADER_WORD, b"a" * 100_000 + b"@"),
    ("an embedded character", grammar.UTF_8_ADDR, b"\\x{" + b"0" * 100_000 + b"}"),
]


class PatternTests(TableTestCase):
    """The patterns."""

    def test_singleOctets(self):
        """In each place exactly those octets may stand that the RFC lists."""
        self.assertNoneWrong(
            f"{name}: {bytes([octet])!r}, allowed: {octet not in allowed}"
            for name, pattern, around, allowed in SINGLE_OCTETS
            for octet in range(256)
            if _matches(pattern, around % bytes([octet])) != (octet in allowed)
        )

    def test_matching(self):
        """What the RFC allows matches as a whole."""
        self.assertNoneWrong(
            f"{text!r} does not match {pattern.pattern!r}"
            for pattern, texts in MATCHING
            for text in texts
            if not _matches(pattern, text)
        )

    def test_notMatching(self):
        """What the RFC does not allow does not match as a whole."""
        self.assertNoneWrong(
            f"{text!r} matches {pattern.pattern!r}"
            for pattern, texts in NOT_MATCHING
            for text in texts
            if _matches(pattern, text)
        )

    def test_controlCharacters(self):
        """A control character is found wherever it stands in a line."""
        for octet in (*range(32), 127):
            line = b"NOOP " + bytes([octet]) + b" more"
            self.assertTrue(grammar.CONTROL.search(line), repr(line))
        self.assertFalse(grammar.CONTROL.search(bytes(range(32, 127)) + b"\x80\xff"))

    def test_quotedPairs(self):
        """A backslash quotes the octet behind it, be it a backslash too."""
        self.assertEqual(rb'a"b\c\d', grammar.QUOTED_PAIR.sub(rb"\1", rb"a\"b\\c\\\d"))

    def test_linearTime(self):
        """No input keeps a pattern busy for longer than it takes to read it."""
        for name, pattern, text in WORST:
            self.assertFalse(_matches(pattern, text), name)


def _matches(pattern: re.Pattern[bytes], octets: bytes) -> bool:
    return pattern.fullmatch(octets) is not None
