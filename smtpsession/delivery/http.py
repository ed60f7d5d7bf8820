# -*- test-case-name: tests.test_http -*-
"""
Delivery to a web server: each message is the body of a POST.

What the server answers is what becomes of the message:

===================  =========  ==============================================
status               reply      in short
===================  =========  ==============================================
2xx                  250        the message is safe
408, 425, 429, 431   451 4.3.0  not now
other 4xx            554 5.6.0  the message is not acceptable
3xx                  451 4.3.0  redirections are not followed
5xx, and any other   451 4.3.0  the server has failed
none                 451 4.4.1  no connection, no valid certificate, a broken
                                connection, no answer in time
===================  =========  ==============================================

A server that answers 2xx before it has been sent all of the message cannot have it:
that is 451 as well.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.iweb import IAgent, IResponse

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.bodies import Body, FileBody, StreamBody
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.patience import Patience
from smtpsession.errors import MessageError, SMTPError
from smtpsession.replies import (
    DELIVERY_DEFERRED,
    INSUFFICIENT_STORAGE,
    MESSAGE_REJECTED,
    NEXT_HOP_SILENT,
    TOO_MANY_RECIPIENTS,
    Reply,
)
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import messageId, received

#: How much of a response is read so that its connection can be used again, in octets,
#: and for how many seconds.
MAX_RESPONSE, RESPONSE_TIME = 65_536, 10

_LATER = {408, 425, 429, 431}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def refusal(status: int) -> Reply | None:
    """
    What the client is told.

    @param status: of the response
    @return: None where the message is accepted
    """
    if 200 <= status < 300:
        return None
    isFinal = 400 <= status < 500 and status not in _LATER
    return MESSAGE_REJECTED if isFinal else DELIVERY_DEFERRED


class HTTP(Destination):
    """
    Sends each message to a web server, as C{message/rfc822} with a trace header in
    front, while it arrives: the server sees the end of the request only when the
    message is whole, and otherwise a connection that breaks.

    The request says for whom the message is, in ASCII:

      - C{SMTPSession-Id}: what the message is called in the log
      - C{SMTPSession-Mail-From}: the reverse-path, as a string of JSON
      - C{SMTPSession-Rcpt-To}: the recipients, as strings of JSON with commas between
        them
      - C{SMTPSession-Session}: the whole session with the recipients as
        C{"recipients"}, as JSON in base64url
      - C{Idempotency-Key}: the identifier and a hash of the recipients, so that a
        message that reaches the server by two routes is not taken for one.  It is for
        proxies that repeat a request: nothing is sent twice from here, and a message
        that the client sends again, because it did not hear that it was accepted, has
        another key.

    With a secret, the message is first taken whole, into a file without a name, and the
    request has

      - C{SMTPSession-Signature}: C{t=1700000000,v1=hex}.  Here C{hex} is the
        HMAC-SHA256 with the secret over the time, the C{Idempotency-Key}, the
        C{SMTPSession-Session} as it stands in the header, each with a C{.} behind it,
        and the body.

    Who checks it compares in constant time, refuses a time that is more than some
    minutes away, and takes the sender and the recipients from the session only, for no
    other header is signed.

    With 25 recipients C{SMTPSession-Session} has less than the 8 KB that the usual
    servers allow for a header, and with 100 it has more than most of them take for all.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        reactor: Any,
        hostname: str,
        url: str,
        secret: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 120,
        connectTimeout: float = 30,
        recipients: int = 25,
        trustRoot: Any = None,
        agent: IAgent | None = None,
    ) -> None:
        """
        @param reactor: it connects, and has the time
        @param hostname: our own name, for traces
        @param url: where to post to; the certificate of C{https} is verified
        @param secret: what requests are signed with
        @param headers: more headers, such as C{Authorization}
        @param timeout: for how many seconds the server may take nothing of the message,
            and how many it may have for its answer; with a secret, for all together
        @param connectTimeout: how many seconds a connection may take
        @param recipients: how many a message may have; a client brings the others with
            another message.  RFC 5321, section 4.5.3.1.8 wants 100 at the least: where
            the server takes such headers, this is to be said here.
        @param trustRoot: whose word on certificates is good; None for those whom the
            platform trusts
        @param agent: what makes requests, instead of one of our own
        @raise ValueError: the URL is none, the secret is empty, or C{treq} is missing
        """
        checkURL(url)
        if secret is not None and not secret:
            raise ValueError("an empty secret signs nothing")
        self._client = _importClient()
        self._reactor, self._hostname, self._url = reactor, hostname, url
        self._secret = secret.encode("utf-8") if isinstance(secret, str) else secret
        self._headers = dict(headers or {})
        self._timeout, self._recipients = timeout, recipients
        self._rests: set[_Rest] = set()
        self._pool = HTTPConnectionPool(reactor)
        self._agent = agent or Agent(
            reactor,
            BrowserLikePolicyForHTTPS(trustRoot),
            connectTimeout,
            pool=self._pool,
        )

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        """
        @raise SMTPError: there are as many recipients as are allowed
        """
        if len(session.envelope.rcptTo) >= self._recipients:
            raise SMTPError.saying(TOO_MANY_RECIPIENTS)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> None:
        """
        @raise SMTPError: the server has not accepted
        @raise MessageError: the message did not come whole
        """
        trace = received(session, recipients, self._hostname, self._reactor.seconds())
        headers = {**self._headers, **describe(session, recipients)}
        patience = Patience(self._reactor, self._timeout)
        if self._secret is None:
            body = StreamBody(stream, trace.encode("utf-8"), patience)
            await self._post(session, headers, body, patience)
            return
        with TemporaryFile() as file:
            try:
                file.write(trace.encode("utf-8"))
                await stream.deliverTo(file)
                headers["SMTPSession-Signature"] = await deferToThread(
                    sign, self._secret, int(self._reactor.seconds()), headers, file
                )
            except OSError as error:
                if error.errno in _FULL:
                    raise SMTPError.saying(INSUFFICIENT_STORAGE) from error
                raise
            await self._post(session, headers, FileBody(file, self._reactor), patience)

    async def stop(self) -> None:
        """Close the connections, but for those of requests."""
        rests = list(self._rests)
        for rest in rests:
            rest.close()
        await DeferredList([rest.ended for rest in rests])
        await self._pool.closeCachedConnections()

    async def _post(
        self,
        session: SMTPSession,
        headers: Mapping[str, str],
        body: Body,
        patience: Patience,
    ) -> None:
        patience.begin()
        try:
            # One client for each request, for it keeps cookies.
            request = self._client(self._agent).post(
                self._url,
                headers=dict(headers),
                data=body,
                allow_redirects=False,
                unbuffered=True,
            )
            patience.exhausted = request.cancel
            response = await _abandonable(request)
            isEarly = not body.isWhole
            self._drop(response)
            if isEarly:
                patience.exhausted = body.stopProducing
                await body.finished
        except Exception as error:
            if isinstance(error, CancelledError) and not patience.isExhausted:
                raise
            raise self._silence(session, body, patience, error) from None
        finally:
            patience.end()
        self._judge(session, response.code, isEarly)

    def _drop(self, response: IResponse) -> None:
        """Have done with a response; its connection can be used again afterwards."""
        rest = _Rest(self._reactor)
        self._rests.add(rest)
        rest.ended.addCallback(lambda ignored: self._rests.discard(rest))
        response.deliverBody(rest)

    def _silence(
        self, session: SMTPSession, body: Body, patience: Patience, error: Exception
    ) -> Exception:
        """What a request without an answer means."""
        if isinstance(body.failure, MessageError):
            return body.failure
        reason = "took too long" if patience.isExhausted else _described(error)
        self._complain(session, f"has not answered: {reason}")
        return SMTPError.saying(NEXT_HOP_SILENT)

    def _judge(self, session: SMTPSession, status: int, isEarly: bool) -> None:
        """
        @raise SMTPError: that does not mean that the message is accepted
        """
        reply = refusal(status)
        if reply is None and isEarly:
            self._complain(session, f"has answered {status} before the message's end")
            reply = DELIVERY_DEFERRED
        elif reply is not None:
            self._complain(session, f"has answered {status}")
        if reply is not None:
            raise SMTPError.saying(reply)

    def _complain(self, session: SMTPSession, what: str) -> None:
        self._log.warn(
            "{id} {url} {what}",
            event="post-failed",
            id=messageId(session),
            session=session,
            url=self._url.partition("?")[0],
            what=what,
        )


