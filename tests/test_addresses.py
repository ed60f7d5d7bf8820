"""
Tests of smtpsession.addresses.
"""

from __future__ import annotations

import json
from ipaddress import ip_address

import idna
from attrs.exceptions import FrozenInstanceError
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smtpsession.addresses import (
    PathTooLong,
    SMTPAddress,
    isHostname,
    parseForwardPath,
    parseLiteral,
    parseReversePath,
    parseSubmitter,
    printLocalPart,
    printPath,
    printSubmitter,
)
from smtpsession.parameters import DSNRcpt, SMTPAddressArgs
from tests.cases import TableTestCase
from tests.strategies import asciiDomains, forwardPaths, hostnames, mailboxes, uDomains

#: 189 octets, which a local part of 64 fills up to a path of 256.
DOMAIN_OF_189 = ".".join(["d" * 63, "e" * 63, "f" * 61])
#: 252 octets, which a local part of one fills up to a path of 256.
DOMAIN_OF_252 = ".".join(["d" * 63, "e" * 63, "f" * 63, "g" * 60])

MAILBOXES = [
    # name, mailbox, (local part, domain)
    #
    # Dot-strings.
    ("plain", "bob@example.org", ("bob", "example.org")),
    ("dots", "bob.the.builder@example.org", ("bob.the.builder", "example.org")),
    ("every kind of atext", "!#$%&'*+-/=?^_`{|}~@x", ("!#$%&'*+-/=?^_`{|}~", "x")),
    ("digits", "42@example.org", ("42", "example.org")),
    ("the case of a local part is kept", "Bob@example.org", ("Bob", "example.org")),
    #
    # Quoted strings.
    ("quoted without need", '"bob"@example.org', ("bob", "example.org")),
    ("a space", '"bob smith"@example.org', ("bob smith", "example.org")),
    ("an at sign", '"a@b"@example.org', ("a@b", "example.org")),
    ("brackets", '"<a>"@example.org', ("<a>", "example.org")),
    ("dots where an atom has none", '".a..b."@example.org', (".a..b.", "example.org")),
    ("an escaped quote", '"a\\"b"@example.org', ('a"b', "example.org")),
    ("an escaped backslash", '"a\\\\b"@example.org', ("a\\b", "example.org")),
    ("escaped without need", '"\\a\\ b"@example.org', ("a b", "example.org")),
    ("two backslashes, then a quote", '"a\\\\\\""@x', ('a\\"', "x")),
    ("empty", '""@example.org', ("", "example.org")),
    #
    # Domains.
    ("a single label", "bob@localhost", ("bob", "localhost")),
    ("the case of a domain is not kept", "bob@EXAMPLE.Org", ("bob", "example.org")),
    ("hyphens", "bob@my--host.example", ("bob", "my--host.example")),
    ("digits in a domain", "bob@3com.example", ("bob", "3com.example")),
    ("only digits, which the RFC allows", "bob@192.0.2.1", ("bob", "192.0.2.1")),
    ("an A-label", "bob@XN--bcher-kva.example", ("bob", "xn--bcher-kva.example")),
    #
    # Internationalized addresses, RFC 6531.
    ("a U-label", "bob@b\xfccher.example", ("bob", "xn--bcher-kva.example")),
    (
        "a U-label in capitals",
        "bob@B\xdcCHER.example",
        ("bob", "xn--bcher-kva.example"),
    ),
    ("sharp s", "bob@stra\xdfe.example", ("bob", "xn--strae-oqa.example")),
    (
        "all labels are U-labels",
        "bob@\u4f8b\u3048.\u30c6\u30b9\u30c8",
        ("bob", "xn--r8jz45g.xn--zckzah"),
    ),
    ("a local part", "jos\xe9@example.org", ("jos\xe9", "example.org")),
    ("a quoted one", '"jos\xe9 m"@example.org', ("jos\xe9 m", "example.org")),
    (
        "not composed, and kept so",
        "jose\u0301@example.org",
        ("jose\u0301", "example.org"),
    ),
    ("beyond the basic plane", "\U0001f40d@example.org", ("\U0001f40d", "example.org")),
    #
    # Address literals.
    ("IPv4", "bob@[192.0.2.1]", ("bob", "[192.0.2.1]")),
    ("the highest IPv4", "bob@[255.255.255.255]", ("bob", "[255.255.255.255]")),
    ("IPv6", "bob@[IPv6:2001:db8::1]", ("bob", "[ipv6:2001:db8::1]")),
    ("IPv6 in full", "bob@[IPv6:1:2:3:4:5:6:7:8]", ("bob", "[ipv6:1:2:3:4:5:6:7:8]")),
    ("IPv6 in capitals", "bob@[IPV6:2001:DB8::A]", ("bob", "[ipv6:2001:db8::a]")),
    ("the shortest IPv6", "bob@[IPv6:::]", ("bob", "[ipv6:::]")),
    (
        "IPv4 within IPv6",
        "bob@[IPv6:::ffff:192.0.2.1]",
        ("bob", "[ipv6:::ffff:192.0.2.1]"),
    ),
    #
    # Just within the limits of RFC 5321, section 4.5.3.1, and RFC 1035, section 2.3.4.
    ("a local part of 64 octets", "a" * 64 + "@x", ("a" * 64, "x")),
    ("the same with quotes", '"' + "a" * 62 + '"@x', ("a" * 62, "x")),
    ("64 octets of UTF-8", "\xe9" * 32 + "@x", ("\xe9" * 32, "x")),
    ("a label of 63 octets", "a@" + "b" * 63 + ".org", ("a", "b" * 63 + ".org")),
    ("the longest domain", "a@" + DOMAIN_OF_252, ("a", DOMAIN_OF_252)),
    (
        "a path of 256 octets",
        "a" * 64 + "@" + DOMAIN_OF_189,
        ("a" * 64, DOMAIN_OF_189),
    ),
]

