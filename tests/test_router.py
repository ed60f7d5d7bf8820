"""
Tests of smtpsession.router: who is taken, and where messages go.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.policy import EmailPolicy
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    EnhancedCode,
    MessageStream,
    Reply,
    SMTPAddress,
    SMTPError,
    SMTPSession,
)
from smtpsession.commands import Rcpt
from smtpsession.delivery.destination import Destination
from smtpsession.router import HOPS, Route, RoutingServer
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c

MATCHES = [
    # pattern, address, whether it is meant
    ("*", "bob@example.org", True),
    ("*", "postmaster", True),
    ("*@example.org", "bob@example.org", True),
    ("*@example.org", "bob@EXAMPLE.org", True),
    ("*@EXAMPLE.org", "bob@example.org", True),
    ("*@example.org", "bob@sub.example.org", False),
    ("*@example.org", "bob@example.org.evil.example", False),
    ("*@example.org", '"bob@evil.example"@example.org', True),
    ("*@evil.example", '"bob@evil.example"@example.org', False),
    ("*@*.example.org", "bob@sub.example.org", True),
    ("bob@example.org", "bob@example.org", True),
    ("bob@example.org", "Bob@example.org", False),
    ("bob@example.org", '"bob"@example.org', True),
    ("b?b@example.org", "bub@example.org", True),
    ("postmaster", "Postmaster", True),
    ("postmaster", "postmaster@example.org", False),
    ("*@b\xfccher.example", "bob@xn--bcher-kva.example", True),
    ("*@[[]192.0.2.1[]]", "bob@[192.0.2.1]", True),
]


class Recording(Destination):
    """A destination that says what it is told, and keeps what it is asked."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.refused: set[str] = set()
        self.accepted: list[str] = []
        self.messages: list[tuple[list[str], bytes]] = []
        self.forgotten = 0
        self.cannotForget = False

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        if str(recipient) in self.refused:
            raise SMTPError(550, "Not here", "5.1.1")
        self.accepted.append(str(recipient))

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> Any:
        content = await stream.read()
        if isinstance(self.result, Exception):
            raise self.result
        self.messages.append(([str(each) for each in recipients], content))
        result = self.result
        return await result if isinstance(result, Deferred) else result

    async def forget(self, session: SMTPSession) -> None:
        self.forgotten += 1
        if self.cannotForget:
            raise ValueError("private")


class RouteTests(SynchronousTestCase):
    """Route: whom it takes."""

    def test_patterns(self) -> None:
        """Shell patterns of the whole address, the domain without regard to case."""
        session = SMTPSession()
        for pattern, address, expected in MATCHES:
            path = Rcpt.parse(f"TO:<{address}>".encode()).address
            taken = Route([pattern], Destination()).takes(path, session)
            self.assertIs(taken, expected, (pattern, address))

    def test_authenticated(self) -> None:
        """A route may be for clients that have logged in."""
        route = Route(["*"], Destination(), authenticated=True)
        address = SMTPAddress("bob@example.com")
        self.assertFalse(route.takes(address, SMTPSession()))
        self.assertTrue(route.takes(address, SMTPSession(user="alice")))


_GONE, _FULL = SMTPError(550, "Gone", "5.1.1"), SMTPError(452, "Full", "4.2.2")

OUTCOMES = [
    # results for bob and al, what a client of SMTP is told, who is reported to have it
    ([None, None], "250 2.6.0 Message accepted", ["bob", "al"]),
    (["for bob", "for al"], "250 2.0.0 for al", ["bob", "al"]),
    ([_GONE, _GONE], "550 5.1.1 Gone", []),
    ([_GONE, _FULL], "452 4.2.2 Full", []),
    ([_FULL, _GONE], "452 4.2.2 Full", []),
    (["for bob", _GONE], "550 5.1.1 Gone", ["bob"]),
    ([_FULL, "for al"], "452 4.2.2 Full", ["al"]),
    ([Reply(550, "Gone", EnhancedCode(5, 1, 1)), None], "550 5.1.1 Gone", ["al"]),
]


