"""
Tests of smtpsession.parameters.
"""

from __future__ import annotations

import json

from attrs import asdict
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from smtpsession.parameters import (
    NO_ARGS,
    DSNEnvelope,
    DSNRcpt,
    SMTPAddressArgs,
    parseEnvid,
    parseNotify,
    parseOrcpt,
    parseParameters,
    parseRet,
    parseXtext,
    printNotify,
    printOrcpt,
    printParameters,
    printXtext,
)
from tests.cases import TableTestCase
from tests.strategies import notifies, orcpts, parameters, utf8Orcpts, xtextTexts

#: All printable signs of ASCII but the equals sign and the backslash.
SIGNS = "!\"#$%&'()*+,-./:;<>?@[]^_`{|}~"

PARAMETERS = [
    # name, text, parameters
    ("one", b"SIZE=1000", {"SIZE": "1000"}),
    ("two", b"SIZE=1000 BODY=8BITMIME", {"SIZE": "1000", "BODY": "8BITMIME"}),
    ("without a value", b"SMTPUTF8", {"SMTPUTF8": True}),
    ("both kinds", b"SMTPUTF8 SIZE=1", {"SMTPUTF8": True, "SIZE": "1"}),
    ("a keyword in lower case", b"size=1000", {"SIZE": "1000"}),
    ("the case of a value is kept", b"BODY=8BitMime", {"BODY": "8BitMime"}),
    ("unknown to us", b"X-FOO=bar Y", {"X-FOO": "bar", "Y": True}),
    ("a keyword of one digit", b"8=9", {"8": "9"}),
    ("a keyword with a hyphen behind", b"A-=1", {"A-": "1"}),
    ("signs in a value", b"A=!\"#$%&'()*+,-./:;<>?@[]^_`{|}~", {"A": SIGNS}),
    (
        "UTF-8 in a value",
        "ORCPT=utf-8;jos\xe9@b".encode(),
        {"ORCPT": "utf-8;jos\xe9@b"},
    ),
]

MALFORMED = [
    # name, text
    ("nothing", b""),
    ("a space in front", b" SIZE=1000"),
    ("a space behind", b"SIZE=1000 "),
    ("two spaces between", b"SIZE=1000  BODY=7BIT"),
    ("a tab between", b"SIZE=1000\tBODY=7BIT"),
    ("no keyword", b"=1000"),
    ("no value behind the sign", b"SIZE="),
    ("two signs", b"SIZE==1000"),
    ("a sign in a value", b"SIZE=1=2"),
    ("spaces around the sign", b"SIZE = 1000"),
    ("a hyphen in front", b"-SIZE=1000"),
    ("an underscore in a keyword", b"MY_SIZE=1000"),
    ("a keyword that is not ASCII", "T\xc4LLE=1".encode()),
    ("a comma between", b"SIZE=1000,BODY=7BIT x=,="),
    ("a quoted value with a space", b'X="a b"'),
    ("a control character", b"SIZE=1\x00"),
    ("a line end", b"SIZE=1\r\nRSET"),
    ("a line end behind", b"SIZE=1\n"),
    ("a path", b"<bob@example.org>"),
]

REPEATED = [
    # name, text, the keyword
    ("the same twice", b"SIZE=1 SIZE=1", "SIZE"),
    ("with different values", b"SIZE=1 SIZE=2", "SIZE"),
    ("in different cases", b"Body=7BIT bODY=7BIT", "BODY"),
    ("with a value and without", b"SMTPUTF8 SMTPUTF8=1", "SMTPUTF8"),
    ("unknown to us", b"X-A SIZE=1 X-A", "X-A"),
]

XTEXT = [
    # name, xtext, text
    ("nothing", "", ""),
    ("plain", "abc", "abc"),
    ("the case is kept", "aBc", "aBc"),
    ("a space", "a+20b", "a b"),
    ("a plus sign", "a+2Bb", "a+b"),
    ("an equals sign", "a+3Db", "a=b"),
    ("encoded without need", "+61+62", "ab"),
    ("the first and the last printable", "+20+7E", " ~"),
    ("a plus sign decoded is not decoded again", "+2B41", "+41"),
    ("a backslash", "a\\b", "a\\b"),
    ("other signs", SIGNS.replace("+", ""), SIGNS.replace("+", "")),
]

