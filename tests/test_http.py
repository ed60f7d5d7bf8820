"""
Tests of smtpsession.delivery.http, with an agent in memory.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

from smtpsession import (
    MessageAborted,
    MessageTooLarge,
    SMTPAddress,
    SMTPEnvelope,
    SMTPError,
    SMTPSession,
)
from smtpsession.delivery import http as module
from smtpsession.delivery.http import (
    HTTP,
    MAX_RESPONSE,
    RESPONSE_TIME,
    describe,
    refusal,
)
from smtpsession.stream import MessageStream
from tests.deliveries import MESSAGE, newSession, newStream
from tests.streams import Collector, finish

#: Statuses as the manual has them.
STATUSES = [
    *((status, None) for status in (200, 201, 202, 204, 299)),
    *((status, "554 5.6.0") for status in (400, 401, 403, 404, 410, 413, 422, 499)),
    *((status, "451 4.3.0") for status in (408, 425, 429, 431)),
    *((status, "451 4.3.0") for status in (300, 301, 302, 307, 308, 304)),
    *((status, "451 4.3.0") for status in (500, 501, 502, 503, 504, 599)),
    *((status, "451 4.3.0") for status in (100, 199, 600, 0)),
]

TRACE = (
    b"Received: from client (client.example.com [192.0.2.1])\r\n"
    b"\tby mx.example.org with ESMTP id session.0\r\n"
    b"\tfor <bob@example.org>;\r\n"
    b"\tSun, 09 Sep 2001 01:46:40 +0000\r\n"
)


@implementer(IResponse)
class FakeResponse:
    """
    A response whose body is what a test gives.

    @ivar lost: whether its connection has been let go
    """

    version = (b"HTTP", 1, 1)
    phrase = b"Whatever"
    length = 0
    request = previousResponse = None

    def __init__(self, code: int) -> None:
        self.code = code
        self.headers = Headers()
        self.protocol: Any = None
        self.lost = False

    def deliverBody(self, protocol: Any) -> None:
        self.protocol = protocol
        protocol.makeConnection(self)

    def setPreviousResponse(self, response: object) -> None:
        raise AssertionError("nothing is redirected")

    def loseConnection(self) -> None:
        if not self.lost:
            self.lost = True
            self.end()

    def end(self) -> None:
        self.protocol.connectionLost(Failure(ResponseFailed([])))


@implementer(IAgent)
class FakeAgent:
    """
    Takes one request after the other, and answers when a test says so.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.cancelled = 0

    def request(
        self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        self.answer: Deferred[Any] = Deferred(self._cancel)
        self.collector = Collector()
        self.body = bodyProducer
        self.requests.append({"method": method, "uri": uri, "headers": headers})
        return self.answer

    def _cancel(self, answer: Deferred[Any]) -> None:
        self.cancelled += 1

    def connect(self) -> Deferred[None]:
        """The connection is there."""
        sent: Deferred[None] = self.body.startProducing(self.collector)
        return sent.addErrback(self._breakOff)

    def _breakOff(self, failure: Failure) -> None:
        if not self.answer.called:
            self.answer.errback(ResponseFailed([failure]))

    def respond(self, code: int) -> FakeResponse:
        response = FakeResponse(code)
        self.answer.callback(response)
        return response

    @property
    def received(self) -> bytes:
        return b"".join(self.collector.chunks)


class HTTPTestCase(SynchronousTestCase):
    """A destination whose server has 100 seconds."""

    def setUp(self) -> None:
        self.patch(module, "deferToThread", maybeDeferred)
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.agent = FakeAgent()
        self.http = self.httpOf()

    def httpOf(self, **options: Any) -> HTTP:
        given = {
            "reactor": self.clock,
            "hostname": "mx.example.org",
            "url": "https://hooks.example.org/mail?token=secret",
            "timeout": 100,
            "agent": self.agent,
            **options,
        }
        return HTTP(**given)

    def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession | None = None,
        http: HTTP | None = None,
    ) -> Deferred[None]:
        session = session or newSession()
        recipients = session.envelope.rcptTo
        delivery = (http or self.http).deliver(stream, session, recipients)
        return Deferred.fromCoroutine(delivery)

    def header(self, name: str) -> str | None:
        """A header of the last request."""
        headers = self.agent.requests[-1]["headers"]
        found: list[str] = headers.getRawHeaders(name, [])
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def replyTo(self, delivery: Deferred[None]) -> str:
        return str(self.failureResultOf(delivery, SMTPError).value)

    def assertIdle(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])


