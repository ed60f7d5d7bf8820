"""
Tests of smtpsession.protocol: questions, replies and their order.

Other modules have the rest of the contract: test_callbacks (each callback and each way
to answer), test_results (what onData may return), test_envelope, test_closing,
test_timeouts and test_backpressure.
"""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, eventAsText
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import testing
from smtpsession import Extension, SMTPAddress, SMTPError, SMTPSession
from smtpsession.errors import MessageAborted
from smtpsession.limits import Limits
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c

SERVER_FAILED = "421 4.3.0 Server failed, try again later"


class ArgumentTests(SynchronousTestCase):
    """What the callbacks are called with."""

    def setUp(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def note(self, name: str) -> Any:
        """A callback that notes its arguments."""
        return lambda *arguments: self.calls.append((name, arguments))

    def test_everyCallbackInOrder(self) -> None:
        """
        A session calls onConnect, onHelo, onMailFrom, onRcptTo, onData and onClose.
        """
        names = ["onConnect", "onHelo", "onMailFrom", "onRcptTo", "onData", "onClose"]
        client = c.inMessage(MemoryServer(**{name: self.note(name) for name in names}))
        client.say("Hello.", ".", "QUIT")
        client.leave()
        self.assertEqual([name for name, _ in self.calls], names)

    def test_theSameSession(self) -> None:
        """
        All callbacks of a connection get the same session object, and it is last.
        """
        names = ["onConnect", "onHelo", "onMailFrom", "onRcptTo", "onData", "onClose"]
        client = c.inMessage(MemoryServer(**{name: self.note(name) for name in names}))
        client.leave()
        for name, arguments in self.calls:
            self.assertIs(arguments[-1], client.session, name)

    def test_values(self) -> None:
        """
        onHelo gets the name, onMailFrom and onRcptTo get parsed addresses.
        """
        names = ["onHelo", "onMailFrom", "onRcptTo"]
        c.withRecipients(MemoryServer(**{name: self.note(name) for name in names}))
        values = {name: arguments[0] for name, arguments in self.calls}
        self.assertEqual(values["onHelo"], "client.example.com")
        self.assertEqual(values["onMailFrom"], SMTPAddress("alice@example.com"))
        self.assertEqual(values["onRcptTo"], SMTPAddress("bob@example.org"))

    def test_parameters(self) -> None:
        """
        Parameters come with the address, and what they ask of DSN already parsed.
        """
        client = c.greeted(MemoryServer(onRcptTo=self.note("onRcptTo")))
        client.say("EHLO client.example.com", c.MAIL, c.RCPT + " NOTIFY=NEVER")
        [(_, (address, _))] = self.calls
        self.assertEqual(address.args.NOTIFY, "NEVER")
        self.assertEqual(address.dsn.notify, ("NEVER",))

    def test_connection(self) -> None:
        """
        onConnect already sees where the client is.
        """
        seen = []
        server = MemoryServer(
            onConnect=lambda session: seen.append(
                (session.remoteAddress, session.remotePort, session.clientHostname)
            )
        )
        server.connect("192.0.2.7", 12345)
        server.connect("::ffff:192.0.2.8", 1)
        server.connect("2001:db8::9", 2)
        self.assertEqual(
            seen,
            [
                ("192.0.2.7", 12345, "[192.0.2.7]"),
                ("192.0.2.8", 1, "[192.0.2.8]"),
                ("2001:db8::9", 2, "[2001:db8::9]"),
            ],
        )


class OrderTests(SynchronousTestCase):
    """One question at a time, and replies in the order of the commands."""

    def test_nextQuestionAfterTheAnswer(self) -> None:
        """
        Of several pipelined recipients, each is asked about when the one before it is
        decided.
        """
        question = c.Question()
        client = c.withSender(MemoryServer(onRcptTo=question))
        client.say("RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "RSET")
        self.assertEqual(len(question.asked), 1)
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.RECIPIENT_OK])
        self.assertEqual(len(question.asked), 2)
        question.answers[1].errback(SMTPError(550, "No", "5.1.1"))
        self.assertEqual(client.hear(), ["550 5.1.1 No", c.OK])
        self.assertEqual(client.session.envelope.rcptTo, [])

    def test_connectionsAreIndependent(self) -> None:
        """
        Questions of several connections may be answered in any order.
        """
        for order in permutations(range(3)):
            question = c.Question()
            server = MemoryServer(onRcptTo=question)
            clients = [c.withSender(server) for _ in range(3)]
            for number, client in enumerate(clients):
                client.say(f"RCPT TO:<{number}@example.org>", "NOOP")
            for number in order:
                self.assertEqual(clients[number].hear(), [])
                question.answers[number].callback(None)
                self.assertEqual(clients[number].hear(), [c.RECIPIENT_OK, c.OK])
                self.assertFalse(clients[number].paused)
                [recipient] = clients[number].session.envelope.rcptTo
                self.assertEqual(recipient.localPart, str(number))

    def test_connectionsDoNotWaitForEachOther(self) -> None:
        """
        While one client waits for an answer, another is served.
        """
        question = c.Question()
        server = MemoryServer(onRcptTo=question)
        waiting = c.withSender(server)
        waiting.say(c.RCPT)
        other = c.ready(server)
        self.assertEqual(other.say("NOOP"), [c.OK])
        self.assertEqual(waiting.hear(), [])

    def test_octetsWhilePaused(self) -> None:
        """
        What arrives while a question is open is kept, in pieces too.
        """
        question = c.Question()
        client = c.withSender(MemoryServer(onRcptTo=question))
        client.say(c.RCPT)
        for octet in b"NOOP\r\nQUIT\r\n":
            client.write(bytes([octet]))
        self.assertEqual(client.hear(), [])
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.RECIPIENT_OK, c.OK, c.BYE])

    def test_commandsAfterTheMessage(self) -> None:
        """
        Commands behind a message wait for the answer to the message.
        """
        question = c.Question()
        client = c.inMessage(MemoryServer(onData=question))
        self.assertEqual(client.say("Hello.", ".", "NOOP", c.MAIL), [])
        self.assertTrue(client.paused)
        question.answers[0].callback("Done")
        self.assertEqual(client.hear(), ["250 2.0.0 Done", c.OK, c.SENDER_OK])
        self.assertFalse(client.paused)

    def test_messageBegins(self) -> None:
        """
        Nobody is asked about a message before there is something of it; who is asked
        has all that came with its beginning, and maybe with its end.
        """
        question = c.Question()
        server = MemoryServer(onData=question)
        for part, isWhole in [("Hello.\r\n", False), ("Hello.\r\n.\r\n", True)]:
            client = c.inMessage(server)
            self.assertEqual(question.asked, [])
            client.write(part.encode())
            [(stream, _)] = question.asked
            self.assertEqual(stream.octetsHeld, len("Hello.\r\n"))
            reading = stream.read()
            self.assertIs(reading.called, isWhole)
            question.asked.clear()
            client.leave()
            reading.addErrback(lambda failure: failure.trap(MessageAborted))

    def test_emptyMessage(self) -> None:
        """
        A message of no octets has begun with its end.
        """
        for ending in [["DATA", "."], ["BDAT 0 LAST"]]:
            question = c.Question()
            server = MemoryServer(onData=question)
            client = c.greeted(server)
            client.say("EHLO client.example.com", c.MAIL, c.RCPT, *ending)
            [(stream, _)] = question.asked
            self.assertEqual(self.successResultOf(stream.read()), b"")

    def test_manyQuestionsInOneChunk(self) -> None:
        """
        A thousand pipelined commands whose answers are there at once need no stack.
        """
        question = c.Question()
        client = c.withSender(MemoryServer(onRcptTo=question))
        client.say(*[c.RCPT] * 1000)
        for number in range(1000):
            question.answers[number].callback(None)
        self.assertEqual(client.hear(), [c.RECIPIENT_OK] * 1000)


