"""
Tests of smtpsession.delivery.smtp where the next hop takes two commands at once.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from smtpsession import SMTPAddress
from smtpsession.timing import parseRRVS
from tests.test_nexthop import CAROL, HELLO, LOST, MAIL, NextHopTestCase, carol


class PipeliningTests(NextHopTestCase):
    """A next hop that offers PIPELINING."""

    HELLO = HELLO.replace("250 8BITMIME", "250-8BITMIME") + "S: 250 PIPELINING"
    BOTH = """
        C: MAIL FROM:<alice@example.com>
        C: RCPT TO:<bob@example.org>
    """

    def begun(self) -> Deferred[None]:
        """MAIL and RCPT are on their way, and nothing else is."""
        accepting = self.accept()
        if len(self.endpoint.hops) == 1 and self.hop.client.offers.keywords == {}:
            self.hop.play(self.HELLO)
        self.hop.play(self.BOTH)
        self.assertEqual(self.hop.hear(), b"")
        return accepting

    def test_together(self) -> None:
        """The first recipient goes with MAIL, and is accepted by its own reply."""
        accepting = self.begun()
        self.hop.say("250 2.1.0 OK")
        self.assertNoResult(accepting)
        self.hop.say("250 2.1.5 OK")
        self.successResultOf(accepting)
        self.assertEqual(len(self.endpoint.hops), 1)
        self.delivered()
        self.successResultOf(self.outcome)

    def test_refused(self) -> None:
        """A recipient may be refused, and the next one be accepted."""
        accepting = self.begun()
        self.hop.say("250 2.1.0 OK", "550 5.1.1 No such user")
        self.assertEqual(self.told(accepting), "550 5.1.1 No such user")
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)

    def test_mailRefused(self) -> None:
        """Where MAIL is refused, that is what the client is told, for all."""
        accepting = self.begun()
        self.hop.say("550 5.7.1 Bad sender", "503 5.5.1 MAIL first")
        self.assertEqual(self.told(accepting), "550 5.7.1 Bad sender")
        self.assertEqual(self.told(self.accept(carol)), "550 5.7.1 Bad sender")
        self.assertTrue(self.hop.client.isUsable)

    def test_confused(self) -> None:
        """A recipient that is accepted without a sender is not left there."""
        accepting = self.begun()
        self.hop.say("550 5.7.1 Bad sender", "250 2.1.5 OK")
        self.assertEqual(self.told(accepting), "550 5.7.1 Bad sender")
        self.assertTrue(self.hop.isDropped)

    def test_mailRefusedAndClosed(self) -> None:
        """So is a connection that the next hop is about to close."""
        accepting = self.begun()
        self.hop.say("550 5.7.1 Bad sender", "421 4.7.0 And leave")
        self.assertEqual(self.told(accepting), "550 5.7.1 Bad sender")
        self.assertTrue(self.hop.isDropped)

    def test_closing(self) -> None:
        """421 is for both, as it is the last that is said."""
        accepting = self.begun()
        self.hop.say("421 4.7.0 Enough")
        self.hop.leave()
        self.assertEqual(self.told(accepting), "451 4.7.0 Enough")

    def test_closingForOne(self) -> None:
        """421 for the recipient ends it as well."""
        accepting = self.begun()
        self.hop.say("250 2.1.0 OK", "421 4.7.0 Enough")
        self.assertEqual(self.told(accepting), "451 4.7.0 Enough")
        self.assertTrue(self.hop.isDropped)

    def test_lost(self) -> None:
        """Without the second reply nothing is accepted, and nobody asks again."""
        accepting = self.begun()
        self.hop.say("250 2.1.0 OK")
        self.hop.leave()
        self.assertEqual(self.told(accepting), LOST)
        self.assertEqual(self.told(self.accept(carol)), LOST)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_idleLost(self) -> None:
        """A connection that was idle is replaced, for nothing has been promised."""
        for said in ((), ("250 2.1.0 OK",), ("421 4.7.0 Enough",)):
            accepting = self.begun()
            self.hop.say("250 2.1.0 OK", "250 2.1.5 OK")
            self.successResultOf(accepting)
            self.delivered()
            self.successResultOf(self.outcome)
            self.nextTransaction()
            accepting = self.begun()
            self.hop.say(*said)
            self.hop.leave()
            self.assertNoResult(accepting)
            self.hop.play(self.HELLO + self.BOTH)
            self.hop.say("250 2.1.0 OK", "250 2.1.5 OK")
            self.successResultOf(accepting)
            self.delivered()
            self.successResultOf(self.outcome)
            self.nextTransaction()

    def test_notForThisRecipient(self) -> None:
        """What cannot be asked for one recipient does not keep the others from it."""
        before = parseRRVS("2020-01-01T00:00:00Z")
        accepting = self.accept(SMTPAddress("bob@example.org", rrvs=before))
        self.hop.play(self.HELLO + MAIL)
        self.assertEqual(
            self.told(accepting), "550 5.7.19 Next hop cannot check the recipient's age"
        )
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)