NOT_MAILBOXES = [
    # name, mailbox
    #
    # Parts missing, and parts too many.
    ("no at sign and no domain", "bob"),
    ("no domain", "bob@"),
    ("no local part", "@example.org"),
    ("only an at sign", "@"),
    ("two at signs", "bob@smith@example.org"),
    ("two domains", "bob@example.org,example.net"),
    ("something behind", "bob@example.org x"),
    ("a comment", "bob@example.org(Bob)"),
    ("a display name", "Bob <bob@example.org>"),
    ("a scheme", "mailto:bob@example.org"),
    #
    # Local parts.
    ("a space", "bob smith@example.org"),
    ("a space in front", " bob@example.org"),
    ("a dot in front", ".bob@example.org"),
    ("a dot behind", "bob.@example.org"),
    ("two dots", "bob..smith@example.org"),
    ("a special", "bob(smith@example.org"),
    ("a comma", "bob,smith@example.org"),
    ("a backslash without quotes", "bob\\@smith@example.org"),
    ("a quote that does not end", '"bob@example.org'),
    ("a quote that does not begin", 'bob"@example.org'),
    ("the closing quote is escaped", '"bob\\"@example.org'),
    ("a quote within quotes", '"a"b"@example.org'),
    ("an atom behind a quoted string", '"bob"smith@example.org'),
    ("a quoted string as a word, RFC 822", '"bob".smith@example.org'),
    ("what may not be quoted", '"\\\xe9"@example.org'),
    #
    # Domains.
    ("a dot in front of a domain", "bob@.example.org"),
    ("a dot behind a domain", "bob@example.org."),
    ("two dots in a domain", "bob@example..org"),
    ("a hyphen in front", "bob@-example.org"),
    ("a hyphen behind", "bob@example-.org"),
    ("a hyphen behind the last label", "bob@example.org-"),
    ("an underscore", "bob@my_host.example"),
    ("a space in a domain", "bob@exa mple.org"),
    ("a quoted domain", 'bob@"example.org"'),
    ("a slash", "bob@example.org/inbox"),
    ("a percent sign", "bob@example%org"),
    #
    # U-labels that IDNA does not know.
    ("a symbol", "bob@\u2603.example"),
    ("a hyphen in front of a U-label", "bob@-\xe9.example"),
    ("a hyphen behind a U-label", "bob@\xe9-.example"),
    ("hyphens in third and fourth place", "bob@ab--\xe9.example"),
    ("letters that are not composed, RFC 5891 section 4.2.1", "bob@bu\u0308.example"),
    ("a combining mark in front", "bob@\u0301a.example"),
    ("a joiner without what it joins", "bob@a\u200db.example"),
    ("both directions in a label", "bob@a\u05d0.example"),
    ("an empty U-label", "bob@\xe9..example"),
    ("an A-label that is none, beside a U-label", "bob@xn--a.\xe9.example"),
    ("an underscore beside a U-label", "bob@_a.\xe9.example"),
    ("full-width brackets", "bob@\uff3b192.0.2.1\uff3d"),
    #
    # Address literals.
    ("an empty literal", "bob@[]"),
    ("a literal that does not end", "bob@[192.0.2.1"),
    ("a literal that does not begin", "bob@192.0.2.1]"),
    ("something behind a literal", "bob@[192.0.2.1]x"),
    ("a label behind a literal", "bob@[192.0.2.1].org"),
    ("a space in a literal", "bob@[192.0.2.1 ]"),
    ("three numbers", "bob@[192.0.2]"),
    ("five numbers", "bob@[1.2.3.4.5]"),
    ("a number above 255", "bob@[192.0.2.256]"),
    ("a number missing", "bob@[192..2.1]"),
    ("zeros in front, which some read as octal", "bob@[192.0.2.010]"),
    ("hexadecimal", "bob@[0xC0000201]"),
    ("one number", "bob@[3221225985]"),
    ("digits that are not ASCII", "bob@[192.0.2.\u0661]"),
    ("IPv6 without its tag", "bob@[2001:db8::1]"),
    ("IPv4 with the tag", "bob@[IPv6:192.0.2.1]"),
    ("a tag that nobody registered", "bob@[IPv4:192.0.2.1]"),
    ("a general literal", "bob@[x-tag:content]"),
    ("a tag without an address", "bob@[IPv6:]"),
    ("a space behind the tag", "bob@[IPv6: ::1]"),
    ("nine groups", "bob@[IPv6:1:2:3:4:5:6:7:8:9]"),
    ("seven groups", "bob@[IPv6:1:2:3:4:5:6:7]"),
    ("two gaps", "bob@[IPv6:1::2::3]"),
    ("three colons", "bob@[IPv6:1:::2]"),
    ("a group of five digits", "bob@[IPv6:12345::1]"),
    ("not a hexadecimal digit", "bob@[IPv6:g::1]"),
    ("a zone", "bob@[IPv6:fe80::1%eth0]"),
    ("a prefix length", "bob@[IPv6:2001:db8::/32]"),
]

