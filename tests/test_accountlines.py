"""
Tests of smtpsession.accountlines.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smtpsession.accountlines import (
    AccountsError,
    Digest,
    Line,
    parseLines,
    parseToken,
    parseUser,
    prepareAccount,
)
from smtpsession.secret import Plain
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import TableTestCase

HEX = "ab" * 32
COLONS = ":".join(["AB"] * 32)
EXTERNAL = Digest("EXTERNAL", b"\xab" * 32)
TOKEN = Digest("SHA256", b"\xab" * 32)

GOOD: list[tuple[str, str, Any]] = [
    # name, text, lines
    ("nothing", "", []),
    ("one", "bob:{PLAIN}pencil", [Line(1, "bob", Plain("pencil"))]),
    ("with its end", "bob:{PLAIN}pencil\n", [Line(1, "bob", Plain("pencil"))]),
    ("CRLF", "bob:{PLAIN}pencil\r\n", [Line(1, "bob", Plain("pencil"))]),
    (
        "comments and empty lines",
        "# bob:{PLAIN}eraser\n\n \t\nbob:{PLAIN}pencil\n#",
        [Line(4, "bob", Plain("pencil"))],
    ),
    (
        "several for a name",
        "bob:{PLAIN}pencil\nbob:{PLAIN}eraser\n",
        [Line(1, "bob", Plain("pencil")), Line(2, "bob", Plain("eraser"))],
    ),
    ("signs in it", "bob:{PLAIN} :{}# ", [Line(1, "bob", Plain(" :{}# "))]),
    ("an address", "b@example.org:{PLAIN}x", [Line(1, "b@example.org", Plain("x"))]),
    ("a name with a space", "b b:{PLAIN}x", [Line(1, "b b", Plain("x"))]),
    ("SASLprep", "I\u00adX:{PLAIN}\u2168", [Line(1, "IX", Plain("IX"))]),
    ("a byte order mark", "\ufeffbob:{PLAIN}x", [Line(1, "bob", Plain("x"))]),
    ("a certificate", "bob:{EXTERNAL}" + HEX, [Line(1, "bob", EXTERNAL)]),
    ("as openssl prints it", "bob:{EXTERNAL}" + COLONS, [Line(1, "bob", EXTERNAL)]),
]
BAD = [
    # name, text, what is said of it
    ("no colon", "bob", "not of the form name:{SCHEME}value"),
    ("no scheme", "bob:pencil", "not of the form name:{SCHEME}value"),
    ("a space before it", "bob: {PLAIN}x", "not of the form name:{SCHEME}value"),
    ("lower case", "bob:{plain}x", "not of the form name:{SCHEME}value"),
    ("a scheme that is not closed", "bob:{PLAIN", "not of the form name:{SCHEME}value"),
    ("an unknown scheme", "bob:{MD5}x", "no scheme for passwords: {MD5}"),
    ("that of tokens", "bob:{SHA256}" + HEX, "no scheme for passwords: {SHA256}"),
    ("no name", ":{PLAIN}x", "a name that is empty, or begins or ends with a space"),
    (
        "a space behind it",
        "bob :{PLAIN}x",
        "a name that is empty, or begins or ends with a space",
    ),
    ("a long name", "b" * 1025 + ":{PLAIN}x", "a name longer than 1024 characters"),
    ("a control character", "b\0b:{PLAIN}x", "control characters"),
    ("a CR in the middle", "bob:{PLAIN}x\ry", "control characters"),
    ("no password", "bob:{PLAIN}", "not a password after SASLprep"),
    ("half a hash", "bob:{EXTERNAL}abcd", "not a SHA-256 in hexadecimal"),
    ("some colons", "bob:{EXTERNAL}" + HEX + ":", "not a SHA-256 in hexadecimal"),
]


def _users(text: str) -> list[Line[Any]]:
    return parseLines(text.encode(), "users", parseUser)


def _problem(text: str) -> str:
    try:
        _users(text)
    except AccountsError as error:
        return str(error)
    return "nothing"


class LinesTests(TableTestCase):
    """Files."""

    def test_good(self):
        """What each file has."""
        self.assertGives(_users, GOOD)

    def test_bad(self):
        """What is wrong is said with the file and the line."""
        rows = [(name, text, f"users:1: {problem}") for name, text, problem in BAD]
        self.assertGives(_problem, rows)

    def test_all(self):
        """Everything that is wrong is said at once, and nothing of any password."""
        octets = b"bob\n\n# x\nbob:{PLAIN}x\nhunter2:hunter2\n\xff:{PLAIN}x\n"
        error = self.assertRaises(AccountsError, parseLines, octets, "a/b", parseUser)
        self.assertEqual(
            (
                "a/b:1: not of the form name:{SCHEME}value",
                "a/b:5: not of the form name:{SCHEME}value",
                "a/b:6: not UTF-8",
            ),
            error.problems,
        )
        self.assertEqual(3, len(str(error).splitlines()))

    def test_tokens(self):
        """A file of tokens has only hashes."""
        text = f"bob:{{SHA256}}{HEX}\n"
        self.assertEqual(
            [Line(1, "bob", TOKEN)], parseLines(text.encode(), "tokens", parseToken)
        )
        for bad in ("bob:{PLAIN}x", "bob:{SHA256}ab", "bob:{EXTERNAL}" + HEX):
            self.assertRaises(
                AccountsError, parseLines, bad.encode(), "tokens", parseToken
            )

    def test_names(self):
        """A name that could not be read again cannot be that of an account."""
        rows = [
            ("a colon", "bob:alice"),
            ("a comment", "#bob"),
            ("nothing", ""),
            ("nothing is left", "\u00ad"),
            ("a line end", "bob\n"),
            ("a space that SASLprep makes", "bob\u00a0"),
            ("what Unicode 3.2 does not have", "\U0001f600"),
        ]
        self.assertRefuses(ValueError, prepareAccount, rows)

    @given(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
        st.one_of(
            st.builds(
                Plain,
                st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
            ),
            st.builds(Digest, st.just("EXTERNAL"), st.binary(min_size=32, max_size=32)),
        ),
    )
    def test_roundTrip(self, name, entry):
        """Reading what is printed gives the same line."""
        name = "b" + name.replace(":", "")
        line = Line(1, name, entry)

        self.assertEqual([line], _users(str(line)))
