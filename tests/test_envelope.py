"""
The envelope of the protocol: it changes when a callback has accepted, and only then.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import DSNRcpt, SMTPError, SMTPSession
from smtpsession.testing import MemoryServer
from tests import conversations as c


def refuse(*ignored: Any) -> None:
    raise SMTPError(550, "No", "5.7.1")


class DecisionTests(SynchronousTestCase):
    """Callbacks decide, the library keeps the books."""

    def test_senderDuringTheQuestion(self) -> None:
        """
        While onMailFrom decides, the envelope has no sender.
        """
        question = c.Question()
        client = c.ready(MemoryServer(onMailFrom=question))
        client.say(c.MAIL)
        self.assertIsNone(client.session.envelope.mailFrom)
        question.answers[0].callback(None)
        self.assertEqual(str(client.session.envelope.mailFrom), "alice@example.com")

    def test_senderRefused(self) -> None:
        """
        A sender that is refused leaves no trace, and another may follow.
        """
        answers = [refuse, lambda *_: None]
        server = MemoryServer(onMailFrom=lambda *args: answers.pop(0)(*args))
        client = c.ready(server)
        client.say("MAIL FROM:<mallory@example.com>")
        self.assertIsNone(client.session.envelope.mailFrom)
        client.say(c.MAIL)
        self.assertEqual(str(client.session.envelope.mailFrom), "alice@example.com")

    def test_recipientDuringTheQuestion(self) -> None:
        """
        While onRcptTo decides, the recipient is not in the envelope.
        """
        question = c.Question()
        client = c.withSender(MemoryServer(onRcptTo=question))
        client.say(c.RCPT)
        self.assertEqual(client.session.envelope.rcptTo, [])
        question.answers[0].callback(None)
        self.assertEqual(len(client.session.envelope.rcptTo), 1)

    def test_recipientRefused(self) -> None:
        """
        Only accepted recipients are in the envelope, in order, repeated ones as often
        as they came.
        """

        def check(address: Any, session: SMTPSession) -> None:
            if address.localPart == "mallory":
                refuse()

        client = c.withSender(MemoryServer(onRcptTo=check))
        for name in ("bob", "mallory", "carol", "bob"):
            client.say(f"RCPT TO:<{name}@example.org>")
        self.assertEqual(
            [each.localPart for each in client.session.envelope.rcptTo],
            ["bob", "carol", "bob"],
        )

    def test_unasked(self) -> None:
        """
        However a recipient is written, it has an empty DSN request where DSN is
        offered, and none where it is not; the sender never has one.
        """
        for hello, dsn in (("EHLO client", DSNRcpt()), ("HELO client", None)):
            client = MemoryServer().connect()
            client.say(hello)
            client.say(c.MAIL)
            for path in ("bob@example.org", '"bob"@example.org', "postmaster"):
                client.say(f"RCPT TO:<{path}>")
            envelope = client.session.envelope
            self.assertEqual([dsn] * 3, [each.dsn for each in envelope.rcptTo], hello)
            assert envelope.mailFrom is not None
            self.assertIsNone(envelope.mailFrom.dsn)

    def test_recipientFault(self) -> None:
        """
        A recipient whose check failed by our fault is not in the envelope.
        """
        client = c.withSender(MemoryServer(onRcptTo=lambda *_: 1 / 0))
        client.say(c.RCPT)
        self.assertEqual(client.session.envelope.rcptTo, [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_helloDuringTheQuestion(self) -> None:
        """
        While onHelo decides, the session has no name of the client yet; it gets one
        with the acceptance and keeps it when another is refused.
        """
        question = c.Question()
        client = c.greeted(MemoryServer(onHelo=question))
        client.say("EHLO first.example.com")
        session = client.session
        self.assertEqual((session.openingCommand, session.hostNameAppearsAs), ("", ""))
        question.answers[0].callback(None)
        client.say("HELO second.example.com")
        question.answers[1].errback(SMTPError(550, "No"))
        self.assertEqual(session.openingCommand, "EHLO")
        self.assertEqual(session.hostNameAppearsAs, "first.example.com")

    def test_declarations(self) -> None:
        """
        What MAIL declares is in the envelope once it is accepted.
        """
        question = c.Question()
        client = c.greeted(MemoryServer(onMailFrom=question))
        client.say("EHLO client.example.com")
        client.say(c.MAIL + " BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+20y")
        before = client.session.envelope
        self.assertEqual(
            (before.bodyType, before.smtpUtf8, before.dsn), ("7bit", False, None)
        )
        question.answers[0].callback(None)
        after = client.session.envelope
        self.assertEqual((after.bodyType, after.smtpUtf8), ("8bitmime", True))
        assert after.dsn is not None
        self.assertEqual((after.dsn.ret, after.dsn.envid), ("HDRS", "x y"))
        self.assertEqual(client.session.transmissionType, "UTF8SMTP")


class LifetimeTests(SynchronousTestCase):
    """Every transaction has an envelope of its own."""

    def test_newEnvelope(self) -> None:
        """
        The envelope that onData saw stays as it was when the next transaction begins.
        """
        server = MemoryServer()
        client = c.inMessage(server)
        client.say("One.", ".")
        client.say(
            "MAIL FROM:<carol@example.com>", "RCPT TO:<dave@example.org>", "DATA"
        )
        client.say("Two.", ".")
        first, second = server.messages
        self.assertIsNot(first.envelope, second.envelope)
        self.assertEqual(str(first.envelope.mailFrom), "alice@example.com")
        self.assertEqual(
            [str(each) for each in first.envelope.rcptTo], ["bob@example.org"]
        )
        self.assertEqual(str(second.envelope.mailFrom), "carol@example.com")
        self.assertEqual((first.content, second.content), (b"One.\r\n", b"Two.\r\n"))

    def test_emptyBetween(self) -> None:
        """
        After a message, RSET or a new hello the envelope is a new, empty one.
        """
        for lines in (["DATA", "."], ["RSET"], [c.HELO], ["EHLO x"]):
            client = c.withRecipients(MemoryServer())
            before = client.session.envelope
            client.say(*lines)
            after = client.session.envelope
            self.assertIsNot(before, after, lines)
            self.assertIsNone(after.mailFrom, lines)
            self.assertEqual(after.rcptTo, [], lines)
            self.assertEqual(len(before.rcptTo), 1, lines)

    def test_refusedHelloKeepsTheTransaction(self) -> None:
        """
        A hello that is refused does not end the transaction.
        """
        answers = [lambda *_: None, refuse]
        client = c.withRecipients(MemoryServer(onHelo=lambda *a: answers.pop(0)(*a)))
        before = client.session.envelope
        client.say(c.HELO)
        self.assertIs(client.session.envelope, before)

    def test_transactionCounts(self) -> None:
        """
        session.transaction is the number of completed transactions: those whose
        message has come, accepted or not, and none that was given up.
        """
        seen: list[int] = []
        results: list[Any] = [None, SMTPError(554, "Spam"), None]

        def onData(stream: object, session: SMTPSession) -> None:
            seen.append(session.transaction)
            result = results.pop(0)
            if result is not None:
                raise result

        client = c.ready(MemoryServer(onData=onData))
        for _ in range(2):
            client.say(c.MAIL, c.RCPT, "DATA")
            client.say(".")
        client.say(c.MAIL, c.RCPT, "RSET")
        client.say(c.MAIL, c.RCPT, "DATA")
        client.say(".")
        self.assertEqual(seen, [0, 1, 2])
        self.assertEqual(client.session.transaction, 3)

    def test_stateIsKept(self) -> None:
        """
        The application's notes last as long as the connection.
        """
        client = c.inMessage(MemoryServer())
        client.session.state["score"] = 5
        client.say(".", "RSET", c.HELO)
        self.assertEqual(client.session.state, {"score": 5})

    def test_sessionsAreApart(self) -> None:
        """
        Two connections share nothing of their sessions.
        """
        server = MemoryServer()
        first, second = c.withRecipients(server).session, c.ready(server).session
        self.assertNotEqual(first.id, second.id)
        self.assertIsNot(first.state, second.state)
        self.assertEqual(second.envelope.rcptTo, [])
