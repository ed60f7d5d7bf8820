"""
Tests of smtpsession.attributes.
"""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.attributes import (
    XCLIENT,
    XFORWARD,
    parseAttributes,
    printAttributes,
)
from smtpsession.errors import SMTPError
from tests.cases import TableTestCase
from tests.strategies import xclientAttributes, xforwardAttributes

parseXclient = partial(parseAttributes, known=XCLIENT)
parseXforward = partial(parseAttributes, known=XFORWARD)

BOTH = [
    # name, argument, attributes
    ("a name", b"NAME=mx.example.org", {"NAME": "mx.example.org"}),
    ("a name, as given", b"NAME=MX.Example.org", {"NAME": "MX.Example.org"}),
    (
        "a name that is no domain",
        b"NAME=my_laptop.local.",
        {"NAME": "my_laptop.local."},
    ),
    ("in lower case", b"name=a", {"NAME": "a"}),
    ("several", b"NAME=a ADDR=192.0.2.1", {"NAME": "a", "ADDR": "192.0.2.1"}),
    ("not available", b"NAME=[UNAVAILABLE]", {"NAME": None}),
    ("not available for now", b"NAME=[TEMPUNAVAIL]", {"NAME": None}),
    (
        "in mixed case",
        b"NAME=[Unavailable] ADDR=[tempUnavail]",
        dict.fromkeys(["NAME", "ADDR"]),
    ),
    ("encoded all the same", b"NAME=+5BUNAVAILABLE+5D", {"NAME": None}),
    ("IPv6", b"ADDR=IPV6:2001:db8::1", {"ADDR": "2001:db8::1"}),
    ("its prefix in lower case", b"ADDR=ipv6:::1", {"ADDR": "::1"}),
    (
        "another way to write it",
        b"ADDR=IPv6:2001:DB8:0:0:0:0:0:1",
        {"ADDR": "2001:db8::1"},
    ),
    ("an IPv4-mapped one", b"ADDR=IPV6:::ffff:192.0.2.1", {"ADDR": "192.0.2.1"}),
    ("IPv6 encoded", b"ADDR=IPV6+3A+3A+3A1", {"ADDR": "::1"}),
    ("a port", b"PORT=25", {"PORT": "25"}),
    ("the first port", b"PORT=0", {"PORT": "0"}),
    ("the last port", b"PORT=65535", {"PORT": "65535"}),
    ("zeros in front", b"PORT=00025", {"PORT": "25"}),
    ("ESMTP", b"PROTO=ESMTP", {"PROTO": "ESMTP"}),
    ("a hello", b"HELO=my_laptop", {"HELO": "my_laptop"}),
    ("a hello with a literal", b"HELO=[192.0.2.1]", {"HELO": "[192.0.2.1]"}),
    ("with a literal encoded", b"HELO=+5BIPv6:::1+5D", {"HELO": "[IPv6:::1]"}),
    ("encoded without need", b"HELO=+61.b", {"HELO": "a.b"}),
]

OF_XCLIENT = [
    # name, argument, attributes
    ("another case of SMTP", b"PROTO=smtp", {"PROTO": "SMTP"}),
    ("a login", b"LOGIN=bob@example.org", {"LOGIN": "bob@example.org"}),
    ("a login encoded", b"LOGIN=bob+20smith+2Bx", {"LOGIN": "bob smith+x"}),
    ("a login in UTF-8", b"LOGIN=jos+C3+A9", {"LOGIN": "jos\xe9"}),
    ("the same not encoded", b"LOGIN=jos\xc3\xa9", {"LOGIN": "jos\xe9"}),
    ("one that is no xtext", b"LOGIN=bob+tag@x", {"LOGIN": "bob+tag@x"}),
    ("with an equals sign", b"LOGIN=a=b", {"LOGIN": "a=b"}),
    ("no login", b"LOGIN=[UNAVAILABLE]", {"LOGIN": None}),
    ("our address", b"DESTADDR=192.0.2.1", {"DESTADDR": "192.0.2.1"}),
    ("ours in IPv6", b"DESTADDR=IPV6:::1", {"DESTADDR": "::1"}),
    ("our port", b"DESTPORT=587", {"DESTPORT": "587"}),
]