def describe(session: SMTPSession, recipients: Sequence[SMTPAddress]) -> dict[str, str]:
    """The headers that say what a request is about."""
    addresses = [str(each) for each in recipients]
    fields = {**session.asDict(), "recipients": addresses}
    whole = json.dumps(fields, separators=(",", ":")).encode("ascii")
    forWhom = ", ".join(map(json.dumps, addresses))
    digest = hashlib.sha256(forWhom.encode("ascii")).hexdigest()[:16]
    return {
        "Content-Type": "message/rfc822",
        "Idempotency-Key": f"{messageId(session)}.{digest}",
        "SMTPSession-Id": messageId(session),
        "SMTPSession-Mail-From": json.dumps(str(session.envelope.mailFrom or "")),
        "SMTPSession-Rcpt-To": forWhom,
        "SMTPSession-Session": base64.urlsafe_b64encode(whole).decode("ascii"),
    }


def sign(
    secret: bytes, seconds: int, headers: Mapping[str, str], file: BinaryIO
) -> str:
    """
    The value of C{SMTPSession-Signature}.

    @param file: the body, which is read to its end and wound back
    """
    signed = f"{seconds}.{headers['Idempotency-Key']}.{headers['SMTPSession-Session']}."
    code = hmac.new(secret, signed.encode("ascii"), "sha256")
    file.seek(0)
    while chunk := file.read(65_536):
        code.update(chunk)
    file.seek(0)
    return f"t={seconds},v1={code.hexdigest()}"


