"""
What onData may return, and the reply that comes of it.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import MessageTooLarge, Reply, SMTPError, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c
from tests.test_callbacks import Unwritten

TOO_LARGE = "552 5.3.4 Message exceeds the limit of 10 octets"
BARE_NEWLINE = "550 5.6.0 Bare CR or LF in message"


def heardFor(result: Any, recipients: int = 1, **options: Any) -> list[str]:
    """The replies to a message to which onData returns this."""
    server = MemoryServer(onData=lambda *_: result, options=memoryOptions(**options))
    return c.inMessage(server, recipients).say("Hello.", ".")


class SMTPResultTests(SynchronousTestCase):
    """Under SMTP a message has one reply."""

    def test_none(self) -> None:
        """
        None accepts the message.
        """
        self.assertEqual(heardFor(None), [c.ACCEPTED])

    def test_text(self) -> None:
        """
        A str is the text of the 250 reply.
        """
        self.assertEqual(heardFor("queued as 42"), ["250 2.0.0 queued as 42"])

    def test_reply(self) -> None:
        """
        A Reply is said as it is, an acceptance or a refusal.
        """
        self.assertEqual(heardFor(Reply(250, "Yes", "2.6.0")), ["250 2.6.0 Yes"])
        self.assertEqual(heardFor(Reply(554, "No", "5.6.0")), ["554 5.6.0 No"])

    def test_replyThatHangsUp(self) -> None:
        """
        A Reply of 421 ends the connection as an SMTPError would.
        """
        server = MemoryServer(onData=lambda *_: Reply(421, "Enough", "4.3.2"))
        client = c.inMessage(server)
        self.assertEqual(client.say(".", "NOOP"), ["421 4.3.2 Enough"])
        self.assertTrue(client.closed)

    def test_wrongType(self) -> None:
        """
        What is not of the contract is logged, and the client gets 451.
        """
        for result in (True, 0, 250, b"ok", object(), ["x"], Reply(354, "Go on")):
            self.assertEqual(heardFor(result), [c.LOCAL_ERROR], result)
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1, result)

    def test_goesOnAfterAWrongType(self) -> None:
        """
        After such a fault the conversation goes on with the next transaction.
        """
        client = c.inMessage(MemoryServer(onData=lambda *_: 250))
        heard = client.say(".", c.MAIL)
        self.assertEqual(heard, [c.LOCAL_ERROR, c.SENDER_OK])
        self.flushLoggedErrors(TypeError)


class LMTPResultTests(SynchronousTestCase):
    """Under LMTP a message has a reply for each accepted recipient, RFC 2033."""

    def heardFor(self, result: Any, recipients: int = 2) -> list[str]:
        return heardFor(result, recipients, protocol="lmtp")

    def test_oneForAll(self) -> None:
        """
        A result that is not a list is that of every recipient.
        """
        self.assertEqual(self.heardFor(None), [c.ACCEPTED] * 2)
        self.assertEqual(self.heardFor("stored"), ["250 2.0.0 stored"] * 2)
        self.assertEqual(self.heardFor(Reply(450, "Busy")), ["450 4.0.0 Busy"] * 2)

    def test_oneForEach(self) -> None:
        """
        A list has a result for each recipient, in their order.
        """
        results = [None, "stored", Reply(452, "Full", "4.2.2"), SMTPError(550, "Gone")]
        self.assertEqual(
            self.heardFor(results, recipients=4),
            [c.ACCEPTED, "250 2.0.0 stored", "452 4.2.2 Full", "550 5.0.0 Gone"],
        )

    def test_tuple(self) -> None:
        """
        A tuple does as well.
        """
        self.assertEqual(self.heardFor(("a", "b")), ["250 2.0.0 a", "250 2.0.0 b"])

    def test_raised(self) -> None:
        """
        A refusal that is raised is that of every recipient.
        """

        def onData(stream: MessageStream, session: SMTPSession) -> None:
            raise SMTPError(554, "Spam", "5.7.1")

        server = MemoryServer(onData=onData, options=memoryOptions(protocol="lmtp"))
        heard = c.inMessage(server, 3).say(".")
        self.assertEqual(heard, ["554 5.7.1 Spam"] * 3)

    def test_fault(self) -> None:
        """
        A fault of the application is told for every recipient.
        """
        server = MemoryServer(
            onData=lambda *_: 1 / 0, options=memoryOptions(protocol="lmtp")
        )
        self.assertEqual(c.inMessage(server, 2).say("."), [c.LOCAL_ERROR] * 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_wrongLength(self) -> None:
        """
        A list of another length than the recipients is our fault: 451 for all.
        """
        for results in ([], [None], [None] * 3):
            self.assertEqual(self.heardFor(results), [c.LOCAL_ERROR] * 2, results)
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_wrongEntry(self) -> None:
        """
        One wrong entry in the list makes it 451 for all.
        """
        for entry in (True, 250, [None], RuntimeError("no")):
            self.assertEqual(self.heardFor([None, entry]), [c.LOCAL_ERROR] * 2, entry)
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_entryWithoutReply(self) -> None:
        """
        So does an SMTPError whose class did not call its base class's constructor.
        """
        self.assertEqual(self.heardFor([None, Unwritten()]), [c.LOCAL_ERROR] * 2)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_hangUp(self) -> None:
        """
        After an entry that hangs up there are no other replies.
        """
        results = [None, SMTPError(421, "Enough", "4.3.2"), None]
        server = MemoryServer(
            onData=lambda *_: results, options=memoryOptions(protocol="lmtp")
        )
        client = c.inMessage(server, 3)
        self.assertEqual(client.say("."), [c.ACCEPTED, "421 4.3.2 Enough"])
        self.assertTrue(client.closed)


async def readAll(stream: MessageStream, session: SMTPSession) -> str:
    return f"read {len(await stream.read())}"


async def readBravely(stream: MessageStream, session: SMTPSession) -> str:
    """Reads, and does not care that reading fails."""
    try:
        await stream.read()
    except MessageTooLarge:
        pass
    return "fine"


def ignore(stream: MessageStream, session: SMTPSession) -> str:
    """Answers at once and reads nothing."""
    return "fine"


def refuseAll(stream: MessageStream, session: SMTPSession) -> None:
    raise SMTPError(554, "Spam", "5.7.1")


class SizeTests(SynchronousTestCase):
    """Over the size limit it is 552, whatever the callback says."""

    def setUp(self) -> None:
        self.options = memoryOptions(messageSize=10)

    def test_exactly(self) -> None:
        """
        A message of exactly the limit is accepted.
        """
        client = c.inMessage(MemoryServer(onData=readAll, options=self.options))
        self.assertEqual(client.say("12345678", "."), ["250 2.0.0 read 10"])

    def test_whateverTheCallbackDoes(self) -> None:
        """
        One octet more is refused, whether the callback reads, ignores the failure of
        its reading, does not read at all or refuses for another reason.
        """
        for onData in (readAll, readBravely, ignore, refuseAll):
            client = c.inMessage(MemoryServer(onData=onData, options=self.options))
            self.assertEqual(client.say("123456789", "."), [TOO_LARGE], onData)
            self.assertFalse(client.closed)

    def test_lateAnswer(self) -> None:
        """
        So it is when the callback answers after the message's end.
        """
        question = c.Question()
        client = c.inMessage(MemoryServer(onData=question, options=self.options))
        self.assertEqual(client.say("123456789", "."), [])
        question.answers[0].callback("fine")
        self.assertEqual(client.hear(), [TOO_LARGE])

    def test_restIsDiscarded(self) -> None:
        """
        What exceeds the limit is taken up to the message's end, and the conversation
        is in step after it.
        """
        client = c.inMessage(MemoryServer(onData=ignore, options=self.options))
        for _ in range(100):
            self.assertEqual(client.say("x" * 1000), [])
        self.assertEqual(client.say(".", "NOOP"), [TOO_LARGE, c.OK])

    def test_lmtp(self) -> None:
        """
        Under LMTP it is 552 for each recipient.
        """
        options = memoryOptions(messageSize=10, protocol="lmtp")
        client = c.inMessage(MemoryServer(onData=ignore, options=options), 2)
        self.assertEqual(client.say("123456789", "."), [TOO_LARGE] * 2)

    def test_nothingIsLogged(self) -> None:
        """
        A message that is too large is no fault of ours: no traceback is logged.
        """
        c.inMessage(MemoryServer(onData=readAll, options=self.options)).say(
            "123456789", "."
        )
        self.assertEqual(self.flushLoggedErrors(), [])


class BareNewlineTests(SynchronousTestCase):
    """With a bare CR or LF it is 550, whatever the callback says."""

    def test_whateverTheCallbackDoes(self) -> None:
        """
        The refusal comes after the message's end, whether the callback reads or not.
        """
        for onData in (readAll, ignore, refuseAll):
            client = c.inMessage(MemoryServer(onData=onData))
            client.write(b"a\nb\r\n.\r\n")
            self.assertEqual(client.hear(), [BARE_NEWLINE], onData)

    def test_lateAnswer(self) -> None:
        """
        So it is when the callback answers late.
        """
        question = c.Question()
        client = c.inMessage(MemoryServer(onData=question))
        client.write(b"a\rb\r\n.\r\n")
        question.answers[0].callback("fine")
        self.assertEqual(client.hear(), [BARE_NEWLINE])

    def test_atTheVeryEnd(self) -> None:
        """
        A callback that has read all so far is told when the last octet is a bare one.
        """
        client = c.inMessage(MemoryServer(onData=readAll))
        client.write(b"much text\r\n")
        client.write(b"and\n\r\n.\r\n")
        self.assertEqual(client.hear(), [BARE_NEWLINE])


class EarlyReturnTests(SynchronousTestCase):
    """A callback may answer before the message has come."""

    def test_accept(self) -> None:
        """
        The rest is discarded, then the reply is sent.
        """
        client = c.inMessage(MemoryServer(onData=ignore))
        self.assertEqual(client.say("Hello."), [])
        self.assertFalse(client.paused)
        self.assertEqual(client.say("More.", ".", "NOOP"), ["250 2.0.0 fine", c.OK])

    def test_refuse(self) -> None:
        """
        A refusal also waits for the message's end, for the client would not hear it.
        """
        client = c.inMessage(MemoryServer(onData=refuseAll))
        self.assertEqual(client.say("Hello."), [])
        self.assertEqual(client.say(".", "NOOP"), ["554 5.7.1 Spam", c.OK])

    def test_hangUp(self) -> None:
        """
        So does one with 421.
        """

        def onData(stream: MessageStream, session: SMTPSession) -> None:
            raise SMTPError(421, "Enough", "4.3.2")

        client = c.inMessage(MemoryServer(onData=onData))
        self.assertEqual(client.say("Hello."), [])
        self.assertEqual(client.say(".", "NOOP"), ["421 4.3.2 Enough"])
        self.assertTrue(client.closed)

    def test_afterAPart(self) -> None:
        """
        A callback may read as much as it wants to see.
        """

        async def onData(stream: MessageStream, session: SMTPSession) -> str:
            async for chunk in stream:
                return f"saw {chunk!r}"
            return "saw nothing"

        client = c.inMessage(MemoryServer(onData=onData))
        self.assertEqual(client.say("Hello."), [])
        self.assertEqual(client.say("More.", "."), ["250 2.0.0 saw b'Hello.\\r\\n'"])

    def test_afterTheStreamWasFull(self) -> None:
        """
        A client that waits because nobody reads goes on when the callback answers.
        """
        question = c.Question()
        options = memoryOptions(streamBuffer=100)
        client = c.inMessage(MemoryServer(onData=question, options=options))
        client.say("x" * 200)
        self.assertTrue(client.paused)
        client.say("y" * 200, ".", "NOOP")
        question.answers[0].callback("enough")
        self.assertEqual(client.hear(), ["250 2.0.0 enough", c.OK])
        self.assertFalse(client.paused)
