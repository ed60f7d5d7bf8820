"""
How long the protocol waits: for a command, for the message, and for the end.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import MessageAborted, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c

COMMAND_TIMEOUT = "421 4.4.2 Waited too long for a command"
DATA_TIMEOUT = "421 4.4.2 Waited too long for the message"


class CommandTimeoutTests(SynchronousTestCase):
    """A command line must come within its time, 300 seconds by default."""

    def assertTimesOut(
        self, server: MemoryServer, client: MemoryClient, seconds: float
    ) -> None:
        """The client is disconnected after so many seconds more, and not before."""
        client.hear()
        server.clock.advance(seconds - 1)
        self.assertEqual((client.hear(), client.closed), ([], False))
        server.clock.advance(1)
        self.assertEqual((client.hear(), client.closed), ([COMMAND_TIMEOUT], True))

    def test_silence(self) -> None:
        """
        A silent client is told 421 and disconnected, wherever it stands.
        """
        for come in (c.greeted, c.ready, c.withSender, c.withRecipients):
            server = MemoryServer()
            self.assertTimesOut(server, come(server), 300)

    def test_everyCommandBegins(self) -> None:
        """
        Each command gives the client the whole time for the next one.
        """
        server = MemoryServer()
        client = c.ready(server)
        for _ in range(5):
            server.clock.advance(299)
            self.assertEqual(client.say("NOOP"), [c.OK])
        self.assertTimesOut(server, client, 300)

    def test_octetBySecond(self) -> None:
        """
        Octets of a line that is not complete do not extend its time.
        """
        server = MemoryServer()
        client = c.ready(server)
        for _ in range(299):
            server.clock.advance(1)
            client.write(b"N")
        self.assertEqual(client.hear(), [])
        server.clock.advance(1)
        self.assertEqual(client.hear(), [COMMAND_TIMEOUT])

    def test_overlongLine(self) -> None:
        """
        Nor do those of a line that is too long and never ends.
        """
        server = MemoryServer()
        client = c.ready(server)
        for _ in range(299):
            server.clock.advance(1)
            client.write(b"N" * 1000)
        server.clock.advance(1)
        self.assertEqual(client.hear(), [COMMAND_TIMEOUT])

    def test_notWhileAQuestionIsOpen(self) -> None:
        """
        While the application decides, the client is not waited for; its time begins
        with the answer.
        """
        question = c.Question()
        server = MemoryServer(onRcptTo=question)
        client = c.withSender(server)
        client.say(c.RCPT)
        server.clock.pump([100] * 50)
        self.assertFalse(client.closed)
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.RECIPIENT_OK])
        self.assertTimesOut(server, client, 300)

    def test_afterTheMessage(self) -> None:
        """
        After a message the time is that of a command again.
        """
        server = MemoryServer()
        client = c.inMessage(server)
        client.say(".")
        self.assertTimesOut(server, client, 300)

    def test_option(self) -> None:
        """
        The time can be set.
        """
        server = MemoryServer(options=memoryOptions(commandTimeout=5))
        self.assertTimesOut(server, c.ready(server), 5)

    def test_commandsAreNotLookedAtAfterwards(self) -> None:
        """
        What comes after the time-out comes too late.
        """
        server = MemoryServer()
        client = c.ready(server)
        server.clock.advance(300)
        client.hear()
        self.assertEqual(client.say("NOOP"), [])


class DataTimeoutTests(SynchronousTestCase):
    """The message must go on, within 600 seconds by default."""

    def test_silence(self) -> None:
        """
        A client that stops in the middle of its message is told 421.
        """
        server = MemoryServer()
        client = c.inMessage(server)
        client.say("Hello.")
        server.clock.advance(599)
        self.assertEqual(client.hear(), [])
        server.clock.advance(1)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])
        self.assertTrue(client.closed)
        self.assertEqual(server.messages, [])

    def test_everyPieceBegins(self) -> None:
        """
        Each piece of the message gives the client the whole time for the next one, if
        no rate is demanded.
        """
        server = MemoryServer(options=memoryOptions(minimumDataRate=0))
        client = c.inMessage(server)
        for _ in range(5):
            server.clock.advance(599)
            client.write(b"x")
        self.assertFalse(client.closed)
        self.assertEqual(client.say("", "."), [c.ACCEPTED])

    def test_readerIsTold(self) -> None:
        """
        Who reads the message sees MessageAborted.
        """
        seen = []

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            try:
                await stream.read()
            except MessageAborted as error:
                seen.append(error)
                raise

        server = MemoryServer(onData=onData)
        c.inMessage(server).say("Hello.")
        server.clock.advance(600)
        self.assertEqual(len(seen), 1)

    def test_questionIsCancelled(self) -> None:
        """
        Who waits for something else is cancelled.
        """
        cancelled: list[Deferred[Any]] = []
        server = MemoryServer(onData=c.Question(cancelled.append))
        c.inMessage(server).say("Hello.")
        server.clock.advance(600)
        self.assertEqual(len(cancelled), 1)

    def test_nothingCame(self) -> None:
        """
        Of a message without a beginning nobody is asked.
        """
        question = c.Question()
        server = MemoryServer(onData=question)
        client = c.inMessage(server)
        server.clock.advance(600)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])
        self.assertEqual(question.asked, [])

    def test_notWhileTheStreamIsFull(self) -> None:
        """
        While the application does not read, the client is not waited for.
        """
        question = c.Question()
        options = memoryOptions(streamBuffer=10)
        server = MemoryServer(onData=question, options=options)
        client = c.inMessage(server)
        client.say("more than ten octets")
        self.assertTrue(client.paused)
        server.clock.pump([100] * 50)
        self.assertFalse(client.closed)
        [(stream, _)] = question.asked
        reading = stream.read()
        self.assertFalse(client.paused)
        server.clock.advance(599)
        self.assertFalse(client.closed)
        server.clock.advance(1)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])
        self.failureResultOf(reading, MessageAborted)

    def test_notWhileTheAnswerIsOpen(self) -> None:
        """
        After the message's end there is no time-out until the application answers.
        """
        question = c.Question()
        server = MemoryServer(onData=question)
        client = c.inMessage(server)
        client.say(".")
        server.clock.pump([100] * 50)
        self.assertFalse(client.closed)
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.ACCEPTED])

    def test_shorterThanForCommands(self) -> None:
        """
        It is kept also where it is shorter than that for commands.
        """
        options = memoryOptions(commandTimeout=100, dataTimeout=10)
        server = MemoryServer(options=options)
        client = c.withRecipients(server)
        server.clock.advance(55)
        client.say("DATA")
        server.clock.advance(9)
        self.assertFalse(client.closed)
        server.clock.advance(1)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])

    def test_longerThanForCommands(self) -> None:
        """
        And where it is longer.
        """
        options = memoryOptions(commandTimeout=10, dataTimeout=100)
        server = MemoryServer(options=options)
        client = c.inMessage(server)
        server.clock.pump([9] * 11)
        self.assertFalse(client.closed)
        server.clock.advance(1)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])


class ClosingTimeoutTests(SynchronousTestCase):
    """Who does not take the last reply is not waited for, beyond 30 seconds."""

    def test_abort(self) -> None:
        """
        After a hang-up the connection is aborted when its time is over.
        """
        server = MemoryServer()
        client = c.ready(server)
        client.say("QUIT")
        server.clock.advance(29)
        self.assertFalse(client.transport.disconnected)
        server.clock.advance(1)
        self.assertTrue(client.transport.disconnected)

    def test_afterATimeout(self) -> None:
        """
        So it is after a time-out.
        """
        for come, seconds in ((c.ready, 300), (c.inMessage, 600)):
            server = MemoryServer()
            client = come(server)
            server.clock.advance(seconds)
            self.assertTrue(client.closed)
            self.assertFalse(client.transport.disconnected)
            server.clock.advance(30)
            self.assertTrue(client.transport.disconnected)

    def test_closedInTime(self) -> None:
        """
        A client that closes in time is not aborted, and no timer is left.
        """
        server = MemoryServer()
        client = c.ready(server)
        client.say("QUIT")
        client.leave()
        self.assertEqual(server.clock.getDelayedCalls(), [])
        self.assertFalse(client.transport.disconnected)

    def test_tooManyClients(self) -> None:
        """
        A client that is not let in is aborted as well if it does not leave.
        """
        server = MemoryServer(options=memoryOptions(clients=1, closingTimeout=3))
        server.connect()
        refused = server.connect()
        self.assertTrue(refused.closed)
        server.clock.advance(3)
        self.assertTrue(refused.transport.disconnected)


class DataRateTests(SynchronousTestCase):
    """A message must come at some rate, once its first time is over."""

    def drip(self, server: MemoryServer, client: MemoryClient, chunk: bytes) -> float:
        """Send this each second until the server has enough, or a thousand times."""
        for seconds in range(1000):
            if client.closed:
                return seconds
            server.clock.advance(1)
            client.write(chunk)
        return 1000

    def server(self, **options: Any) -> MemoryServer:
        given = {"dataTimeout": 10, "minimumDataRate": 10, **options}
        return MemoryServer(options=memoryOptions(**given))

    def test_slow(self) -> None:
        """
        An octet a second is not enough: it is 421, and the message is not accepted.
        """
        server = self.server()
        client = c.inMessage(server)
        seconds = self.drip(server, client, b"x")
        self.assertTrue(10 <= seconds <= 12, seconds)
        self.assertEqual(client.hear(), [DATA_TIMEOUT])
        self.assertEqual(server.messages, [])

    def test_fastEnough(self) -> None:
        """
        Who keeps to it may take all day.
        """
        server = self.server()
        client = c.inMessage(server)
        self.assertEqual(self.drip(server, client, b"x" * 8 + b"\r\n"), 1000)
        self.assertEqual(client.say("."), [c.ACCEPTED])

    def test_creditLasts(self) -> None:
        """
        What came quickly counts for what comes slowly.
        """
        server = self.server()
        client = c.inMessage(server)
        client.write(b"x" * 400 + b"\r\n")
        seconds = self.drip(server, client, b"x")
        self.assertTrue(50 <= seconds <= 60, seconds)

    def test_chunks(self) -> None:
        """
        So it is with each part by BDAT.
        """
        server = self.server()
        client = c.withRecipients(server)
        client.write(b"BDAT 100000 LAST\r\n")
        seconds = self.drip(server, client, b"x")
        self.assertTrue(10 <= seconds <= 12, seconds)

    def test_off(self) -> None:
        """
        Without a rate only silence counts.
        """
        server = self.server(minimumDataRate=0)
        client = c.inMessage(server)
        self.assertEqual(self.drip(server, client, b"x"), 1000)

    def test_ourOwnTime(self) -> None:
        """
        The time in which we read nothing does not count.
        """

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            await waiting
            async for _ in stream:
                pass

        waiting: Deferred[None] = Deferred()
        options = memoryOptions(dataTimeout=10, minimumDataRate=10, streamBuffer=10)
        server = MemoryServer(onData=onData, options=options)
        client = c.inMessage(server)
        client.write(b"x" * 20)
        server.clock.advance(500)
        self.assertFalse(client.closed)
        waiting.callback(None)
        client.write(b"\r\n.\r\n")
        self.assertEqual(client.hear(), [c.ACCEPTED])