class BufferTests(SynchronousTestCase):
    """What has come and was not looked at."""

    def test_clearLineBuffer(self) -> None:
        """
        It can be forgotten: the beginning of a line, and the lines that wait while a
        question is open.
        """
        client = c.ready(MemoryServer())
        client.write(b"NOOP\r\nQU")
        self.assertEqual(client.protocol.clearLineBuffer(), b"QU")
        client.hear()
        self.assertEqual(client.say("NOOP"), [c.OK])
        question = c.Question()
        client = c.withSender(MemoryServer(onRcptTo=question))
        client.say(c.RCPT, "NOOP", "QUIT")
        self.assertEqual(client.protocol.clearLineBuffer(), b"NOOP\r\nQUIT\r\n")
        self.assertEqual(client.protocol.clearLineBuffer(), b"")
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.RECIPIENT_OK])
        self.assertEqual(client.say("NOOP"), [c.OK])

    def test_afterTheEnd(self) -> None:
        """
        What comes from a client that was told to go is not kept, but counted.
        """
        client = c.greeted(MemoryServer())
        client.say("QUIT")
        counted: list[int] = []
        lingering: Any = SimpleNamespace(received=counted.append)
        client.protocol._lingering = lingering
        client.write(b"NOOP\r\nNO")
        self.assertEqual(client.protocol.clearLineBuffer(), b"")
        self.assertEqual((client.hear(), counted), ([], [8]))


class LogTests(SynchronousTestCase):
    """What the library says of replies."""

    def test_refusals(self) -> None:
        """
        Whatever refuses is logged, for now or for good, and nothing else is.
        """
        server = MemoryServer(onRcptTo=self.refuse)
        with capturedLogs() as events:
            client = c.withSender(server)
            for code in (450, 550):
                client.say(f"RCPT TO:<{code}@example.org>")
            client.say("NOPE")
        replies = [str(event["reply"])[:3] for event in events]
        self.assertEqual(replies, ["450", "550", "500"])
        self.assertEqual({event["event"] for event in events}, {"command-refused"})

    def refuse(self, address: SMTPAddress, session: SMTPSession) -> None:
        raise SMTPError(int(address.localPart), "No")


