"""
SCRAM that is bound to its TLS connection, on real sockets: each client computes the
binding from its own end of TLS.
"""

from __future__ import annotations

import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from OpenSSL import SSL
from scramp import ScramClient as Scramp  # type: ignore[import-untyped]

from smtpsession import ScramAuth, ScramKeys, SMTPSession
from smtpsession.certificates import CertificateStore
from smtpsession.sasl.exchange import Challenge
from smtpsession.sasl.gs2 import GS2Header
from tests.certificates import selfSigned
from tests.exchanges import ScramClient
from tests.handshakes import clientContext
from tests.integration.secure import Client, certificate
from tests.integration.support import KeepingServer, NetworkTestCase, localOptions

ACCEPTED = "235 2.7.0 Authentication succeeded"
FAILED = "535 5.7.8 Authentication failed"
NOT_OFFERED = "504 5.5.4 Mechanism not offered"

HASHES = ("SHA-256", "SHA-1")
KEYS = {name: ScramKeys.derive("sesame", name, iterations=4096) for name in HASHES}
PLUS = tuple(f"SCRAM-{name}-PLUS" for name in HASHES)

EXPORTER, END_POINT = "tls-exporter", "tls-server-end-point"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Submission(KeepingServer):
    """
    Lets bob in by his keys, and nobody else.

    @ivar sessions: of each connection
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sessions: list[SMTPSession] = []

    def onConnect(self, session: SMTPSession) -> None:
        self.sessions.append(session)

    async def onAuth(self, auth: Any, session: SMTPSession) -> str | None:
        assert isinstance(auth, ScramAuth)
        isRight = await auth.validateKeys(KEYS[auth.hashName])
        return auth.username if isRight and auth.username == "bob" else None


class BoundTestCase(NetworkTestCase):
    """Clients that log in over TLS."""

    async def connect(self, pem: bytes | None = None, tls: str = "required") -> Client:
        """
        A client of a new server that is about to begin TLS.

        @param pem: the server's key and certificate
        """
        self.factory = Submission(
            options=localOptions(
                certificates=CertificateStore(pem or certificate()),
                tls=tls,
                auth="required",
                mechanisms=(*PLUS, "SCRAM-SHA-256", "SCRAM-SHA-1"),
            )
        )
        client = Client((await self.listen(self.factory)).getHost().port)
        self.addCleanup(lambda: client.socket.close())
        if tls != "implicit":
            await client.reply()
            await self.say(client, "EHLO client.example.com")
            await self.say(client, "STARTTLS")
        return client

    async def exporting(
        self, version: int = SSL.TLS1_3_VERSION, **arguments: Any
    ) -> tuple[Client, bytes]:
        """A secure client, and what its exporter gives."""
        client = await self.connect(**arguments)
        connection = await client.secureBy(clientContext(version))
        if arguments.get("tls") == "implicit":
            await client.reply()
        exported = connection.export_keying_material(
            b"EXPORTER-Channel-Binding", 32, b""
        )
        return client, exported

    async def verifying(self, version: ssl.TLSVersion) -> Client:
        """A client that has checked the certificate of the server, and said EHLO."""
        client = await self.connect()
        await client.secure(version)
        await self.say(client, "EHLO client.example.com")
        return client

    async def say(self, client: Client, line: str) -> str:
        """Say this, and give the last line of the reply."""
        await client.send(f"{line}\r\n".encode())
        return (await client.reply()).decode().removesuffix("\r\n")

    async def offer(self, client: Client) -> set[str]:
        """The mechanisms that the client is offered after EHLO."""
        await client.send(b"EHLO client.example.com\r\n")
        while True:
            line = (await client.line()).decode().removesuffix("\r\n")
            if line[4:9] == "AUTH ":
                offered = set(line[9:].split())
            if line[3:4] == " ":
                return offered

    async def login(
        self,
        client: Client,
        mechanism: str,
        first: bytes,
        *responses: Callable[[bytes], bytes],
    ) -> str:
        """
        Go through an exchange.

        @param responses: what is said to one challenge after the other
        @return: what the server says in the end
        """
        said = await self.say(client, f"AUTH {mechanism} {_encoded(first)}")
        remaining = iter(responses)
        while said.startswith("334 "):
            respond = next(remaining)
            said = await self.say(client, _encoded(respond(b64decode(said[4:]))))
        return said

    async def prove(
        self, client: Client, mechanism: str, header: GS2Header, data: bytes = b""
    ) -> str:
        """
        Log in as bob.

        @param data: of the channel binding that the header names
        """
        hashName = mechanism.removeprefix("SCRAM-").removesuffix("-PLUS")
        scram = ScramClient("bob", "sesame", hashName, header, data)
        return await self.login(
            *(client, mechanism, scram.first()),
            lambda challenge: scram.final(Challenge(challenge)),
            lambda challenge: b"",
        )

    async def proveByScramp(
        self, client: Client, mechanism: str, binding: tuple[str, Any]
    ) -> str:
        """
        Have scramp log in as bob; it also checks that the server knows his keys.

        @param binding: its type, and its data or the socket to compute that of
        """
        scram = Scramp([mechanism], "bob", "sesame", binding)

        def final(challenge: bytes) -> bytes:
            scram.set_server_first(challenge.decode())
            message: str = scram.get_client_final()
            return message.encode()

        def check(challenge: bytes) -> bytes:
            scram.set_server_final(challenge.decode())
            return b""

        first = scram.get_client_first().encode()
        return await self.login(client, mechanism, first, final, check)

    def assertUser(self, user: str | None, mechanism: str | None) -> None:
        """This is whom the last client is taken for, and how it came to be known."""
        session = self.factory.sessions[-1]
        self.assertEqual((session.user, session.authMethod), (user, mechanism))


class ExporterTests(BoundTestCase):
    """The binding tls-exporter, RFC 9266."""

    async def test_bound(self) -> None:
        """
        With TLS 1.3 a client that binds by its exporter is let in, after STARTTLS and
        with implicit TLS.
        """
        for tls in ("required", "implicit"):
            for mechanism in PLUS:
                client, exported = await self.exporting(tls=tls)
                self.assertIn(mechanism, await self.offer(client))
                header = GS2Header("p", EXPORTER)
                said = await self.prove(client, mechanism, header, exported)
                self.assertEqual(said, ACCEPTED)
                self.assertUser("bob", mechanism)

    async def test_another(self) -> None:
        """
        Who passes on what was said in another connection is refused.
        """
        _, another = await self.exporting()
        client, exported = await self.exporting()
        self.assertNotEqual(another, exported)
        await self.offer(client)
        header = GS2Header("p", EXPORTER)
        said = await self.prove(client, PLUS[0], header, another)
        self.assertEqual(said, FAILED)
        self.assertUser(None, None)

    async def test_older(self) -> None:
        """
        With TLS 1.2 there is no such binding, whatever the exporter gives.
        """
        client, exported = await self.exporting(SSL.TLS1_2_VERSION)
        await self.offer(client)
        header = GS2Header("p", EXPORTER)
        said = await self.prove(client, PLUS[0], header, exported)
        self.assertEqual(said, FAILED)


class EndPointTests(BoundTestCase):
    """The binding tls-server-end-point, RFC 5929, as scramp computes it."""

    async def test_bound(self) -> None:
        """
        With both versions of TLS a client that binds by the server's certificate is let
        in.
        """
        for version in VERSIONS:
            for mechanism in PLUS:
                client = await self.verifying(version)
                binding = (END_POINT, client.socket)
                said = await self.proveByScramp(client, mechanism, binding)
                self.assertEqual(said, ACCEPTED)
                self.assertUser("bob", mechanism)

    async def test_another(self) -> None:
        """
        One that has seen another certificate is refused.
        """
        seen = selfSigned("127.0.0.1").certificate
        algorithm = seen.signature_hash_algorithm
        assert algorithm is not None
        for version in VERSIONS:
            client = await self.verifying(version)
            binding = (END_POINT, seen.fingerprint(algorithm))
            said = await self.proveByScramp(client, PLUS[0], binding)
            self.assertEqual(said, FAILED)
            self.assertUser(None, None)


class DowngradeTests(BoundTestCase):
    """Somebody on the way has taken -PLUS out of the offer."""

    async def test_noticed(self) -> None:
        """
        A client that would bind, and was told that it cannot, is refused.
        """
        for version in VERSIONS:
            client = await self.verifying(version)
            binding = (END_POINT, client.socket)
            said = await self.proveByScramp(client, "SCRAM-SHA-256", binding)
            self.assertEqual(said, FAILED)
            self.assertUser(None, None)

    async def test_withoutBinding(self) -> None:
        """
        One that knows of no binding is let in beside the offer.
        """
        client, _ = await self.exporting()
        self.assertLessEqual(set(PLUS), await self.offer(client))
        said = await self.prove(client, "SCRAM-SHA-256", GS2Header("n"))
        self.assertEqual(said, ACCEPTED)


class NoBindingTests(BoundTestCase):
    """A certificate without a hash function of its own, RFC 5929, section 4.1."""

    def setUp(self) -> None:
        self.pem = selfSigned("127.0.0.1", Ed25519PrivateKey.generate()).pem

    async def test_notOffered(self) -> None:
        """
        With TLS 1.2 there is no binding at all: no -PLUS is offered nor taken, and a
        client that would bind is let in without.
        """
        client, _ = await self.exporting(SSL.TLS1_2_VERSION, pem=self.pem)
        offered = await self.offer(client)
        self.assertEqual(offered, {"SCRAM-SHA-256", "SCRAM-SHA-1"})
        said = await self.prove(client, PLUS[0], GS2Header("p", END_POINT))
        self.assertEqual(said, NOT_OFFERED)
        said = await self.prove(client, "SCRAM-SHA-256", GS2Header("y"))
        self.assertEqual(said, ACCEPTED)

    async def test_exporter(self) -> None:
        """
        With TLS 1.3 there is still that of the exporter.
        """
        client, exported = await self.exporting(pem=self.pem)
        self.assertLessEqual(set(PLUS), await self.offer(client))
        header = GS2Header("p", EXPORTER)
        said = await self.prove(client, PLUS[0], header, exported)
        self.assertEqual(said, ACCEPTED)


def _encoded(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
