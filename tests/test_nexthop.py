"""
Tests of smtpsession.delivery.smtp.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError

from smtpsession import (
    BareNewline,
    MessageAborted,
    MessageTooLarge,
    SMTPAddress,
    SMTPEnvelope,
    SMTPError,
    SMTPSession,
)
from smtpsession.delivery.smtp import NextHop
from smtpsession.parameters import DSNEnvelope, DSNRcpt
from smtpsession.replies import Reply
from tests.nexthops import HopTestCase, newTerms
from tests.streams import finish
from tests.test_maildir import newSession, newStream

LOST = "451 4.4.2 Connection to the next hop lost"

HELLO = """
    S: 220 next.example.net ESMTP
    C: EHLO mx.example.org
    S: 250-next.example.net
    S: 250 8BITMIME
"""
MAIL = """
    C: MAIL FROM:<alice@example.com>
    S: 250 2.1.0 OK
"""
BOB = """
    C: RCPT TO:<bob@example.org>
    S: 250 2.1.5 OK
"""
CAROL = """
    C: RCPT TO:<carol@example.org>
    S: 250 2.1.5 OK
"""
DATA = """
    C: DATA
    S: 354 Go on
"""

bob, carol = SMTPAddress("bob@example.org"), SMTPAddress("carol@example.org")


class NextHopTestCase(HopTestCase):
    """A destination, and a session of our client."""

    protocol = "smtp"

    def setUp(self) -> None:
        super().setUp()
        self.nextHop = NextHop(
            self.endpoint,
            newTerms(protocol=self.protocol),
            self.clock,
            idleTimeout=60,
            maximumIdle=2,
        )
        self.session = newSession(id="s1")
        self.stream = newStream(messageSize=100_000)

    def accept(
        self, recipient: SMTPAddress = bob, session: SMTPSession | None = None
    ) -> Deferred[None]:
        return self.begin(self.nextHop.accept(recipient, session or self.session))

    def deliver(self, recipients: Iterable[SMTPAddress] = (bob,)) -> Deferred[Any]:
        delivery = self.nextHop.deliver(self.stream, self.session, list(recipients))
        return self.begin(delivery)

    def forget(self, session: SMTPSession | None = None) -> None:
        forgetting = self.nextHop.forget(session or self.session)
        self.assertIsNone(self.successResultOf(self.begin(forgetting)))

    def accepted(self, transcript: str = HELLO + MAIL + BOB) -> None:
        """The next hop has accepted a recipient."""
        accepting = self.accept()
        self.hop.play(transcript)
        self.assertIsNone(self.successResultOf(accepting))

    def acceptedBinary(self) -> None:
        """The same where the message is to go by BDAT."""
        self.session.envelope.bodyType = "binarymime"
        accepting = self.accept()
        self.hop.play(f"""
            S: 220 next.example.net
            C: {"LHLO" if self.protocol == "lmtp" else "EHLO"} mx.example.org
            S: 250-next.example.net
            S: 250-CHUNKING
            S: 250 BINARYMIME
            C: MAIL FROM:<alice@example.com> BODY=BINARYMIME
            S: 250 OK
            C: RCPT TO:<bob@example.org>
            S: 250 OK
            """)
        self.successResultOf(accepting)

    def delivered(self, said: str = "250 2.0.0 Q1") -> bytes:
        """A message has come, and the next hop has answered; what it has heard."""
        delivery = self.deliver()
        self.hop.play(DATA)
        self.stream.feed(b"Hello\r\n", isLast=True)
        octets = self.hop.hear()
        self.assertNoResult(delivery)
        self.hop.say(said)
        self.outcome = delivery
        return octets

    def nextTransaction(self) -> None:
        """Our client begins another one."""
        self.session.transaction += 1
        self.session.envelope = newSession().envelope
        self.stream = newStream()


class AcceptTests(NextHopTestCase):
    """Recipients."""

    def test_accepted(self) -> None:
        """The first one brings MAIL with it, the others do not."""
        self.accepted()
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_notBefore(self) -> None:
        """None is accepted before the next hop has accepted it."""
        accepting = self.accept()
        self.hop.play(HELLO + MAIL + "C: RCPT TO:<bob@example.org>")
        self.assertNoResult(accepting)
        self.hop.say("251 2.1.5 Will forward")
        self.successResultOf(accepting)

    def test_refused(self) -> None:
        """A refusal goes back as it is, and the others have their own."""
        accepting = self.accept()
        self.hop.play(HELLO + MAIL)
        for said in ("550 5.1.1 No such user", "452 4.2.2 Mailbox full", "550 5.0.0 "):
            self.hop.play(f"C: RCPT TO:<bob@example.org>\nS: {said}")
            self.assertEqual(self.told(accepting), said)
            accepting = self.accept()
        self.hop.play(BOB)
        self.successResultOf(accepting)

    def test_lines(self) -> None:
        """So does one of several lines."""
        accepting = self.accept()
        self.hop.play(HELLO + MAIL + """
            C: RCPT TO:<bob@example.org>
            S: 550-5.7.1 No, see
            S: 550 5.7.1 https://example.net/
            """)
        refusal = self.failureResultOf(accepting, SMTPError).value
        self.assertEqual(
            refusal.reply, Reply(550, "No, see\nhttps://example.net/", "5.7.1")
        )

    def test_mailRefused(self) -> None:
        """
        Where MAIL is refused, so are all recipients, and the next hop is asked once.
        """
        accepting = self.accept()
        self.hop.play(HELLO + """
            C: MAIL FROM:<alice@example.com>
            S: 553 5.1.8 Bad sender
            """)
        self.assertEqual(self.told(accepting), "553 5.1.8 Bad sender")
        self.assertEqual(self.told(self.accept(carol)), "553 5.1.8 Bad sender")
        self.assertEqual(self.hop.hear(), b"")
        self.assertEqual(len(self.endpoint.hops), 1)
        self.forget()
        self.nextTransaction()
        self.accepted(MAIL + BOB)

    def test_mailPostponed(self) -> None:
        """
        Where MAIL is not taken now, that may be about the connection, which has carried
        too many messages: it gets no other one to refuse.
        """
        accepting = self.accept()
        self.hop.play(HELLO + """
            C: MAIL FROM:<alice@example.com>
            S: 452 4.5.3 Too many messages
            """)
        self.assertEqual(self.told(accepting), "452 4.5.3 Too many messages")
        self.assertTrue(self.hop.isDropped)

    def test_notOffered(self) -> None:
        """What the next hop does not offer is refused without asking."""
        self.session.envelope.smtpUtf8 = True
        accepting = self.accept()
        self.hop.play(HELLO)
        self.assertEqual(
            self.told(accepting), "553 5.6.7 Next hop does not take SMTPUTF8"
        )
        self.assertEqual(self.hop.hear(), b"")
        self.assertFalse(self.hop.isDropped)

    def test_parameters(self) -> None:
        """What it offers it gets."""
        self.session.envelope.bodyType = "8bitmime"
        self.session.envelope.dsn = DSNEnvelope("FULL", "e1")
        accepting = self.accept(bob.withDSN(DSNRcpt(("NEVER",))))
        self.hop.play("""
            S: 220 next.example.net ESMTP
            C: EHLO mx.example.org
            S: 250-next.example.net
            S: 250-8BITMIME
            S: 250 DSN
            C: MAIL FROM:<alice@example.com> BODY=8BITMIME RET=FULL ENVID=e1
            S: 250 OK
            C: RCPT TO:<bob@example.org> NOTIFY=NEVER
            S: 250 OK
            """)
        self.successResultOf(accepting)

    def test_closing(self) -> None:
        """421 does not end our client's connection, but the next hop's."""
        accepting = self.accept()
        self.hop.play(HELLO + MAIL + """
            C: RCPT TO:<bob@example.org>
            S: 421 4.3.2 Closing
            """)
        self.assertEqual(self.told(accepting), "451 4.3.2 Closing")
        self.assertTrue(self.hop.isDropped)

    def test_unreached(self) -> None:
        """Without a connection our client may try again, and we do not for each one."""
        self.endpoint.answer = fail(ConnectionRefusedError())
        told = "451 4.4.1 Next hop not available"
        self.assertEqual(self.told(self.accept()), told)
        self.endpoint.answer = None
        self.assertEqual(self.told(self.accept(carol)), told)
        self.assertEqual(self.endpoint.hops, [])
        self.nextTransaction()
        self.accepted()

    def test_slow(self) -> None:
        """A next hop that does not answer is given up, and what it had accepted."""
        self.accepted()
        accepting = self.accept(carol)
        self.clock.advance(10)
        self.assertEqual(self.told(accepting), LOST)
        self.assertEqual(self.told(self.accept(carol)), LOST)
        self.assertEqual(self.told(self.deliver()), LOST)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_cancelled(self) -> None:
        """Our client leaves while the next hop thinks."""
        accepting = self.accept()
        self.hop.play(HELLO + MAIL)
        accepting.cancel()
        self.failureResultOf(accepting, CancelledError)
        self.assertTrue(self.hop.isDropped)
        self.forget()

    def test_cancelledEarly(self) -> None:
        """Our client leaves while there is no connection."""
        self.endpoint.answer = Deferred()
        accepting = self.accept()
        accepting.cancel()
        self.failureResultOf(accepting, CancelledError)
        self.forget()

    def test_sessions(self) -> None:
        """Each session has its own transaction."""
        self.accepted()
        other = newSession(id="s2")
        accepting = self.accept(carol, other)
        self.hop.play(HELLO + MAIL + CAROL)
        self.successResultOf(accepting)
        self.assertEqual(len(self.endpoint.hops), 2)


class DeliverTests(NextHopTestCase):
    """Messages."""

    def test_delivered(self) -> None:
        """
        It is accepted when the next hop has, in its words; in front is our trace.
        """
        self.accepted()
        octets = self.delivered("250-2.6.0 Q1\r\n250 2.6.0 thanks")
        self.assertEqual(
            octets,
            b"Received: from client.example.com ([192.0.2.1])\r\n"
            b"\tby mx.example.org with ESMTP id s1.0\r\n"
            b"\tfor <bob@example.org>;\r\n"
            b"\tSun, 09 Sep 2001 01:46:40 +0000\r\n"
            b"Hello\r\n.\r\n",
        )
        self.assertEqual(
            self.successResultOf(self.outcome), Reply(250, "Q1\nthanks", "2.6.0")
        )

    def test_refused(self) -> None:
        """A refusal goes back as it is, and the connection is kept."""
        self.accepted()
        self.delivered("554 5.7.1 Spam")
        self.assertEqual(self.told(self.outcome), "554 5.7.1 Spam")
        self.nextTransaction()
        self.accepted(MAIL + BOB)

    def test_closing(self) -> None:
        """421 after the message is a refusal for now."""
        self.accepted()
        self.delivered("421 4.3.0 Closing")
        self.assertEqual(self.told(self.outcome), "451 4.3.0 Closing")
        self.assertTrue(self.hop.isDropped)

    def test_senseless(self) -> None:
        """A last reply that is neither is no acceptance."""
        self.accepted()
        self.delivered("354 Go on")
        self.assertEqual(self.told(self.outcome), LOST)
        self.assertTrue(self.hop.isDropped)

    def test_dataRefused(self) -> None:
        """DATA itself may be refused."""
        self.accepted()
        delivery = self.deliver()
        self.hop.play("C: DATA\nS: 554 5.5.1 No valid recipients")
        self.assertEqual(self.told(delivery), "554 5.5.1 No valid recipients")
        self.assertEqual(self.hop.hear(), b"")

    def test_lostBefore(self) -> None:
        """The connection is lost before the message, or closed with a word."""
        self.accepted()
        self.hop.leave()
        self.assertEqual(self.told(self.deliver()), LOST)
        self.nextTransaction()
        self.accepted()
        self.hop.say("421 4.4.2 Waited too long")
        self.assertEqual(self.told(self.deliver()), "451 4.4.2 Waited too long")

    def test_lostAfter(self) -> None:
        """It is lost before the last reply: nobody knows, so our client tries again."""
        self.accepted()
        delivery = self.deliver()
        self.hop.play(DATA)
        finish(self.stream)
        self.hop.leave()
        self.assertEqual(self.told(delivery), LOST)

    def test_notWhole(self) -> None:
        """
        Of what does not come whole the next hop sees no end, only that of the
        connection.
        """
        for error in (MessageAborted(), MessageTooLarge(1), BareNewline()):
            self.accepted()
            delivery = self.deliver()
            self.hop.play(DATA)
            self.stream.feed(b"Hello\r\n")
            self.hop.hear()
            self.stream.fail(error)
            self.failureResultOf(delivery, type(error))
            self.assertTrue(self.hop.isDropped)
            self.assertEqual(self.hop.hear(), b"")
            self.nextTransaction()

    def test_cancelled(self) -> None:
        """So it is where our client leaves, at whatever point."""
        for transcript in ("", DATA):
            self.accepted()
            delivery = self.deliver()
            self.hop.play(transcript)
            delivery.cancel()
            self.failureResultOf(delivery, CancelledError)
            self.assertTrue(self.hop.isDropped)
            self.assertFalse(self.hop.hear().endswith(b"\r\n.\r\n"))
            self.forget()
            self.nextTransaction()

    def test_binary(self) -> None:
        """BINARYMIME goes by BDAT."""
        self.acceptedBinary()
        delivery = self.deliver()
        self.stream.feed(b"\n.\n\xff")
        self.assertTrue(self.hop.hear().endswith(b"+0000\r\n\n.\n\xff"))
        self.hop.say("250 OK")
        finish(self.stream)
        self.hop.play("C: BDAT 0 LAST\nS: 250 Q1")
        self.assertEqual(self.successResultOf(delivery), Reply(250, "Q1", "2.0.0"))


class RecipientsTests(NextHopTestCase):
    """A message for others than those that were accepted."""

    def test_fewer(self) -> None:
        """The next hop forgets the one, and gets another, with only those."""
        self.accepted()
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)
        delivery = self.deliver([carol])
        first, second = self.endpoint.hops
        self.assertEqual(first.hear(), b"RSET\r\n")
        second.play(HELLO + MAIL + CAROL + DATA)
        finish(self.stream)
        second.say("250 Q1")
        self.assertEqual(self.successResultOf(delivery), Reply(250, "Q1", "2.0.0"))

    def test_unseen(self) -> None:
        """Recipients that nobody has asked about are asked about now."""
        delivery = self.deliver([bob])
        self.hop.play(HELLO + MAIL + BOB + DATA)
        finish(self.stream)
        self.hop.say("250 Q1")
        self.successResultOf(delivery)

    def test_otherEnvelope(self) -> None:
        """So they are where the same ones were accepted from another sender."""
        self.accepted()
        self.session.envelope = SMTPEnvelope(mailFrom=SMTPAddress("eve@example.com"))
        delivery = self.deliver([bob])
        self.assertEqual(self.endpoint.hops[0].hear(), b"RSET\r\n")
        self.hop.play(HELLO + """
            C: MAIL FROM:<eve@example.com>
            S: 250 OK
            """ + BOB + DATA)
        finish(self.stream)
        self.hop.say("250 Q1")
        self.successResultOf(delivery)

    def test_refused(self) -> None:
        """Where one is refused then, none gets it, and nothing is left open."""
        delivery = self.deliver([bob, carol])
        self.hop.play(HELLO + MAIL + BOB + """
            C: RCPT TO:<carol@example.org>
            S: 550 5.1.1 No
            C: RSET
            S: 250 OK
            """)
        self.assertEqual(self.told(delivery), "550 5.1.1 No")
        self.nextTransaction()
        self.accepted(MAIL + BOB)


class LMTPTests(NextHopTestCase):
    """LMTP has a reply for each recipient."""

    protocol = "lmtp"

    def accepted(self, transcript: str = "") -> None:
        super().accepted(HELLO.replace("EHLO", "LHLO") + MAIL + BOB)
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)

    def replied(self, *lines: str) -> list[str]:
        """What our client is told for each."""
        self.accepted()
        delivery = self.deliver([bob, carol])
        self.hop.play(DATA)
        finish(self.stream)
        self.hop.hear()
        self.hop.say(*lines)
        return [
            str(each.reply if isinstance(each, SMTPError) else each)
            for each in self.successResultOf(delivery)
        ]

    def test_replies(self) -> None:
        """Each one is told its own."""
        replies = self.replied("250 2.1.5 For bob", "552 5.2.2 Full")
        self.assertEqual(replies, ["250 2.1.5 For bob", "552 5.2.2 Full"])
        self.assertFalse(self.hop.isDropped)

    def test_closing(self) -> None:
        """421 for one is 451, and ends the next hop's connection."""
        replies = self.replied("250 2.1.5 For bob", "421 4.3.2 Closing")
        self.assertEqual(replies, ["250 2.1.5 For bob", "451 4.3.2 Closing"])
        self.assertTrue(self.hop.isDropped)

    def test_missing(self) -> None:
        """
        Who had a reply before the connection was lost keeps it; the others, of whom
        nobody knows, are brought again.
        """
        for leave in (self.leave, self.fallSilent, self.talkNonsense):
            self.accepted()
            delivery = self.deliver([bob, carol])
            self.hop.play(DATA)
            finish(self.stream)
            self.hop.say("250 2.1.5 For bob")
            self.assertNoResult(delivery)
            leave()
            [first, second] = self.successResultOf(delivery)
            self.assertEqual(first, Reply(250, "For bob", "2.1.5"))
            self.assertEqual(str(second.reply), LOST)
            self.assertFalse(self.hop.client.isUsable)
            self.nextTransaction()

    def leave(self) -> None:
        self.hop.leave()

    def fallSilent(self) -> None:
        self.clock.advance(20)

    def talkNonsense(self) -> None:
        self.hop.say("What?")

    def test_allMissing(self) -> None:
        """Without any reply there is one error for all."""
        self.accepted()
        delivery = self.deliver([bob, carol])
        self.hop.play(DATA)
        finish(self.stream)
        self.hop.leave()
        self.assertEqual(self.told(delivery), LOST)

    def test_missingOfChunks(self) -> None:
        """So it is where the message goes by BDAT."""
        self.acceptedBinary()
        accepting = self.accept(carol)
        self.hop.play(CAROL)
        self.successResultOf(accepting)
        delivery = self.deliver([bob, carol])
        finish(self.stream)
        self.hop.hear()
        self.hop.say("250 2.1.5 For bob")
        self.hop.leave()
        [first, second] = self.successResultOf(delivery)
        self.assertEqual(first, Reply(250, "For bob", "2.1.5"))
        self.assertEqual(str(second.reply), LOST)


