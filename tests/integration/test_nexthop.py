"""
A message through two servers over real sockets: one hands it on to the other while its
client waits.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smtpsession import (
    MessageAborted,
    PasswordAuth,
    ScramAuth,
    ScramKeys,
    SMTPAddress,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
)
from smtpsession.delivery.opening import Terms
from smtpsession.delivery.outgoing import Body
from smtpsession.delivery.smtp import NextHop
from smtpsession.extensions import BUILT_IN
from smtpsession.promises import REQUIRETLS
from smtpsession.stream import MessageStream
from tests import certificates
from tests.integration.support import (
    MESSAGE,
    PATIENCE,
    KeepingServer,
    NetworkTestCase,
    localOptions,
)
from tests.integration.test_starttls import store

HELLO = b"Subject: test\r\n\r\nHello.\r\n"


class Front(SMTPServerFactory):
    """Hands on all that it gets."""

    def __init__(self, nextHop: NextHop, **options: Any) -> None:
        super().__init__(options=localOptions(reverseLookup=False, **options))
        self.nextHop = nextHop

    async def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> None:
        await self.nextHop.accept(address, session)

    async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        return await self.nextHop.deliver(stream, session, session.envelope.rcptTo)

    async def onClose(self, session: SMTPSession) -> None:
        await self.nextHop.forget(session)


class Back(KeepingServer):
    """
    Keeps what it gets, has a reply for each recipient under LMTP, and lets relay in.

    @ivar begun: fires when the first message begins to come
    @ivar aborted: fires when it is known that it will not be whole
    @ivar connections: how many there were
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(options=localOptions(reverseLookup=False, **options))
        self.begun: Deferred[SMTPSession] = Deferred()
        self.aborted: Deferred[None] = Deferred()
        self.connections = 0

    def onConnect(self, session: SMTPSession) -> None:
        self.connections += 1

    async def onAuth(self, auth: Any, session: SMTPSession) -> str | None:
        if isinstance(auth, ScramAuth):
            keys = ScramKeys.derive("sesame", auth.hashName, iterations=4096)
            return auth.username if await auth.validateKeys(keys) else None
        isRight = isinstance(auth, PasswordAuth) and auth.password == "sesame"
        return auth.username if isRight else None

    async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        if not self.begun.called:
            self.begun.callback(session)
        try:
            text = await super().onData(stream, session)
        except MessageAborted:
            self.aborted.callback(None)
            raise
        if session.openingCommand != "LHLO":
            return text
        return [
            (
                SMTPError(552, "Mailbox full", "5.2.2")
                if each.localPart == "full"
                else f"for {each}"
            )
            for each in session.envelope.rcptTo
        ]


class NextHopTestCase(NetworkTestCase):
    """A front and a back."""

    async def relay(
        self,
        back: SMTPServerFactory,
        *,
        front: dict[str, Any] | None = None,
        **terms: Any,
    ) -> int:
        """Start both, and give the port of the front."""
        port = (await self.listen(back)).getHost().port
        return await self.front(f"tcp:127.0.0.1:{port}", front, **terms)

    async def front(
        self, back: str, options: dict[str, Any] | None = None, **terms: Any
    ) -> int:
        """Start a front for this next hop, and give its port."""
        nextHop = NextHop(
            clientFromString(reactor, back),
            Terms(hostname="mx.example.org", **terms),
            reactor,
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(nextHop.stop()))
        front = Front(nextHop, **(options or {}))
        port: int = (await self.listen(front)).getHost().port
        return port

    def talk(
        self,
        port: int,
        conversation: Callable[[smtplib.SMTP], Any],
        client: type[smtplib.SMTP] = smtplib.SMTP,
    ) -> Deferred[Any]:
        """Hold a conversation with the front, in a thread."""

        def hold() -> Any:
            with client("127.0.0.1", port, "client.example.com") as connection:
                return conversation(connection)

        return deferToThread(hold)

    def send(
        self,
        port: int,
        message: bytes = HELLO,
        recipients: Iterable[str] = ("bob@example.org",),
        **arguments: Any,
    ) -> Deferred[Any]:
        """Send one message; which recipients were refused."""
        return self.talk(
            port,
            lambda client: client.sendmail(
                "alice@example.com", list(recipients), message, **arguments
            ),
        )

    async def refusal(self, port: int, **arguments: Any) -> tuple[int, bytes]:
        """What the one recipient is refused with."""
        try:
            await self.send(port, **arguments)
        except smtplib.SMTPRecipientsRefused as error:
            [refused] = error.recipients.values()
            return refused
        raise self.failureException("it was not refused")