OF_XFORWARD = [
    # name, argument, attributes
    ("a protocol that is not SMTP", b"PROTO=QMQP", {"PROTO": "QMQP"}),
    ("a protocol of 64 octets", b"PROTO=" + b"p" * 64, {"PROTO": "p" * 64}),
    ("an identifier", b"IDENT=4XyZ1z2abc", {"IDENT": "4XyZ1z2abc"}),
    ("an identifier with signs", b"IDENT=a/b:c,d+2B", {"IDENT": "a/b:c,d+"}),
    ("an identifier of 255 octets", b"IDENT=" + b"x" * 255, {"IDENT": "x" * 255}),
    ("from here", b"SOURCE=LOCAL", {"SOURCE": "LOCAL"}),
    ("from elsewhere", b"SOURCE=remote", {"SOURCE": "REMOTE"}),
    ("from who knows where", b"SOURCE=[UNAVAILABLE]", {"SOURCE": None}),
    ("a name that is a literal", b"NAME=[192.0.2.1]", {"NAME": "[192.0.2.1]"}),
    ("a name that is no xtext", b"NAME=a+b", {"NAME": "a+b"}),
    ("a name with an empty label", b"HELO=a..b", {"HELO": "a..b"}),
    ("a name with a sign", b"HELO=my$host", {"HELO": "my$host"}),
    ("a literal without end", b"HELO=[10.0.0.1", {"HELO": "[10.0.0.1"}),
    ("a name with a space", b"HELO=my+20laptop", {"HELO": None}),
    ("a name with an @", b"HELO=bob@example.org PORT=1", {"HELO": None, "PORT": "1"}),
    ("a name with a comment", b"NAME=a(b)", {"NAME": None}),
]

MALFORMED = [
    # name, argument
    ("nothing", b""),
    ("a space", b" "),
    ("a space in front", b" NAME=a"),
    ("a space behind", b"NAME=a "),
    ("two spaces between", b"NAME=a  PORT=1"),
    ("no value", b"NAME"),
    ("an empty value", b"NAME="),
    ("an empty value and another", b"NAME= PORT=1"),
    ("no name", b"=a"),
    ("spaces around the sign", b"NAME = a"),
    ("a name with a hyphen", b"X-NAME=a"),
    ("a comma between", b"PORT=1,ADDR=192.0.2.1"),
    ("a name that there is not", b"COLOUR=red"),
    ("a name that is longer", b"NAMES=a"),
    ("a name that is not ASCII", "N\xc4ME=a".encode()),
    ("a letter that is one only in upper case", "DE\u017fTPORT=1".encode()),
    ("the same twice", b"NAME=a NAME=a"),
    ("with different values", b"NAME=a NAME=b"),
    ("in different cases", b"NAME=a name=a"),
    ("not available and available", b"NAME=[UNAVAILABLE] NAME=a"),
    #
    # Names.
    ("a name with a line end", b"NAME=a+0D+0AReceived:"),
    ("a name with a line end behind", b"NAME=a+0A"),
    ("a name with a NUL", b"NAME=a+00"),
    ("a U-label", "NAME=b\xfccher.example".encode()),
    ("a U-label encoded", b"NAME=b+C3+BCcher.example"),
    ("a name of 256 octets", b"NAME=" + b"a" * 256),
    ("a name of 256 octets before it is decoded", b"NAME=" + b"+61" * 85 + b"a"),
    ("a hello with a line end", b"HELO=a+0D+0Ab"),
    ("a hello with an escape", b"HELO=+1B[2J"),
    #
    # Addresses and ports.
    ("a name for an address", b"ADDR=localhost"),
    ("an address in brackets", b"ADDR=[192.0.2.1]"),
    ("an IPv6 address in brackets", b"ADDR=[IPV6:::1]"),
    ("three parts", b"ADDR=192.0.2"),
    ("five parts", b"ADDR=192.0.2.1.1"),
    ("a part over 255", b"ADDR=192.0.2.256"),
    ("a part in octal", b"ADDR=192.0.2.010"),
    ("a number", b"ADDR=3221225985"),
    ("IPv6 without its prefix", b"ADDR=2001:db8::1"),
    ("IPv4 with the prefix", b"ADDR=IPV6:192.0.2.1"),
    ("the prefix alone", b"ADDR=IPV6:"),
    ("a zone", b"ADDR=IPV6:fe80::1%eth0"),
    ("a zone encoded", b"ADDR=IPV6:fe80::1+25eth0"),
    ("two addresses", b"ADDR=192.0.2.1,192.0.2.2"),
    ("an address and a port", b"ADDR=192.0.2.1:25"),
    ("a network", b"ADDR=192.0.2.0/24"),
    ("a line end behind an address", b"ADDR=192.0.2.1+0A"),
    ("digits that are not ASCII", "ADDR=192.0.2.\u0661".encode()),
    ("a port that there is not", b"PORT=65536"),
    ("a negative port", b"PORT=-1"),
    ("a port with a sign", b"PORT=+2B25"),
    ("a port of six digits", b"PORT=000025"),
    ("a port's name", b"PORT=smtp"),
    ("a port with a fraction", b"PORT=25.0"),
    ("a port with a space", b"PORT=+2025"),
    ("a port in other digits", "PORT=\u0662\u0665".encode()),
    #
    # Words.
    ("a protocol with a space", b"PROTO=E+20SMTP"),
    ("a protocol with a line end", b"PROTO=SMTP+0D+0A"),
    ("a protocol that is not ASCII", "PROTO=\u017fMTP".encode()),
]