TOO_LONG = [
    # name, mailbox
    ("a local part of 65 octets", "a" * 65 + "@example.org"),
    ("the same with quotes", '"' + "a" * 63 + '"@example.org'),
    ("quoted pairs count twice", '"' + "\\a" * 32 + '"@example.org'),
    ("65 octets of UTF-8 that are 33 letters", "\xe9" * 32 + "a@example.org"),
    ("a label of 64 octets", "a@" + "b" * 64 + ".org"),
    ("a last label of 64 octets", "a@org." + "b" * 64),
    ("a path of 257 octets", "a" * 64 + "@" + DOMAIN_OF_189 + "f"),
    ("a domain of 253 octets", "a@" + DOMAIN_OF_252 + "g"),
    ("a path of 257 octets of UTF-8", "a@" + "\xe9." * 84 + "a"),
]

HOSTNAMES = [
    # name, what a client calls itself
    ("a domain", "mx.example.org"),
    ("a single label", "localhost"),
    ("capitals", "MX.Example.ORG"),
    ("digits", "192.0.2.1"),
    ("an A-label", "xn--bcher-kva.example"),
    ("an underscore, as machines of offices have it", "my_laptop"),
    ("a closing dot, as resolvers give it", "mx.example.org."),
    ("an IPv4 literal", "[192.0.2.1]"),
    ("an IPv6 literal", "[IPv6:2001:db8::1]"),
    ("255 octets", ".".join(["a" * 63] * 3 + ["a" * 63])),
]

NOT_HOSTNAMES = [
    # name, what a client calls itself
    ("nothing", ""),
    ("a dot", "."),
    ("two dots behind", "mx.example.org.."),
    ("a hyphen in front", "-mx.example.org"),
    ("a hyphen behind", "mx-.example.org"),
    ("an empty label", "mx..example.org"),
    ("a space", "mx example"),
    ("a U-label, which RFC 6531 section 3.7.1 does not let in", "b\xfccher.example"),
    ("an address", "bob@example.org"),
    ("a header of its own", "mx.example.org\r\nX-Spam: no"),
    ("a comment", "mx(example)"),
    ("a colon", "mx.example.org:25"),
    ("an IPv4 literal that is none", "[192.0.2.256]"),
    ("an IPv6 literal that is none", "[IPv6:1::2::3]"),
    ("a literal without brackets", "2001:db8::1"),
    ("an empty literal", "[]"),
    ("a domain in brackets", "[mx.example.org]"),
    ("256 octets", ".".join(["a" * 63] * 3 + ["a" * 64])),
    ("very many octets", "a." * 50_000),
]


