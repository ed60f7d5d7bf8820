"""
What is pipelined across a change of what comes next: STARTTLS, AUTH, XCLIENT, DATA,
BDAT, and the header of a proxy.

All of it is cut in every place, with an application that is quick and one that is slow.
"""

from __future__ import annotations

import base64
from typing import Any

from twisted.internet.defer import Deferred

from smtpsession import SMTPError, SMTPSession
from smtpsession.proxyline import ProxyInfo, printV1, printV2
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c
from tests.cases import TableTestCase, cuts
from tests.conversations import Question
from tests.transports import EHLO, READY_FOR_TLS, TLSClient, tlsServer

ACCEPTED = "250 2.6.0 Message accepted"
BARE_NEWLINE = "550 5.6.0 Bare CR or LF in message"
NOT_COMMAND = "500 5.5.2 Control characters or invalid UTF-8 in command"
INJECTED = "421 4.7.0 Nothing may follow STARTTLS in the clear"
OUT_OF_STEP = "421 4.5.0 Cannot tell where the next command begins"
HELLO_FIRST = "503 5.5.1 Say hello first"
AUTH_FIRST = "530 5.7.0 AUTH first"
LOGGED_IN = "235 2.7.0 Authentication succeeded"
UNKNOWN = "500 5.5.1 Command not recognized"

OPENING = f"{EHLO}\r\n{c.MAIL}\r\n{c.RCPT}\r\n".encode("ascii")


class StartTLSTests(TableTestCase):
    """CVE-2011-0411: octets behind STARTTLS, from whoever is in the middle."""

    def test_behind(self) -> None:
        """
        Whatever comes in one chunk with the end of STARTTLS ends the connection, and
        is never run; TLS does not begin, and the client is not told that it would.
        """
        rows = [
            ("a command", b"NOOP\r\n"),
            ("a part of one", b"N"),
            ("an empty line", b"\r\n"),
            ("a mail", b"EHLO x.example\r\nMAIL FROM:<eve@example.com>\r\n"),
            ("a record of TLS", b"\x16\x03\x01\x00\x00"),
            ("another STARTTLS", b"STARTTLS\r\n"),
        ]

        def inject(octets: bytes) -> list[Any]:
            outcomes = []
            for _, chunks in cuts(b"STARTTLS\r\n"):
                client = TLSClient(tlsServer())
                client.say(EHLO)
                client.hear()
                for chunk in [*chunks[:-1], chunks[-1] + octets, b"NOOP\r\n"]:
                    client.write(chunk)
                sender = client.session.envelope.mailFrom
                outcomes.append((client.hear(), client.closed, client.inTLS, sender))
            return [each for each in outcomes if each != outcomes[0]] or outcomes[:1]

        self.assertGives(
            inject,
            [(name, rest, [([INJECTED], True, False, None)]) for name, rest in rows],
        )

    def test_batch(self) -> None:
        """
        The replies to what was pipelined in front of it go out first, in order and in
        clear.
        """
        client = TLSClient(tlsServer())
        client.hear()
        client.say(EHLO)
        self.assertEqual(
            client.say("NOOP", "RSET", "STARTTLS"), [c.OK, c.OK, READY_FOR_TLS]
        )
        self.assertTrue(client.inTLS)

    def test_pieces(self) -> None:
        """
        Byte by byte it is the same command.
        """
        client = TLSClient(tlsServer())
        client.say(EHLO)
        client.hear()
        for octet in b"STARTTLS\r\n":
            self.assertFalse(client.inTLS)
            client.write(bytes([octet]))
        self.assertEqual(client.hear(), [READY_FOR_TLS])
        self.assertTrue(client.inTLS)

    def test_waiting(self) -> None:
        """
        What comes while a question holds up the command in front is behind it too.
        """
        question = Question()
        client = TLSClient(tlsServer(onHelo=question))
        client.hear()
        client.say(EHLO, "STARTTLS")
        client.say("NOOP")
        question.answers[0].callback(None)
        self.assertEqual(client.hear()[-1], INJECTED)
        self.assertFalse(client.inTLS)

    def test_refused(self) -> None:
        """
        Behind one that is refused there are commands, as behind any.
        """
        client = TLSClient(tlsServer())
        client.hear()
        heard = client.say("STARTTLS", "NOOP", EHLO, c.MAIL, "STARTTLS", "RSET")
        self.assertEqual(heard[:2], [HELLO_FIRST, c.OK])
        self.assertEqual(heard[-2:], ["503 5.5.1 Already in a mail transaction", c.OK])
        self.assertFalse(client.inTLS)