NOT_OF_XCLIENT = [
    # name, argument
    ("a name that is an address literal", b"NAME=[192.0.2.1]"),
    ("a name with an empty label", b"NAME=a..b"),
    ("a name with a space", b"NAME=a+20b"),
    ("a name with a bracket", b"NAME=a(b"),
    ("a name that is no xtext", b"NAME=a+b"),
    ("another word in brackets", b"NAME=[UNKNOWN]"),
    ("brackets without end", b"NAME=[UNAVAILABLE"),
    ("a hello with a space", b"HELO=my+20laptop"),
    ("a hello with a bad literal", b"HELO=[192.0.2.256]"),
    ("a hello with an @", b"HELO=bob@example.org"),
    ("an identifier", b"IDENT=x"),
    ("a source", b"SOURCE=LOCAL"),
    ("another protocol", b"PROTO=QMQP"),
    ("LMTP", b"PROTO=LMTP"),
    ("our address as a name", b"DESTADDR=localhost"),
    ("our port too high", b"DESTPORT=65536"),
    ("a login with a line end", b"LOGIN=bob+0D+0A"),
    ("a login with a NUL", b"LOGIN=bob+00"),
    ("a login with a C1 line end", b"LOGIN=bob+C2+85"),
    ("a login with a line separator", b"LOGIN=bob+E2+80+A8"),
    ("a login that turns the text around", b"LOGIN=bob+E2+80+AE"),
    ("a login that is not UTF-8", b"LOGIN=jos+E9"),
    ("UTF-8 cut short", b"LOGIN=jos+C3"),
    ("half of a surrogate pair", b"LOGIN=+ED+A0+80"),
    ("a login of 256 octets", b"LOGIN=" + b"a" * 256),
]

NOT_OF_XFORWARD = [
    # name, argument
    ("a login", b"LOGIN=bob"),
    ("our address", b"DESTADDR=192.0.2.1"),
    ("our port", b"DESTPORT=25"),
    ("a protocol of 65 octets", b"PROTO=" + b"p" * 65),
    ("a protocol with a bracket", b"PROTO=ESMTP("),
    ("an identifier with a space", b"IDENT=a+20b"),
    ("an identifier with a semicolon", b"IDENT=a;b"),
    ("an identifier with a line end", b"IDENT=a+0Ab"),
    ("an identifier that is not ASCII", b"IDENT=caf+C3+A9"),
    ("an identifier of 256 octets", b"IDENT=" + b"x" * 256),
    ("another source", b"SOURCE=ELSEWHERE"),
]