class SMTPAddressTests(TableTestCase):
    """Addresses made by hand."""

    def test_parts(self):
        """An address knows its local part without quotes and its domain in A-labels."""
        self.assertGives(_parts, MAILBOXES)

    def test_addressIsKept(self):
        """The address itself stays as it was given, quotes, case and U-labels too."""
        self.assertGives(
            lambda mailbox: SMTPAddress(mailbox).address,
            [(name, mailbox, mailbox) for name, mailbox, _ in MAILBOXES],
        )

    def test_str(self):
        """An address is shown as it was given."""
        self.assertEqual("Bob@Example.ORG", str(SMTPAddress("Bob@Example.ORG")))

    def test_null(self):
        """The null reverse-path is an address that is empty in all its parts."""
        self.assertEqual(("", ""), _parts(""))

    def test_postmaster(self):
        """The postmaster may stand without a domain."""
        self.assertEqual(("PostMaster", ""), _parts("PostMaster"))

    def test_malformed(self):
        """What is not an address is refused."""
        self.assertRefuses(ValueError, SMTPAddress, NOT_MAILBOXES)

    def test_tooLong(self):
        """What is longer than the RFC allows is refused as that."""
        self.assertRefuses(PathTooLong, SMTPAddress, TOO_LONG)

    def test_tooLongForIDNA(self):
        """What is longer than the RFC allows when it is in A-labels is refused."""
        self.assertRefuses(
            ValueError,
            SMTPAddress,
            [
                ("a label of one letter", "a@" + "\xfc" * 60),
                ("of many", "a@" + "".join(map(chr, range(0x4E00, 0x9F00, 600)))),
                ("an ASCII label beside a U-label", "a@\xfc." + "b" * 64),
                ("all labels together", "a@" + "\xfc." * 80 + "org"),
                ("all labels together, by one", "a@" + "\xfc." * 31 + "o" * 8),
            ],
        )

    def test_longestForIDNA(self):
        """In A-labels too a domain has 255 octets at the most."""
        self.assertEqual(255, len(SMTPAddress("a@" + "\xfc." * 31 + "o" * 7).domain))

    def test_controlCharacters(self):
        """There is no control character anywhere in an address."""
        controls = [chr(code) for code in (*range(32), 127)]
        rows = [
            (f"{place} U+{ord(control):04X}", template.format(control))
            for control in controls
            for place, template in [
                ("in front", "{}bob@example.org"),
                ("in an atom", "b{}b@example.org"),
                ("quoted", '"b{}b"@example.org'),
                ("as a quoted pair", '"b\\{}b"@example.org'),
                ("in a domain", "bob@exam{}ple.org"),
                ("in a literal", "bob@[192.0.2.1{}]"),
                ("behind", "bob@example.org{}"),
            ]
        ]

        self.assertRefuses(ValueError, SMTPAddress, rows)

    def test_controlCharactersBeyondASCII(self):
        """So it is with those beyond ASCII, and with the line ends of Unicode."""
        rows = [
            (f"{place} U+{code:04X}", template.format(chr(code)))
            for code in (*range(0x80, 0xA0), 0x2028, 0x2029)
            for place, template in [
                ("in an atom", "b{}b@example.org"),
                ("quoted", '"b{}b"@example.org'),
                ("in a domain", "bob@exam{}ple.org"),
            ]
        ]

        self.assertRefuses(ValueError, SMTPAddress, rows)

    def test_surrogates(self):
        """Half of a surrogate pair is not a letter of an address."""
        self.assertRefuses(
            ValueError, SMTPAddress, [("one half", "\ud800@example.org")]
        )

    def test_onlyFullStopsPartLabels(self):
        """Nothing but a full stop parts labels, whatever IDNA once took for one."""
        self.assertRefuses(
            ValueError,
            SMTPAddress,
            [
                ("an ideographic full stop", "bob@example\u3002org"),
                ("a full-width one", "bob@example\uff0eorg"),
                ("a half-width one", "bob@example\uff61org"),
                ("an ideographic full stop behind", "bob@example.org\u3002"),
                ("a half-width one behind", "bob@example.org\uff61"),
                ("a full stop and a soft hyphen behind", "bob@example.org.\xad"),
            ],
        )

    def test_noLookAlikes(self):
        """What only looks like the name of a domain does not become that domain."""
        self.assertRefuses(
            ValueError,
            SMTPAddress,
            [
                ("a Kelvin sign", "bob@ban\u212a.example"),
                ("a full-width letter", "bob@\uff42ank.example"),
                ("a ligature", "bob@o\ufb03ce.example"),
                ("a Roman numeral", "bob@\u2167.example"),
                ("a soft hyphen", "bob@ba\xadnk.example"),
                ("a zero-width space", "bob@ba\u200bnk.example"),
                ("a circled letter", "bob@\u24d1ank.example"),
            ],
        )

    def test_equality(self):
        """Addresses are equal where they were given alike, with like parameters."""
        args = SMTPAddressArgs({"SIZE": "1"})
        dsn = DSNRcpt(notify=("NEVER",))

        self.assertEqual(SMTPAddress("a@b", args, dsn), SMTPAddress("a@b", args, dsn))
        self.assertEqual(1, len({SMTPAddress("a@b", args), SMTPAddress("a@b", args)}))
        self.assertNotEqual(SMTPAddress("a@b"), SMTPAddress("a@b", args))
        self.assertNotEqual(SMTPAddress("a@b"), SMTPAddress("a@b", dsn=dsn))
        self.assertNotEqual(SMTPAddress("a@b"), SMTPAddress("A@b"))

    def test_frozen(self):
        """An address never changes."""
        address = SMTPAddress("bob@example.org")

        for name in ("address", "args", "dsn", "localPart", "domain"):
            with self.assertRaises(FrozenInstanceError):
                setattr(address, name, "eve@example.org")

    def test_withDSN(self):
        """What a recipient asked for can be added, and nothing else changes."""
        args = SMTPAddressArgs({"NOTIFY": "NEVER"})
        dsn = DSNRcpt(notify=("NEVER",))
        address = SMTPAddress('"Bob"@Example.org', args)

        self.assertEqual(
            SMTPAddress('"Bob"@Example.org', args, dsn), address.withDSN(dsn)
        )
        self.assertEqual("Bob", address.withDSN(dsn).localPart)
        self.assertEqual("example.org", address.withDSN(dsn).domain)
        self.assertEqual(None, address.dsn)

    def test_asDict(self):
        """An address as JSON has all its parts."""
        address = SMTPAddress(
            '"Bob"@B\xfccher.example',
            SMTPAddressArgs({"ORCPT": "rfc822;bob@example.org", "X": True}),
            DSNRcpt(("SUCCESS", "DELAY"), "rfc822;bob@example.org"),
        )

        self.assertEqual(
            {
                "address": '"Bob"@B\xfccher.example',
                "localPart": "Bob",
                "domain": "xn--bcher-kva.example",
                "args": {"ORCPT": "rfc822;bob@example.org", "X": True},
                "dsn": {
                    "notify": ["SUCCESS", "DELAY"],
                    "orcpt": "rfc822;bob@example.org",
                },
                "rrvs": None,
            },
            json.loads(json.dumps(address.asDict())),
        )
        self.assertEqual(None, SMTPAddress("a@b").asDict()["dsn"])

    @given(uDomains)
    def test_domainIsALabels(self, domain):
        """The domain is what IDNA makes of the given one, fit to be compared."""
        canonical = SMTPAddress("bob@" + domain).domain

        self.assertTrue(canonical.isascii())
        self.assertEqual(canonical, canonical.lower())
        self.assertEqual(domain.lower(), idna.decode(canonical))
        self.assertEqual(canonical, SMTPAddress("bob@" + canonical).domain)

    @given(asciiDomains)
    def test_domainIsLowerCase(self, domain):
        """A domain of ASCII is only put into lower case."""
        self.assertEqual(domain.lower(), SMTPAddress("bob@" + domain).domain)

    @given(
        st.from_regex(r"[a-z+]{1,60}(\.[A-Z0-9]{1,20}){0,3}", fullmatch=True),
        asciiDomains,
    )
    @example("a" * 50, "example.com")
    @example("a" * 51, "example.com")
    @example("a" * 52, "example.com")
    def test_quotingChangesNothing(self, localPart, domain):
        """A local part and a domain are the same with needless quotes as without."""
        assume(len(localPart) <= 62)
        usual = SMTPAddress(f"{localPart}@{domain}")
        quoted = SMTPAddress(f'"{localPart}"@{domain}')

        self.assertEqual(
            (quoted.localPart, quoted.domain), (usual.localPart, usual.domain)
        )


