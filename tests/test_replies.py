"""
Tests of smtpsession.replies.
"""

from __future__ import annotations

from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from smtpsession import replies
from smtpsession.replies import EnhancedCode, Reply
from tests.cases import TableTestCase, codes
from tests.strategies import enhancedCodes

CODES = [
    # name, text, code
    ("success", "2.1.5", EnhancedCode(2, 1, 5)),
    ("transient failure", "4.7.0", EnhancedCode(4, 7, 0)),
    ("permanent failure", "5.0.0", EnhancedCode(5)),
    ("the largest numbers", "5.999.999", EnhancedCode(5, 999, 999)),
]

NOT_CODES = [
    # name, text
    ("nothing", ""),
    ("a class that RFC 3463 does not have", "3.0.0"),
    ("a class of zero", "0.0.0"),
    ("two numbers", "5.7"),
    ("four numbers", "5.7.1.1"),
    ("a subject of four digits", "5.1000.0"),
    ("a detail of four digits", "5.0.1000"),
    ("leading zeros", "5.07.1"),
    ("a missing number", "5..1"),
    ("a space in front", " 5.7.1"),
    ("a line end behind", "5.7.1\n"),
    ("digits that are not ASCII", "5.\u0667.1"),
    ("a sign", "5.-7.1"),
]

ENCODED = [
    # name, (code, text, enhanced), octets
    ("a plain reply", (250, "OK", None), b"250 OK\r\n"),
    ("with an enhanced code", (250, "OK", "2.0.0"), b"250 2.0.0 OK\r\n"),
    ("without text", (250, "", None), b"250 \r\n"),
    ("two lines", (250, "one\ntwo", None), b"250-one\r\n250 two\r\n"),
    (
        "every line has the enhanced code, RFC 2034 section 4",
        (550, "one\ntwo\nthree", "5.7.1"),
        b"550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n",
    ),
    ("a CRLF makes one line end", (250, "a\r\nb", None), b"250-a\r\n250 b\r\n"),
    ("a CR makes a line end", (250, "a\rb", None), b"250-a\r\n250 b\r\n"),
    ("a line end behind", (250, "a\n", None), b"250-a\r\n250 \r\n"),
    ("an empty line between", (250, "a\n\nb", None), b"250-a\r\n250-\r\n250 b\r\n"),
    ("letters beyond ASCII", (550, "caf\xe9 \u2603", None), b"550 caf? ?\r\n"),
    ("control characters", (550, "a\x00b\tc\x1b[0m\x7f", None), b"550 a?b?c?[0m?\r\n"),
    (
        "line ends of Unicode, which are none of SMTP's",
        (550, "a\x85b\u2028c\x0bd", None),
        b"550 a?b?c?d\r\n",
    ),
    ("half of a surrogate pair", (550, "\ud800", None), b"550 ?\r\n"),
]

CONTRADICTIONS = [
    # name, (code, text, enhanced)
    ("a code below 200", (199, "", None)),
    ("a code above 599", (600, "", None)),
    ("permanent with a transient class", (552, "Too large", "4.3.1")),
    ("transient with a permanent class", (451, "Later", "5.3.0")),
    ("refusal with a success class", (550, "No", "2.0.0")),
    ("success with a failure class", (250, "OK", "5.0.0")),
    ("an enhanced code on a 3xx reply, RFC 2034 section 4", (354, "Go on", "2.0.0")),
    ("not an enhanced code", (550, "No", "5.7")),
]


