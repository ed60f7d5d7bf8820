"""
Tests of TLS with no network: what is known of a connection, and where a handshake
stands between a connection and its greeting.

With a network it is in integration.test_tls.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import (
    MD5,
    SHA1,
    SHA256,
    SHA384,
    SHA512,
    HashAlgorithm,
)
from hypothesis import given
from OpenSSL import SSL
from OpenSSL.crypto import X509, PKey
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    trustRootFromCertificates,
)
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from smtpsession import SMTPError, SMTPSession, TLSCipherInfo
from smtpsession.addresses import isDomain
from smtpsession.ciphers import standardName
from smtpsession.pem import CertificatePair
from smtpsession.testing import MemoryServer, memoryOptions
from smtpsession.tls import cipherOf, factsOf, hostName
from tests import conversations as c
from tests.cases import TableTestCase
from tests.certificates import Identity, authority, client, issue, selfSigned, server
from tests.handshakes import (
    Joined,
    clientContext,
    presented,
    serverOf,
    shakeHands,
    storeOf,
)
from tests.strategies import servernames

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


HOSTS = [
    # name, what the client asks for, the host
    ("nothing", None, None),
    ("a host", b"mx.example.org", "mx.example.org"),
    ("in another case", b"MX.Example.ORG", "mx.example.org"),
    ("one label", b"localhost", "localhost"),
    ("A-labels", b"xn--BCHER-kva.example", "xn--bcher-kva.example"),
    ("digits in front", b"1.example.org", "1.example.org"),
    ("empty", b"", None),
    ("a dot behind, RFC 6066 section 3", b"mx.example.org.", None),
    ("an IPv4 address, RFC 6066 section 3", b"192.0.2.1", None),
    ("an IPv6 address, RFC 6066 section 3", b"2001:db8::1", None),
    ("an address literal", b"[192.0.2.1]", None),
    ("an asterisk", b"*.example.org", None),
    ("an underscore", b"a_b.example.org", None),
    ("a space", b"a b", None),
    ("a line end behind", b"mx.example.org\r\n", None),
    ("a control character", b"mx\x1b.example.org", None),
    ("a NUL", b"mx.example.org\x00.example.com", None),
    ("UTF-8", "b\xfccher.example".encode(), None),
    ("a Kelvin sign", "\u212a.example".encode(), None),
    ("not UTF-8", b"\xff", None),
    ("a label of 63 octets", b"a" * 63, "a" * 63),
    ("a label of 64 octets", b"a" * 64, None),
]

ED25519 = Ed25519PrivateKey.generate()

#: The hash function of the binding is that of the certificate's signature (RFC 5929,
#: section 4.1).
END_POINTS = [
    # name, the server's certificate, the hash function of the binding
    ("SHA-256", server("sha256.example"), SHA256()),
    ("SHA-384", issue("sha384.example", hash=SHA384()), SHA384()),
    ("SHA-512", issue("sha512.example", hash=SHA512()), SHA512()),
    ("Ed25519, which has none", selfSigned("ed25519.example", ED25519), None),
]


class Signed:
    """A certificate that is signed in a way that cryptography does not offer."""

    def __init__(self, algorithm: HashAlgorithm | None) -> None:
        self._algorithm = algorithm

    @property
    def signature_hash_algorithm(self) -> HashAlgorithm:
        if self._algorithm is None:
            raise UnsupportedAlgorithm("unknown")
        return self._algorithm

    def fingerprint(self, algorithm: HashAlgorithm) -> bytes:
        return algorithm.name.encode("ascii")


class Connection:
    """As much of an OpenSSL connection as is looked at."""

    def __init__(self, cipher: str | None, version: str) -> None:
        self._cipher, self._version = cipher, version

    def get_cipher_name(self) -> str | None:
        return self._cipher

    def get_protocol_version_name(self) -> str:
        return self._version

    def get_servername(self) -> bytes | None:
        return None

    def get_peer_certificate(self, **ignored: Any) -> None:
        return None


class TLSTransport(StringTransport):
    """A transport in memory that says it is one of TLS."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        directlyProvides(self, ISSLTransport)

    def getHandle(self) -> SSL.Connection:
        return shakeHands(storeOf()).server


class CipherTests(TableTestCase):
    """The cipher of a connection."""

    def test_table(self):
        """The names are those of the connection, as far as it has them."""
        self.assertGives(lambda row: cipherOf(Connection(*row)), CIPHERS)


class HostNameTests(TableTestCase):
    """The host that a client asks for."""

    def test_table(self):
        """It is in lower case, and what is not a host is none."""
        self.assertGives(hostName, HOSTS)

    @given(servernames)
    def test_junk(self, servername: bytes):
        """Whatever the client says, it is a domain in lower case, or None."""
        name = hostName(servername)
        if name is not None:
            self.assertTrue(isDomain(name))
            self.assertEqual(servername.lower(), name.encode("ascii"))