PATHS = [
    # name, path, address
    ("a mailbox", b"<bob@example.org>", "bob@example.org"),
    ("a quoted bracket", b'<"a>b"@example.org>', '"a>b"@example.org'),
    ("UTF-8", b"<jos\xc3\xa9@example.org>", "jos\xe9@example.org"),
    # Source routes: RFC 5321, section 3.3 and appendix C.
    ("a source route", b"<@relay.example:bob@example.org>", "bob@example.org"),
    ("a longer one", b"<@a.example,@b.example:bob@example.org>", "bob@example.org"),
    (
        "a route to a quoted name",
        b'<@a.example:"@b:c"@example.org>',
        '"@b:c"@example.org',
    ),
    ("a route to a literal", b"<@a.example:bob@[192.0.2.1]>", "bob@[192.0.2.1]"),
    (
        "a route that fills the path to 256 octets",
        b"<@" + DOMAIN_OF_189.encode() + b":" + b"a" * 50 + b"@example.orgs>",
        "a" * 50 + "@example.orgs",
    ),
]

NOT_PATHS = [
    # name, path
    ("nothing", b""),
    ("no brackets", b"bob@example.org"),
    ("no closing bracket", b"<bob@example.org"),
    ("no opening bracket", b"bob@example.org>"),
    ("two pairs of brackets", b"<<bob@example.org>>"),
    ("a space in front", b" <bob@example.org>"),
    ("a space behind", b"<bob@example.org> "),
    ("a space within", b"< bob@example.org>"),
    ("a space within, behind", b"<bob@example.org >"),
    ("only a space within", b"< >"),
    ("a line end within", b"<bob@example.org\r\n>"),
    ("a line end behind", b"<bob@example.org>\n"),
    ("another address behind", b"<bob@example.org><eve@example.org>"),
    ("a display name", b"Bob <bob@example.org>"),
    ("not UTF-8", b"<jos\xe9@example.org>"),
    # Source routes.
    ("a route to nobody", b"<@relay.example:>"),
    ("a route without a colon", b"<@relay.example>"),
    ("a route without an at sign", b"<relay.example:bob@example.org>"),
    ("a second hop without an at sign", b"<@a.example,b.example:bob@example.org>"),
    ("a space in a route", b"<@a.example, @b.example:bob@example.org>"),
    ("a comma behind", b"<@a.example,:bob@example.org>"),
    ("two routes", b"<@a.example:@b.example:bob@example.org>"),
    ("a literal in a route", b"<@[192.0.2.1]:bob@example.org>"),
    ("an empty route", b"<:bob@example.org>"),
]