class EnhancedCodeTests(TableTestCase):
    """Enhanced status codes."""

    def test_parse(self):
        """An enhanced code is read from its text."""
        self.assertGives(EnhancedCode.parse, CODES)

    def test_print(self):
        """An enhanced code is printed as it is written in replies."""
        self.assertGives(str, [(name, code, text) for name, text, code in CODES])

    def test_malformed(self):
        """What is not an enhanced code is refused."""
        self.assertRefuses(ValueError, EnhancedCode.parse, NOT_CODES)

    def test_outOfRange(self):
        """Numbers that no enhanced code has are refused."""
        rows = [
            ("a class of 3", (3, 0, 0)),
            ("a class of 6", (6, 0, 0)),
            ("a negative subject", (5, -1, 0)),
            ("a subject of 1000", (5, 1000, 0)),
            ("a detail of 1000", (5, 0, 1000)),
        ]

        self.assertRefuses(ValueError, lambda row: EnhancedCode(*row), rows)

    def test_order(self):
        """Enhanced codes are ordered by their numbers, not by their text."""
        ordered = [
            EnhancedCode(2, 10, 0),
            EnhancedCode(4, 2, 9),
            EnhancedCode(4, 2, 10),
        ]

        self.assertEqual(ordered, sorted(reversed(ordered)))

    def test_frozen(self):
        """An enhanced code never changes."""
        with self.assertRaises(FrozenInstanceError):
            EnhancedCode(2).subject = 1  # type: ignore[misc]

    @given(enhancedCodes)
    def test_roundTrip(self, code):
        """Reading what is printed gives the same code."""
        self.assertEqual(code, EnhancedCode.parse(str(code)))


class ReplyTests(TableTestCase):
    """Replies."""

    def test_encode(self):
        """A reply goes out in lines that all have its code."""
        self.assertGives(lambda row: Reply(*row).encode(), ENCODED)

    def test_contradictions(self):
        """A reply whose parts contradict each other cannot be made."""
        self.assertRefuses(ValueError, lambda row: Reply(*row), CONTRADICTIONS)

    def test_enhancedFromText(self):
        """The enhanced code may be given as text."""
        self.assertEqual(EnhancedCode(5, 7, 1), Reply(550, "No", "5.7.1").enhanced)

    def test_longestLine(self):
        """A text that just fills a line of 512 octets makes one line."""
        text = "x" * (512 - len("550 5.7.1 \r\n"))

        self.assertEqual(
            b"550 5.7.1 " + text.encode() + b"\r\n", Reply(550, text, "5.7.1").encode()
        )

    def test_tooLongLine(self):
        """A text that is longer by one octet makes two lines."""
        text = "x" * (512 - len("550 5.7.1 \r\n")) + "y"

        self.assertEqual(
            b"550-5.7.1 " + text[:-1].encode() + b"\r\n550 5.7.1 y\r\n",
            Reply(550, text, "5.7.1").encode(),
        )

    @given(st.text(max_size=1200), st.none() | st.just("5.7.1"))
    def test_anyText(self, text, enhanced):
        """Whatever the text, each line of a reply is well formed and fits its limit."""
        lines = Reply(550, text, enhanced).encode().split(b"\r\n")

        self.assertEqual(b"", lines.pop())
        self.assertEqual(b"550 ", lines[-1][:4])
        self.assertEqual({b"550-"} if lines[1:] else set(), {x[:4] for x in lines[:-1]})
        self.assertTrue(all(len(line) <= 510 for line in lines))
        self.assertTrue(all(32 <= octet <= 126 for line in lines for octet in line))

    def test_isPositive(self):
        """The 2xx and 3xx replies are positive, the others are not."""
        rows = [
            ("completed", 250, True),
            ("go on", 354, True),
            ("not now", 450, False),
            ("never", 550, False),
        ]

        self.assertGives(lambda code: Reply(code, "").isPositive, rows)

    def test_endsConnection(self):
        """The server hangs up after 421 and 521, and after no other."""
        closing = {c for c in range(200, 600) if Reply(c, "").endsConnection}

        self.assertEqual({421, 521}, closing)

    def test_equality(self):
        """Replies with the same parts are equal."""
        self.assertEqual(Reply(250, "OK", "2.0.0"), Reply(250, "OK", EnhancedCode(2)))
        self.assertNotEqual(Reply(250, "OK"), Reply(250, "OK", "2.0.0"))

    def test_frozen(self):
        """A reply never changes."""
        with self.assertRaises(FrozenInstanceError):
            Reply(250, "OK").code = 550  # type: ignore[misc]

    def test_str(self):
        """A reply is shown with both of its codes."""
        self.assertEqual("550 5.7.1 No", str(Reply(550, "No", "5.7.1")))
        self.assertEqual("220 Hi", str(Reply(220, "Hi")))

    def test_strOnOneLine(self):
        """Whatever its text is, it cannot pass for another line, nor move a cursor."""
        reply = Reply(550, "No\r\n250 OK\x1b[2J", "5.7.1")
        self.assertEqual(r"550 5.7.1 No\r\n250 OK\x1b[2J", str(reply))


