"""
Tests of smtpsession.contexts, through handshakes in memory.
"""

from __future__ import annotations

import ssl
from datetime import timedelta

from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.certificates import CertificateStore
from smtpsession.ciphers import standardName
from smtpsession.pem import CertificatePair
from smtpsession.tls import factsOf
from tests.cases import FilesTestCase, TableTestCase
from tests.certificates import (
    AUTHORITY,
    Identity,
    authority,
    client,
    issue,
    newAuthority,
    rsaKey,
    selfSigned,
    server,
)
from tests.handshakes import (
    StandardConnection,
    clientContext,
    presented,
    serverOf,
    shakeHands,
    standardContext,
    storeOf,
)

VERSIONS = {
    SSL.TLS1_2_VERSION: ssl.TLSVersion.TLSv1_2,
    SSL.TLS1_3_VERSION: ssl.TLSVersion.TLSv1_3,
}

SENSELESS = [
    # name, arguments
    ("an old version", {"minimumVersion": "TLSv1.1"}),
    ("an unknown version", {"minimumVersion": "TLS 1.2"}),
    ("neither asked nor not", {"clientCertificates": "maybe"}),
    ("nobody to verify with", {"clientCertificates": "request"}),
    ("nobody to require with", {"clientCertificates": "require"}),
]

#: A ClientHello of TLS 1.0 or 1.1 (the version is to be filled in), with two suites and
#: no extension.  No client at hand still knows how to say it.
OLD_HELLO = (
    b"\x16\x03\x01\x00\x2f"
    b"\x01\x00\x00\x2b"
    b"\x03%c" + bytes(32) + b"\x00"
    b"\x00\x04\xc0\x13\x00\x2f"
    b"\x01\x00"
)
#: One of TLS 1.2 with two suites, which are to be filled in.
WEAK_HELLO = (
    b"\x16\x03\x01\x00\x2f"
    b"\x01\x00\x00\x2b"
    b"\x03\x03" + bytes(32) + b"\x00"
    b"\x00%c%b"
    b"\x01\x00"
)
WEAK_SUITES = [
    # name, two suites
    ("anonymous, ADH-AES128-SHA and AECDH-AES128-SHA", b"\x00\x34\xc0\x18"),
    ("NULL, NULL-SHA and ECDHE-RSA-NULL-SHA", b"\x00\x02\xc0\x10"),
    ("export, EXP-RC4-MD5 and EXP-DES-CBC-SHA", b"\x00\x03\x00\x08"),
    ("PSK, PSK-AES128-CBC-SHA and ECDHE-PSK-AES128-CBC-SHA", b"\x00\x8c\xc0\x35"),
]
#: Fatal alerts.
PROTOCOL_VERSION, HANDSHAKE_FAILURE = b"\x02\x46", b"\x02\x28"


class VersionTests(SynchronousTestCase):
    """Which versions of TLS there are."""

    def test_versions(self):
        """TLS 1.2 and TLS 1.3 are in use, as the client knows them."""
        for version, name in (
            (SSL.TLS1_2_VERSION, "TLSv1.2"),
            (SSL.TLS1_3_VERSION, "TLSv1.3"),
            (None, "TLSv1.3"),
        ):
            joined = shakeHands(storeOf(), clientContext(version))
            self.assertEqual(name, joined.server.get_protocol_version_name())

    def test_oldVersions(self):
        """TLS 1.0 and 1.1 are refused, and the client is told why."""
        for minor in (1, 2):
            connection = serverOf(storeOf())
            connection.set_accept_state()
            connection.bio_write(OLD_HELLO % minor)
            self.assertRaises(SSL.Error, connection.do_handshake)
            self.assertEqual(PROTOCOL_VERSION, connection.bio_read(100)[-2:])

    def test_theOldHelloIsWellFormed(self):
        """Nobody minds the version where the same hello says TLS 1.2."""
        connection = serverOf(storeOf())
        connection.set_accept_state()
        connection.bio_write(OLD_HELLO % 3)
        self.assertRaises(SSL.Error, connection.do_handshake)
        self.assertEqual(HANDSHAKE_FAILURE, connection.bio_read(100)[-2:])

    def test_minimum(self):
        """With a minimum of TLS 1.3, TLS 1.2 is refused."""
        store = storeOf(minimumVersion="TLSv1.3")
        shakeHands(store, clientContext(SSL.TLS1_3_VERSION))
        with self.assertRaises(SSL.Error):
            shakeHands(store, clientContext(SSL.TLS1_2_VERSION))