class SMTPTests(NextHopTestCase):
    """By SMTP, in clear."""

    async def test_message(self) -> None:
        """
        A message with 8-bit text and dots arrives as it is, behind one trace more, and
        who sent it is told what the next hop says.
        """
        back = Back()
        port = await self.relay(back)

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com", ["BODY=8BITMIME", "RET=HDRS"])
            replies = [
                client.rcpt("bob@example.org", ["NOTIFY=NEVER"]),
                client.rcpt("no@example.org"),
                client.rcpt("carol@example.org", ["ORCPT=rfc822;c+2Bc@example.org"]),
            ]
            return replies, client.data(MESSAGE)

        replies, last = await self.talk(port, send)
        self.assertEqual([code for code, _ in replies], [250, 550, 250])
        self.assertEqual(replies[1], (550, b"5.1.1 No such recipient"))
        [(session, content)] = back.messages
        self.assertEqual(back.connections, 1)
        self.assertEqual(last, (250, b"2.0.0 %d octets" % len(content)))
        self.assertHandedOn(content, MESSAGE)
        self.assertIn(b"from client.example.com", content)
        self.assertEqual(session["hostNameAppearsAs"], "mx.example.org")
        envelope = session["envelope"]
        self.assertEqual(envelope["bodyType"], "8bitmime")
        self.assertEqual(envelope["dsn"], {"ret": "HDRS", "envid": None})
        self.assertEqual(
            [(each["address"], each["dsn"]) for each in envelope["rcptTo"]],
            [
                ("bob@example.org", {"notify": ["NEVER"], "orcpt": None}),
                (
                    "carol@example.org",
                    {"notify": None, "orcpt": "rfc822;c+c@example.org"},
                ),
            ],
        )

    async def test_oneConnection(self) -> None:
        """Messages of several clients go over one connection."""
        back = Back()
        port = await self.relay(back)
        for _ in range(3):
            await self.send(port)
        sessions = [session for session, _ in back.messages]
        self.assertEqual(back.connections, 1)
        self.assertEqual([each["transaction"] for each in sessions], [0, 1, 2])

    async def test_client(self) -> None:
        """The next hop is told who the client is, for each message, where it asks."""
        back = Back(xforward=("127.0.0.1",))
        port = await self.relay(back, xforward=True)
        for _ in range(2):
            await self.send(port)
        for session, _ in back.messages:
            found = session["xForward"]
            self.assertEqual(found["ADDR"], "127.0.0.1")
            self.assertGreater(int(found["PORT"]), 0)
            self.assertEqual([found["PROTO"], found["NAME"]], ["ESMTP", None])
        self.assertEqual([len(back.messages), back.connections], [2, 1])

    async def test_reset(self) -> None:
        """A transaction that has come to nothing leaves nothing for the next."""
        back = Back()
        port = await self.relay(back)

        def giveUp(client: smtplib.SMTP) -> None:
            client.ehlo()
            client.mail("eve@example.com")
            client.rcpt("bob@example.org")
            client.rset()
            client.sendmail("alice@example.com", ["carol@example.org"], HELLO)

        await self.talk(port, giveUp)
        await self.send(port)
        self.assertEqual(
            [
                (
                    session["envelope"]["mailFrom"]["address"],
                    [each["address"] for each in session["envelope"]["rcptTo"]],
                )
                for session, _ in back.messages
            ],
            [
                ("alice@example.com", ["carol@example.org"]),
                ("alice@example.com", ["bob@example.org"]),
            ],
        )

    async def test_large(self) -> None:
        """A message of many megabytes arrives whole, its lines beginning with dots."""
        body = b"".join(b".%d\r\n" % number for number in range(600_000))
        back = Back()
        port = await self.relay(back)
        await self.send(port, body)
        [(_, content)] = back.messages
        self.assertTrue(content.endswith(b"\r\n" + body), "the message differs")

    async def test_binary(self) -> None:
        """A BINARYMIME message arrives octet by octet."""
        message = bytes(range(256)) * 2000 + b"\r\n.\r\n\n.\nQUIT\r\n"
        back = Back()
        port = await self.relay(back)

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com", ["BODY=BINARYMIME"])
            client.rcpt("bob@example.org")
            client.send(b"BDAT %d LAST\r\n" % len(message) + message)
            return client.getreply()

        code, _ = await self.talk(port, send)
        self.assertEqual(code, 250)
        [(session, content)] = back.messages
        self.assertTrue(content.endswith(b"\r\n" + message), "the message differs")
        self.assertEqual(session["envelope"]["bodyType"], "binarymime")

    async def test_internationalized(self) -> None:
        """So does one between addresses beyond ASCII."""
        back = Back()
        port = await self.relay(back)

        def send(client: smtplib.SMTP) -> None:
            client.ehlo()
            client.command_encoding = "utf-8"
            client.mail("ä@example.com", ["SMTPUTF8", "BODY=8BITMIME"])
            client.rcpt("ü@example.org")
            client.data(MESSAGE)

        await self.talk(port, send)
        [(session, content)] = back.messages
        self.assertEqual(session["envelope"]["mailFrom"]["address"], "ä@example.com")
        self.assertEqual(session["transmissionType"], "UTF8SMTP")
        self.assertHandedOn(content, MESSAGE)


