"""
Tests of smtpsession.testing: the kit itself.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPServerFactory, SMTPSession
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c


class ServerTests(SynchronousTestCase):
    """MemoryServer and memoryOptions."""

    def test_messages(self) -> None:
        """
        A server without onData keeps what it accepts.
        """
        server = MemoryServer()
        client = c.inMessage(server)
        client.say("Hello.", "..", ".")
        [message] = server.messages
        self.assertEqual(message.content, b"Hello.\r\n.\r\n")
        self.assertEqual(str(message.envelope.mailFrom), "alice@example.com")
        self.assertIs(message.session, client.session)

    def test_refusedMessage(self) -> None:
        """
        It does not keep what is refused.
        """
        server = MemoryServer(options=memoryOptions(messageSize=1))
        c.inMessage(server).say("Hello.", ".")
        self.assertEqual(server.messages, [])

    def test_ownOnData(self) -> None:
        """
        With an onData, or a subclass that has one, nothing is kept.
        """

        class Server(SMTPServerFactory):
            pass

        for server in (MemoryServer(onData=lambda *_: "mine"), MemoryServer(Server)):
            self.assertEqual(len(c.inMessage(server).say(".")), 1)
            self.assertEqual(server.messages, [])

    def test_options(self) -> None:
        """
        The server is called mx.example.org and asks no DNS; all else is as usual.
        """
        options = memoryOptions(recipients=5)
        self.assertEqual(options.hostname, "mx.example.org")
        self.assertFalse(options.reverseLookup)
        self.assertEqual(options.recipients, 5)
        self.assertEqual(memoryOptions(hostname="x.example").hostname, "x.example")

    def test_clock(self) -> None:
        """
        Time passes when the test says so.
        """
        server = MemoryServer()
        client = c.ready(server)
        server.clock.advance(300)
        self.assertTrue(client.closed)


class ClientTests(SynchronousTestCase):
    """MemoryClient."""

    def test_address(self) -> None:
        """
        A client connects from where the test says.
        """
        for host in ("192.0.2.7", "2001:db8::7"):
            client = MemoryServer().connect(host, 1025)
            session = client.session
            self.assertEqual((session.remoteAddress, session.remotePort), (host, 1025))

    def test_octets(self) -> None:
        """
        write sends octets, read gives what came back since the last time.
        """
        client = c.greeted(MemoryServer())
        client.write(b"NOOP\r\nNO")
        self.assertEqual(client.read(), b"250 2.0.0 OK\r\n")
        self.assertEqual(client.read(), b"")
        client.write(b"OP\r\n")
        self.assertEqual(client.read(), b"250 2.0.0 OK\r\n")

    def test_lines(self) -> None:
        """
        say sends lines as one chunk, hear gives lines.
        """
        client = MemoryServer().connect()
        self.assertEqual(client.hear(), [c.GREETING])
        self.assertEqual(client.say("NOOP", "NOOP grüße"), [c.OK, c.OK])
        self.assertEqual(client.hear(), [])

    def test_closed(self) -> None:
        """
        closed says whether the server has hung up.
        """
        client = c.greeted(MemoryServer())
        self.assertFalse(client.closed)
        client.say("QUIT")
        self.assertTrue(client.closed)

    def test_paused(self) -> None:
        """
        paused says whether the server lets the client wait.
        """
        question = c.Question()
        client = c.greeted(MemoryServer(onHelo=question))
        self.assertFalse(client.paused)
        client.say(c.HELO)
        self.assertTrue(client.paused)
        question.answers[0].callback(None)
        self.assertFalse(client.paused)

    def test_leave(self) -> None:
        """
        leave ends the connection, cleanly or not.
        """
        for reason in (None, ConnectionLost()):
            closed: list[SMTPSession] = []
            client = c.greeted(MemoryServer(onClose=closed.append))
            client.leave(reason)
            self.assertEqual(closed, [client.session])


class PlayTests(SynchronousTestCase):
    """MemoryClient.play."""

    def play(self, transcript: str) -> None:
        MemoryServer().connect().play(transcript)

    def test_conversation(self) -> None:
        """
        A conversation goes as it is written down, comments and empty lines aside.
        """
        self.play("""
            # Hello and goodbye
            S: 220 mx.example.org ESMTP ready

            C: HELO client.example.com
            S: 250 mx.example.org
            C: QUIT
            S: 221 2.0.0 Closing connection
            S: (closed)
            """)

    def test_groups(self) -> None:
        """
        Lines that follow each other are one chunk.
        """
        writes: list[bytes] = []
        client = c.greeted(MemoryServer())
        self.patch(client.protocol, "dataReceived", writes.append)
        client.play("C: NOOP\nC: RSET\nC! \\x00\\r\\n")
        self.assertEqual(writes, [b"NOOP\r\nRSET\r\n\x00\r\n"])

    def test_differences(self) -> None:
        """
        Whatever differs is an AssertionError: another reply, one too many or too few,
        and the end of the connection.
        """
        greeting = "S: 220 mx.example.org ESMTP ready\n"
        for transcript in (
            "S: 220 somebody else",
            "C: NOOP\nS: 250 2.0.0 OK",
            greeting + "C: NOOP",
            greeting + "C: NOOP\nS: 250 2.0.0 OK\nS: 250 2.0.0 OK",
            greeting + "C: QUIT\nS: 221 2.0.0 Closing connection",
            greeting + "C: NOOP\nS: 250 2.0.0 OK\nS: (closed)",
        ):
            self.assertRaises(AssertionError, self.play, transcript)

    def test_message(self) -> None:
        """
        The error shows what was said, expected and heard.
        """
        error = self.assertRaises(
            AssertionError,
            self.play,
            "S: 220 mx.example.org ESMTP ready\nC: NOOP\nS: 251 Hm",
        )
        for part in ("NOOP", "251 Hm", "250 2.0.0 OK"):
            self.assertIn(part, str(error))

    def test_notATranscript(self) -> None:
        """
        A line that is none of these is a ValueError.
        """
        self.assertRaises(ValueError, self.play, "X: what")