class ParseTests(TableTestCase):
    """Attributes parsed."""

    def test_both(self):
        """What both commands know is read in the same way."""
        self.assertGives(parseXclient, BOTH)
        self.assertGives(parseXforward, BOTH)

    def test_xclient(self):
        """XCLIENT knows who logged in, and where the client connected to."""
        self.assertGives(parseXclient, OF_XCLIENT)

    def test_xforward(self):
        """XFORWARD knows the message, and other protocols."""
        self.assertGives(parseXforward, OF_XFORWARD)

    def test_known(self):
        """What there is for EHLO to name is what Postfix names."""
        self.assertEqual(
            "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT", " ".join(XCLIENT)
        )
        self.assertEqual("NAME ADDR PORT PROTO HELO IDENT SOURCE", " ".join(XFORWARD))

    def test_malformed(self):
        """What both commands cannot mean is refused with 501."""
        rows = [(name, argument, "501 5.5.4") for name, argument in MALFORMED]

        self.assertRefusesWith(parseXclient, rows)
        self.assertRefusesWith(parseXforward, rows)

    def test_notOfXclient(self):
        """So is what XCLIENT cannot mean."""
        self.assertRefusesWith(
            parseXclient, [(name, text, "501 5.5.4") for name, text in NOT_OF_XCLIENT]
        )

    def test_notOfXforward(self):
        """So is what XFORWARD cannot mean."""
        self.assertRefusesWith(
            parseXforward, [(name, text, "501 5.5.4") for name, text in NOT_OF_XFORWARD]
        )

    def test_named(self):
        """The attribute that is refused is named."""
        for argument in (b"PORT=x", b"PORT=1 PORT=1", b"ADDR=::1", b"colour=red"):
            error = self.assertRaises(SMTPError, parseXclient, argument)
            self.assertIn(argument.partition(b"=")[0].decode().upper(), str(error))

    def test_longArgument(self):
        """A very long argument takes no longer than it takes to read it."""
        for argument in (
            b"NAME=" + b"a" * 100_000,
            b"A" * 100_000,
            b"A" * 100_000 + b"=a",
            b" " * 100_000,
            b"=" * 100_000,
            b"NAME=a " * 15_000,
        ):
            self.assertRaises(SMTPError, parseXclient, argument)

    @given(st.sampled_from(sorted({*XCLIENT, *XFORWARD})), st.binary(max_size=30))
    def test_anyValue(self, name, octets):
        """Whatever a value is, it is refused or can stand in a header's line."""
        for known in (XCLIENT, XFORWARD):
            try:
                values = parseAttributes(name.encode() + b"=" + octets, known)
            except SMTPError:
                continue
            self.assertTrue((values[name] or "").isprintable(), repr(values))


class PrintTests(TableTestCase):
    """Attributes printed."""

    def test_print(self):
        """Attributes are printed as Postfix sends them."""
        self.assertGives(
            printAttributes,
            [
                ("one", {"NAME": "a.b"}, b"NAME=a.b"),
                ("two", {"NAME": "a", "PORT": "25"}, b"NAME=a PORT=25"),
                ("not available", {"NAME": None}, b"NAME=[UNAVAILABLE]"),
                ("IPv4", {"ADDR": "192.0.2.1"}, b"ADDR=192.0.2.1"),
                ("IPv6", {"ADDR": "::1"}, b"ADDR=IPV6:::1"),
                ("ours", {"DESTADDR": "::1"}, b"DESTADDR=IPV6:::1"),
                ("what is no address", {"IDENT": "a:b"}, b"IDENT=a:b"),
                ("encoded", {"LOGIN": "jos\xe9+a b"}, b"LOGIN=jos+C3+A9+2Ba+20b"),
            ],
        )

    @given(xclientAttributes)
    def test_xclientRoundTrip(self, attributes):
        """Reading what is printed for XCLIENT gives the same attributes in order."""
        parsed = parseXclient(printAttributes(attributes))

        self.assertEqual(list(attributes.items()), list(parsed.items()))

    @given(xforwardAttributes)
    def test_xforwardRoundTrip(self, attributes):
        """So it does for XFORWARD."""
        parsed = parseXforward(printAttributes(attributes))

        self.assertEqual(list(attributes.items()), list(parsed.items()))