class RequestTests(HTTPTestCase):
    """What the server gets."""

    def test_request(self) -> None:
        """
        A message is the body of a POST, with a trace header in front, as it arrives.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        [request] = self.agent.requests
        self.assertEqual(request["method"], b"POST")
        self.assertEqual(request["uri"], b"https://hooks.example.org/mail?token=secret")
        sent = self.agent.connect()
        for chunk in (b"one", b"two"):
            stream.feed(chunk)
            self.assertTrue(self.agent.received.endswith(chunk))
        self.assertNoResult(sent)
        finish(stream)
        self.successResultOf(sent)
        self.assertEqual(self.agent.received, TRACE + b"onetwo")
        self.assertNoResult(delivery)
        response = self.agent.respond(200)
        self.assertIsNone(self.successResultOf(delivery))
        response.end()
        self.assertIdle()

    def test_headers(self) -> None:
        """
        The headers say what the body is, whose it is and for whom.
        """
        session = newSession("a@example.org", '"b, c"@example.org', transaction=3)
        self.deliver(newStream(MESSAGE), session)
        self.assertEqual(self.header("Content-Type"), "message/rfc822")
        self.assertEqual(self.header("SMTPSession-Id"), "session.3")
        self.assertEqual(self.header("SMTPSession-Mail-From"), '"alice@example.com"')
        found = json.loads(f"[{self.header('SMTPSession-Rcpt-To')}]")
        self.assertEqual(found, ["a@example.org", '"b, c"@example.org'])
        text = base64.urlsafe_b64decode(self.header("SMTPSession-Session") or "")
        self.assertEqual(json.loads(text), {**session.asDict(), "recipients": found})
        self.assertIsNone(self.header("SMTPSession-Signature"))

    def test_ascii(self) -> None:
        """
        Whatever the session has, the headers are ASCII, on one line each.
        """
        session = newSession("jörg@bücher.example", user="a\r\nX-Evil: \0\udcff")
        session.envelope.mailFrom = SMTPAddress("")
        found = describe(session, session.envelope.rcptTo)
        for name, value in found.items():
            self.assertTrue(value.isascii() and value.isprintable(), name)
        self.assertEqual(found["SMTPSession-Mail-From"], '""')
        self.assertEqual(
            json.loads(found["SMTPSession-Rcpt-To"]), "jörg@bücher.example"
        )

    def test_idempotency(self) -> None:
        """
        The key is the same for a message and its recipients, and no other.
        """
        first = newSession("a@example.org")
        second = newSession("a@example.org", transaction=1)
        third = newSession("b@example.org")
        keys = [
            describe(each, each.envelope.rcptTo)["Idempotency-Key"]
            for each in (first, first, second, third)
        ]
        self.assertEqual(keys[0], keys[1])
        self.assertEqual(len(set(keys)), 3)
        self.assertTrue(keys[0].startswith("session.0."))

    def test_ownHeaders(self) -> None:
        """
        There may be more headers, but those of ours say what they say.
        """
        http = self.httpOf(
            headers={"Authorization": "Bearer x", "SMTPSession-Id": "wrong"}
        )
        self.deliver(newStream(MESSAGE), http=http)
        self.assertEqual(self.header("Authorization"), "Bearer x")
        self.assertEqual(self.header("SMTPSession-Id"), "session.0")

    def test_noCookies(self) -> None:
        """
        What the server wants to be remembered for one message is forgotten.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.agent.connect()
        response = FakeResponse(200)
        response.headers.setRawHeaders("Set-Cookie", ["a=b"])
        self.agent.answer.callback(response)
        self.successResultOf(delivery)
        self.deliver(newStream(MESSAGE))
        self.assertIsNone(self.header("Cookie"))