class CipherTests(TableTestCase):
    """Which suites there are."""

    def test_offered(self):
        """Every suite has forward secrecy, a certificate, a good cipher and a name."""
        offered = serverOf(storeOf()).get_cipher_list()
        names = {name: standardName(name) or "" for name in offered}

        self.assertIn("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", names.values())
        self.assertNoneWrong(
            name
            for name, standard in names.items()
            if not standard.startswith(("TLS_ECDHE_RSA_", "TLS_ECDHE_ECDSA_"))
            and name not in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")
            and name != "TLS_CHACHA20_POLY1305_SHA256"
            or any(word in standard for word in ("NULL", "RC4", "DES", "EXPORT", "MD5"))
        )

    def test_refused(self):
        """A client of TLS 1.2 that has no such suite is refused."""
        store = storeOf(issue("rsa.example", key=rsaKey()))
        for ciphers in (
            b"kRSA+AES",
            b"DHE-RSA-AES128-GCM-SHA256",
            b"aNULL:@SECLEVEL=0",
            b"eNULL:@SECLEVEL=0",
        ):
            context = clientContext(SSL.TLS1_2_VERSION, ciphers=ciphers)
            with self.assertRaises(SSL.Error):
                shakeHands(store, context)

    def test_weakHello(self):
        """Nor is there a handshake for a hello that has no suite but weak ones."""
        for name, suites in WEAK_SUITES:
            connection = serverOf(storeOf(issue("rsa.example", key=rsaKey())))
            connection.set_accept_state()
            connection.bio_write(WEAK_HELLO % (len(suites), suites))
            self.assertRaises(SSL.Error, connection.do_handshake)
            self.assertEqual(HANDSHAKE_FAILURE, connection.bio_read(100)[-2:], name)

    def test_preference(self):
        """The server chooses, and not the client."""
        ciphers = b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-GCM-SHA384"
        joined = shakeHands(
            storeOf(), clientContext(SSL.TLS1_2_VERSION, ciphers=ciphers)
        )
        self.assertEqual(
            "ECDHE-ECDSA-AES256-GCM-SHA384", joined.server.get_cipher_name()
        )

    def test_noCompression(self):
        """Nothing is compressed (CVE-2012-4929)."""
        self.assertTrue(serverOf(storeOf()).set_options(0) & SSL.OP_NO_COMPRESSION)

    def test_noRenegotiation(self):
        """
        A client of TLS 1.2 cannot renegotiate, and is told so.  OpenSSL 3 has that by
        default, others by an option.
        """
        joined = shakeHands(storeOf(), clientContext(SSL.TLS1_2_VERSION))
        self.assertTrue(joined.server.set_options(0) & SSL.OP_NO_RENEGOTIATION)
        assert isinstance(joined.client, SSL.Connection)
        self.assertTrue(joined.client.renegotiate())
        self.assertRaises(SSL.WantReadError, joined.client.do_handshake)
        joined.exchange()
        self.assertRaises(SSL.WantReadError, joined.server.recv, 1)
        joined.exchange()

        refusal = self.assertRaises(SSL.Error, joined.client.do_handshake)
        self.assertIn("no renegotiation", str(refusal))
        self.assertEqual(0, joined.server.total_renegotiations())