TOO_LONG_PATHS = [
    # name, path
    *((name, f"<{mailbox}>".encode()) for name, mailbox in TOO_LONG),
    (
        "a route that fills the path to 257 octets",
        b"<@" + DOMAIN_OF_189.encode() + b":" + b"a" * 51 + b"@example.orgs>",
    ),
    ("a route of 100 KB", b"<" + b"@a," * 33_000 + b"@a:bob@example.org>"),
    ("a local part of 100 KB", b"<" + b"a" * 100_000 + b"@example.org>"),
    ("a quoted string of 100 KB", b'<"' + b"\\a" * 50_000 + b'"@example.org>'),
    ("a domain of 100 KB", b"<bob@" + b"a." * 50_000 + b"org>"),
    ("100 KB of U-labels", b"<bob@" + b"\xc3\xa9." * 33_000 + b"org>"),
]


class PathTests(TableTestCase):
    """The paths of MAIL and RCPT."""

    def test_mailboxes(self):
        """Every mailbox, in brackets, is a path in either direction."""
        rows = [(name, f"<{m}>".encode(), (m, *parts)) for name, m, parts in MAILBOXES]

        self.assertGives(lambda path: _allOf(parseReversePath(path)), rows)
        self.assertGives(lambda path: _allOf(parseForwardPath(path)), rows)

    def test_paths(self):
        """A source route is accepted and ignored."""
        self.assertGives(lambda path: parseReversePath(path).address, PATHS)
        self.assertGives(lambda path: parseForwardPath(path).address, PATHS)

    def test_longestRoute(self):
        """The path that a source route fills in the table is of 256 octets."""
        self.assertEqual(256, len(PATHS[-1][1]))

    def test_malformed(self):
        """What is not a path is refused in either direction."""
        rows = [*NOT_PATHS, *((name, f"<{m}>".encode()) for name, m in NOT_MAILBOXES)]

        self.assertRefuses(ValueError, parseReversePath, rows)
        self.assertRefuses(ValueError, parseForwardPath, rows)

    def test_tail(self):
        """Nothing may stand behind a path, nor in front of it."""
        behind = [(name, path + b"x") for name, path, _ in PATHS]
        before = [(name, b"x" + path) for name, path, _ in PATHS]

        self.assertRefuses(ValueError, parseReversePath, behind + before)
        self.assertRefuses(ValueError, parseForwardPath, behind + before)

    def test_tooLong(self):
        """What is longer than the RFC allows is refused as that, without much ado."""
        self.assertRefuses(PathTooLong, parseReversePath, TOO_LONG_PATHS)
        self.assertRefuses(PathTooLong, parseForwardPath, TOO_LONG_PATHS)

    def test_nullReversePath(self):
        """The null reverse-path is of whom no answer is wanted, and nobody's else."""
        self.assertEqual(("", "", ""), _allOf(parseReversePath(b"<>")))
        self.assertRefuses(ValueError, parseForwardPath, [("a forward-path", b"<>")])

    def test_postmaster(self):
        """The server's own postmaster is written without a domain, in any case."""
        rows = [
            ("as in the RFC", b"<Postmaster>", "Postmaster"),
            ("lower case", b"<postmaster>", "postmaster"),
            ("upper case", b"<POSTMASTER>", "POSTMASTER"),
        ]

        self.assertGives(lambda path: parseForwardPath(path).address, rows)
        self.assertRefuses(ValueError, parseReversePath, [row[:2] for row in rows])

    def test_notPostmaster(self):
        """Nobody else is written without a domain, nor the postmaster otherwise."""
        rows = [
            ("somebody else", b"<root>"),
            ("a longer name", b"<postmasters>"),
            ("quoted", b'<"postmaster">'),
            ("with an at sign", b"<postmaster@>"),
        ]

        self.assertRefuses(ValueError, parseForwardPath, rows)

    def test_postmasterHasNoRoute(self):
        """A source route leads to a mailbox, so not to a bare postmaster."""
        self.assertRefuses(
            ValueError,
            parseForwardPath,
            [("a route", b"<@relay.example:postmaster>")],
        )

    def test_args(self):
        """The parameters of the command are with the address."""
        args = SMTPAddressArgs({"SIZE": "1000"})

        self.assertEqual("1000", parseReversePath(b"<>", args).args.SIZE)
        self.assertEqual("1000", parseForwardPath(b"<a@b>", args).args.SIZE)
        self.assertFalse(parseForwardPath(b"<a@b>").args)

    @given(mailboxes)
    def test_roundTrip(self, mailbox):
        """Reading what is printed gives the same address, in either direction."""
        address = SMTPAddress(mailbox)

        self.assertEqual(address, parseReversePath(printPath(address)))
        self.assertEqual(address, parseForwardPath(printPath(address)))

    @given(forwardPaths)
    def test_printedAgain(self, address):
        """Printing what was read gives the same path."""
        path = printPath(address) if address.address else b"<bob@example.org>"

        self.assertEqual(path, printPath(parseForwardPath(path)))

    @given(
        st.binary(max_size=60), st.sampled_from([b"%b", b"<%b>", b"<%b@b>", b"<a@%b>"])
    )
    def test_anyOctets(self, octets, around):
        """Whatever the octets are, they are a path or a `ValueError`."""
        for parse in (parseReversePath, parseForwardPath):
            try:
                address = parse(around % octets)
            except ValueError:
                continue
            self.assertEqual(address, parse(printPath(address)))