class ForgetTests(NextHopTestCase):
    """Transactions without a message."""

    def test_reset(self) -> None:
        """The next hop forgets it too, and the connection is kept."""
        self.accepted()
        self.forget()
        self.hop.play("C: RSET\nS: 250 OK")
        self.nextTransaction()
        self.accepted(MAIL + BOB)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_notReset(self) -> None:
        """Whoever refuses that, or does not answer, is dropped."""
        for said in ("500 What?", "354 Go on", None):
            self.accepted()
            self.forget()
            self.assertEqual(self.hop.hear(), b"RSET\r\n")
            if said is None:
                self.clock.advance(10)
            else:
                self.hop.say(said)
            self.assertTrue(self.hop.isDropped)
            self.nextTransaction()

    def test_notMeanwhile(self) -> None:
        """Before it has, nobody else gets the connection."""
        self.accepted()
        self.forget()
        self.nextTransaction()
        self.accepted()
        self.assertEqual(len(self.endpoint.hops), 2)

    def test_nothing(self) -> None:
        """Without a transaction, or twice, there is nothing to do."""
        self.forget()
        self.accepted()
        self.forget()
        self.forget()
        self.assertEqual(self.hop.hear(), b"RSET\r\n")

    def test_afterDelivery(self) -> None:
        """After a message there is nothing to forget."""
        self.accepted()
        self.delivered()
        self.forget()
        self.assertEqual(self.hop.hear(), b"")

    def test_otherEnvelope(self) -> None:
        """Nobody gets a message by the recipients of an earlier transaction."""
        self.accepted()
        self.session.envelope = SMTPEnvelope(mailFrom=SMTPAddress("eve@example.com"))
        accepting = self.accept(carol)
        first, second = self.endpoint.hops
        self.assertEqual(first.hear(), b"RSET\r\n")
        second.play(HELLO + """
            C: MAIL FROM:<eve@example.com>
            S: 250 OK
            """ + CAROL)
        self.successResultOf(accepting)

    def test_busy(self) -> None:
        """One that is in the middle of something is dropped."""
        self.accepted()
        accepting = self.accept(carol)
        self.hop.hear()
        self.forget()
        self.assertTrue(self.hop.isDropped)
        self.assertEqual(self.told(accepting), LOST)


