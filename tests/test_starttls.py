"""
Tests for STARTTLS, and for what the server does around a handshake.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost

from smtpsession import SMTPError, SMTPSession, connection
from smtpsession.sasl.auth import PasswordAuth
from smtpsession.testing import MemoryServer
from tests import conversations as c
from tests.cases import TableTestCase
from tests.transports import (
    CERTIFICATES,
    EHLO,
    READY_FOR_TLS,
    Engine,
    TLSClient,
    TLSTransport,
    inHandshake,
    secured,
    tlsServer,
)

INJECTED = "421 4.7.0 Nothing may follow STARTTLS in the clear"
STARTTLS_FIRST = "530 5.7.0 STARTTLS first"
HELLO_FIRST = "503 5.5.1 Say hello first"
NO_SERVICE = "503 5.5.1 No service here, only QUIT"


def keywords(lines: list[str]) -> list[str]:
    """What a reply to EHLO offers."""
    return [line[4:] for line in lines[1:]]


class OfferTests(TableTestCase):
    """Where STARTTLS may come."""

    def test_begins(self) -> None:
        """
        It is answered with 220 in clear, and then TLS begins with the certificates.
        """
        client = inHandshake(tlsServer())
        self.assertEqual(client.transport.contexts, [CERTIFICATES])
        self.assertFalse(client.session.secure)
        self.assertEqual(client.shakeHands(), [])
        session = client.session
        assert session.tlsOptions is not None
        self.assertTrue(session.secure)
        self.assertEqual(session.servername, "mx.example.org")
        self.assertEqual(session.tlsOptions.version, "TLSv1.3")
        self.assertEqual(session.tlsOptions.standardName, "TLS_AES_256_GCM_SHA384")

    def test_offered(self) -> None:
        """
        It is offered where TLS can begin, and not after it has.
        """
        for tls in ("starttls", "required"):
            client = TLSClient(tlsServer(tls))
            client.hear()
            self.assertIn("STARTTLS", keywords(client.say(EHLO)), tls)
            client.say("STARTTLS")
            client.shakeHands()
            self.assertNotIn("STARTTLS", keywords(client.say(EHLO)), tls)
            self.assertEqual(client.session.transmissionType, "ESMTPS")

    def test_notOffered(self) -> None:
        """
        Without it the server refuses the command, and nothing begins.
        """
        client = TLSClient(tlsServer("none"))
        client.hear()
        self.assertNotIn("STARTTLS", keywords(client.say(EHLO)))
        self.assertEqual(client.say("STARTTLS"), ["502 5.5.1 Not offered here"])
        self.assertFalse(client.inTLS)

    def test_secure(self) -> None:
        """
        It is 503 where TLS is active, after STARTTLS and on implicit TLS.
        """
        client = secured(tlsServer())
        client.say(EHLO)
        self.assertEqual(client.say("STARTTLS"), ["503 5.5.1 TLS is active already"])
        client = TLSClient(tlsServer("implicit"))
        client.shakeHands()
        client.say(EHLO)
        self.assertEqual(client.say("STARTTLS"), ["503 5.5.1 TLS is active already"])
        self.assertEqual(len(client.transport.contexts), 1)

    def test_refused(self) -> None:
        """
        With an argument, before EHLO and in a transaction it is refused, and the
        conversation goes on in clear.
        """
        rows = [
            ("an argument", [EHLO], "STARTTLS now", "501"),
            ("before EHLO", [], "STARTTLS", "503"),
            ("after HELO", [c.HELO], "STARTTLS", "503"),
            ("after MAIL", [EHLO, c.MAIL], "STARTTLS", "503"),
            ("after RCPT", [EHLO, c.MAIL, c.RCPT], "STARTTLS", "503"),
        ]

        def refuse(row: tuple[str, list[str], str, str]) -> tuple[str, bool, list[str]]:
            client = TLSClient(tlsServer())
            for line in row[1]:
                client.say(line)
            client.hear()
            [reply] = client.say(row[2])
            return reply[:3], client.inTLS, client.say("NOOP")

        self.assertGives(
            refuse, [(row[0], row, (row[3], False, [c.OK])) for row in rows]
        )

    def test_afterTransaction(self) -> None:
        """
        It may come after a transaction is over.
        """
        client = TLSClient(tlsServer())
        client.hear()
        client.say(EHLO, c.MAIL, "RSET")
        self.assertEqual(client.say("starttls"), [READY_FOR_TLS])
        self.assertTrue(client.inTLS)


class ForgettingTests(TableTestCase):
    """RFC 3207, section 4.2: what was said before counts for nothing."""

    def test_hello(self) -> None:
        """
        The name of the client and its command are forgotten, and so is the offer: EHLO
        is to be said again.
        """
        client = secured(tlsServer())
        session = client.session
        self.assertEqual(session.hostNameAppearsAs, "")
        self.assertEqual(session.openingCommand, "")
        self.assertEqual(client.say(c.MAIL), [HELLO_FIRST])
        self.assertEqual(client.say("STARTTLS"), [HELLO_FIRST])
        client.say(EHLO)
        self.assertEqual(client.say(c.MAIL), [c.SENDER_OK])

    def test_user(self) -> None:
        """
        So is who the client was, and it may authenticate again.
        """

        def check(auth: PasswordAuth, session: SMTPSession) -> str:
            return auth.username

        changes = {"auth": "optional", "allowInsecureAuth": True}
        client = TLSClient(tlsServer(changes=changes, onAuth=check))
        client.say(EHLO)
        login = "AUTH PLAIN AGFsaWNlAHNlY3JldA=="
        self.assertEqual(client.say(login)[-1][:3], "235")
        self.assertEqual(client.session.user, "alice")
        client.say("STARTTLS")
        client.shakeHands()
        self.assertIsNone(client.session.user)
        self.assertIsNone(client.session.authMethod)
        client.say(EHLO)
        self.assertEqual(client.say(login)[-1][:3], "235")
        self.assertEqual(client.session.transmissionType, "ESMTPSA")

    def test_envelope(self) -> None:
        """
        The envelope is a new one.
        """
        client = TLSClient(tlsServer())
        client.say(EHLO)
        before = client.session.envelope
        client.say("STARTTLS")
        client.shakeHands()
        self.assertIsNot(client.session.envelope, before)

    def test_onHelo(self) -> None:
        """
        onConnect is not asked again, and onHelo is.
        """
        events: list[str] = []
        server = tlsServer(
            onConnect=lambda session: events.append("connect"),
            onSecure=lambda session: events.append("secure"),
            onHelo=lambda name, session: events.append("helo"),
        )
        secured(server).say(EHLO)
        self.assertEqual(events, ["connect", "helo", "secure", "helo"])


class InClearTests(TableTestCase):
    """
    What goes out in clear, and how.  What comes in clear behind STARTTLS is in
    tests.test_statechanges.
    """

    def test_producer(self) -> None:
        """
        The transport has nobody to pause during the handshake, not even for the
        replies in clear that go out before, and has one again after it.
        """
        registered: list[bool] = []

        class Transport(TLSTransport):
            def write(self, data: bytes) -> None:
                registered.append(self.producer is not None)
                super().write(data)

        client = TLSClient(tlsServer(), transport=Transport)
        client.say(EHLO)
        client.say("STARTTLS")
        self.assertEqual(registered, [True, True, False])
        self.assertIsNone(client.transport.producer)
        client.shakeHands()
        self.assertIs(client.transport.producer, client.protocol)

    def test_pastTheQueue(self) -> None:
        """
        Before it replies may go past the queue of the transport, to the socket; what is
        said after it goes through the transport, which encrypts it.
        """
        past: list[bytes] = []

        class Socket:
            def send(self, octets: bytes) -> int:
                past.append(octets)
                return len(octets)

        class Transport(TLSTransport):
            def getHandle(self) -> Any:
                return super().getHandle() if self.contexts else Socket()

        self.patch(connection, "TCPConnection", Transport)
        client = TLSClient(tlsServer(), transport=Transport)
        client.say(EHLO)
        client.say("STARTTLS")
        self.assertEqual(past[-1], f"{READY_FOR_TLS}\r\n".encode())
        self.assertEqual(client.read(), b"")
        count = len(past)
        client.shakeHands()
        self.assertEqual(client.say("NOOP"), [c.OK])
        self.assertEqual(len(past), count)

    def test_closing(self) -> None:
        """
        Who is told to go while it shakes hands is asked nothing after that, and
        nothing keeps the connection: TLS takes no leave of it while it has a producer.
        """
        for tls in ("starttls", "implicit"):
            asked: list[SMTPSession] = []
            server = tlsServer(tls, onSecure=asked.append, onConnect=asked.append)
            client = TLSClient(server) if tls == "implicit" else inHandshake(server)
            del asked[:]
            client.protocol.shutDown()
            self.assertTrue(client.closed, tls)
            self.assertEqual([reply[:3] for reply in client.hear()], ["421"], tls)
            self.assertEqual(client.shakeHands(), [], tls)
            self.assertEqual(asked, [], tls)
            self.assertIsNone(client.transport.producer, tls)


class OnSecureTests(TableTestCase):
    """The callback that is asked after a handshake."""

    def test_late(self) -> None:
        """
        While it has not answered, the client waits.
        """
        question = c.Question()
        client = inHandshake(tlsServer(onSecure=question))
        self.assertEqual(client.shakeHands(), [])
        self.assertTrue(client.paused)
        self.assertTrue(question.asked[0][0].secure)
        self.assertEqual(client.say("NOOP"), [])
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.OK])
        self.assertFalse(client.paused)

    def test_refusing(self) -> None:
        """
        Where it refuses, nothing is said, for no reply is due; the client may only
        quit.
        """

        def refuse(session: SMTPSession) -> None:
            raise SMTPError(554, "No", "5.7.1")

        client = inHandshake(tlsServer(onSecure=refuse))
        self.assertEqual(client.shakeHands(), [])
        self.assertEqual(client.say(EHLO, "NOOP"), [NO_SERVICE, NO_SERVICE])
        self.assertEqual(client.say("QUIT"), [c.BYE])

    def test_hangingUp(self) -> None:
        """
        Where it refuses with 421, the connection ends.
        """

        def refuse(session: SMTPSession) -> None:
            raise SMTPError(421, "Enough", "4.3.2")

        client = inHandshake(tlsServer(onSecure=refuse))
        self.assertEqual(client.shakeHands(), ["421 4.3.2 Enough"])
        self.assertTrue(client.closed)

    def test_raising(self) -> None:
        """
        Where it fails, that is logged, and the client may only quit.
        """

        def fail(session: SMTPSession) -> None:
            raise ZeroDivisionError("private")

        client = inHandshake(tlsServer(onSecure=fail))
        self.assertEqual(client.shakeHands(), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(client.say(EHLO), [NO_SERVICE])

    def test_lost(self) -> None:
        """
        It is cancelled where the client goes, and onClose is called once.
        """
        cancelled: list[object] = []
        closed: list[object] = []
        question = c.Question(cancelled.append)
        client = inHandshake(tlsServer(onSecure=question, onClose=closed.append))
        client.shakeHands()
        client.leave(ConnectionLost())
        self.assertEqual((len(cancelled), closed), (1, [client.session]))


class RequiredTests(TableTestCase):
    """A server that wants TLS before anything of weight."""

    def test_before(self) -> None:
        """
        MAIL and AUTH are 530 before it; what is harmless is not refused.
        """
        server = tlsServer(
            "required", changes={"auth": "optional", "allowInsecureAuth": True}
        )
        client = TLSClient(server)
        client.hear()
        self.assertFalse(
            [each for each in keywords(client.say(EHLO)) if each.startswith("AUTH")]
        )
        self.assertEqual(client.say(c.MAIL), [STARTTLS_FIRST])
        self.assertEqual(client.say("AUTH PLAIN AGEAYg=="), [STARTTLS_FIRST])
        self.assertEqual(client.say("NOOP", "RSET"), [c.OK, c.OK])

    def test_helo(self) -> None:
        """
        MAIL is 530 after HELO too.
        """
        client = TLSClient(tlsServer("required"))
        client.hear()
        client.say(c.HELO)
        self.assertEqual(client.say(c.MAIL), [STARTTLS_FIRST])

    def test_after(self) -> None:
        """
        After it, mail is accepted.
        """
        client = secured(tlsServer("required"))
        client.say(EHLO)
        self.assertEqual(client.say(c.MAIL), [c.SENDER_OK])


class ImplicitTests(TableTestCase):
    """A connection that begins with TLS."""

    def test_silent(self) -> None:
        """
        Nothing is said and nobody is asked before the handshake is done.
        """
        events: list[str] = []
        client = TLSClient(
            tlsServer(
                "implicit",
                onSecure=lambda session: events.append("secure"),
                onConnect=lambda session: events.append("connect"),
            )
        )
        self.assertEqual(client.transport.contexts, [CERTIFICATES])
        self.assertEqual((client.hear(), events), ([], []))
        self.assertEqual(client.shakeHands(), [c.GREETING])
        self.assertEqual(events, ["secure", "connect"])

    def test_tooMany(self) -> None:
        """
        Who there is no room for is told so in TLS.
        """
        server = tlsServer("implicit", changes={"clients": 1})
        TLSClient(server)
        client = TLSClient(server)
        self.assertEqual(client.hear(), [])
        self.assertEqual(
            client.shakeHands(), ["421 4.7.0 Too many connections, come back later"]
        )
        self.assertTrue(client.closed)


class HandshakeTests(TableTestCase):
    """Handshakes that take their time, or never end."""

    def server(self, tls: str = "starttls") -> MemoryServer:
        """One whose time for a handshake is unlike its others."""
        self.closed: list[Any] = []
        return tlsServer(
            tls, changes={"handshakeTimeout": 7}, onClose=self.closed.append
        )

    def test_cannotBegin(self) -> None:
        """
        Where TLS cannot be begun after all, the connection is aborted, logged and gone,
        and does not count any more.
        """

        class Broken(TLSTransport):
            def startTLS(self, context: object) -> None:
                self.protocol = Engine()
                raise ZeroDivisionError("in the store of certificates")

        server = self.server()
        client = TLSClient(server, transport=Broken)
        client.say(EHLO, "STARTTLS")
        self.assertTrue(client.aborted)
        self.assertIs(client.transport.protocol, client.protocol)
        client.abort()
        self.assertEqual(self.closed, [client.session])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_startTLS(self) -> None:
        """
        A handshake that is not done in time ends the connection: it is aborted, and
        nothing is said in clear.
        """
        server = self.server()
        client = inHandshake(server)
        server.clock.advance(6.9)
        self.assertFalse(client.aborted)
        server.clock.advance(0.2)
        self.assertTrue(client.aborted)
        self.assertEqual(client.read(), b"")
        client.abort()
        self.assertEqual(self.closed, [client.session])
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_implicit(self) -> None:
        """
        So it is with implicit TLS, where nobody was told of the client.
        """
        server = self.server("implicit")
        client = TLSClient(server)
        server.clock.advance(7.1)
        self.assertTrue(client.aborted)
        client.abort()
        self.assertEqual((client.read(), self.closed), (b"", []))
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_inTime(self) -> None:
        """
        One that is done in time has the time of commands after it.
        """
        server = self.server()
        client = inHandshake(server)
        server.clock.advance(6.9)
        client.shakeHands()
        server.clock.advance(100)
        self.assertEqual(client.say("NOOP"), [c.OK])

    def test_lost(self) -> None:
        """
        A connection that is lost in the middle of it has been announced, and is closed
        once; the server counts it no more.
        """
        server = self.server()
        client = inHandshake(server)
        client.leave(ConnectionLost())
        self.assertEqual(self.closed, [client.session])
        self.assertFalse(client.session.secure)
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_broken(self) -> None:
        """
        An error of our own at its end is logged and ends the connection.
        """
        client = inHandshake(self.server())
        self.patch(client.transport, "getHandle", lambda: None)
        client.protocol.handshakeCompleted()
        self.assertTrue(client.closed)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