class SignatureTests(HTTPTestCase):
    """With a secret."""

    def setUp(self) -> None:
        super().setUp()
        self.http = self.httpOf(secret="sécret")

    def test_signature(self) -> None:
        """
        The message is taken whole, and then sent with its length and a signature of
        everything that counts.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE)
        self.assertEqual(self.agent.requests, [])
        self.clock.advance(1000)
        finish(stream)
        body = TRACE + MESSAGE
        self.assertEqual(self.agent.body.length, len(body))
        self.agent.connect()
        self.clock.advance(0)
        self.assertEqual(self.agent.received, body)
        signed = (
            f"1000001000.{self.header('Idempotency-Key')}."
            f"{self.header('SMTPSession-Session')}."
        ).encode() + body
        expected = hmac.new("sécret".encode(), signed, hashlib.sha256).hexdigest()
        self.assertEqual(
            self.header("SMTPSession-Signature"), f"t=1000001000,v1={expected}"
        )
        self.agent.respond(204).end()
        self.successResultOf(delivery)
        self.assertIdle()

    def test_octets(self) -> None:
        """
        A secret may be octets, and gives another signature than another.
        """
        found = set()
        for secret in (b"\xff", b"\xfe", "x"):
            self.deliver(newStream(MESSAGE), http=self.httpOf(secret=secret))
            found.add(self.header("SMTPSession-Signature"))
        self.assertEqual(len(found), 3)

    def test_incomplete(self) -> None:
        """
        The server hears nothing of a message that does not come whole.
        """
        for failure in (MessageAborted(), MessageTooLarge(5)):
            stream = newStream()
            delivery = self.deliver(stream)
            stream.feed(MESSAGE)
            stream.fail(failure)
            self.failureResultOf(delivery, type(failure))
        self.assertEqual(self.agent.requests, [])

    def test_full(self) -> None:
        """
        A full disk is 452, and any other error of it comes out.
        """
        for number, expected in (
            (errno.ENOSPC, SMTPError),
            (errno.EDQUOT, SMTPError),
            (errno.EIO, OSError),
        ):
            self.patch(module, "sign", self.failing(OSError(number, "private")))
            delivery = self.deliver(newStream(MESSAGE))
            error = self.failureResultOf(delivery, expected).value
            if expected is SMTPError:
                self.assertEqual(str(error), "452 4.3.1 Insufficient system storage")

    def failing(self, error: Exception) -> Callable[..., Any]:
        def fail(*ignored: Any) -> None:
            raise error

        return fail


class AnswerTests(HTTPTestCase):
    """What becomes of the message."""

    def test_table(self) -> None:
        """
        Every status is a reply, or accepts.
        """
        for status, expected in STATUSES:
            reply = refusal(status)
            found = None if reply is None else f"{reply.code} {reply.enhanced}"
            self.assertEqual(found, expected, status)

    def test_refused(self) -> None:
        """
        The client is told nothing of the server, and the log nothing of the query.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.agent.connect()
        with capturedLogs() as logged:
            self.agent.respond(404)
        self.assertEqual(self.replyTo(delivery), "554 5.6.0 Message not acceptable")
        self.assertEqual(
            formatEvent(logged[0]),
            "session.0 https://hooks.example.org/mail has answered 404",
        )

    def test_early(self) -> None:
        """
        A server that has said yes before it has the message has not accepted it.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.agent.connect()
        with capturedLogs() as logged:
            self.agent.respond(200).end()
            stream.feed(MESSAGE)
            self.assertNoResult(delivery)
            finish(stream)
        self.assertIn("451 4.3.0", self.replyTo(delivery))
        self.assertIn("before the message's end", str(formatEvent(logged[0])))
        self.assertIdle()

    def test_earlyRefusal(self) -> None:
        """
        One that has said no may hang up.
        """
        delivery = self.deliver(newStream())
        self.agent.connect()
        self.agent.respond(413).end()
        self.agent.body.stopProducing()
        self.assertIn("554 5.6.0", self.replyTo(delivery))
        self.assertIdle()

    def test_earlyAndStuck(self) -> None:
        """
        One that has said no and then takes no more is not waited for for long.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.agent.connect()
        self.agent.respond(413).end()
        stream.feed(MESSAGE)
        self.agent.body.pauseProducing()
        self.clock.advance(100)
        self.assertIn("554 5.6.0", self.replyTo(delivery))
        self.assertIdle()

    def test_noAnswer(self) -> None:
        """
        Whatever goes wrong with the connection is 451, and logged.
        """
        failures: list[tuple[Exception, str]] = [
            (
                ConnectionRefusedError(),
                "ConnectionRefusedError: Connection was refused",
            ),
            (
                ResponseFailed([Failure(ValueError("bad\nstatus"))]),
                "ResponseFailed: ValueError: bad status",
            ),
        ]
        for error, expected in failures:
            delivery = self.deliver(newStream(MESSAGE))
            with capturedLogs() as logged:
                self.agent.answer.errback(error)
            self.assertEqual(
                self.replyTo(delivery), "451 4.4.1 No answer from the next system"
            )
            self.assertIn(expected, str(formatEvent(logged[0])))
            self.assertIdle()

    def test_rest(self) -> None:
        """
        The body of the response is dropped, and does not delay anything.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.agent.connect()
        response = self.agent.respond(200)
        self.successResultOf(delivery)
        response.protocol.dataReceived(b"x" * MAX_RESPONSE)
        self.assertFalse(response.lost)
        response.end()
        self.assertIdle()

    def test_restWithoutEnd(self) -> None:
        """
        If there is too much of it, or if it takes too long, the connection is closed.
        """
        for code in (200, 500):
            for part in (lambda: None, lambda: self.clock.advance(RESPONSE_TIME)):
                delivery = self.deliver(newStream(MESSAGE))
                self.agent.connect()
                response = self.agent.respond(code)
                part()
                response.protocol.dataReceived(b"x" * (MAX_RESPONSE + 1))
                self.assertTrue(response.lost)
                self.assertTrue(delivery.called)
                delivery.addErrback(lambda ignored: None)
                self.assertIdle()


class TimeTests(HTTPTestCase):
    """A server that does not answer, and clients that are slow."""

    def assertOverdue(self, delivery: Deferred[None]) -> None:
        self.clock.advance(99)
        self.assertNoResult(delivery)
        with capturedLogs() as logged:
            self.clock.advance(1)
        self.assertEqual(self.agent.cancelled, 1)
        self.assertIn("451 4.4.1", self.replyTo(delivery))
        self.assertIn("has not answered: took too long", str(formatEvent(logged[0])))
        self.assertIdle()

    def test_connection(self) -> None:
        """
        A connection that does not come about is given up.
        """
        self.assertOverdue(self.deliver(newStream()))

    def test_body(self) -> None:
        """
        So is a server that does not take the message.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.agent.connect()
        stream.feed(MESSAGE)
        self.agent.body.pauseProducing()
        self.assertOverdue(delivery)

    def test_answer(self) -> None:
        """
        So is one that does not answer.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.agent.connect()
        self.assertOverdue(delivery)

    def test_signed(self) -> None:
        """
        With a signature all that has to be done within the time.
        """
        delivery = self.deliver(newStream(MESSAGE), http=self.httpOf(secret="x"))
        self.assertOverdue(delivery)

    def test_slowClient(self) -> None:
        """
        A slow client is waited for.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.agent.connect()
        for _ in range(5):
            self.clock.advance(1000)
            stream.feed(b"x")
        finish(stream)
        self.clock.advance(99)
        self.agent.respond(200).end()
        self.successResultOf(delivery)
        self.assertIdle()


