"""
Tests of TLS with no network: what is known of a cipher, and where a handshake stands
between a connection and its greeting.

With a network it is in integration.test_tls.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from smtpsession import SMTPError, SMTPSession, TLSCipherInfo
from smtpsession.testing import MemoryServer, memoryOptions
from smtpsession.tls import cipherOf
from tests import conversations as c
from tests.cases import TableTestCase

CIPHERS = [
    # name, (OpenSSL's name, version), what is told
    (
        "TLS 1.3",
        ("TLS_AES_256_GCM_SHA384", "TLSv1.3"),
        TLSCipherInfo("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", "TLSv1.3"),
    ),
    (
        "TLS 1.2, where OpenSSL has names of its own",
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"),
        TLSCipherInfo(
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLSv1.2",
        ),
    ),
    (
        "a suite that is not known",
        ("ECDHE-RSA-ROT13", "TLSv1.2"),
        TLSCipherInfo("ECDHE-RSA-ROT13", None, "TLSv1.2"),
    ),
    ("before the handshake", (None, "TLSv1.3"), None),
]


class Connection:
    """As much of an OpenSSL connection as is looked at."""

    def __init__(self, cipher: str | None, version: str) -> None:
        self._cipher, self._version = cipher, version

    def get_cipher_name(self) -> str | None:
        return self._cipher

    def get_protocol_version_name(self) -> str:
        return self._version


class TLSTransport(StringTransport):
    """A transport in memory that says it is one of TLS."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        directlyProvides(self, ISSLTransport)

    def getHandle(self) -> Connection:
        return Connection("TLS_AES_256_GCM_SHA384", "TLSv1.3")


class CipherTests(TableTestCase):
    """The cipher of a connection."""

    def test_table(self):
        """The names are those of the connection, as far as it has them."""
        self.assertGives(lambda row: cipherOf(Connection(*row)), CIPHERS)