class LocalPartTests(TableTestCase):
    """Local parts printed."""

    def test_print(self):
        """A local part is quoted where it must be, and only there."""
        self.assertGives(
            printLocalPart,
            [
                ("an atom", "bob", "bob"),
                ("dots", "bob.smith", "bob.smith"),
                ("UTF-8", "jos\xe9", "jos\xe9"),
                ("a space", "bob smith", '"bob smith"'),
                ("an at sign", "a@b", '"a@b"'),
                ("two dots", "a..b", '"a..b"'),
                ("nothing", "", '""'),
                ("a quote", 'a"b', '"a\\"b"'),
                ("a backslash", "a\\b", '"a\\\\b"'),
            ],
        )

    @given(
        st.text(
            st.characters(
                min_codepoint=0x20, exclude_categories=["Cc", "Cs", "Zl", "Zp"]
            )
        ).filter(lambda text: len(printLocalPart(text).encode()) <= 64)
    )
    @example('"')
    @example("\\")
    @example("")
    def test_roundTrip(self, localPart):
        """An address has the local part that was printed for it."""
        address = SMTPAddress(printLocalPart(localPart) + "@example.org")

        self.assertEqual(localPart, address.localPart)


class HostnameTests(TableTestCase):
    """What a client may call itself."""

    def test_hostnames(self):
        """A domain, a little looser than the RFC has it, or an address literal."""
        self.assertGives(_isHostname, [(name, text, True) for name, text in HOSTNAMES])

    def test_longestHostname(self):
        """The longest hostname of the table is of 255 octets."""
        self.assertEqual(255, len(HOSTNAMES[-1][1]))

    def test_notHostnames(self):
        """Nothing that could break a trace header or a log line."""
        self.assertGives(
            _isHostname, [(name, text, False) for name, text in NOT_HOSTNAMES]
        )

    @given(hostnames)
    def test_anyHostname(self, hostname):
        """Every domain of ASCII and every address literal is a hostname."""
        self.assertTrue(_isHostname(hostname))