NOT_XTEXT = [
    # name, text
    ("a space", "a b"),
    ("an equals sign", "a=b"),
    ("a plus sign behind", "a+"),
    ("one hexadecimal digit", "a+2"),
    ("one hexadecimal digit, then another letter", "a+2g"),
    ("lower case digits, RFC 3461 section 4", "a+2b"),
    ("half of them in lower case", "a+2b+3d"),
    ("no hexadecimal digits", "a+XYb"),
    ("digits that are not ASCII", "+\u0662\u0660"),
    ("not ASCII", "caf\xe9"),
    ("a control character", "a\x00b"),
    ("a line end", "a\r\nb"),
    ("a line end behind", "a\n"),
    ("half of a surrogate pair", "\ud800"),
]

#: Well-formed xtext that carries what RFC 3461, sections 4.2 and 4.4, does not allow:
#: all but graphic characters and spaces of US-ASCII.  It would go into a header.
HIDDEN = [
    # name, xtext
    ("a CRLF", "a+0D+0AX-Injected:+20yes"),
    ("a CR", "a+0Db"),
    ("an LF", "a+0Ab"),
    ("an LF behind", "a+0A"),
    ("a NUL", "a+00b"),
    ("an escape", "a+1B[0m"),
    ("a DEL", "a+7Fb"),
    ("a C1 line end", "a+85b"),
    ("Latin-1", "caf+E9"),
    ("UTF-8", "caf+C3+A9"),
    ("the highest octet", "+FF"),
]


class SMTPAddressArgsTests(TableTestCase):
    """The parameters of a command."""

    def test_mapping(self):
        """The parameters are a mapping from the keyword to the value or True."""
        args = SMTPAddressArgs({"SIZE": "1000", "X-FOO": True})

        self.assertEqual("1000", args["SIZE"])
        self.assertEqual(True, args["X-FOO"])
        self.assertEqual(["SIZE", "X-FOO"], list(args))
        self.assertEqual(2, len(args))
        self.assertIn("SIZE", args)
        self.assertNotIn("BODY", args)
        self.assertEqual(None, args.get("BODY"))
        with self.assertRaises(KeyError):
            args["BODY"]

    def test_attributes(self):
        """The keywords of the usual extensions are attributes too."""
        texts = ["SIZE", "BODY", "RET", "ENVID", "NOTIFY", "ORCPT"]
        flags = ["SMTPUTF8", "REQUIRETLS"]
        values: dict[str, str | bool] = dict.fromkeys(texts, "value")
        values |= dict.fromkeys(flags, True)

        self.assertEqual(
            values, {name: getattr(SMTPAddressArgs(values), name) for name in values}
        )
        self.assertEqual([None] * 8, [getattr(NO_ARGS, name) for name in values])

    def test_truth(self):
        """Without parameters it is false."""
        self.assertFalse(SMTPAddressArgs())
        self.assertFalse(NO_ARGS)
        self.assertTrue(SMTPAddressArgs({"SIZE": "1"}))

    def test_equality(self):
        """Parameters are equal where they say the same, in whatever order."""
        one = SMTPAddressArgs({"SIZE": "1", "SMTPUTF8": True})
        other = SMTPAddressArgs({"SMTPUTF8": True, "SIZE": "1"})

        self.assertEqual(one, other)
        self.assertEqual(hash(one), hash(other))
        self.assertNotEqual(one, SMTPAddressArgs({"SIZE": "1"}))

    def test_immutable(self):
        """Parameters never change, whatever happens to what they were made of."""
        values: dict[str, str | bool] = {"SIZE": "1"}
        args = SMTPAddressArgs(values)
        values["SIZE"] = "2"
        args.asDict()["SIZE"] = "3"

        for name in ("SIZE", "other"):
            with self.assertRaises(AttributeError):
                setattr(args, name, "4")
        with self.assertRaises(TypeError):
            args["SIZE"] = "5"  # type: ignore[index]
        self.assertEqual("1", args.SIZE)

    def test_asDict(self):
        """The parameters as JSON are an object."""
        args = SMTPAddressArgs({"SIZE": "1000", "X-FOO": True})

        self.assertEqual(
            {"SIZE": "1000", "X-FOO": True}, json.loads(json.dumps(args.asDict()))
        )

    def test_repr(self):
        """The parameters are shown for who debugs."""
        self.assertEqual(
            "SMTPAddressArgs({'A': 'b'})", repr(SMTPAddressArgs({"A": "b"}))
        )


