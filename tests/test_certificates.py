"""
Tests of smtpsession.certificates, through handshakes in memory.
"""

from __future__ import annotations

import gc
import os
import ssl
import weakref
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from smtpsession.certificates import CertificateStore
from smtpsession.errors import CertificateError
from smtpsession.pem import CertificatePair
from smtpsession.tls import factsOf
from tests.cases import FilesTestCase, TableTestCase
from tests.certificates import (
    AUTHORITY,
    Identity,
    authority,
    client,
    issue,
    server,
    weakKey,
)
from tests.handshakes import (
    StandardConnection,
    clientContext,
    join,
    presented,
    serverOf,
    shakeHands,
    standardContext,
    storeOf,
)
from tests.strategies import servernames

VERSIONS = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)

#: For tests that have many handshakes.
ANY_STORE = storeOf(names={"*.example.net": CertificatePair(server("any").pem)})
ANY_CLIENT = clientContext(SSL.TLS1_3_VERSION)

#: The names and patterns that have certificates in the table below.
NAMED = (
    "mx.example.net",
    "*.example.net",
    "*.mail.example.net",
    "xn--bcher-kva.example",
)

SERVERNAMES = [
    # name, what the client asks for, which certificate it gets ("" is the default)
    ("none", None, ""),
    ("exact", b"mx.example.net", "mx.example.net"),
    ("by wildcard", b"smtp.example.net", "*.example.net"),
    ("the longer wildcard", b"a.mail.example.net", "*.mail.example.net"),
    ("which is no match for itself", b"mail.example.net", "*.example.net"),
    ("two labels where there is one asterisk", b"a.b.example.net", ""),
    ("no label where there is an asterisk", b"example.net", ""),
    ("exact, in another case", b"MX.Example.NET", "mx.example.net"),
    ("by wildcard, in another case", b"SMTP.EXAMPLE.NET", "*.example.net"),
    ("A-labels", b"xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("A-labels in another case", b"XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("unknown", b"mx.example.org", ""),
    ("an asterisk", b"*.example.net", ""),
    ("a dot in front", b".example.net", ""),
    ("a dot behind, RFC 6066 section 3", b"mx.example.net.", ""),
    ("two dots", b"mx..example.net", ""),
    ("an empty label", b"a..example.net", ""),
    ("an underscore", b"a_b.example.net", ""),
    ("a space", b"a b.example.net", ""),
    ("an IP address", b"192.0.2.1", ""),
    ("UTF-8", "b\xfccher.example".encode(), ""),
    ("not even UTF-8", b"\xff\xfe.example.net", ""),
    ("line ends", b"mx\r\n.example.net", ""),
    ("a long label", b"a" * 64 + b".example.net", ""),
    ("very long", b".".join([b"a" * 49] * 5) + b".net", ""),
]

PATTERNS = [
    # name, pattern, what it is called
    ("a name", "mx.example.net", "mx.example.net"),
    ("a wildcard", "*.example.net", "*.example.net"),
    ("in another case", "MX.Example.NET", "mx.example.net"),
    ("U-labels", "b\xfccher.example", "xn--bcher-kva.example"),
    ("U-labels in another case", "B\xdcCHER.example", "xn--bcher-kva.example"),
    ("U-labels under a wildcard", "*.b\xfccher.example", "*.xn--bcher-kva.example"),
]

NOT_PATTERNS = [
    # name, pattern
    ("nothing", ""),
    ("an asterisk", "*"),
    ("an asterisk and a dot", "*."),
    ("an asterisk in the middle", "mx.*.net"),
    ("a part of a label", "mx*.example.net"),
    ("two asterisks", "*.*.net"),
    ("an IP address", "192.0.2.1"),
    ("an underscore", "a_b.example.net"),
    ("a dot behind", "mx.example.net."),
    ("not a U-label", "\u2603.example"),
]


class ServernameTests(TableTestCase):
    """Which certificate a client gets."""

    def test_table(self):
        """An exact name wins over a wildcard, and the default is for all others."""
        store = storeOf(
            names={name: CertificatePair(server(name).pem) for name in NAMED}
        )
        certificates = {server(name).certificate: name for name in NAMED}

        def shown(version: int, servername: bytes | None) -> str:
            joined = shakeHands(store, clientContext(version), servername)
            return certificates.get(presented(joined), "")

        for version in VERSIONS:
            self.assertGives(partial(shown, version), SERVERNAMES)

    @given(servernames)
    def test_junk(self, name: bytes):
        """Whatever a client asks for, the handshake ends well."""
        shakeHands(ANY_STORE, ANY_CLIENT, name)

    def test_chain(self):
        """The authorities in between are presented with the certificate."""
        between = authority("Intermediate", signer=AUTHORITY)
        leaf = issue("mx.example.net", by=between)
        identity = Identity(leaf.certificate, leaf.key, (between.certificate,))
        joined = shakeHands(storeOf(identity))
        assert isinstance(joined.client, SSL.Connection)
        self.assertEqual(
            [leaf.certificate, between.certificate],
            joined.client.get_peer_cert_chain(as_cryptography=True),
        )

    def test_patterns(self):
        """Patterns are given in any case, with U-labels or A-labels."""

        def canonical(pattern: str) -> str:
            pair = CertificatePair(server("any").pem)
            _, name = storeOf(names={pattern: pair}).expirations
            return name

        self.assertGives(canonical, PATTERNS)

    def test_notPatterns(self):
        """What is neither a host nor a wildcard is refused."""
        self.assertRefuses(
            ValueError,
            lambda pattern: storeOf(names={pattern: CertificatePair(b"")}),
            NOT_PATTERNS,
        )

    def test_twoForOne(self):
        """There are no two certificates for one name."""
        pair = CertificatePair(server("any").pem)
        error = self.assertRaises(
            ValueError, storeOf, names={"mx.example": pair, "MX.example": pair}
        )
        self.assertEqual("two certificates for mx.example", str(error))


class ReloadTests(FilesTestCase):
    """Certificates that change while the server runs."""

    def setUp(self) -> None:
        super().setUp()
        self.old, self.new = issue("mx.example"), issue("mx.example")
        self.oldName, self.newName = issue("a.example"), issue("a.example")
        self.path = self.write("default.pem", self.old.pem)
        self.certificate = self.write("a.pem", self.oldName.certificatePEM)
        self.key = self.write("a.key", self.oldName.keyPEM)
        self.store = CertificateStore(
            self.path, names={"a.example": CertificatePair(self.certificate, self.key)}
        )

    def shown(self) -> list[x509.Certificate]:
        """The default and the other certificate as new clients see them."""
        return [
            presented(shakeHands(self.store, servername=name))
            for name in (None, b"a.example")
        ]

    def test_good(self):
        """New connections have the new certificates, and the others what they had."""
        before = shakeHands(self.store)
        begun = join(self.store, servername=b"a.example")
        self.write("default.pem", self.new.pem)
        self.write("a.pem", self.newName.certificatePEM)
        self.write("a.key", self.newName.keyPEM)
        self.store.reload()

        self.assertEqual([self.new.certificate, self.newName.certificate], self.shown())
        begun.shakeHands()
        self.assertEqual(self.oldName.certificate, presented(begun))
        before.say(b"250 OK\r\n")
        before.hear(b"QUIT\r\n")
        bindings = factsOf(before.server).channelBindings
        self.assertEqual(
            self.old.certificate.fingerprint(SHA256()), bindings["tls-server-end-point"]
        )

    def assertKept(self, source: str, problem: str) -> None:
        """A reload fails for this reason, and nothing has changed."""
        before = shakeHands(self.store)
        expirations = self.store.expirations
        with capturedLogs() as events:
            error = self.assertRaises(CertificateError, self.store.reload)

        self.assertEqual(f"{source}: {problem}", str(error))
        self.assertEqual([error], [event["error"] for event in events])
        self.assertEqual([self.old.certificate, self.oldName.certificate], self.shown())
        self.assertIs(expirations, self.store.expirations)
        before.say(b"250 OK\r\n")

    def test_missing(self):
        """Where one file is missing, all certificates stay."""
        self.write("default.pem", self.new.pem)
        os.remove(self.key)
        self.assertKept(self.key, "No such file or directory")

    def test_unparsable(self):
        """Where one file cannot be read, all certificates stay."""
        self.write("default.pem", self.new.pem)
        self.write("a.pem", b"no certificate")
        self.assertKept(self.certificate, "there is no certificate in PEM in it")

    def test_mismatch(self):
        """Where one key is that of another certificate, all certificates stay."""
        self.write("default.pem", self.new.pem)
        self.write("a.pem", self.newName.certificatePEM)
        self.assertKept(
            self.key,
            f"its key is not that of the first certificate in {self.certificate}",
        )

    def test_refusedByOpenSSL(self):
        """Where OpenSSL finds a key too weak, all certificates stay."""
        self.write("default.pem", issue("mx.example", key=weakKey()).pem)
        self.assertKept(self.path, "OpenSSL refuses it: ee key too small")

    def test_first(self):
        """The first load fails in the same way."""
        self.write("a.pem", b"no certificate")
        error = self.assertRaises(
            CertificateError,
            CertificateStore,
            self.path,
            names={"a.example": CertificatePair(self.certificate, self.key)},
        )
        self.assertEqual(
            f"{self.certificate}: there is no certificate in PEM in it", str(error)
        )

    def test_authority(self):
        """The authorities of the clients are read anew too."""
        ca = self.write("ca.pem", authority("Other").certificatePEM)
        store = CertificateStore(self.path, clientCertificates="require", ca=ca)
        context = clientContext(identity=client())
        with self.assertRaises(SSL.Error):
            shakeHands(store, context)
        self.write("ca.pem", authority().certificatePEM)
        store.reload()
        shakeHands(store, context)

        os.remove(ca)
        error = self.assertRaises(CertificateError, store.reload)
        self.assertEqual(ca, error.source)
        shakeHands(store, context)


class ExpirationTests(TableTestCase):
    """When certificates expire."""

    def test_mapping(self):
        """Each certificate has its time, the default under the empty name."""
        identity, other = issue("mx.example", expiresIn=timedelta(days=30)), server("a")
        store = storeOf(identity, names={"*.B.example": CertificatePair(other.pem)})
        self.assertEqual(
            {
                "": identity.certificate.not_valid_after_utc,
                "*.b.example": other.certificate.not_valid_after_utc,
            },
            dict(store.expirations),
        )
        left = store.expirations[""] - datetime.now(timezone.utc)
        self.assertEqual(30, round(left / timedelta(days=1)))

    def test_mappingIsImmutable(self):
        """The times are not for others to change."""
        expirations: Any = storeOf().expirations
        with self.assertRaises(TypeError):
            expirations[""] = None

    def test_warnings(self):
        """The log warns of what has expired, and of what will within 14 days."""
        delays = {
            "expired.example": timedelta(hours=-1),
            "soon.example": timedelta(days=13.9),
            "later.example": timedelta(days=14.1),
        }
        identities = {name: issue(name, expiresIn=delays[name]) for name in delays}
        with capturedLogs() as events:
            store = storeOf(
                names={
                    name: CertificatePair(each.pem) for name, each in identities.items()
                }
            )

        self.assertEqual([LogLevel.warn] * 2, [event["log_level"] for event in events])
        times = {name: time.isoformat() for name, time in store.expirations.items()}
        self.assertEqual(
            [
                "the certificate for expired.example, PEM in memory, has expired: "
                + times["expired.example"],
                "the certificate for soon.example, PEM in memory, expires soon: "
                + times["soon.example"],
            ],
            [formatEvent(event) for event in events],
        )

    def test_everyLoad(self):
        """The warning comes with every load, also about the default certificate."""
        with capturedLogs() as events:
            store = storeOf(issue("mx.example", expiresIn=timedelta(days=1)))
            store.reload()

        self.assertEqual(2, len(events))
        self.assertIn("for any other name", formatEvent(events[1]))

    def test_used(self):
        """A certificate that has expired is used all the same."""
        expired = issue("mx.example", expiresIn=timedelta(hours=-1))
        self.assertEqual(expired.certificate, presented(shakeHands(storeOf(expired))))


class Echo(Protocol):
    """Says what it hears."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class TwistedTests(SynchronousTestCase):
    """A store as Twisted takes it."""

    def test_interface(self):
        """It is what makes connections for servers."""
        self.assertTrue(verifyObject(IOpenSSLServerConnectionCreator, storeOf()))

    def test_factory(self):
        """With a C{TLSMemoryBIOFactory} around another, its clients have TLS."""
        store = storeOf(names={"a.example": CertificatePair(server("a.example").pem)})
        clock = Clock()
        echo = Factory.forProtocol(Echo)
        factory = TLSMemoryBIOFactory(store, False, echo, clock)
        protocol = factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        context = standardContext(ssl.TLSVersion.TLSv1_3)
        client = StandardConnection(context, "a.example")

        def take() -> None:
            try:
                protocol.dataReceived(client.bio_read(2**16))
            except SSL.WantReadError:
                pass
            clock.advance(0)
            client.bio_write(transport.value())
            transport.clear()

        self.assertRaises(SSL.WantReadError, client.do_handshake)
        take()
        client.do_handshake()
        take()
        client.send(b"hello")
        take()
        self.assertEqual(b"hello", client.recv(100))
        self.assertEqual("a.example", factsOf(protocol.getHandle()).servername)


class LifetimeTests(SynchronousTestCase):
    """What lives for how long."""

    def test_shared(self):
        """Connections share their context."""
        store = storeOf()
        self.assertIs(serverOf(store).get_context(), serverOf(store).get_context())

    def test_connection(self):
        """A connection that nobody holds any more is gone at once."""
        store = storeOf(
            names={"a.example": CertificatePair(server("a.example").pem)},
            clientCertificates="request",
            ca=authority().certificatePEM,
        )
        gc.disable()
        self.addCleanup(gc.enable)
        joined = shakeHands(store, clientContext(identity=client()), b"a.example")
        factsOf(joined.server)
        gone = weakref.ref(joined.server)
        del joined
        self.assertIsNone(gone())

    def test_contexts(self):
        """
        A connection keeps alive the context that it began with, where OpenSSL finds
        what to call, and both contexts go with it.
        """
        store = storeOf(names={"a.example": CertificatePair(server("a.example").pem)})
        first = weakref.ref(serverOf(store).get_context())
        joined = shakeHands(store, servername=b"a.example")
        store.reload()
        gc.collect()
        self.assertIsNotNone(first())
        self.assertIsNot(first(), joined.server.get_context())
        del joined
        gc.collect()
        self.assertIsNone(first())