class RoutingServerTests(SynchronousTestCase):
    """RoutingServer."""

    def setUp(self) -> None:
        self.org, self.net = Recording(), Recording()
        self.reported: list[list[str]] = []

    def connect(self, protocol: str = "smtp") -> MemoryClient:
        routes = [
            Route(["*@example.org", "postmaster"], self.org),
            Route(["*@example.net"], self.net),
            Route(["*@example.org"], Recording()),
        ]
        make = partial(RoutingServer, routes, delivered=self.delivered)
        return c.ready(MemoryServer(make, options=memoryOptions(protocol=protocol)))

    def delivered(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress], size: int
    ) -> None:
        self.reported.append([str(each) for each in recipients])

    def test_firstRoute(self) -> None:
        """The first route that takes a recipient has the message."""
        client = self.connect()
        client.say(c.MAIL, c.RCPT, "RCPT TO:<postmaster>", "DATA")
        self.assertEqual(client.say("Hello.", "."), [c.ACCEPTED])
        recipients = ["bob@example.org", "postmaster"]
        self.assertEqual(self.org.messages, [(recipients, b"Hello.\r\n")])
        self.assertEqual(self.reported, [recipients])
        self.assertEqual(self.org.forgotten, 0)

    def test_noRoute(self) -> None:
        """Nobody relays for a recipient for whom there is no route."""
        client = self.connect()
        heard = client.say(c.MAIL, "RCPT TO:<eve@example.com>", "DATA")
        self.assertEqual(heard[1], "550 5.7.1 Relaying denied")
        self.assertEqual(heard[2][:3], "554")

    def test_destinationRefuses(self) -> None:
        """What the destination has against a recipient the client is told."""
        self.org.refused = {"eve@example.org"}
        client = self.connect()
        client.say(c.MAIL)
        self.assertEqual(
            client.say("RCPT TO:<eve@example.org>", c.RCPT),
            ["550 5.1.1 Not here", c.RECIPIENT_OK],
        )
        client.say("DATA", "Hello.", ".")
        self.assertEqual(self.org.messages, [(["bob@example.org"], b"Hello.\r\n")])

    def test_anotherRoute(self) -> None:
        """
        Under SMTP a message goes one way: for other recipients the client has to begin
        another transaction, and there they are taken.
        """
        client = self.connect()
        client.say(c.MAIL, c.RCPT)
        later = "452 4.5.3 Begin another transaction for this recipient"
        self.assertEqual(client.say("RCPT TO:<al@example.net>"), [later])
        client.say("DATA", "Hello.", ".", c.MAIL)
        self.assertEqual(client.say("RCPT TO:<al@example.net>"), [c.RECIPIENT_OK])
        self.assertEqual(client.say(c.RCPT), [later])
        client.say("DATA", "Again.", ".")
        self.assertEqual(self.net.messages, [(["al@example.net"], b"Again.\r\n")])

    def test_lmtp(self) -> None:
        """Under LMTP it goes both ways, and each recipient has its own reply."""
        self.org.result = [None, SMTPError(452, "Full", "4.2.2")]
        self.net.result = "at the net"
        client = self.connect("lmtp")
        client.say(
            c.MAIL,
            *(c.RCPT, "RCPT TO:<al@example.net>", "RCPT TO:<ed@example.org>"),
            "DATA",
        )
        self.assertEqual(
            client.say("Hello.", "."),
            [c.ACCEPTED, "250 2.0.0 at the net", "452 4.2.2 Full"],
        )
        self.assertEqual(
            self.org.messages,
            [(["bob@example.org", "ed@example.org"], b"Hello.\r\n")],
        )
        self.assertEqual(self.net.messages, [(["al@example.net"], b"Hello.\r\n")])
        self.assertEqual(self.reported, [["bob@example.org", "al@example.net"]])

    def test_oneReply(self) -> None:
        """
        A destination may have an outcome for each recipient, though its client speaks
        SMTP: nobody is told 250 if one of them has not got the message.
        """
        for results, told, reported in OUTCOMES:
            self.org.result = results
            self.reported.clear()
            client = self.connect()
            client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.org>", "DATA")
            self.assertEqual(client.say("Hello.", "."), [told])
            has = [[f"{each}@example.org" for each in reported]] if reported else []
            self.assertEqual(self.reported, has, results)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_lmtpFailure(self) -> None:
        """Where one of them fails, the others are not touched by it."""
        self.org.result = ZeroDivisionError("in a destination")
        client = self.connect("lmtp")
        client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.net>", "DATA")
        self.assertEqual(client.say("Hello.", "."), [c.LOCAL_ERROR, c.ACCEPTED])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.reported, [["al@example.net"]])

    def test_failure(self) -> None:
        """What a destination raises is told, and nothing is reported."""
        self.org.result = SMTPError(554, "Not this", "5.6.0")
        client = self.connect()
        client.say(c.MAIL, c.RCPT, "DATA")
        self.assertEqual(client.say("Hello.", "."), ["554 5.6.0 Not this"])
        self.assertEqual(self.reported, [])
        self.assertEqual(self.org.forgotten, 1)

    def test_nobodyAccepted(self) -> None:
        """Nor is a message that all its recipients refuse."""
        self.org.result = [SMTPError(552, "Full", "5.2.2")]
        client = self.connect("lmtp")
        client.say(c.MAIL, c.RCPT, "DATA")
        with capturedLogs() as events:
            self.assertEqual(client.say("Hello.", "."), ["552 5.2.2 Full"])
        self.assertNotIn("message from", str([formatEvent(each) for each in events]))
        self.assertEqual(self.reported, [])

    def test_loop(self) -> None:
        """A message that has passed too many servers is refused: RFC 5321, 6.3."""
        for hops, expected in (
            (HOPS, c.ACCEPTED),
            (HOPS + 1, "554 5.4.6 Too many hops, this looks like a mail loop"),
        ):
            client = self.connect()
            client.say(c.MAIL, c.RCPT, "DATA")
            lines = ["received: from a by b; now"] * hops
            self.assertEqual(client.say(*lines, "", "Received: x", "."), [expected])
        self.assertEqual(len(self.org.messages), 1)

    def test_loopUnparsed(self) -> None:
        """Fields are counted by their names: to parse their values would take long."""
        self.patch(EmailPolicy, "header_fetch_parse", None)
        self.test_loop()

    def test_foldAtTheBeginning(self) -> None:
        """
        What goes on a line before the first one is no part of what a destination puts
        in front of it: an empty line comes between.
        """
        for fold in (" (who logged in)", "\twith ESMTPSA", " "):
            for content in ([fold, "Subject: x", "", "Hello."], [fold]):
                self.org.messages.clear()
                client = self.connect("lmtp")
                client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.net>", "DATA")
                self.assertEqual(client.say(*content, "."), [c.ACCEPTED] * 2)
                [(_, message)] = self.org.messages
                lines = "\r\n".join(["", *content, ""])
                self.assertEqual(message, lines.encode("ascii"))
                self.assertEqual(self.net.messages.pop()[1], message)

    def test_nothingAtTheBeginning(self) -> None:
        """Nothing comes between where the message does not begin so."""
        for content in (
            "Subject: a\r\n b\r\n",
            "Hello.\r\n there\r\n",
            "\r\n b\r\n",
            "",
        ):
            client = self.connect()
            client.say(c.MAIL, c.RCPT, "DATA")
            self.assertEqual(client.say(f"{content}."), [c.ACCEPTED])
            self.assertEqual(self.org.messages.pop()[1], content.encode("ascii"))

    def test_forgotten(self) -> None:
        """A destination hears of a transaction that ends without a message."""
        for ending in ("RSET", c.HELO, c.MAIL):
            self.org.forgotten = 0
            client = self.connect()
            client.say(c.MAIL, c.RCPT)
            client.say(ending)
            if ending == c.MAIL:
                client.say("RSET")
            client.say(c.MAIL)
            self.assertEqual(self.org.forgotten, 1, ending)
        client.say(c.RCPT)
        client.leave()
        self.assertEqual(self.org.forgotten, 2)

    def test_refusedForgotten(self) -> None:
        """So does one that has refused all that it was asked about."""
        self.org.refused = {"bob@example.org"}
        client = self.connect()
        client.say(c.MAIL, c.RCPT, "RSET", c.MAIL)
        self.assertEqual(self.org.forgotten, 1)
        client.say(c.RCPT)
        client.leave()
        self.assertEqual(self.org.forgotten, 2)

    def test_othersForgotten(self) -> None:
        """It does too where the message goes to another, and just once."""
        self.org.refused = {"bob@example.org"}
        for protocol in ("smtp", "lmtp"):
            self.org.forgotten = 0
            client = self.connect(protocol)
            client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.net>", "DATA", "Hello.")
            self.assertEqual(client.say("."), [c.ACCEPTED])
            client.leave()
            self.assertEqual((self.org.forgotten, self.net.forgotten), (1, 0))

    def test_cannotForget(self) -> None:
        """
        One that fails at it keeps nobody from hearing of it, and no client from what
        it is to be told.
        """
        self.org.cannotForget = self.net.cannotForget = True
        client = self.connect("lmtp")
        client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.net>", "RSET")
        self.assertEqual(client.say(c.MAIL), [c.SENDER_OK])
        self.assertEqual((self.org.forgotten, self.net.forgotten), (1, 1))
        self.org.result = SMTPError(550, "Not that", "5.7.1")
        client.say(c.RCPT, "DATA")
        self.assertEqual(client.say("."), ["550 5.7.1 Not that"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 3)

    def test_clientGone(self) -> None:
        """It hears too when the client leaves in the middle of its message."""
        client = self.connect()
        client.say(c.MAIL, c.RCPT, "DATA", "Hello.")
        client.leave()
        self.assertEqual((self.org.messages, self.org.forgotten), ([], 1))
        client = self.connect("lmtp")
        client.say(c.MAIL, c.RCPT, "RCPT TO:<al@example.net>", "DATA", "Hello.")
        client.leave()
        self.assertEqual((self.org.messages, self.net.messages), ([], []))
        self.assertEqual((self.org.forgotten, self.net.forgotten), (2, 1))
        self.assertEqual(self.flushLoggedErrors(), [])