class ParametersTests(TableTestCase):
    """Parameters parsed and printed."""

    def test_parse(self):
        """Parameters are read by upper-case keyword, known to us or not."""
        self.assertGives(lambda text: dict(parseParameters(text)), PARAMETERS)

    def test_anyValue(self):
        """A value has any visible character but the equals sign."""
        for octet in range(33, 127):
            if octet != ord("="):
                value = bytes([octet])
                self.assertEqual(value.decode(), parseParameters(b"A=" + value)["A"])

    def test_malformed(self):
        """What is malformed is refused with 501."""
        self.assertRefusesWith(
            parseParameters, [(name, text, "501 5.5.4") for name, text in MALFORMED]
        )

    def test_repeated(self):
        """A keyword that comes twice is refused with 501, and named."""
        self.assertRefusesWith(
            parseParameters, [(name, text, "501 5.5.4") for name, text, _ in REPEATED]
        )
        for name, text, keyword in REPEATED:
            error = self.assertRaises(Exception, parseParameters, text)
            self.assertIn(f" {keyword} ", str(error), name)

    def test_manyParameters(self):
        """Very many parameters take no longer than it takes to read them."""
        many = b" ".join(b"A%d=1" % number for number in range(15_000))

        self.assertEqual(15_000, len(parseParameters(many)))

    def test_longParameter(self):
        """So does a very long one, and a very long one that is malformed."""
        self.assertEqual("b" * 100_000, parseParameters(b"A=" + b"b" * 100_000)["A"])
        self.assertRefusesWith(
            parseParameters,
            [
                ("a keyword", b"A" * 100_000 + b"_", "501 5.5.4"),
                ("a value", b"A=" + b"b" * 100_000 + b"=", "501 5.5.4"),
                ("spaces", b" " * 100_000, "501 5.5.4"),
                ("signs", b"=" * 100_000, "501 5.5.4"),
            ],
        )

    @given(parameters)
    def test_roundTrip(self, values):
        """Reading what is printed gives the same parameters in the same order."""
        parsed = parseParameters(printParameters(values))

        self.assertEqual(list(values.items()), list(parsed.items()))


class XtextTests(TableTestCase):
    """xtext, RFC 3461, section 4."""

    def test_parse(self):
        """xtext is decoded."""
        self.assertGives(parseXtext, XTEXT)

    def test_malformed(self):
        """What is not xtext is refused."""
        self.assertRefuses(ValueError, parseXtext, NOT_XTEXT)

    def test_hidden(self):
        """xtext that hides what must not stand in a header is refused."""
        self.assertRefuses(ValueError, parseXtext, HIDDEN)

    def test_print(self):
        """What cannot stand for itself is printed in upper-case hexadecimal digits."""
        self.assertEqual("a+20b+2Bc+3Dd;e@f", printXtext("a b+c=d;e@f"))

    def test_longText(self):
        """A very long xtext takes no longer than it takes to read it."""
        self.assertEqual(" " * 33_000, parseXtext("+20" * 33_000))
        self.assertRefuses(
            ValueError,
            parseXtext,
            [
                ("it ends badly", "+20" * 33_000 + "+"),
                ("it is not xtext", "a" * 100_000 + "="),
                ("only plus signs", "+" * 100_000),
            ],
        )

    @given(xtextTexts)
    def test_roundTrip(self, text):
        """Reading what is printed gives the same text."""
        self.assertEqual(text, parseXtext(printXtext(text)))

    @given(xtextTexts)
    def test_encodedThroughout(self, text):
        """It does not matter which characters are encoded."""
        self.assertEqual(text, parseXtext("".join(f"+{ord(c):02X}" for c in text)))

    @given(st.text(max_size=40))
    def test_anyText(self, text):
        """Whatever the text is, it is refused or decoded to printable US-ASCII."""
        try:
            decoded = parseXtext(text)
        except ValueError:
            return
        self.assertTrue(all(" " <= c <= "~" for c in decoded))