class _Rest(Protocol):
    """
    Drops a response, and its connection if there is no end of it.

    @ivar ended: fires when there is
    """

    _response: Any
    _call: IDelayedCall

    def __init__(self, clock: IReactorTime) -> None:
        self.ended: Deferred[None] = Deferred()
        self._clock = clock
        self._size = 0

    def close(self) -> None:
        self._response.loseConnection()

    def makeConnection(self, response: Any) -> None:
        self._response = response
        self._call = self._clock.callLater(RESPONSE_TIME, self.close)

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_RESPONSE:
            self.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._call.active():
            self._call.cancel()
        self.ended.callback(None)


def checkURL(url: str) -> None:
    """
    @raise ValueError: nothing can be posted to it
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not the URL of a web server: {url!r}")
    if parts.username is not None:
        # It would get into the log.
        raise ValueError("no password belongs into a URL, but into a header")


def _importClient() -> Any:
    try:
        from treq.client import HTTPClient
    except ImportError as error:
        raise ValueError(
            "delivery by HTTP needs treq: pip install 'smtpsession[http]'"
        ) from error
    return HTTPClient


def _abandonable(request: Deferred[Any]) -> Deferred[Any]:
    """The same, but that it fails with CancelledError, at once, if it is cancelled."""

    def abandon(answer: Deferred[Any]) -> None:
        answer.errback(CancelledError())
        request.cancel()

    def arrive(result: Any) -> None:
        if not answer.called:
            answer.callback(result)

    answer: Deferred[Any] = Deferred(abandon)
    request.addBoth(arrive)
    return answer


def _described(error: Exception) -> str:
    """An error with those that an agent has packed into it, on one line."""
    reasons = getattr(error, "reasons", None) or []
    inner = "; ".join(_described(each.value) for each in reasons)
    text = f"{type(error).__name__}: {inner or error}"
    return "".join(each if each.isprintable() else " " for each in text)
