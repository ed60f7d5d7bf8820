"""
Tests of smtpsession.xclient: XCLIENT and XFORWARD through the whole server.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPError, SMTPSession, XClientAuth
from smtpsession.attributes import XFORWARD
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.certificates import client as certificate
from tests.conversations import GREETING, MAIL, OK, RCPT, SENDER_OK, Question
from tests.transports import TLSClient, secured, tlsServer

EHLO = "EHLO proxy.example.net"
#: What an XFORWARD begins with.
UNAVAILABLE = dict.fromkeys(XFORWARD)
TRUSTED = "192.0.2.1"
STRANGER = "198.51.100.1"
NOT_AUTHORIZED = "550 5.7.0 Not authorized"
NESTED = "503 5.5.1 Already in a mail transaction"
AUTHENTICATED = "235 2.7.0 Authentication succeeded"


def serverWith(**callbacks: Any) -> MemoryServer:
    """A server that believes one address."""
    options = memoryOptions(xclient=[TRUSTED], xforward=[TRUSTED])
    return MemoryServer(options=options, **callbacks)


def login(user: str) -> str:
    """A command by which somebody logs in."""
    return "AUTH PLAIN " + b64encode(f"\0{user}\0sesame".encode()).decode("ascii")


def hello(server: MemoryServer, host: str = TRUSTED) -> MemoryClient:
    """A client that has said EHLO."""
    client = server.connect(host)
    client.hear()
    client.say(EHLO)
    return client


class XClientTests(SynchronousTestCase):
    """A proxy says who the client is."""

    def test_advertised(self) -> None:
        """It is offered where it is allowed, with all attributes, and only there."""
        client = serverWith().connect()
        client.hear()
        offered = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
        self.assertIn(offered, " ".join(client.say(EHLO)))

        stranger = serverWith().connect(STRANGER)
        stranger.hear()
        self.assertNotIn("XCLIENT", " ".join(stranger.say(EHLO)))
        self.assertEqual([NOT_AUTHORIZED], stranger.say("XCLIENT NAME=a"))

    def test_attributes(self) -> None:
        """All attributes reach the session, and the greeting comes afresh."""
        client = hello(serverWith())
        lines = client.say(
            "XCLIENT NAME=c.example.com ADDR=IPV6:2001:db8::1 PORT=4711 PROTO=ESMTP"
            " HELO=me.example.com DESTADDR=203.0.113.9 DESTPORT=587"
        )
        session = client.session
        self.assertEqual([GREETING], lines)
        self.assertEqual(
            ("c.example.com", "2001:db8::1", 4711, "EHLO", "me.example.com"),
            (
                session.clientHostname,
                session.remoteAddress,
                session.remotePort,
                session.openingCommand,
                session.hostNameAppearsAs,
            ),
        )
        self.assertEqual(
            ("203.0.113.9", 587), (session.localAddress, session.localPort)
        )
        self.assertEqual("4711", session.xClient["PORT"])

    def test_unavailable(self) -> None:
        """What is not available is None."""
        client = hello(serverWith())
        client.say("XCLIENT NAME=[UNAVAILABLE] ADDR=198.51.100.7 HELO=[TEMPUNAVAIL]")
        session = client.session
        self.assertEqual(
            {"NAME": None, "ADDR": "198.51.100.7", "HELO": None}, session.xClient
        )
        self.assertEqual("[198.51.100.7]", session.clientHostname)

    def test_helloForgotten(self) -> None:
        """What the proxy called itself is not what its client calls itself."""
        for helo in ("", " HELO=[UNAVAILABLE]"):
            client = hello(serverWith())
            client.say("XCLIENT NAME=c.example.com" + helo)
            session = client.session
            self.assertEqual(
                ("", ""), (session.hostNameAppearsAs, session.openingCommand)
            )

    def test_afresh(self) -> None:
        """C{onConnect} is asked about the real client, who has to say hello."""
        asked: list[str] = []
        server = serverWith(
            onConnect=lambda session: asked.append(str(session.xClient))
        )
        client = hello(server)
        client.say("XCLIENT ADDR=198.51.100.7")
        self.assertEqual(["{}", "{'ADDR': '198.51.100.7'}"], asked)
        self.assertEqual(["503 5.5.1 Say hello first"], client.say(MAIL))

    def test_refusedClient(self) -> None:
        """The real client may not be wanted."""

        def refuse(session: SMTPSession) -> None:
            if session.remoteAddress == STRANGER:
                raise SMTPError(554, "No service here", "5.7.1")

        client = hello(serverWith(onConnect=refuse))
        self.assertEqual(
            ["554 5.7.1 No service here"], client.say(f"XCLIENT ADDR={STRANGER}")
        )

    def test_twice(self) -> None:
        """It may come again: the connection is still that of the proxy."""
        client = hello(serverWith())
        client.say("XCLIENT ADDR=198.51.100.7", EHLO)
        self.assertEqual([GREETING], client.say("XCLIENT ADDR=198.51.100.8"))
        self.assertEqual("198.51.100.8", client.session.remoteAddress)

    def test_anytime(self) -> None:
        """Postfix takes it without a hello, after HELO, and behind another one."""
        command = "XCLIENT ADDR=198.51.100.7"
        for before in ([], ["HELO proxy.example.net"], [command], [EHLO, command]):
            client = serverWith().connect()
            client.say(*before)
            self.assertEqual([GREETING], client.say(command), before)
            self.assertEqual("198.51.100.7", client.session.remoteAddress)
            self.assertEqual(["503 5.5.1 Say hello first"], client.say(MAIL))
            client.say(EHLO)
            self.assertEqual([SENDER_OK], client.say(MAIL))

    def test_stranger(self) -> None:
        """From elsewhere it is 550, and changes nothing, whatever came before."""
        for before in ([], ["HELO client.example.com"], ["EHLO client.example.com"]):
            client = serverWith().connect(STRANGER)
            client.say(*before)
            heard = client.say("XCLIENT ADDR=192.0.2.1")
            self.assertEqual([NOT_AUTHORIZED], heard, before)
            self.assertEqual(STRANGER, client.session.remoteAddress)
            self.assertEqual({}, client.session.xClient)

    def test_refusedProxy(self) -> None:
        """Who was refused may only quit, and says for no other who it is."""

        def refuse(session: SMTPSession) -> None:
            raise SMTPError(554, "No service here", "5.7.1")

        client = serverWith(onConnect=refuse).connect()
        client.hear()
        [reply] = client.say("XCLIENT ADDR=198.51.100.7")
        self.assertEqual("503", reply[:3])

    def test_inTransaction(self) -> None:
        """503 in a transaction, from MAIL to its end; then it is taken again."""
        for begun in ([MAIL], [MAIL, RCPT], [MAIL, RCPT, "BDAT 0"]):
            client = hello(serverWith())
            client.say(*begun)
            self.assertEqual([NESTED], client.say("XCLIENT NAME=a"), begun)
            self.assertEqual({}, client.session.xClient)
            client.say("RSET")
            self.assertEqual([GREETING], client.say("XCLIENT NAME=a"))

    def test_login(self) -> None:
        """LOGIN asks C{onAuth}, which may take its time."""
        question = Question()
        client = hello(serverWith(onAuth=question))
        self.assertEqual([], client.say("XCLIENT LOGIN=bob"))
        self.assertEqual(XClientAuth(username="bob"), question.asked[0][0])
        question.answers[0].callback("the user")
        self.assertEqual([GREETING], client.hear())
        client.say(EHLO)
        session = client.session
        self.assertEqual(
            ("the user", "ESMTPA"), (session.user, session.transmissionType)
        )

    def test_loginRefused(self) -> None:
        """A refused LOGIN changes nothing."""
        client = hello(serverWith())
        self.assertEqual(
            ["535 5.7.8 Authentication failed"],
            client.say("XCLIENT ADDR=198.51.100.7 LOGIN=bob"),
        )
        session = client.session
        self.assertEqual((TRUSTED, {}), (session.remoteAddress, session.xClient))
        self.assertEqual([SENDER_OK], client.say(MAIL))

    def test_afterLogin(self) -> None:
        """Who has logged in is not the client, who may log in as somebody else."""
        options = memoryOptions(
            xclient=[TRUSTED], auth="required", allowInsecureAuth=True
        )
        server = MemoryServer(
            options=options, onAuth=lambda auth, session: auth.username
        )
        client = hello(server)
        session = client.session
        self.assertEqual([AUTHENTICATED], client.say(login("proxy")))
        self.assertEqual(("proxy", "PLAIN"), (session.user, session.authMethod))

        self.assertEqual([GREETING], client.say("XCLIENT ADDR=198.51.100.7"))
        self.assertEqual((None, None), (session.user, session.authMethod))
        self.assertIn("250-AUTH ", "\n".join(client.say(EHLO)))
        self.assertEqual(["530 5.7.0 AUTH first"], client.say(MAIL))
        self.assertEqual([AUTHENTICATED, SENDER_OK], client.say(login("carol"), MAIL))
        self.assertEqual("carol", session.user)

    def test_certificate(self) -> None:
        """The certificate is that of the proxy, and lets nobody else log in."""
        server = tlsServer(
            changes={"xclient": [TRUSTED], "auth": "optional"},
            onAuth=lambda auth, session: auth.username,
        )
        client = secured(server)
        client.session.peerCertificate = certificate().certificate
        self.assertIn("250-AUTH EXTERNAL ", "\n".join(client.say(EHLO)))
        client.say("XCLIENT ADDR=198.51.100.7")
        offered = "\n".join(client.say(EHLO))
        self.assertIn("250-AUTH ", offered)
        self.assertNotIn("EXTERNAL", offered)
        self.assertEqual(
            ["504 5.5.4 Mechanism not offered"], client.say("AUTH EXTERNAL =")
        )
        self.assertIsNone(client.session.user)

    def test_overTLS(self) -> None:
        """The connection is still in TLS, which does not begin a second time."""
        events: list[str] = []
        server = tlsServer(
            "required",
            changes={"xclient": [TRUSTED]},
            onConnect=lambda session: events.append("connect"),
            onSecure=lambda session: events.append("secure"),
        )
        client = secured(server)
        client.say(EHLO)
        session = client.session
        tlsOptions = session.tlsOptions
        self.assertEqual(
            [GREETING], client.say("XCLIENT ADDR=198.51.100.7 PROTO=ESMTP")
        )
        self.assertEqual(["connect", "secure", "connect"], events)
        self.assertTrue(session.secure)
        self.assertIsNotNone(tlsOptions)
        self.assertIs(tlsOptions, session.tlsOptions)
        self.assertNotIn("STARTTLS", " ".join(client.say(EHLO)))
        self.assertEqual("ESMTPS", session.transmissionType)
        self.assertEqual([SENDER_OK], client.say(MAIL))

    def test_startTLS(self) -> None:
        """RFC 3207, section 4.2: what was said before TLS, anybody can have said."""
        server = tlsServer(
            changes={"xclient": [TRUSTED]}, onAuth=lambda auth, session: auth.username
        )
        client = TLSClient(server)
        client.hear()
        client.say(EHLO)
        session = client.session
        before = session.asDict()
        client.say(
            "XCLIENT NAME=evil.example ADDR=198.51.100.7 PORT=1 DESTADDR=198.51.100.9"
            " DESTPORT=2 LOGIN=bob"
        )
        self.assertEqual(("198.51.100.7", "bob"), (session.remoteAddress, session.user))
        client.say(EHLO, "STARTTLS")
        client.shakeHands()
        after = session.asDict()
        for name in (
            *("remoteAddress", "remotePort", "localAddress", "localPort"),
            *("clientHostname", "user", "xClient", "authMethod"),
        ):
            self.assertEqual(before[name], after[name], name)

    def test_anotherClient(self) -> None:
        """What was said of one client is not said of the next; the rest adds up."""
        client = hello(serverWith())
        session = client.session
        client.say("XCLIENT ADDR=198.51.100.1 NAME=one.example HELO=one PROTO=SMTP")
        self.assertEqual(
            ("HELO", "one"), (session.openingCommand, session.hostNameAppearsAs)
        )
        client.say(EHLO, "XCLIENT PORT=7")
        self.assertEqual("one.example", session.clientHostname)
        self.assertEqual(
            {"ADDR", "NAME", "HELO", "PROTO", "PORT"}, set(session.xClient)
        )
        client.say(EHLO, "XCLIENT ADDR=198.51.100.2")
        self.assertEqual({"ADDR": "198.51.100.2"}, session.xClient)
        self.assertEqual("[198.51.100.2]", session.clientHostname)

    def test_noAddress(self) -> None:
        """A client whose address is not available is called unknown."""
        client = hello(serverWith())
        session = client.session
        client.say(
            "XCLIENT ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] DESTADDR=[UNAVAILABLE]"
            " DESTPORT=[UNAVAILABLE]"
        )
        self.assertEqual(
            ("", 0, "", 0, "unknown"),
            (
                *(session.remoteAddress, session.remotePort),
                *(session.localAddress, session.localPort, session.clientHostname),
            ),
        )

    def test_refusedLogins(self) -> None:
        """Logins that are refused count, as those by AUTH do."""
        options = memoryOptions(xclient=[TRUSTED], authFailures=1)

        def onAuth(auth: Any, session: SMTPSession) -> Any:
            if auth.username == "eve":
                raise SMTPError(535, "No", "5.7.8")
            return None if auth.username == "mallory" else auth.username

        for name in ("eve", "mallory"):
            client = hello(MemoryServer(options=options, onAuth=onAuth))
            client.say("XCLIENT LOGIN=bob", EHLO)
            self.assertEqual("XCLIENT", client.session.authMethod)
            client.say(f"XCLIENT LOGIN={name}")
            [reply] = client.say(f"XCLIENT LOGIN={name}")
            self.assertEqual("421", reply[:3])
            self.assertTrue(client.closed)

    def test_inClear(self) -> None:
        """Without TLS it is taken all the same, and the client may begin that."""
        client = TLSClient(tlsServer("required", changes={"xclient": [TRUSTED]}))
        client.hear()
        client.say(EHLO)
        self.assertEqual([GREETING], client.say("XCLIENT ADDR=198.51.100.7"))
        self.assertIn("STARTTLS", " ".join(client.say(EHLO)))
        self.assertEqual(["530 5.7.0 STARTTLS first"], client.say(MAIL))


class XForwardTests(SynchronousTestCase):
    """A filter is told who the client was."""

    def test_offered(self) -> None:
        """It is offered by where the connection comes from, whoever is behind it."""
        client = hello(serverWith())
        client.say(f"XCLIENT ADDR={STRANGER}")
        self.assertIn("XFORWARD NAME ADDR", "\n".join(client.say(EHLO)))
        client = serverWith().connect(STRANGER)
        client.hear()
        self.assertNotIn("XFORWARD", "\n".join(client.say(EHLO)))

    def test_stranger(self) -> None:
        """From elsewhere it is 550."""
        client = hello(serverWith(), STRANGER)
        self.assertEqual([NOT_AUTHORIZED], client.say("XFORWARD NAME=a"))

    def test_attributes(self) -> None:
        """Commands add up, and leave the connection as it is."""
        client = hello(serverWith())
        self.assertEqual(
            ["250 2.0.0 OK"] * 2,
            client.say(
                "XFORWARD NAME=a ADDR=198.51.100.7", "XFORWARD NAME=[UNAVAILABLE]"
            ),
        )
        self.assertEqual(
            {**UNAVAILABLE, "ADDR": "198.51.100.7"}, client.session.xForward
        )
        self.assertEqual(TRUSTED, client.session.remoteAddress)

    def test_forgotten(self) -> None:
        """It is about one message."""
        client = hello(serverWith())
        client.say("XFORWARD NAME=a", MAIL, RCPT)
        client.say("DATA")
        self.assertEqual({**UNAVAILABLE, "NAME": "a"}, client.session.xForward)
        client.say("Hello", ".")
        self.assertEqual({}, client.session.xForward)

    def test_forgottenBefore(self) -> None:
        """
        It is forgotten with the transaction, or with one that has not begun: by RSET
        and by a new hello.
        """
        for command in ("RSET", EHLO, "HELO proxy.example.net"):
            for begin in ([], [MAIL, RCPT]):
                client = hello(serverWith())
                client.say("XFORWARD NAME=a", *begin)
                self.assertEqual({**UNAVAILABLE, "NAME": "a"}, client.session.xForward)
                client.say(command)
                self.assertEqual({}, client.session.xForward, command)

    def test_kept(self) -> None:
        """Not by a command that does nothing, nor by one that is refused."""
        client = hello(serverWith())
        client.say("XFORWARD NAME=a")
        self.assertEqual([OK], client.say("NOOP"))
        client.say("MAIL FROM:<alice", "XFORWARD NAME", "RCPT TO:<bob@example.org>")
        self.assertEqual({**UNAVAILABLE, "NAME": "a"}, client.session.xForward)

    def test_startTLS(self) -> None:
        """What was said in clear is forgotten when TLS begins."""
        client = TLSClient(tlsServer(changes={"xforward": [TRUSTED]}))
        client.say(EHLO, "XFORWARD NAME=a")
        self.assertEqual({**UNAVAILABLE, "NAME": "a"}, client.session.xForward)
        client.say("STARTTLS")
        client.shakeHands()
        self.assertEqual({}, client.session.xForward)

    def test_inTransaction(self) -> None:
        """503 in a transaction."""
        for begun in ([MAIL], [MAIL, RCPT], [MAIL, RCPT, "BDAT 0"]):
            client = hello(serverWith())
            client.say(*begun)
            self.assertEqual([NESTED], client.say("XFORWARD NAME=a"), begun)
            self.assertEqual({}, client.session.xForward)