class LMTPTests(NextHopTestCase):
    """By LMTP, which our client speaks too."""

    async def test_replies(self) -> None:
        """Each recipient has the reply that the next hop has for it."""
        back = Back(protocol="lmtp")
        path = self.socketPath()
        await self.listen(back, f"unix:{path}")
        port = await self.front(f"unix:{path}", {"protocol": "lmtp"}, protocol="lmtp")

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com")
            for each in ("bob", "no", "full"):
                client.rcpt(f"{each}@example.org")
            first = client.data(HELLO)
            return first, client.getreply()

        replies = await self.talk(port, send, smtplib.LMTP)
        self.assertEqual(
            replies, ((250, b"2.0.0 for bob@example.org"), (552, b"5.2.2 Mailbox full"))
        )
        [(session, content)] = back.messages
        self.assertEqual(session["openingCommand"], "LHLO")
        self.assertHandedOn(content, HELLO)


class TLSTests(NextHopTestCase):
    """With TLS."""

    def trusting(self, tls: str, name: str = "127.0.0.1") -> dict[str, Any]:
        """Terms for a next hop that has a certificate of our authority."""
        authority = Certificate.loadPEM(certificates.authority().certificatePEM)
        root = trustRootFromCertificates([authority])
        return {"tls": tls, "serverName": name, "trustRoot": root}

    async def test_verified(self) -> None:
        """A next hop that is who it should be gets the message over TLS."""
        for tls in ("starttls", "required", "implicit"):
            back = Back(certificates=store(), tls=tls)
            wanted = "implicit" if tls == "implicit" else "required"
            port = await self.relay(back, **self.trusting(wanted))
            await self.send(port)
            await self.send(port, MESSAGE)
            [(session, content), _] = back.messages
            self.assertTrue(session["secure"])
            self.assertEqual(session["transmissionType"], "ESMTPS")
            self.assertHandedOn(content, HELLO)

    async def test_wrongName(self) -> None:
        """One that is somebody else gets nothing, and our client may try again."""
        back = Back(certificates=store())
        port = await self.relay(back, **self.trusting("required", "wrong.example.net"))
        self.assertEqual(
            await self.refusal(port), (451, b"4.4.2 Connection to the next hop lost")
        )
        self.assertEqual(back.messages, [])
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    async def test_unknownAuthority(self) -> None:
        """So it is with one that anybody could be."""
        back = Back(certificates=store())
        terms: dict[str, Any] = {**self.trusting("required"), "trustRoot": None}
        port = await self.relay(back, **terms)
        code, _ = await self.refusal(port)
        self.assertEqual(code, 451)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    async def test_notOffered(self) -> None:
        """So it is with one without TLS."""
        port = await self.relay(Back(), **self.trusting("required"))
        code, _ = await self.refusal(port)
        self.assertEqual(code, 451)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    async def test_opportunistic(self) -> None:
        """With TLS where there is any, whoever it is, and in clear where not."""
        for given, isSecure in ((store(), True), (None, False)):
            back = Back(certificates=given)
            port = await self.relay(back, tls="opportunistic")
            await self.send(port)
            [(session, _)] = back.messages
            self.assertIs(session["secure"], isSecure)

    async def test_login(self) -> None:
        """
        Over TLS we can log in, in every way, and with a wrong password our client
        waits.
        """
        ways = ("SCRAM-SHA-256", "PLAIN", "LOGIN")
        for way, (password, code) in product(ways, (("sesame", 250), ("wrong", 451))):
            back = Back(certificates=store(), auth="required", mechanisms=[way])
            login: dict[str, Any] = {"user": "relay", "password": password}
            port = await self.relay(back, **self.trusting("required"), **login)
            if code == 250:
                await self.send(port)
                [(session, _)] = back.messages
                self.assertEqual(session["user"], "relay")
                self.assertEqual(session["authMethod"], way)
            else:
                told, _ = await self.refusal(port)
                self.assertEqual(told, code)
                self.assertEqual(len(self.flushLoggedErrors()), 1)

    async def test_requireTLS(self) -> None:
        """REQUIRETLS goes to a next hop that is who it should be, and to no other."""
        extensions = [*BUILT_IN, REQUIRETLS]
        authority = certificates.authority().certificatePEM.decode("ascii")
        context = ssl.create_default_context(cadata=authority)

        def send(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.starttls(context=context)
            client.ehlo()
            client.mail("alice@example.com", ["REQUIRETLS"])
            told = client.rcpt("bob@example.org")
            if told[0] == 250:
                client.data(HELLO)
            return told

        anybody: dict[str, Any] = {"tls": "opportunistic"}
        for terms, code in ((self.trusting("required"), 250), (anybody, 550)):
            back = Back(certificates=store(), extensions=extensions)
            front = {"certificates": store(), "extensions": extensions}
            port = await self.relay(back, front=front, **terms)
            told, text = await self.talk(port, send)
            self.assertEqual(told, code, text)
            for session, _ in back.messages:
                self.assertIs(session["envelope"]["requireTLS"], True)


class LossTests(NextHopTestCase):
    """Connections that break."""

    def begin(self, port: int, message: bytes) -> socket.socket:
        """A client in the middle of a message."""
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(client.close)
        client.sendall(
            b"EHLO x\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\n"
            b"DATA\r\n" + message
        )
        return client

    async def test_clientLeaves(self) -> None:
        """Where our client leaves in the middle, the next hop has no message."""
        for tls in ("none", "opportunistic"):
            back = Back(certificates=store())
            port = await self.relay(back, tls=tls)
            client = await deferToThread(self.begin, port, HELLO)
            await back.begun
            client.close()
            await back.aborted
            self.assertEqual(back.messages, [])

    async def test_tooLarge(self) -> None:
        """So it has where the message is too large for us, in the middle of it."""
        back = Back()
        port = await self.relay(back, front={"messageSize": 100_000})

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com")
            client.rcpt("bob@example.org")
            return client.data(b"x" * 98 + b"\r\n" + b"y\r\n" * 100_000)

        code, _ = await self.talk(port, send)
        self.assertEqual(code, 552)
        await back.aborted
        self.assertEqual(back.messages, [])

    async def test_nextHopLeaves(self) -> None:
        """Where the next hop leaves in the middle, our client is told 451."""

        class Leaving(Back):
            async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
                await stream.__anext__()
                raise SMTPError(421, "Going down", "4.3.2")

        port = await self.relay(Leaving())

        def send(client: smtplib.SMTP) -> Any:
            client.ehlo()
            client.mail("alice@example.com")
            client.rcpt("bob@example.org")
            return client.data(b"x\r\n" * 1_000_000)

        code, _ = await self.talk(port, send)
        self.assertEqual(code, 451)

    async def test_nextHopReturns(self) -> None:
        """
        Where the next hop has closed an idle connection, the next message has another.
        """
        back = Back(commandTimeout=0.5)
        closed: Deferred[None] = Deferred()
        port = await self.relay(back)
        onClose = back.onClose

        def close(session: SMTPSession) -> Any:
            if not closed.called:
                closed.callback(None)
            return onClose(session)

        self.patch(back, "onClose", close)
        await self.send(port)
        await closed
        await self.send(port)
        first, second = (session["id"] for session, _ in back.messages)
        self.assertNotEqual(first, second)

    async def test_nobodyThere(self) -> None:
        """Without a next hop our client may try again."""
        port = await self.front(f"unix:{self.socketPath()}")
        self.assertEqual(
            await self.refusal(port), (451, b"4.4.1 Next hop not available")
        )
        self.assertEqual(len(self.flushLoggedErrors()), 1)


class PaceTests(NextHopTestCase):
    """A next hop that takes its time."""

    async def test_slow(self) -> None:
        """
        What it does not take is not taken from our client, and nothing is lost.
        """
        message, count = b"x" * 998 + b"\r\n", 20_000
        go: Deferred[None] = Deferred()
        full: Deferred[int] = Deferred()

        class Slow(Back):
            async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
                await go
                return await super().onData(stream, session)

        back = Slow()
        port = await self.relay(back)
        taken = 0
        write, pauseProducing = Body.write, Body.pauseProducing

        def note(body: Body, chunk: bytes) -> None:
            nonlocal taken
            taken += len(chunk)
            write(body, chunk)

        def pause(body: Body) -> None:
            pauseProducing(body)
            if not full.called:
                full.callback(taken)

        self.patch(Body, "write", note)
        self.patch(Body, "pauseProducing", pause)
        sending = self.send(port, message * count)
        atFirst = await full
        # What arrives until the next turn, the stream holds.
        await deferLater(reactor, 0)
        self.assertEqual(taken, atFirst)
        self.assertLess(taken, len(message) * count)
        go.callback(None)
        await sending
        [(_, content)] = back.messages
        self.assertTrue(content.endswith(b"\r\n" + message * count), "it differs")