class ArgumentsTests(TableTestCase):
    """What a store can be told."""

    def test_senseless(self):
        """What makes no sense is refused."""
        self.assertRefuses(
            ValueError, lambda arguments: storeOf(**arguments), SENSELESS
        )

    def test_unneededAuthority(self):
        """Where no client's certificate is asked for, the authorities are not read."""
        shakeHands(storeOf(ca="/nonexistent"))


class ClientCertificateTests(TableTestCase):
    """Who the client is."""

    #: Not one of them is verified.
    BAD = {
        "of another authority": issue(
            "c.example", by=authority("Foreign"), isClient=True
        ),
        "expired": issue("c.example", isClient=True, expiresIn=timedelta(hours=-1)),
        "of nobody": selfSigned("c.example"),
        "of a server": server("c.example"),
        "of an authority that has the same name": issue(
            "c.example", by=newAuthority(AUTHORITY), isClient=True
        ),
        "of an authority in between that it does not send": issue(
            "c.example", by=authority("Unsent", signer=AUTHORITY), isClient=True
        ),
    }

    def store(self, mode: str) -> CertificateStore:
        return storeOf(clientCertificates=mode, ca=authority().certificatePEM)

    def certificateFor(
        self, mode: str, version: int, identity: Identity | None
    ) -> x509.Certificate | None:
        """The certificate that the server takes for verified."""
        joined = shakeHands(self.store(mode), clientContext(version, identity))
        return factsOf(joined.server).peerCertificate

    def test_none(self):
        """Where none is asked for, there is none."""
        for version in VERSIONS:
            self.assertIsNone(self.certificateFor("none", version, client()))

    def test_verified(self):
        """One that is verified is there, whether it was requested or required."""
        for version in VERSIONS:
            for mode in ("request", "require"):
                self.assertEqual(
                    client().certificate, self.certificateFor(mode, version, client())
                )

    def test_without(self):
        """A client without one is let in where it is not required."""
        for version in VERSIONS:
            self.assertIsNone(self.certificateFor("request", version, None))
            with self.assertRaises(SSL.Error):
                self.certificateFor("require", version, None)

    def test_bad(self):
        """One that cannot be verified is as good as none."""
        for name, identity in self.BAD.items():
            for version in VERSIONS:
                self.assertIsNone(
                    self.certificateFor("request", version, identity), name
                )
                with self.assertRaises(SSL.Error, msg=name):
                    self.certificateFor("require", version, identity)

    def test_chain(self):
        """The authorities in between may come from the client."""
        between = authority("Between", signer=AUTHORITY)
        leaf = issue("c.example", by=between, isClient=True)
        identity = Identity(leaf.certificate, leaf.key, (between.certificate,))
        for mode in ("request", "require"):
            self.assertEqual(
                leaf.certificate,
                self.certificateFor(mode, SSL.TLS1_3_VERSION, identity),
            )

    def test_beyondItsNames(self):
        """
        An authority that may not sign for this client does not verify it.  OpenSSL
        finds that out last, when it has already found the signatures to be good.
        """
        narrow = newAuthority("Narrow", permitted="example.org")
        for name, isGood in (("c.example.org", True), ("c.example", False)):
            leaf = issue(name, by=narrow, isClient=True)
            store = storeOf(clientCertificates="request", ca=narrow.certificatePEM)
            joined = shakeHands(store, clientContext(identity=leaf))
            found = factsOf(joined.server).peerCertificate
            self.assertEqual(leaf.certificate if isGood else None, found)

    def test_partialChain(self):
        """An authority may be named that is not its own, without the one above it."""
        between = authority("Between", signer=AUTHORITY)
        leaf = issue("c.example", by=between, isClient=True)
        store = storeOf(clientCertificates="require", ca=between.certificatePEM)
        shakeHands(store, clientContext(identity=leaf))

    def test_authoritiesAreNamed(self):
        """The client is told whose certificates are of use."""
        pem = authority().certificatePEM + authority("Other").certificatePEM
        store = storeOf(clientCertificates="request", ca=pem)
        joined = shakeHands(store, clientContext(SSL.TLS1_3_VERSION))
        assert isinstance(joined.client, SSL.Connection)
        self.assertEqual(
            {"Test Authority", "Other"},
            {name.CN for name in joined.client.get_client_ca_list()},
        )

    def test_byName(self):
        """It makes no difference which certificate of the server the client has."""
        store = storeOf(
            names={"a.example": CertificatePair(server("a.example").pem)},
            clientCertificates="request",
            ca=authority().certificatePEM,
        )
        for identity, expected in (
            (client(), client().certificate),
            (self.BAD["expired"], None),
        ):
            joined = shakeHands(store, clientContext(identity=identity), b"a.example")
            self.assertEqual(server("a.example").certificate, presented(joined))
            self.assertEqual(expected, factsOf(joined.server).peerCertificate)