class HandshakeTests(SynchronousTestCase):
    """A connection that begins with a handshake."""

    def setUp(self) -> None:
        self.called: list[str] = []

    def note(self, name: str) -> Any:
        return lambda *ignored: self.called.append(name)

    def connect(self, **arguments: Any) -> None:
        """Connect to a server with these arguments; the handshake is to come."""
        callbacks = {
            name: self.note(name) for name in ("onConnect", "onSecure", "onClose")
        }
        self.server = MemoryServer(**{**callbacks, **arguments})
        address = IPv4Address("TCP", "192.0.2.1", 49152)
        self.transport = TLSTransport(peerAddress=address)
        self.protocol = self.server.factory.buildProtocol(address)
        self.protocol.makeConnection(self.transport)

    def shakeHands(self, **arguments: Any) -> None:
        """Connect to a server with these arguments, and have the handshake done."""
        self.connect(**arguments)
        self.protocol.handshakeCompleted()

    def say(self, *lines: str) -> list[str]:
        self.protocol.dataReceived("".join(f"{line}\r\n" for line in lines).encode())
        return self.hear()

    def hear(self) -> list[str]:
        octets: bytes = self.transport.value()
        self.transport.clear()
        return octets.decode("ascii").splitlines()

    def test_before(self) -> None:
        """
        Before the handshake is done nothing is said, nobody is asked, and the session
        is not secure.
        """
        self.connect()
        self.assertEqual((self.hear(), self.called), ([], []))
        self.assertFalse(self.protocol.session.secure)
        self.assertIsNone(self.protocol.session.tlsOptions)

    def test_after(self) -> None:
        """
        With the handshake the session is secure, onSecure and then onConnect are asked,
        and the client is greeted.
        """
        self.shakeHands()
        self.assertEqual(self.called, ["onSecure", "onConnect"])
        self.assertEqual(self.hear(), [c.GREETING])
        session = self.protocol.session
        self.assertTrue(session.secure)
        self.assertEqual(session.tlsOptions, CIPHERS[0][2])
        self.say("EHLO client.example.com")
        self.assertEqual(session.transmissionType, "ESMTPS")

    def test_whatTheCallbacksSee(self) -> None:
        """
        Both callbacks see a session that is secure, with its client's address.
        """
        seen = []

        def look(session: SMTPSession) -> None:
            assert session.tlsOptions is not None
            seen.append((session.secure, session.remoteAddress))

        self.shakeHands(onSecure=look, onConnect=look)
        self.assertEqual(seen, [(True, "192.0.2.1")] * 2)

    def test_late(self) -> None:
        """
        Both may answer late; what the client says in the meantime waits.
        """
        secure, connect = c.Question(), c.Question()
        self.shakeHands(onSecure=secure, onConnect=connect)
        self.assertEqual(self.say("NOOP"), [])
        self.assertEqual((len(secure.asked), len(connect.asked)), (1, 0))
        secure.answers[0].callback(None)
        self.assertEqual((self.hear(), len(connect.asked)), ([], 1))
        connect.answers[0].callback(None)
        self.assertEqual(self.hear(), [c.GREETING, c.OK])

    def test_refused(self) -> None:
        """
        A refusal from either is said in place of the greeting, and after that only QUIT
        is accepted; who is refused by onSecure does not get to onConnect.
        """
        for callback, others in (("onSecure", []), ("onConnect", ["onSecure"])):
            for late in (False, True):
                self.called.clear()
                question = c.Question()
                self.shakeHands(**{callback: question if late else refuse})
                if late:
                    self.assertEqual(self.hear(), [])
                    question.answers[0].errback(SMTPError(554, "No", "5.7.1"))
                self.assertEqual(self.hear(), ["554 5.7.1 No"])
                self.assertEqual(self.called, others)
                self.assertEqual(
                    self.say("EHLO client.example.com", "QUIT"),
                    ["503 5.5.1 No service here, only QUIT", c.BYE],
                )
                self.assertTrue(self.transport.disconnecting)

    def test_hangUp(self) -> None:
        """
        Either may hang up with 421.
        """
        for callback in ("onSecure", "onConnect"):
            question = c.Question()
            self.shakeHands(**{callback: question})
            question.answers[0].errback(SMTPError(421, "Go away", "4.3.2"))
            self.assertEqual(self.hear(), ["421 4.3.2 Go away"])
            self.assertTrue(self.transport.disconnecting)

    def test_never(self) -> None:
        """
        A client that does not complete the handshake is aborted without a word, when
        the time for a command is over.
        """
        self.connect()
        self.server.clock.advance(299)
        self.assertFalse(self.transport.disconnected)
        self.server.clock.advance(1)
        self.assertTrue(self.transport.disconnected)
        self.assertEqual(self.hear(), [])

    def test_goneBefore(self) -> None:
        """
        One that goes away before is in no callback, and leaves no timer.
        """
        self.connect()
        self.protocol.connectionLost()
        self.assertEqual(self.called, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_goneDuringOnSecure(self) -> None:
        """
        The question is cancelled where a client goes away during onSecure; as onConnect
        was not called, onClose is not either.
        """
        cancelled: list[Any] = []
        self.shakeHands(onSecure=c.Question(cancelled.append))
        self.protocol.connectionLost()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(self.called, [])

    def test_refusedByOnSecure(self) -> None:
        """
        Nor is onClose called for a client that onSecure has refused.
        """
        self.shakeHands(onSecure=refuse)
        self.protocol.connectionLost()
        self.assertEqual(self.called, [])

    def test_goneDuringOnConnect(self) -> None:
        """
        After onConnect was called, onClose is called once.
        """
        cancelled: list[Any] = []
        self.shakeHands(onConnect=c.Question(cancelled.append))
        self.protocol.connectionLost()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(self.called, ["onSecure", "onClose"])

    def test_tooManyClients(self) -> None:
        """
        Who is one too many is told so after the handshake, and nobody is asked.
        """
        self.shakeHands(options=memoryOptions(clients=1))
        self.hear()
        self.called.clear()
        transport = TLSTransport()
        protocol = self.server.factory.buildProtocol(None)
        protocol.makeConnection(transport)
        self.assertEqual(transport.value(), b"")
        protocol.handshakeCompleted()
        self.assertEqual(
            transport.value(), b"421 4.7.0 Too many connections, come back later\r\n"
        )
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.called, [])


def refuse(session: SMTPSession) -> None:
    raise SMTPError(554, "No", "5.7.1")