class RetTests(TableTestCase):
    """RET, RFC 3461, section 4.3."""

    def test_parse(self):
        """It is FULL or HDRS, in any case."""
        self.assertGives(
            parseRet,
            [
                ("the message", "FULL", "FULL"),
                ("its headers", "HDRS", "HDRS"),
                ("lower case", "full", "FULL"),
                ("mixed case", "hDrS", "HDRS"),
            ],
        )

    def test_malformed(self):
        """It is nothing else."""
        self.assertRefuses(
            ValueError,
            parseRet,
            [
                ("nothing", ""),
                ("another word", "HEADERS"),
                ("both", "FULL,HDRS"),
                ("a space", "FULL "),
                ("encoded", "+46ULL"),
            ],
        )

    def test_lookAlikes(self):
        """A letter that only becomes ASCII in upper case is not one of FULL or HDRS."""
        self.assertRefuses(ValueError, parseRet, [("a long s", "HDR\u017f")])


class EnvidTests(TableTestCase):
    """ENVID, RFC 3461, section 4.4."""

    def test_parse(self):
        """It is decoded."""
        self.assertEqual("QQ 314159 + 1", parseEnvid("QQ+20314159+20+2B+201"))

    def test_longest(self):
        """It has at most 100 octets before it is decoded."""
        self.assertEqual("a" * 100, parseEnvid("a" * 100))
        self.assertEqual(" " * 33 + "a", parseEnvid("+20" * 33 + "a"))

    def test_tooLong(self):
        """One octet more is refused, even if it would be shorter decoded."""
        self.assertRefuses(
            ValueError,
            parseEnvid,
            [
                ("101 octets", "a" * 101),
                ("102 octets that are 34 decoded", "+20" * 34),
                ("very many octets", "a" * 100_000),
            ],
        )

    def test_malformed(self):
        """It is xtext, and hides nothing."""
        self.assertRefuses(ValueError, parseEnvid, [*NOT_XTEXT, *HIDDEN])


class NotifyTests(TableTestCase):
    """NOTIFY, RFC 3461, section 4.1."""

    def test_parse(self):
        """It is NEVER, or a list of the occasions, in any case."""
        self.assertGives(
            parseNotify,
            [
                ("never", "NEVER", ("NEVER",)),
                ("success", "SUCCESS", ("SUCCESS",)),
                ("failure", "FAILURE", ("FAILURE",)),
                ("delay", "DELAY", ("DELAY",)),
                ("two", "SUCCESS,FAILURE", ("SUCCESS", "FAILURE")),
                (
                    "all, as given",
                    "DELAY,SUCCESS,FAILURE",
                    ("DELAY", "SUCCESS", "FAILURE"),
                ),
                ("lower case", "success,delay", ("SUCCESS", "DELAY")),
                ("never, mixed case", "Never", ("NEVER",)),
            ],
        )

    def test_malformed(self):
        """NEVER stands alone, and nothing else is an occasion."""
        self.assertRefuses(
            ValueError,
            parseNotify,
            [
                ("nothing", ""),
                ("never and something", "NEVER,SUCCESS"),
                ("something and never", "DELAY,NEVER"),
                ("never twice", "NEVER,NEVER"),
                ("another word", "ALWAYS"),
                ("another word among them", "SUCCESS,RELAY"),
                ("a comma in front", ",SUCCESS"),
                ("a comma behind", "SUCCESS,"),
                ("two commas", "SUCCESS,,DELAY"),
                ("only a comma", ","),
                ("a space", "SUCCESS, DELAY"),
                ("a semicolon", "SUCCESS;DELAY"),
                ("encoded", "SUCCES+53"),
                ("very many", "SUCCESS," * 10_000),
            ],
        )

    def test_lookAlikes(self):
        """A letter that only becomes ASCII in upper case makes another word."""
        self.assertRefuses(
            ValueError,
            parseNotify,
            [("a long s", "\u017fUCCESS"), ("a dotless i", "FA\u0131LURE")],
        )

    @given(notifies)
    def test_roundTrip(self, notify):
        """Reading what is printed gives the same."""
        self.assertEqual(notify, parseNotify(printNotify(notify)))