_PLAIN = base64.b64encode(b"\0carol\0sesame").decode("ascii")


class StateChangeTests(TableTestCase):
    """What is pipelined across a change of what comes next."""

    def assertHeard(
        self, octets: bytes, expected: list[str], **arguments: Any
    ) -> SMTPSession:
        """
        However they are cut, and be the application quick or slow, these octets get
        these replies, the last ones.

        @return: the session in the end
        """
        options = memoryOptions(**arguments.pop("options", {}))
        for isLate in (False, True):
            for how, chunks in cuts(octets):
                waiting: list[Deferred[Any]] = []
                server = MemoryServer(
                    options=options, **_callbacks(arguments, waiting, isLate)
                )
                client = server.connect()
                for chunk in chunks:
                    client.write(chunk)
                while waiting:
                    waiting.pop(0).callback(None)
                replies = client.hear()[-len(expected) :]
                self.assertEqual(replies, expected, (how, isLate))
        return client.session

    def test_auth(self) -> None:
        """
        What is pipelined behind AUTH is run after the answer to it, and with what that
        was: a client that is refused has sent nothing.
        """
        options = {"auth": "required", "allowInsecureAuth": True}
        octets = f"{EHLO}\r\nAUTH PLAIN {_PLAIN}\r\n{c.MAIL}\r\nNOOP\r\n".encode()
        accept = {"onAuth": lambda auth, session: auth.username}
        session = self.assertHeard(
            octets, [LOGGED_IN, c.SENDER_OK, c.OK], options=options, **accept
        )
        self.assertEqual(session.user, "carol")
        refused = "535 5.7.8 Authentication failed"
        self.assertHeard(octets, [refused, AUTH_FIRST, c.OK], options=options)

    def test_authResponse(self) -> None:
        """
        What comes where a response is due is one, and no command; behind it there are
        commands again.
        """
        options = {"auth": "required", "allowInsecureAuth": True}
        challenge, notBase64 = "334 ", "501 5.5.2 Not base64"
        for line, replies in (
            (c.MAIL, [notBase64, c.OK]),
            ("QUIT now", [notBase64, c.OK]),
            ("*", ["501 5.7.0 Authentication cancelled", c.OK]),
            ("", ["501 5.5.2 Malformed authentication exchange", c.OK]),
            ("QUIT", ["501 5.5.2 Malformed authentication exchange", c.OK]),
        ):
            octets = f"{EHLO}\r\nAUTH PLAIN\r\n{line}\r\nNOOP\r\n".encode()
            self.assertHeard(octets, [challenge, *replies], options=options)

    def test_longResponse(self) -> None:
        """
        One that is too long is skipped up to its CRLF, wherever it is cut.
        """
        options = memoryOptions(auth="required", allowInsecureAuth=True)
        octets = f"{EHLO}\r\nAUTH PLAIN\r\n{'A' * 12_300}\r\nNOOP\r\n".encode()
        for at in (40, 12_289, len(octets) - 8, len(octets) - 7, len(octets) - 6):
            client = c.greeted(MemoryServer(options=options))
            client.write(octets[:at])
            client.write(octets[at:])
            replies = client.hear()[-2:]
            self.assertEqual(replies, ["500 5.5.6 Response too long", c.OK])

    def test_xclient(self) -> None:
        """
        What is pipelined behind XCLIENT is said by the new client, who has not said
        hello; and by nobody if that one is not wanted.
        """
        options = {"xclient": ["192.0.2.1"]}
        octets = f"{EHLO}\r\nXCLIENT ADDR=198.51.100.7\r\n{c.MAIL}\r\nNOOP\r\n".encode()
        session = self.assertHeard(
            octets, [c.GREETING, HELLO_FIRST, c.OK], options=options
        )
        self.assertEqual(session.remoteAddress, "198.51.100.7")
        self.assertIsNone(session.envelope.mailFrom)

        def onConnect(session: SMTPSession) -> None:
            if session.remoteAddress == "198.51.100.7":
                raise SMTPError(554, "Not you", "5.7.1")

        noService = "503 5.5.1 No service here, only QUIT"
        self.assertHeard(
            octets,
            ["554 5.7.1 Not you", noService, noService],
            options=options,
            onConnect=onConnect,
        )

    def test_bdat(self) -> None:
        """
        The octets behind BDAT are counted, whatever they are, and the next one is that
        of a command; where the command is refused too.
        """
        received = "250 2.0.0 6 octets received"
        for octets, replies in (
            (b"BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n", [received, ACCEPTED, c.OK]),
            (b"BDAT 6\r\nNOOP\r\n\r\nNOOP\r\n", [received, UNKNOWN, c.OK]),
            (b"BDAT 5 LAST\r\nNOOP\r\nNOOP\r\n", [BARE_NEWLINE, NOT_COMMAND]),
            (
                b"RSET\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                ["503 5.5.1 MAIL first", c.OK],
            ),
            (b"BDAT 6 FIRST\r\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT 0x6\r\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT -6\r\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT 6\0\r\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT 6\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT 18446744073709551622\r\nQUIT\r\nNOOP\r\n", [OUT_OF_STEP]),
            (b"BDAT\t6\r\nQUIT\r\nNOOP\r\n", [NOT_COMMAND, c.OK]),
        ):
            self.assertHeard(OPENING + octets, replies)

    def test_data(self) -> None:
        """
        What is pipelined behind DATA is the message if that is accepted, and commands
        if not: RFC 2920, section 3.1.
        """
        octets = (
            f"{EHLO}\r\n{c.MAIL}\r\n{c.RCPT}\r\nDATA\r\nNOOP\r\n.\r\nRSET\r\n".encode()
        )
        self.assertHeard(octets, [c.GO_AHEAD, ACCEPTED, c.OK])

        def refuse(address: object, session: SMTPSession) -> None:
            raise SMTPError(550, "Nobody", "5.1.1")

        none = "554 5.5.1 No valid recipients"
        self.assertHeard(octets, [none, c.OK, UNKNOWN, c.OK], onRcptTo=refuse)

    def test_proxy(self) -> None:
        """
        What is in one chunk with the header of a proxy is said by the client, and
        another header is no command.
        """
        info = ProxyInfo(1, "TCP4", "198.51.100.7", 40000, "203.0.113.25", 25)
        for header in (printV1(info), printV2(info)):
            octets = header + f"{EHLO}\r\n{c.MAIL}\r\n".encode() + printV1(info)
            session = self.assertHeard(
                octets,
                [c.SENDER_OK, UNKNOWN],
                options={"proxyProtocol": ["192.0.2.1"]},
            )
            self.assertEqual(session.remoteAddress, "198.51.100.7")

    def test_proxyUnasked(self) -> None:
        """
        From elsewhere a header is no command either, and its octets are not.
        """
        info = ProxyInfo(1, "TCP4", "198.51.100.7", 40000, "203.0.113.25", 25)
        session = self.assertHeard(printV1(info) + b"NOOP\r\n", [UNKNOWN, c.OK])
        self.assertEqual(session.remoteAddress, "192.0.2.1")
        self.assertIsNone(session.proxy)


def _callbacks(
    given: dict[str, Any], waiting: list[Deferred[Any]], isLate: bool
) -> dict[str, Any]:
    """These callbacks, which answer only when they are told to if they are late."""
    names = ["onConnect", "onHelo", "onMailFrom", "onRcptTo", "onAuth"]
    if not isLate:
        return given
    return {name: _late(given.get(name), waiting) for name in names}


def _late(callback: Any, waiting: list[Deferred[Any]]) -> Any:
    def ask(*arguments: Any) -> Any:
        question: Deferred[Any] = Deferred()
        waiting.append(question)
        if callback is not None:
            question.addCallback(lambda _: callback(*arguments))
        return question

    return ask