class ReuseTests(NextHopTestCase):
    """One connection for several transactions."""

    def setUp(self) -> None:
        super().setUp()
        self.accepted()
        self.delivered()
        self.successResultOf(self.outcome)
        self.nextTransaction()

    def test_reused(self) -> None:
        """The next transaction, of whichever session, has the same connection."""
        self.session = newSession(id="s2")
        self.accepted(MAIL + BOB)
        self.delivered()
        self.successResultOf(self.outcome)
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_gone(self) -> None:
        """One that was closed in the meantime is replaced."""
        self.hop.leave()
        self.accepted()
        self.assertEqual(len(self.endpoint.hops), 2)

    def test_dies(self) -> None:
        """One that turns out to be closed by MAIL is replaced, once."""
        accepting = self.accept()
        self.assertEqual(self.hop.hear(), b"MAIL FROM:<alice@example.com>\r\n")
        self.hop.leave()
        self.assertNoResult(accepting)
        self.hop.play(HELLO + "C: MAIL FROM:<alice@example.com>")
        self.hop.leave()
        self.assertEqual(self.told(accepting), LOST)
        self.assertEqual(len(self.endpoint.hops), 2)

    def test_closing(self) -> None:
        """So is one that says so in the answer to MAIL."""
        accepting = self.accept()
        self.hop.play("C: MAIL FROM:<alice@example.com>\nS: 421 4.7.0 Enough")
        self.hop.play(HELLO + MAIL + BOB)
        self.successResultOf(accepting)

    def test_refused(self) -> None:
        """A refusal is not asked for twice."""
        accepting = self.accept()
        self.hop.play("C: MAIL FROM:<alice@example.com>\nS: 450 4.7.1 Not now")
        self.assertEqual(self.told(accepting), "450 4.7.1 Not now")
        self.assertEqual(len(self.endpoint.hops), 1)

    def test_idle(self) -> None:
        """One that nobody uses is let go."""
        self.clock.advance(60)
        self.assertEqual(self.hop.hear(), b"QUIT\r\n")