CATALOGUE = {
    name: value for name, value in vars(replies).items() if isinstance(value, Reply)
}

MADE = [
    # name, reply, text
    (
        "the greeting of SMTP",
        replies.greeting("mx.example.org", "ESMTP"),
        b"220 mx.example.org ESMTP ready\r\n",
    ),
    (
        "the greeting of LMTP",
        replies.greeting("mx.example.org", "LMTP"),
        b"220 mx.example.org LMTP ready\r\n",
    ),
    ("the answer to HELO", replies.hello("mx.example.org"), b"250 mx.example.org\r\n"),
    (
        "the answer to EHLO",
        replies.hello("mx.example.org", ("SIZE 1000", "PIPELINING")),
        b"250-mx.example.org\r\n250-SIZE 1000\r\n250 PIPELINING\r\n",
    ),
    (
        "the answer to HELP",
        replies.helpText(("NOOP", "QUIT")),
        b"214 2.0.0 Commands: NOOP QUIT\r\n",
    ),
]

PREPARED = [
    # what it is, the reply, its codes
    (
        "a parameter not known or not offered",
        replies.unknownParameter("X"),
        "555 5.5.4",
    ),
    ("a parameter with a bad value", replies.badParameter("SIZE"), "501 5.5.4"),
    ("a parameter given twice", replies.repeatedParameter("SIZE"), "501 5.5.4"),
    ("an attribute not known", replies.unknownAttribute("X"), "501 5.5.4"),
    ("a message over the limit", replies.messageTooLarge(1000), "552 5.3.4"),
    ("bad arguments", replies.badArguments("NOOP [string]"), "501 5.5.4"),
]


class CatalogueTests(TableTestCase):
    """The replies that the server gives."""

    def test_made(self):
        """What depends on the occasion says what the RFC wants said."""
        self.assertGives(Reply.encode, MADE)

    def test_prepared(self):
        """Refusals that name what they refuse have the codes of the RFCs."""
        self.assertGives(codes, PREPARED)

    def test_namesOfParameters(self):
        """A refused parameter is named to the client, and so is a limit."""
        self.assertIn("X-FOO", replies.unknownParameter("X-FOO").text)
        self.assertIn("SIZE", replies.badParameter("SIZE").text)
        self.assertIn("BODY", replies.repeatedParameter("BODY").text)
        self.assertIn("X-FOO", replies.unknownAttribute("X-FOO").text)
        self.assertIn("1000", replies.messageTooLarge(1000).text)

    def test_enhanced(self):
        """Every prepared reply but the 354 has an enhanced code."""
        without = {name for name, reply in CATALOGUE.items() if reply.enhanced is None}

        self.assertEqual({"START_MAIL_INPUT"}, without)

    def test_oneLine(self):
        """Every prepared reply is a single line."""
        longer = [n for n, r in CATALOGUE.items() if r.encode().count(b"\r\n") != 1]

        self.assertEqual([], longer)

    def test_distinct(self):
        """No two prepared replies say the same."""
        self.assertEqual(len(CATALOGUE), len({r.encode() for r in CATALOGUE.values()}))

    def test_codes(self):
        """Every prepared reply has a code that RFC 5321 or RFC 4954 lists."""
        listed = {
            *(211, 214, 220, 221, 250, 251, 252, 354),
            *(421, 450, 451, 452, 455),
            *(235, 454, 530, 534, 535, 538),  # RFC 4954, section 6; RFC 3207, section 4
            *(500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 555),
        }
        strange = [n for n, r in CATALOGUE.items() if r.code not in listed]

        self.assertEqual([], strange)