class BatchTests(SynchronousTestCase):
    """The replies to a group of commands are written at once."""

    def countWrites(self, client: MemoryClient) -> list[bytes]:
        """A list that every later write is put into."""
        writes: list[bytes] = []
        self.patch(client.transport, "write", writes.append)
        return writes

    def test_oneWrite(self) -> None:
        """
        A group of pipelined commands gets its replies in one write.
        """
        client = c.ready(MemoryServer())
        writes = self.countWrites(client)
        client.write(f"{c.MAIL}\r\n{c.RCPT}\r\n{c.RCPT}\r\nDATA\r\n".encode())
        self.assertEqual(len(writes), 1)
        self.assertEqual(writes[0].count(b"\r\n"), 4)

    def test_oneWriteWithMessage(self) -> None:
        """
        So does a group with a message in its middle, up to the goodbye.
        """
        client = c.withRecipients(MemoryServer())
        writes = self.countWrites(client)
        client.write(b"DATA\r\nHello.\r\n.\r\nNOOP\r\nQUIT\r\n")
        self.assertEqual(len(writes), 1)
        self.assertEqual(writes[0].count(b"\r\n"), 4)

    def test_whatIsReadyIsNotHeldBack(self) -> None:
        """
        Replies in front of an open question are written before it is answered.
        """
        question = c.Question()
        client = c.ready(MemoryServer(onRcptTo=question))
        writes = self.countWrites(client)
        client.write(f"{c.MAIL}\r\n{c.RCPT}\r\nNOOP\r\nNOOP\r\n".encode())
        self.assertEqual(len(writes), 1)
        question.answers[0].callback(None)
        self.assertEqual(len(writes), 2)
        self.assertEqual(writes[1].count(b"\r\n"), 3)

    def test_nothingIsWrittenForNothing(self) -> None:
        """
        A command that is not complete makes no write.
        """
        client = c.ready(MemoryServer())
        writes = self.countWrites(client)
        client.write(b"NOO")
        self.assertEqual(writes, [])
        client.write(b"P\r\n")
        self.assertEqual(writes, [b"250 2.0.0 OK\r\n"])


class SocketTests(SynchronousTestCase):
    """What is asked of a TCP socket."""

    def test_noDelay(self) -> None:
        """
        Replies do not wait for the acknowledgement of those before them.
        """
        asked: list[bool] = []

        class Socket(StringTransport):
            """A transport over TCP."""

            def setTcpNoDelay(self, enabled: bool) -> None:
                asked.append(enabled)

        self.patch(testing, "StringTransport", Socket)
        MemoryServer().connect()
        self.assertEqual(asked, [True])


class FaultTests(SynchronousTestCase):
    """Errors of our own."""

    def test_crash(self) -> None:
        """
        An error of the library itself is logged, and the client gets 421 and is
        disconnected.
        """
        client = c.ready(MemoryServer())

        def fail(line: bytes) -> None:
            raise ZeroDivisionError("a bug of ours")

        self.patch(client.protocol, "lineReceived", fail)
        self.assertEqual(client.say("NOOP"), [SERVER_FAILED])
        self.assertTrue(client.closed)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_brokenExtension(self) -> None:
        """
        Where an extension cannot say whether it is offered, the client is told 451 and
        has not said hello, whether onHelo answers at once or late.
        """

        def offer(session: SMTPSession, limits: Limits) -> str:
            raise ZeroDivisionError("in an extension")

        broken = Extension(keyword="X-BROKEN", rfc="none", offer=offer)
        options = memoryOptions(extensions=[broken])
        for late in (False, True):
            question = c.Question()
            onHelo = question if late else lambda *_: None
            client = c.greeted(MemoryServer(onHelo=onHelo, options=options))
            client.write(b"EHLO client.example.com\r\nNOOP\r\n")
            if late:
                self.assertEqual(client.hear(), [])
                question.answers[0].callback(None)
            self.assertEqual(client.hear(), [c.LOCAL_ERROR, "250 2.0.0 OK"], late)
            self.assertEqual(
                client.say("MAIL FROM:<>"), ["503 5.5.1 Say hello first"], late
            )
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_causeIsLogged(self) -> None:
        """
        The cause of an SMTPError, which the client must not see, is in the log.
        """

        def refuse(address: SMTPAddress, session: Any) -> None:
            raise SMTPError(452, "Try later", "4.3.1") from OSError("the disk is full")

        client = c.withSender(MemoryServer(onRcptTo=refuse))
        with capturedLogs() as events:
            self.assertEqual(client.say(c.RCPT), ["452 4.3.1 Try later"])
        self.assertIn("the disk is full", "\n".join(map(eventAsText, events)))
        self.flushLoggedErrors()

    def test_otherConnectionsGoOn(self) -> None:
        """
        A fault on one connection leaves the others alone.
        """

        def fail(address: SMTPAddress, session: Any) -> None:
            raise ZeroDivisionError("a bug of the application")

        server = MemoryServer(onRcptTo=fail)
        first, second = c.withSender(server), c.withSender(server)
        self.assertEqual(first.say(c.RCPT), [c.LOCAL_ERROR])
        self.assertEqual(second.say("NOOP"), [c.OK])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