class SubmitterTests(TableTestCase):
    """AUTH on MAIL, RFC 4954, section 5."""

    def test_parse(self):
        """It is a mailbox in xtext, or nobody."""
        self.assertGives(
            parseSubmitter,
            [
                ("a mailbox", "bob@example.org", "bob@example.org"),
                ("the one of the RFC", "e+3Dmc2@example.com", "e=mc2@example.com"),
                ("its case is kept", "Bob@Example.org", "Bob@Example.org"),
                ("nobody", "<>", ""),
                ("quotes", '"bob+20smith"@example.org', '"bob smith"@example.org'),
                ("a literal", "bob@[192.0.2.1]", "bob@[192.0.2.1]"),
                ("in UTF-8", "jos+C3+A9@example.org", "jos\xe9@example.org"),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseSubmitter,
            [
                ("nothing", ""),
                ("nobody, encoded", "+3C+3E"),
                ("brackets", "<bob@example.org>"),
                ("one bracket", "<"),
                ("nobody and somebody", "<>bob@example.org"),
                ("no domain", "bob"),
                ("the postmaster alone", "postmaster"),
                ("no xtext", "e=mc2@example.com"),
                ("a plus sign", "bob+tag@example.org"),
                ("not encoded", "jos\xe9@example.org"),
                ("not UTF-8", "jos+E9@example.org"),
                ("a line end", "bob+0D+0A@example.org"),
                ("a line end in quotes", '"bob+0D+0A"@example.org'),
                ("a space", "bob+20smith@example.org"),
                ("two mailboxes", "bob@example.org,eve@example.org"),
                ("a long local part", "a" * 65 + "@example.org"),
                ("a very long one", "+20" * 33_000),
            ],
        )

    @given(mailboxes | st.just(""))
    def test_roundTrip(self, mailbox):
        """Reading what is printed gives the same, and it is ASCII."""
        printed = printSubmitter(mailbox)

        self.assertTrue(printed.isascii())
        self.assertEqual(mailbox, parseSubmitter(printed))


class LiteralTests(TableTestCase):
    """Address literals, RFC 5321, section 4.1.3."""

    def test_parse(self):
        """The address in a literal is read."""
        self.assertGives(
            parseLiteral,
            [
                ("IPv4", b"[192.0.2.1]", ip_address("192.0.2.1")),
                ("IPv6", b"[IPv6:2001:db8::1]", ip_address("2001:db8::1")),
                ("in another case", b"[ipV6:2001:DB8::1]", ip_address("2001:db8::1")),
                ("both", b"[IPv6:::ffff:192.0.2.1]", ip_address("::ffff:192.0.2.1")),
            ],
        )

    def test_malformed(self):
        """What is no address, or has no brackets, is refused."""
        self.assertRefuses(
            ValueError,
            parseLiteral,
            [
                ("nothing", b""),
                ("no address", b"[]"),
                ("no brackets", b"192.0.2.1"),
                ("one bracket", b"[192.0.2.1"),
                ("two pairs", b"[[192.0.2.1]]"),
                ("another number", b"[192.0.2.256]"),
                ("three numbers", b"[192.0.2]"),
                ("octal", b"[192.0.2.01]"),
                ("no tag", b"[2001:db8::1]"),
                ("another tag", b"[IPv4:192.0.2.1]"),
                ("the tag alone", b"[IPv6:]"),
                ("too many parts", b"[IPv6:1:2:3:4:5:6:7:8:9]"),
                ("a zone", b"[IPv6:fe80::1%eth0]"),
                ("something behind", b"[192.0.2.1]x"),
                ("a line end behind", b"[192.0.2.1]\n"),
            ],
        )


def _parts(address: str) -> tuple[str, str]:
    made = SMTPAddress(address)
    return made.localPart, made.domain


def _allOf(address: SMTPAddress) -> tuple[str, str, str]:
    return address.address, address.localPart, address.domain


def _isHostname(text: str) -> bool:
    return isHostname(text.encode("utf-8"))