class ResumptionTests(FilesTestCase):
    """Sessions that are resumed."""

    def resume(
        self,
        store: CertificateStore,
        context: ssl.SSLContext,
        servername: bytes | None = None,
    ) -> tuple[bool, SSL.Connection]:
        """
        Connect twice.

        @return: whether the second was a resumption, and the server's second connection
        """
        first = shakeHands(store, context, servername)
        assert isinstance(first.client, StandardConnection)
        session = first.client.ssl.session
        second = shakeHands(store, context, servername, session)
        assert isinstance(second.client, StandardConnection)
        return bool(second.client.ssl.session_reused), second.server

    def clientFile(self, identity: Identity) -> str:
        return self.write("client.pem", identity.pem)

    def test_resumed(self):
        """A session is resumed, and the name that was asked for is still known."""
        store = storeOf(names={"a.example": CertificatePair(server("a.example").pem)})
        for version in VERSIONS.values():
            for name in (None, b"a.example", b"b.example"):
                resumed, connection = self.resume(store, standardContext(version), name)
                self.assertTrue(resumed)
                servername = factsOf(connection).servername
                self.assertEqual(name, servername and servername.encode())

    def test_lifetime(self):
        """It can be resumed for five minutes."""
        context = serverOf(storeOf()).get_context()
        self.assertEqual(300, context.get_timeout())

    def test_required(self):
        """The certificate that was verified is that of the session resumed."""
        store = storeOf(clientCertificates="require", ca=authority().certificatePEM)
        path = self.clientFile(client())
        for version in VERSIONS.values():
            resumed, connection = self.resume(store, standardContext(version, path))
            self.assertTrue(resumed)
            self.assertEqual(client().certificate, factsOf(connection).peerCertificate)

    def test_requested(self):
        """
        Where a bad certificate is let in nothing is resumed, and it stays as good as
        none; a good one is verified again.
        """
        store = storeOf(clientCertificates="request", ca=authority().certificatePEM)
        bad = selfSigned("c.example")
        for version in VERSIONS.values():
            for identity, expected in ((bad, None), (client(), client().certificate)):
                path = self.clientFile(identity)
                resumed, connection = self.resume(store, standardContext(version, path))
                self.assertFalse(resumed)
                self.assertEqual(expected, factsOf(connection).peerCertificate)

    def test_notAfterReload(self):
        """A session does not outlast those who had verified its client."""
        ca = self.write("ca.pem", authority().certificatePEM)
        store = storeOf(clientCertificates="require", ca=ca)
        path = self.clientFile(client())
        for version in VERSIONS.values():
            context = standardContext(version, path)
            first = shakeHands(store, context)
            assert isinstance(first.client, StandardConnection)
            store.reload()
            second = shakeHands(store, context, None, first.client.ssl.session)
            assert isinstance(second.client, StandardConnection)
            self.assertFalse(second.client.ssl.session_reused)