class LeavingTests(HTTPTestCase):
    """Messages that do not come whole."""

    def test_failed(self) -> None:
        """
        The request breaks off, and the client is told what is wrong with the message.
        """
        for failure in (MessageAborted(), MessageTooLarge(5)):
            stream = newStream()
            delivery = self.deliver(stream)
            self.agent.connect()
            stream.feed(MESSAGE)
            stream.fail(failure)
            self.failureResultOf(delivery, type(failure))
            self.assertIdle()

    def test_cancelled(self) -> None:
        """
        So it does when the client leaves, in whatever state the request is.
        """
        for chunks, connected in (((), False), ((), True), ((MESSAGE,), True)):
            delivery = self.deliver(newStream(*chunks))
            if connected:
                self.agent.connect()
            cancelled = self.agent.cancelled
            with capturedLogs() as logged:
                delivery.cancel()
                self.failureResultOf(delivery, CancelledError)
            self.assertEqual(self.agent.cancelled, cancelled + 1)
            self.assertEqual(logged, [])
            self.assertIdle()

    def test_cancelledBefore(self) -> None:
        """
        With a secret nothing has been sent by then.
        """
        delivery = self.deliver(newStream(), http=self.httpOf(secret="x"))
        delivery.cancel()
        self.failureResultOf(delivery, CancelledError)
        self.assertEqual(self.agent.requests, [])

    def test_cancelledAfterAnswer(self) -> None:
        """
        An early answer does not keep anybody.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.agent.connect()
        self.agent.respond(500).end()
        delivery.cancel()
        self.failureResultOf(delivery, CancelledError)
        stream.fail(MessageAborted())
        self.assertIdle()


class OptionsTests(HTTPTestCase):
    """How it is made."""

    def test_urls(self) -> None:
        """
        Only a URL of a web server will do, and it has no password.
        """
        for url in (
            *("", "x", "http:", "http://", "https:///x", "ftp://example.org"),
            *("http://:80/", "https://alice:secret@example.org/", "http://a@b/"),
            "http://[::1",
        ):
            self.assertRaises(ValueError, self.httpOf, url=url)
        for url in ("http://localhost:8080", "HTTPS://[::1]/x?y=z"):
            self.httpOf(url=url)

    def test_emptySecret(self) -> None:
        """
        A secret that anybody could guess is none.
        """
        for secret in ("", b""):
            self.assertRaises(ValueError, self.httpOf, secret=secret)

    def test_withoutTreq(self) -> None:
        """
        Who has not installed treq is told how.
        """
        installed = sys.modules["treq.client"]
        self.addCleanup(sys.modules.__setitem__, "treq.client", installed)
        sys.modules["treq.client"] = None  # type: ignore[assignment]
        error = self.assertRaises(ValueError, self.httpOf)
        self.assertEqual(
            str(error), "delivery by HTTP needs treq: pip install 'smtpsession[http]'"
        )

    def test_recipients(self) -> None:
        """
        A message has as many recipients as are allowed.
        """
        for http, limit in ((self.http, 25), (self.httpOf(recipients=100), 100)):
            session = SMTPSession(envelope=SMTPEnvelope())
            bob = SMTPAddress("bob@example.org")
            for _ in range(limit):
                self.successResultOf(Deferred.fromCoroutine(http.accept(bob, session)))
                session.envelope.rcptTo.append(bob)
            refused = Deferred.fromCoroutine(http.accept(bob, session))
            self.assertEqual(self.replyTo(refused), "452 4.5.3 Too many recipients")

    def test_headerSize(self) -> None:
        """
        The usual number of recipients has a header that the usual servers take.
        """
        session = newSession(*[f"somebody-{n}@mail{n}.example.org" for n in range(25)])
        for header in describe(session, session.envelope.rcptTo).values():
            self.assertLess(len(header), 7000)

    def test_stop(self) -> None:
        """
        It can be stopped, and has an agent of its own.
        """
        http = self.httpOf(agent=None)
        self.successResultOf(Deferred.fromCoroutine(http.stop()))

    def test_stopReading(self) -> None:
        """
        A response that has no end does not keep it from that.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.agent.connect()
        response = self.agent.respond(200)
        self.successResultOf(delivery)
        self.assertFalse(response.lost)
        self.successResultOf(Deferred.fromCoroutine(self.http.stop()))
        self.assertTrue(response.lost)
        self.assertIdle()
