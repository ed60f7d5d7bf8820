"""
Tests of smtpsession.delivery.forwarding.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from smtpsession.attributes import XFORWARD, parseAttributes
from smtpsession.delivery.forwarding import xforwardCommands
from smtpsession.delivery.relaying import Offers
from smtpsession.delivery.smtp import NextHop
from smtpsession.replies import Reply
from tests.cases import TableTestCase
from tests.deliveries import newSession
from tests.nexthops import newTerms
from tests.test_nexthop import BOB, HELLO, MAIL, NextHopTestCase

ALL = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
NONE = "[UNAVAILABLE]"


def said(offer: str = ALL, **fields: Any) -> list[str]:
    """The commands for such a session."""
    fields = {"remotePort": 40_000, **fields}
    offers = Offers.parse(Reply(250, f"hello\n{offer}"))
    commands = xforwardCommands(newSession(**fields), offers)
    return [each.decode("ascii") for each in commands]


def whole(**values: str) -> str:
    """The command of a session of C{tests.deliveries}, but for these attributes."""
    words = {
        "NAME": "client.example.com",
        "ADDR": "192.0.2.1",
        "PORT": "40000",
        "PROTO": "ESMTP",
        "HELO": "client",
        "IDENT": "session.0",
        "SOURCE": "REMOTE",
        **values,
    }
    return "XFORWARD " + " ".join(f"{name}={value}" for name, value in words.items())


# What it is, fields of the session, attributes that are not the usual ones.
SESSIONS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("usual", {}, {}),
    ("nameless", {"clientHostname": "[192.0.2.1]"}, {"NAME": NONE}),
    ("IPv6", {"remoteAddress": "2001:db8::1"}, {"ADDR": "IPV6:2001:db8::1"}),
    (
        "UNIX socket",
        {"remoteAddress": "", "remotePort": 0},
        {"ADDR": NONE, "PORT": NONE},
    ),
    ("not an address", {"remoteAddress": "/run/x"}, {"ADDR": NONE}),
    ("HELO", {"openingCommand": "HELO"}, {"PROTO": "SMTP"}),
    ("LHLO", {"openingCommand": "LHLO"}, {"PROTO": "LMTP"}),
    (
        "no hello",
        {"openingCommand": "", "hostNameAppearsAs": ""},
        {"PROTO": NONE, "HELO": NONE},
    ),
    ("special", {"hostNameAppearsAs": "a(b"}, {"HELO": NONE}),
    ("line end", {"hostNameAppearsAs": "a\r\nRSET"}, {"HELO": NONE}),
    ("not ASCII", {"hostNameAppearsAs": "ä.example"}, {"HELO": NONE}),
    ("too long", {"hostNameAppearsAs": "a" * 300}, {"HELO": NONE}),
    ("literal", {"hostNameAppearsAs": "[192.0.2.1]"}, {"HELO": "[192.0.2.1]"}),
    ("next transaction", {"transaction": 3}, {"IDENT": "session.3"}),
]


class CommandTests(TableTestCase):
    """What is said."""

    def test_sessions(self) -> None:
        """What is not known, or not fit to be said, is not available."""
        for name, fields, words in SESSIONS:
            self.assertEqual(said(**fields), [whole(**words)], name)

    def test_offered(self) -> None:
        """Only what the next hop wants to hear."""
        self.assertEqual(
            said("xforward PORT addr OTHER"), ["XFORWARD ADDR=192.0.2.1 PORT=40000"]
        )
        for offer in ("8BITMIME", "XFORWARD", "XFORWARD OTHER", "XCLIENT NAME"):
            self.assertEqual(said(offer), [])

    def test_forwarded(self) -> None:
        """What our client has said of another one is said on, and nothing of itself."""
        forwarded = dict.fromkeys(XFORWARD, None)
        forwarded = {**forwarded, "ADDR": "198.51.100.9", "SOURCE": "LOCAL"}
        words = dict.fromkeys(XFORWARD, NONE)
        words = {**words, "ADDR": "198.51.100.9", "SOURCE": "LOCAL"}
        self.assertEqual(said(xForward=forwarded), [whole(**words)])

    def test_long(self) -> None:
        """No command is longer than a line may be."""
        name = ".".join(["a" * 62] * 4)
        commands = said(clientHostname=name, hostNameAppearsAs=name)
        self.assertEqual(len(commands), 2)
        found: dict[str, str | None] = {}
        for each in commands:
            self.assertLessEqual(len(each + "\r\n"), 512)
            self.assertTrue(each.startswith("XFORWARD "))
            found |= parseAttributes(each.partition(" ")[2].encode(), XFORWARD)
        self.assertEqual(list(found), list(XFORWARD))
        self.assertEqual([found["NAME"], found["HELO"]], [name, name])


class NextHopTests(NextHopTestCase):
    """When it is said."""

    HELLO = HELLO.replace("250 8BIT", "250-8BIT") + "S: 250 XFORWARD ADDR SOURCE"
    XFORWARD = """
        C: XFORWARD ADDR=192.0.2.1 SOURCE=REMOTE
        S: 250 2.0.0 OK
    """

    def setUp(self) -> None:
        super().setUp()
        terms = newTerms(xforward=True)
        self.nextHop = NextHop(self.endpoint, terms, self.clock)

    def refused(self, reply: str) -> Deferred[None]:
        accepting = self.accept()
        self.hop.play(self.HELLO)
        self.hop.play(f"C: XFORWARD ADDR=192.0.2.1 SOURCE=REMOTE\nS: {reply}")
        return accepting

    def test_each(self) -> None:
        """Before MAIL, in each transaction."""
        self.accepted(self.HELLO + self.XFORWARD + MAIL + BOB)
        self.delivered()
        self.successResultOf(self.outcome)
        self.nextTransaction()
        self.accepted(self.XFORWARD + MAIL + BOB)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_notOffered(self) -> None:
        """Where the next hop does not want to hear it, it does without."""
        self.accepted(HELLO + MAIL + BOB)

    def test_refused(self) -> None:
        """
        Who offers and refuses it gets no message, which it would take for one of ours.
        """
        for reply in ("550 5.7.0 Not from you", "501 5.5.4 What?", "450 4.0.0 No"):
            told = self.told(self.refused(reply))
            self.assertEqual(told, "451 4.3.5 Next hop does not work as configured")
            self.assertEqual(self.hop.hear(), b"")
            self.assertTrue(self.hop.isDropped)
            self.nextTransaction()

    def test_closing(self) -> None:
        """The next hop may close the connection then, too."""
        told = self.told(self.refused("421 4.7.0 Enough"))
        self.assertEqual(told, "451 4.7.0 Enough")

    def test_idle(self) -> None:
        """An idle connection that is closed by then is replaced."""
        self.accepted(self.HELLO + self.XFORWARD + MAIL + BOB)
        self.delivered()
        self.nextTransaction()
        accepting = self.accept()
        self.assertTrue(self.hop.hear().startswith(b"XFORWARD "))
        self.hop.leave()
        self.hop.play(self.HELLO + self.XFORWARD + MAIL + BOB)
        self.successResultOf(accepting)


class SilentTests(NextHopTestCase):
    """Unless it is asked for."""

    def test_off(self) -> None:
        """Nobody is told who our clients are."""
        self.accepted(NextHopTests.HELLO + MAIL + BOB)