ORCPTS = [
    # name, text, decoded
    ("an address", "rfc822;bob@example.org", "rfc822;bob@example.org"),
    ("encoded", "rfc822;bob+20smith@example.org", "rfc822;bob smith@example.org"),
    (
        "the case of the type is kept",
        "RFC822;bob@example.org",
        "RFC822;bob@example.org",
    ),
    ("another type", "x400;/C=de/".replace("=", "+3D"), "x400;/C=de/"),
    ("a semicolon in the address", "rfc822;a;b", "rfc822;a;b"),
    # What Postfix sends of an internationalized recipient.
    ("UTF-8 in xtext", "rfc822;jos+C3+A9@example.org", "rfc822;jos\xe9@example.org"),
    # RFC 6533, section 3.
    ("utf-8, all of it ASCII", "utf-8;bob@example.org", "utf-8;bob@example.org"),
    ("utf-8 as it is", "utf-8;jos\xe9@example.org", "utf-8;jos\xe9@example.org"),
    ("utf-8 embedded", "utf-8;jos\\x{E9}@example.org", "utf-8;jos\xe9@example.org"),
    ("both", "utf-8;\xe9\\x{E9}@b", "utf-8;\xe9\xe9@b"),
    ("the type in capitals", "UTF-8;\\x{E9}@b", "UTF-8;\xe9@b"),
    ("three digits", "utf-8;\\x{3B1}@b", "utf-8;\u03b1@b"),
    ("four digits", "utf-8;\\x{4F8B}@b", "utf-8;\u4f8b@b"),
    ("five digits", "utf-8;\\x{1F40D}@b", "utf-8;\U0001f40d@b"),
    ("a space", 'utf-8;"a\\x{20}b"@c', 'utf-8;"a b"@c'),
    ("a backslash", 'utf-8;"\\x{5C}\\x{5C}"@c', 'utf-8;"\\\\"@c'),
    ("a plus and an equals sign", "utf-8;a\\x{2B}b\\x{3D}c@d", "utf-8;a+b=c@d"),
    ("a backslash is not decoded again", "utf-8;\\x{5C}x{E9}", "utf-8;\\x{E9}"),
]

NOT_ORCPTS = [
    # name, text
    ("nothing", ""),
    ("no type", "bob@example.org"),
    ("an empty type", ";bob@example.org"),
    ("an empty address", "rfc822;"),
    ("only a semicolon", ";"),
    ("a type that is not an atom", "rfc 822;bob@example.org"),
    ("a type with a special", "rfc(822);bob@example.org"),
    ("a type that is not ASCII", "rfc\xe9;bob@example.org"),
    ("a comma for the semicolon", "rfc822,bob@example.org"),
    *((f"the address: {name}", f"rfc822;{text}") for name, text in NOT_XTEXT),
    *(
        (f"the address hides {name}", f"rfc822;{text}")
        for name, text in HIDDEN
        if name != "UTF-8"
    ),
    ("half of a letter", "rfc822;jos+C3@example.org"),
    ("a hidden C1 line end", "rfc822;a+C2+85b"),
    ("a hidden line separator", "rfc822;a+E2+80+A8b"),
    # RFC 6533, section 3.
    ("utf-8 in another type", "rfc822;jos\xe9@example.org"),
    ("embedded in lower case", "utf-8;\\x{e9}"),
    ("not closed", "utf-8;\\x{E9"),
    ("without brackets", "utf-8;\\xE9"),
    ("empty brackets", "utf-8;\\x{}"),
    ("a backslash alone", "utf-8;a\\b"),
    ("xtext in utf-8", "utf-8;jos+C3+A9"),
    ("an equals sign", "utf-8;a=b"),
    ("half of a surrogate pair", "utf-8;\\x{D800}"),
    ("above Unicode", "utf-8;\\x{110000}"),
    ("seven digits", "utf-8;\\x{0010FFF}"),
    ("an embedded CR", "utf-8;\\x{D}"),
    ("an embedded LF", "utf-8;\\x{0A}"),
    ("an embedded NUL", "utf-8;\\x{0}"),
    ("an embedded DEL", "utf-8;\\x{7F}"),
    ("an embedded C1 line end", "utf-8;\\x{85}"),
    ("an embedded line separator", "utf-8;\\x{2028}"),
    ("a line separator", "utf-8;a\u2028b"),
    ("a space", "utf-8;a b"),
]


