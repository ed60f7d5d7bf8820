"""
Delivery to real web servers.
"""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.threads import deferToThread
from twisted.protocols.policies import WrappingFactory
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from smtpsession import MessageAborted, SMTPError, SMTPServerFactory, SMTPSession
from smtpsession.delivery.http import HTTP
from smtpsession.stream import MessageStream
from tests.deliveries import newSession, newStream
from tests.integration.secure import certificate
from tests.integration.support import (
    LOCAL,
    MESSAGE,
    PATIENCE,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_vanishing import RCPT

LARGE = [b"x" * 998 + b"\r\n"] * 3000


class Hook(Resource):
    """
    Answers each request with what the test wants.

    @ivar requests: the headers and bodies of those that came whole
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.code, self.content, self.location = 200, b"done\n", ""
        self.requests: list[tuple[dict[bytes, bytes], bytes]] = []
        self.broken: Deferred[None] = Deferred()

    def render_POST(self, request: Request) -> Any:
        assert request.content is not None
        self.requests.append((request.getAllHeaders(), request.content.read()))
        request.setResponseCode(self.code)
        if self.location:
            request.setHeader("Location", self.location)
        return self.content


class Silent(Resource):
    """Takes a request, and says nothing."""

    isLeaf = True

    def render_POST(self, request: Request) -> Any:
        request.notifyFinish().addErrback(lambda ignored: None)
        return NOT_DONE_YET


class Scripted(Protocol):
    """
    A server that is none: it says something as soon as it has heard so much.

    @ivar heard: what came
    @ivar gone: fires when the connection is closed
    """

    connection: Any

    def __init__(self, answer: bytes, after: bytes, closes: bool) -> None:
        self.heard = b""
        self.gone: Deferred[None] = Deferred()
        self._answer, self._after, self._closes = answer, after, closes

    def makeConnection(self, transport: Any) -> None:
        self.connection = transport

    def dataReceived(self, data: bytes) -> None:
        before, self.heard = self.heard, self.heard + data
        if self._after in self.heard and self._after not in before:
            self.connection.write(self._answer)
            if self._closes:
                self.connection.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        self.gone.callback(None)


class HTTPTestCase(NetworkTestCase):
    """A web server of Twisted in this process."""

    async def serve(self, resource: Resource, endpoint: str = LOCAL) -> str:
        """Its URL."""
        factory = WrappingFactory(Site(resource))
        port: Any = await serverFromString(reactor, endpoint).listen(factory)
        self.addCleanup(self.until, lambda: not factory.protocols)
        self.addCleanup(port.stopListening)
        scheme = "https" if endpoint.startswith("ssl:") else "http"
        return f"{scheme}://127.0.0.1:{port.getHost().port}/hook?a=b"

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the reactor work until this is so."""
        for _ in range(PATIENCE * 1000):
            if holds():
                return
            await self.turn()
        self.fail("it never was")

    def turn(self) -> Deferred[None]:
        """Fires after the reactor has worked for a moment."""
        moment: Deferred[None] = Deferred()
        reactor.callLater(0.001, moment.callback, None)
        return moment

    async def scripted(
        self, answer: bytes, after: bytes = b"\r\n\r\n", closes: bool = True
    ) -> str:
        self.connections: list[Scripted] = []

        def build() -> Scripted:
            self.connections.append(Scripted(answer, after, closes))
            return self.connections[-1]

        factory = Factory.forProtocol(build)
        port: Any = await serverFromString(reactor, LOCAL).listen(factory)
        self.addCleanup(port.stopListening)
        return f"http://127.0.0.1:{port.getHost().port}/"

    def http(self, url: str, **options: Any) -> HTTP:
        http = HTTP(
            reactor=reactor,
            hostname="mx.example.org",
            url=url,
            **{"timeout": PATIENCE, **options},
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(http.stop()))
        return http

    async def deliver(self, http: HTTP, *chunks: bytes) -> None:
        session = newSession()
        stream = newStream(*chunks)
        await http.deliver(stream, session, session.envelope.rcptTo)

    async def replyTo(self, http: HTTP, *chunks: bytes) -> str:
        """The reply by which a message is refused."""
        delivery: Deferred[Any] = Deferred.fromCoroutine(self.deliver(http, *chunks))
        error = await self.assertFailure(delivery, SMTPError)
        return str(error)


class ServerTests(HTTPTestCase):
    """Servers that answer."""

    async def test_delivered(self) -> None:
        """
        Every octet of the message arrives, one message after the other.
        """
        hook = Hook()
        http = self.http(await self.serve(hook))
        for chunks in ([MESSAGE], LARGE, [MESSAGE]):
            await self.deliver(http, *chunks)
            headers, body = hook.requests[-1]
            self.assertHandedOn(body, b"".join(chunks))
            self.assertEqual(headers[b"content-type"], b"message/rfc822")
            self.assertEqual(headers[b"transfer-encoding"], b"chunked")
        self.assertEqual(len(hook.requests), 3)

    async def test_signed(self) -> None:
        """
        So it does with a signature, that the server can check.
        """
        hook = Hook()
        http = self.http(await self.serve(hook), secret="secret")
        for chunks in ([MESSAGE], LARGE):
            await self.deliver(http, *chunks)
            headers, body = hook.requests[-1]
            self.assertHandedOn(body, b"".join(chunks))
            self.assertEqual(int(headers[b"content-length"]), len(body))
            time, _, code = headers[b"smtpsession-signature"].partition(b",v1=")
            key, session = headers[b"idempotency-key"], headers[b"smtpsession-session"]
            signed = b".".join([time.removeprefix(b"t="), key, session, body])
            expected = hmac.new(b"secret", signed, hashlib.sha256).hexdigest()
            self.assertEqual(code.decode(), expected)

    async def test_statuses(self) -> None:
        """
        What the server answers is what the client is told.
        """
        hook = Hook()
        http = self.http(await self.serve(hook))
        for status, expected in (
            (404, "554 5.6.0 Message not acceptable"),
            (429, "451 4.3.0 Cannot be delivered now, try again later"),
            (500, "451 4.3.0 Cannot be delivered now, try again later"),
        ):
            hook.code = status
            self.assertEqual(await self.replyTo(http, MESSAGE), expected)
        hook.code, hook.content = 204, b""
        await self.deliver(http, MESSAGE)

    async def test_redirected(self) -> None:
        """
        A message goes where it is configured to go, and nowhere else.
        """
        hook, other = Hook(), Hook()
        hook.code, hook.location = 307, await self.serve(other)
        http = self.http(await self.serve(hook))
        self.assertIn("451 4.3.0", await self.replyTo(http, MESSAGE))
        self.assertEqual((len(hook.requests), len(other.requests)), (1, 0))

    async def test_longResponse(self) -> None:
        """
        A response that is too long is not read, and does no harm.
        """
        hook = Hook()
        hook.content = b"x" * 10_000_000
        http = self.http(await self.serve(hook))
        for _ in range(3):
            await self.deliver(http, MESSAGE)
        self.assertEqual(len(hook.requests), 3)

    async def test_manyRecipients(self) -> None:
        """
        The headers for as many recipients as a message has reach a server of Twisted.
        """
        hook = Hook()
        http = self.http(await self.serve(hook))
        session = newSession(*[f"somebody-{n}@mail{n}.example.org" for n in range(25)])
        stream = newStream(MESSAGE)
        await http.deliver(stream, session, session.envelope.rcptTo)
        headers, _ = hook.requests[0]
        self.assertEqual(headers[b"smtpsession-rcpt-to"].count(b"@"), 25)

    async def test_standardLibrary(self) -> None:
        """
        A server of other authors, in a thread, gets the same.
        """
        found: list[tuple[str, bytes]] = []

        class Receiver(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                found.append((self.headers["SMTPSession-Rcpt-To"], body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *ignored: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        http = self.http(f"http://127.0.0.1:{server.server_port}/", secret="x")
        try:
            for _ in range(2):
                await self.deliver(http, *LARGE)
        finally:
            await http.stop()
            await deferToThread(server.shutdown)
            server.server_close()
            await deferToThread(thread.join, PATIENCE)
        self.assertEqual(len(found), 2)
        for recipients, body in found:
            self.assertEqual(recipients, '"bob@example.org"')
            self.assertHandedOn(body, b"".join(LARGE))


class TLSTests(HTTPTestCase):
    """Servers with TLS."""

    async def serveSecurely(self, hook: Hook) -> str:
        path = self.makeFolder() / "server.pem"
        path.write_bytes(certificate())
        return await self.serve(
            hook, f"ssl:0:interface=127.0.0.1:privateKey={path}:certKey={path}"
        )

    def trusting(self) -> Agent:
        """An agent that trusts this server."""
        pool = HTTPConnectionPool(reactor, persistent=False)
        roots = trustRootFromCertificates([Certificate.loadPEM(certificate())])
        policy = BrowserLikePolicyForHTTPS(roots)
        return Agent(reactor, policy, pool=pool)

    async def test_verified(self) -> None:
        """
        A server with a good certificate gets messages of every size.
        """
        hook = Hook()
        url = await self.serveSecurely(hook)
        for options in ({}, {"secret": "x"}):
            http = self.http(url, agent=self.trusting(), **options)
            for chunks in ([MESSAGE], LARGE):
                await self.deliver(http, *chunks)
                self.assertHandedOn(hook.requests[-1][1], b"".join(chunks))

    async def test_notVerified(self) -> None:
        """
        One with a certificate that nobody vouches for gets nothing.
        """
        hook = Hook()
        http = self.http(await self.serveSecurely(hook))
        self.assertIn("451 4.4.1", await self.replyTo(http, MESSAGE))
        self.assertEqual(hook.requests, [])

    async def test_wrongName(self) -> None:
        """
        Nor does one with a certificate for another name.
        """
        hook = Hook()
        url = (await self.serveSecurely(hook)).replace("127.0.0.1", "localhost")
        http = self.http(url, agent=self.trusting())
        self.assertIn("451 4.4.1", await self.replyTo(http, MESSAGE))
        self.assertEqual(hook.requests, [])


class BrokenTests(HTTPTestCase):
    """Servers that do not do what they should."""

    async def test_refused(self) -> None:
        """
        Where nobody listens, the message is not accepted.
        """
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            http = self.http(f"http://127.0.0.1:{unused.getsockname()[1]}/")
            self.assertIn("451 4.4.1", await self.replyTo(http, MESSAGE))

    async def test_silent(self) -> None:
        """
        A server that does not answer is not waited for too long, with a signature or
        without.
        """
        url = await self.serve(Silent())
        for options in ({}, {"secret": "x"}):
            http = self.http(url, timeout=0.2, **options)
            self.assertIn("451 4.4.1", await self.replyTo(http, MESSAGE))

    async def test_stuck(self) -> None:
        """
        Nor is one that stops reading.
        """
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        for options in ({}, {"secret": "x"}):
            http = self.http(url, timeout=0.5, **options)
            self.assertIn("451 4.4.1", await self.replyTo(http, *LARGE * 5))

    async def test_nonsense(self) -> None:
        """
        What is no response does not accept anything.
        """
        for answer in (
            *(b"", b"\x00\xff\r\n\r\n", b"220 mx.example.org ESMTP ready\r\n"),
            *(b"HTTP/1.1 ", b"HTTP/1.1 2xx OK\r\n\r\n", b"HTTP/1.1 200"),
        ):
            http = self.http(await self.scripted(answer))
            self.assertIn("451 4.4.1", await self.replyTo(http, MESSAGE), answer)

    async def test_early(self) -> None:
        """
        One that accepts what it has not got yet has not accepted it.
        """
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        http = self.http(await self.scripted(answer))
        session, stream = newSession(), newStream()
        delivery: Deferred[Any] = Deferred.fromCoroutine(
            http.deliver(stream, session, session.envelope.rcptTo)
        )
        error = await self.assertFailure(delivery, SMTPError)
        self.assertIn("451 4.", str(error))

    async def test_earlyRefusal(self) -> None:
        """
        One that refuses before it has all of it, and hangs up, has refused; or it is
        a broken connection.
        """
        answer = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"
        http = self.http(await self.scripted(answer))
        session, stream = newSession(), newStream()
        delivery: Deferred[Any] = Deferred.fromCoroutine(
            http.deliver(stream, session, session.envelope.rcptTo)
        )
        error = await self.assertFailure(delivery, SMTPError)
        self.assertIn("554 5.6.0", str(error))

    async def test_keptConnection(self) -> None:
        """
        A connection that is kept and breaks later is no reason to refuse.
        """
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        http = self.http(await self.scripted(answer, b"0\r\n\r\n", closes=False))
        for number in range(3):
            await self.deliver(http, MESSAGE)
            self.connections[-1].connection.loseConnection()
            await self.connections[-1].gone
            await self.until(
                lambda: not any(
                    each.state == "QUIESCENT"
                    for kept in http._pool._connections.values()
                    for each in kept
                )
            )
            self.assertEqual(len(self.connections), number + 1)


class ClientTests(HTTPTestCase):
    """Through a server."""

    async def receive(self, http: HTTP, **options: Any) -> int:
        self.outcome: Deferred[Any] = Deferred()
        self.closed: Deferred[Any] = Deferred()

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            self.stream = stream
            try:
                await http.deliver(stream, session, session.envelope.rcptTo)
            finally:
                self.outcome.callback(None)

        factory = SMTPServerFactory(
            onData=onData,
            onClose=self.closed.callback,
            options=localOptions(reverseLookup=False, **options),
        )
        port = await self.listen(factory)
        number: int = port.getHost().port
        return number

    def connect(self, port: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(client.close)
        return client

    async def test_delivered(self) -> None:
        """
        The client is told 250 when the server has accepted.
        """
        hook = Hook()
        port = await self.receive(self.http(await self.serve(hook)))

        def send() -> dict[str, Any]:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                return client.sendmail(
                    "alice@example.com", ["bob@example.org"], MESSAGE
                )

        self.assertEqual(await deferToThread(send), {})
        await self.closed
        self.assertHandedOn(hook.requests[0][1], MESSAGE)

    async def test_leaves(self) -> None:
        """
        When the client leaves in the middle of the message, the connection breaks, and
        the server does not see the end of the request.
        """
        url = await self.scripted(b"", b"Hello.")
        heard = Scripted.dataReceived
        arrived: Deferred[None] = Deferred()

        def dataReceived(protocol: Scripted, data: bytes) -> None:
            protocol._closes = False
            heard(protocol, data)
            if b"Hello." in protocol.heard and not arrived.called:
                arrived.callback(None)

        self.patch(Scripted, "dataReceived", dataReceived)
        client = self.connect(await self.receive(self.http(url)))
        client.sendall(RCPT + b"DATA\r\nHello.\r\n")
        await arrived
        client.close()
        await self.outcome
        [connection] = self.connections
        await connection.gone
        await self.closed
        self.assertIn(b"Hello.", connection.heard)
        self.assertFalse(connection.heard.endswith(b"0\r\n\r\n"))

    async def test_tooLarge(self) -> None:
        """
        A message over the limit breaks off as well, and the client is told so.
        """
        hook = Hook()
        http = self.http(await self.serve(hook))
        port = await self.receive(http, messageSize=100_000)

        def send() -> int:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
                client.ehlo("x")
                client.mail("alice@example.com")
                client.rcpt("bob@example.org")
                return client.data(b"".join(LARGE))[0]

        self.assertEqual(await deferToThread(send), 552)
        await self.closed
        self.assertEqual(hook.requests, [])

    async def test_pace(self) -> None:
        """
        A server that does not read makes the client wait, and no more than so much of
        the message is held.
        """
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        port = await self.receive(self.http(url, timeout=1))
        client = self.connect(port)
        client.sendall(RCPT + b"DATA\r\n")
        client.setblocking(False)
        sent = 0
        while not self.outcome.called:
            try:
                sent += client.send(b"x" * 998 + b"\r\n")
            except BlockingIOError:
                pass
            await self.turn()
        self.assertLess(self.stream.byteLength, 20_000_000)
        client.close()
        await self.closed


class AbortedTests(HTTPTestCase):
    """Without a server of mail."""

    async def test_failed(self) -> None:
        """
        What the stream fails with is what the delivery fails with.
        """
        hook = Hook()
        http = self.http(await self.serve(hook))
        session, stream = newSession(), newStream()
        delivery: Deferred[Any] = Deferred.fromCoroutine(
            http.deliver(stream, session, session.envelope.rcptTo)
        )
        stream.feed(MESSAGE)
        stream.fail(MessageAborted())
        await self.assertFailure(delivery, MessageAborted)
        self.assertEqual(hook.requests, [])