class TornTests(NextHopTestCase):
    """A next hop that goes away, or falls silent, after each of its octets."""

    REPLIES = (
        b"220 next.example.net ESMTP\r\n",
        b"250-next.example.net\r\n250 8BITMIME\r\n",
        b"250 2.1.0 OK\r\n",
        b"250 2.1.5 OK\r\n",
        b"354 Go on\r\n",
        b"250 2.0.0 Q1\r\n",
    )

    async def handOn(self) -> Any:
        """One message from the beginning to the end."""
        stream = newStream()
        stream.feed(b"Hello\r\n", isLast=True)
        await self.nextHop.accept(bob, self.session)
        return await self.nextHop.deliver(stream, self.session, [bob])

    def heard(self, octets: int) -> Deferred[Any]:
        """Begin, and let this many of the next hop's octets come."""
        self.nextTransaction()
        conversation = self.begin(self.handOn())
        for reply in self.REPLIES:
            self.hop.client.dataReceived(reply[:octets])
            octets = max(octets - len(reply), 0)
        return conversation

    def test_accepted(self) -> None:
        """Only the last octet of all makes our client a promise."""
        whole = len(b"".join(self.REPLIES))
        for octets in range(whole):
            conversation = self.heard(octets)
            self.assertNoResult(conversation)
            self.hop.leave()
            self.assertEqual(self.told(conversation), LOST, octets)
            self.forget()
        reply = self.successResultOf(self.heard(whole))
        self.assertEqual(reply, Reply(250, "Q1", "2.0.0"))

    def test_silent(self) -> None:
        """So it is where nothing more comes."""
        for octets in range(len(b"".join(self.REPLIES))):
            conversation = self.heard(octets)
            self.clock.advance(20)
            self.assertEqual(self.told(conversation), LOST, octets)
            self.assertTrue(self.hop.isDropped)
            self.forget()


class StopTests(NextHopTestCase):
    """The end of the service."""

    def test_stop(self) -> None:
        """What is in the middle of something fails, and all connections are closed."""
        self.accepted()
        accepting = self.accept(carol)
        stopping = self.begin(self.nextHop.stop())
        self.assertEqual(self.told(accepting), LOST)
        self.assertTrue(self.hop.isDropped)
        self.assertNoResult(stopping)
        self.hop.leave()
        self.successResultOf(stopping)