class OrcptTests(TableTestCase):
    """ORCPT, RFC 3461, section 4.2, and RFC 6533."""

    def test_parse(self):
        """Its address is decoded, as its type says."""
        self.assertGives(parseOrcpt, ORCPTS)

    def test_malformed(self):
        """It has a type and an address, well encoded, that hides nothing."""
        self.assertRefuses(ValueError, parseOrcpt, NOT_ORCPTS)

    def test_longest(self):
        """It has at most 500 octets before it is decoded, its type among them."""
        self.assertEqual("rfc822;" + "a" * 493, parseOrcpt("rfc822;" + "a" * 493))
        self.assertEqual("utf-8;" + "\xe9" * 247, parseOrcpt("utf-8;" + "\xe9" * 247))

    def test_tooLong(self):
        """One octet more is refused, even if it would be shorter decoded."""
        self.assertRefuses(
            ValueError,
            parseOrcpt,
            [
                ("501 octets", "rfc822;" + "a" * 494),
                ("502 octets that are 172 decoded", "rfc822;" + "+20" * 165),
                ("502 octets that are 254 letters", "utf-8;" + "\xe9" * 248),
                ("very many octets", "rfc822;" + "a" * 100_000),
                ("very many embedded ones", "utf-8;" + "\\x{E9}" * 16_000),
            ],
        )

    def test_hexpoints(self):
        """
        RFC 6533, section 3, HEXPOINT: no zeros in front, and no ASCII but the backslash
        and what is special in xtext.
        """
        self.assertRefuses(
            ValueError,
            parseOrcpt,
            [
                ("a letter that stands for itself", "utf-8;\\x{41}@b"),
                ("an at sign", "utf-8;a\\x{40}b"),
                ("zeros in front", "utf-8;\\x{00E9}@b"),
                ("a zero in front of six digits", "utf-8;\\x{01F40D}@b"),
            ],
        )

    def test_everyLetter(self):
        """
        RFC 6533, section 3: an address has any letter of UTF-8 that ends no line,
        whether or not this version of Python knows how to print it.
        """
        self.assertGives(
            parseOrcpt,
            [
                (name, f"utf-8;a{letter}b@c", f"utf-8;a{letter}b@c")
                for name, letter in [
                    ("a joiner, which Persian and emoji need", "\u200d"),
                    ("a letter that is not assigned yet", "\u0378"),
                    ("a letter of the last plane", "\U0010fffd"),
                ]
            ],
        )

    @given(orcpts)
    def test_roundTrip(self, orcpt):
        """Reading what is printed, which is ASCII, gives the same."""
        printed = printOrcpt(orcpt)

        self.assertTrue(printed.isascii())
        self.assertEqual(orcpt, parseOrcpt(printed))

    @given(utf8Orcpts)
    def test_roundTripUTF8(self, orcpt):
        """So it does for the type of RFC 6533."""
        printed = printOrcpt(orcpt)

        self.assertTrue(printed.isascii())
        self.assertEqual(orcpt, parseOrcpt(printed))

    @given(st.text(max_size=40), st.sampled_from(["{}", "rfc822;{}", "utf-8;{}"]))
    def test_anyText(self, text, around):
        """Whatever the text is, it is refused or decoded to what has no line end."""
        try:
            decoded = parseOrcpt(around.format(text))
        except ValueError:
            return
        self.assertEqual([decoded], decoded.splitlines())


class DSNTests(TableTestCase):
    """What MAIL and RCPT asked of notifications."""

    def test_defaults(self):
        """Nothing was asked."""
        self.assertEqual({"ret": None, "envid": None}, asdict(DSNEnvelope()))
        self.assertEqual({"notify": None, "orcpt": None}, asdict(DSNRcpt()))

    def test_frozen(self):
        """What was asked never changes."""
        with self.assertRaises(FrozenInstanceError):
            DSNEnvelope().ret = "FULL"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            DSNRcpt().orcpt = "rfc822;a"  # type: ignore[misc]

    def test_asDict(self):
        """What was asked, as JSON."""
        self.assertEqual(
            {"ret": "HDRS", "envid": "QQ 1"},
            json.loads(json.dumps(DSNEnvelope("HDRS", "QQ 1").asDict())),
        )
        self.assertEqual(
            {"notify": ["SUCCESS", "DELAY"], "orcpt": "rfc822;bob@example.org"},
            json.loads(
                json.dumps(
                    DSNRcpt(("SUCCESS", "DELAY"), "rfc822;bob@example.org").asDict()
                )
            ),
        )
        self.assertEqual({"notify": None, "orcpt": None}, DSNRcpt().asDict())