class FactsTests(TableTestCase):
    """What is known of a connection."""

    def test_facts(self):
        """The cipher, the name that was asked for, and the client's certificate."""
        store = storeOf(clientCertificates="require", ca=authority().certificatePEM)
        for version, name in (
            (SSL.TLS1_2_VERSION, "TLSv1.2"),
            (SSL.TLS1_3_VERSION, "TLSv1.3"),
        ):
            context = clientContext(version, client())
            facts = factsOf(shakeHands(store, context, b"MX.example").server)
            self.assertEqual(name, facts.cipher.version)
            self.assertEqual(standardName(facts.cipher.name), facts.cipher.standardName)
            self.assertEqual("mx.example", facts.servername)
            self.assertEqual(client().certificate, facts.peerCertificate)

    def test_few(self):
        """Who asks for nothing and has nothing is known by the cipher alone."""
        facts = factsOf(shakeHands(storeOf()).server)
        self.assertEqual((None, None), (facts.servername, facts.peerCertificate))

    def test_tooEarly(self):
        """Before the handshake is done nothing is known."""
        self.assertRaises(ValueError, factsOf, serverOf(storeOf()))

    def test_others(self):
        """Of a connection of others, what they let through counts as verified."""
        for isGood in (True, False):
            options = CertificateOptions(
                privateKey=PKey.from_cryptography_key(server("mx.example").key),
                certificate=X509.from_cryptography(server("mx.example").certificate),
                trustRoot=trustRootFromCertificates(
                    [Certificate.loadPEM(authority().certificatePEM)]
                ),
            )
            identity = client() if isGood else selfSigned("client.example.com")
            joined = Joined(
                SSL.Connection(clientContext(identity=identity)),
                SSL.Connection(options.getContext()),
            )
            assert isinstance(joined.client, SSL.Connection)
            joined.client.set_connect_state()
            if isGood:
                joined.shakeHands()
                facts = factsOf(joined.server)
                self.assertEqual(client().certificate, facts.peerCertificate)
            else:
                self.assertRaises(SSL.Error, joined.shakeHands)

    def test_unreadable(self):
        """A certificate that only OpenSSL can read is none."""

        def refuse(**arguments: Any) -> None:
            raise ValueError("invalid version")

        store = storeOf(clientCertificates="require", ca=authority().certificatePEM)
        connection = shakeHands(store, clientContext(identity=client())).server
        self.patch(connection, "get_peer_certificate", refuse)
        self.assertIsNone(factsOf(connection).peerCertificate)


class ChannelBindingsTests(TableTestCase):
    """What ties an authentication to its connection."""

    def test_exporter(self):
        """
        With TLS 1.3 the client has the same octets from its exporter (RFC 9266), and
        they are others in every connection.
        """
        seen = set()
        for _ in range(2):
            joined = shakeHands(storeOf(), clientContext(SSL.TLS1_3_VERSION))
            assert isinstance(joined.client, SSL.Connection)
            binding = factsOf(joined.server).channelBindings["tls-exporter"]
            self.assertEqual(
                joined.client.export_keying_material(
                    b"EXPORTER-Channel-Binding", 32, b""
                ),
                binding,
            )
            seen.add(binding)
        self.assertEqual([32, 32], [len(binding) for binding in seen])

    def test_noExporter(self):
        """With TLS 1.2 there is the server's end point only."""
        joined = shakeHands(storeOf(), clientContext(SSL.TLS1_2_VERSION))
        self.assertEqual(
            ["tls-server-end-point"], list(factsOf(joined.server).channelBindings)
        )

    def test_serverEndPoint(self):
        """It is a hash of the certificate that the client has seen, as it sees it."""

        def matches(row: tuple[Identity, HashAlgorithm | None]) -> bool:
            identity, algorithm = row
            joined = shakeHands(storeOf(identity))
            found = factsOf(joined.server).channelBindings.get("tls-server-end-point")
            return found == (algorithm and presented(joined).fingerprint(algorithm))

        self.assertGives(
            matches,
            [(name, (identity, hash), True) for name, identity, hash in END_POINTS],
        )

    def test_named(self):
        """Where the client has asked for a name it is the certificate of that name."""
        identity = server("a.example")
        store = storeOf(names={"a.example": CertificatePair(identity.pem)})
        facts = factsOf(shakeHands(store, servername=b"a.example").server)
        self.assertEqual(
            identity.certificate.fingerprint(SHA256()),
            facts.channelBindings["tls-server-end-point"],
        )

    def endPointOf(self, certificate: object) -> bytes | None:
        """The binding of a connection that has this certificate, so to speak."""
        connection = shakeHands(storeOf()).server
        self.patch(connection, "get_certificate", lambda **ignored: certificate)
        return factsOf(connection).channelBindings.get("tls-server-end-point")

    def test_weak(self):
        """Instead of MD5 and SHA-1, with which nobody signs now, it is SHA-256."""
        for algorithm in (MD5(), SHA1()):
            self.assertEqual(b"sha256", self.endPointOf(Signed(algorithm)))
        self.assertEqual(b"sha512", self.endPointOf(Signed(SHA512())))

    def test_noEndPoint(self):
        """There is none without a certificate, nor where its signature is unknown."""
        self.assertIsNone(self.endPointOf(None))
        self.assertIsNone(self.endPointOf(Signed(None)))

    def test_mapping(self):
        """All bindings are computed once, at the first look."""
        joined = shakeHands(storeOf())
        exports: list[Any] = []

        def export(*arguments: Any) -> bytes:
            exports.append(arguments)
            return b"exported"

        self.patch(joined.server, "export_keying_material", export)
        bindings = factsOf(joined.server).channelBindings
        self.assertEqual([], exports)
        self.assertEqual(2, len(bindings))
        self.assertEqual({"tls-exporter", "tls-server-end-point"}, set(bindings))
        self.assertNotIn("tls-unique", bindings)
        self.assertEqual(dict(bindings), bindings)
        self.assertEqual(1, len(exports))

    def test_repr(self):
        """What shows the facts does not show what came from the exporter."""
        facts = factsOf(shakeHands(storeOf()).server)
        self.assertEqual(2, len(facts.channelBindings))
        self.assertNotIn("channelBindings", repr(facts))
        self.assertNotIn("tls-exporter", repr(facts.channelBindings))


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
        the time for it is over.
        """
        self.connect()
        self.server.clock.advance(59)
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
