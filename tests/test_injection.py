"""
What a client writes, where it comes out again: in replies, logs, headers, names of
files, and what a program is told.

Everywhere it stays in its place: it ends no line, and stands for nothing but itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs, formatEventAsClassicLogText

from smtpsession import SMTPError, SMTPSession
from smtpsession.delivery import folders, maildir
from smtpsession.delivery.command import Command
from smtpsession.delivery.discard import Discard
from smtpsession.delivery.folders import Folders
from smtpsession.delivery.relaying import Offers, mailCommand, rcptCommand
from smtpsession.router import Route, RoutingServer
from smtpsession.testing import MemoryServer, memoryOptions
from smtpsession.trace import deliveredTo, received, returnPath
from tests import conversations as c
from tests.cases import TableTestCase
from tests.deliveries import MESSAGE, newStream
from tests.processes import ProcessClock

#: Local parts that mean something to somebody, and that are addresses for all that.
LOCAL_PARTS = [
    *("`reboot`", "|reboot", "-rf", "--help", "${HOME}", "~root", "%s%n", "{domain}"),
    *("'", "a'b", "{localpart}", "!bang", "a=b", "#", "/etc/passwd", "a/b", "*", "?"),
    *('"../../etc/passwd"', '".."', '"."', '".hidden"', '"a/../../b"', '"/"', '""'),
    *('"$(reboot)"', '"; reboot"', '"& reboot"', '"a b"', '"-rf /"', '"<script>"'),
    *(r'"a\"b"', r'"a\\"', r'"a\/b"', '"a>b"', '"> to <x@y>"', '"a,b"', '"a@b"'),
    *('"=?utf-8?q?=0D=0ABcc:_x?="', '"%0d%0aBcc: x"', r'"\r\nBcc: x"', '"(comment)"'),
    *("jörg", "a\u202eb", "a\u200bb", "\ufeffa", "a\U000e0041", "a\u00adb", "\u0660"),
]
#: Local parts that are none.
NO_LOCAL_PARTS = [
    *("../x", "$(reboot)", "a;b", "a b", "a\\b", '"a', 'a"b"', "<a", "a>", "(a)", ""),
    *("a\rb", "a\nb", '"a\r\n b"', '"a\\\r"', '"a\\\n"', '"a\tb"', "a\0b", "a\x7fb"),
    *("a\x1b[2J", "a\x85b", "a\u2028b", '"a\u2029"', "a.", ".a", "a..b"),
]
#: Domains that are none.
NO_DOMAINS = [
    *("..", "a/b", "../x", "a b", "a\0", "a\r", "a\x85", "-a.example", "a..b", "$(x)"),
    *("[IPv6:fe80::1%eth0]", "[127.0.0.1/..]", "[x]", "a_b", "a.example;x", "a\u2028"),
]
#: What an application might repeat of anybody.
HOSTILE = "no\r\n250 2.0.0 OK\r\rx\n\n221 bye\x1b[2J\0é\x85\u2028\u202e" + "x" * 2000

_REPLY = re.compile(rb"[2-5][0-9]{2}[ -][ -~]*")


def rowsOf(octets: bytes) -> list[bytes]:
    """The lines of replies, which are as they have to be."""
    *lines, rest = octets.split(b"\r\n")
    assert rest == b"", rest
    for line in lines:
        assert _REPLY.fullmatch(line) and len(line) <= 510, line
    return lines


def accepted() -> list[SMTPSession]:
    """A session for each hostile address, as the server makes them of what it reads."""
    sessions = []
    server = MemoryServer(options=memoryOptions(transactions=10**6))
    for each in LOCAL_PARTS:
        client = c.greeted(server)
        address = f"{each}@example.org"
        client.write(
            f"EHLO client.example.com\r\nMAIL FROM:<{address}> SMTPUTF8\r\n"
            f"RCPT TO:<{address}>\r\n".encode()
        )
        assert client.hear()[-1] == c.RECIPIENT_OK, address
        sessions.append(client.session)
    return sessions


class ReplyTests(TableTestCase):
    """What goes back to the client."""

    def test_echo(self) -> None:
        """
        Nothing of a command is in the reply to it, but for the name of a parameter or
        an attribute that is not known, which is letters and digits.
        """
        evil = "EvilMark"
        lines = [
            *(f"{evil}", f"{evil} x", f"NOOP {evil}", f"HELP {evil}", f"VRFY {evil}"),
            *(f"EXPN {evil}", f"RSET {evil}", f"DATA {evil}", f"HELO {evil}"),
            *(f"EHLO [{evil}]", f"EHLO {evil}", f"MAIL {evil}", f"MAIL FROM:<{evil}>"),
            *(f"MAIL FROM:<{evil}@example.com>", f"RCPT TO:<{evil}@example.com>"),
            *(f"RCPT TO:<{evil}>", f"RCPT {evil}", "RSET", f"AUTH {evil}"),
            *(f"AUTH PLAIN {evil}", f"STARTTLS {evil}", f"XCLIENT NAME={evil}@"),
            *(f"MAIL FROM:<a@b.example> SIZE={evil}", f"XFORWARD NAME={evil}"),
            *(f"MAIL FROM:<a@b.example> BODY={evil}", f"XCLIENT {evil}"),
            *(f"MAIL FROM:<a@b.example> RET={evil}", f"XCLIENT ADDR={evil}"),
        ]
        octets = ["", "\r", "\n", "\0", "\x1b[2J", "\x85", "\u2028", "é", "\r250 OK"]

        def differences() -> Iterator[str]:
            server = MemoryServer(options=_everything())
            client = c.greeted(server)
            client.say("EHLO client.example.com")
            for line in lines:
                for each in octets:
                    client.write(f"{line}{each}\r\n".encode())
                    replies = client.read()
                    rowsOf(replies)
                    if evil.upper().encode() in replies.upper():
                        yield f"{line}{each!r}: {replies!r}"

        self.assertNoneWrong(differences())

    def test_keyword(self) -> None:
        """
        That name is in capitals, in lines that are not too long.
        """
        client = c.greeted(MemoryServer(options=_everything()))
        client.say("EHLO client.example.com")
        for command, what in (
            ("MAIL FROM:<a@b.example> evil-1=x", b"Parameter EVIL-1 not recognized"),
            ("XCLIENT evil=x", b"Attribute EVIL not recognized"),
        ):
            client.write(f"{command}\r\n".encode())
            self.assertIn(what, client.read())
        client.write(b"MAIL FROM:<a@b.example> " + b"X" * 600 + b"=1\r\n")
        self.assertGreater(len(rowsOf(client.read())), 1)
        for bad in ("evil\x1b", "ev:il", "é", "evil\t", "<evil>"):
            client.write(f"MAIL FROM:<a@b.example> {bad}=x\r\n".encode())
            self.assertNotIn(b"EVIL", b"".join(rowsOf(client.read())).upper())

    def test_application(self) -> None:
        """
        Whatever an application repeats, it makes one reply, of one code.
        """

        def refuse(*arguments: object) -> None:
            raise SMTPError(550, HOSTILE, "5.7.1")

        for name, said in (
            ("onConnect", []),
            ("onHelo", [c.HELO]),
            ("onMailFrom", [c.HELO, c.MAIL]),
            ("onRcptTo", [c.HELO, c.MAIL, c.RCPT]),
            ("onData", [c.HELO, c.MAIL, c.RCPT, "DATA", "."]),
        ):
            arguments: dict[str, Any] = {name: refuse}
            client = MemoryServer(**arguments).connect()
            for line in said:
                client.read()
                client.write(f"{line}\r\n".encode())
            rows = rowsOf(client.read())
            self.assertEqual({each[:10] for each in rows[:-1]}, {b"550-5.7.1 "}, name)
            self.assertEqual(rows[-1][:10], b"550 5.7.1 ", name)

    def test_text(self) -> None:
        """
        So does the text of an acceptance.
        """
        client = c.inMessage(MemoryServer(onData=lambda stream, session: HOSTILE))
        client.write(b".\r\n")
        rows = rowsOf(client.read())
        self.assertEqual({each[:4] for each in rows[:-1]}, {b"250-"})
        self.assertEqual(rows[-1][:4], b"250 ")

    def test_addresses(self) -> None:
        """
        What is no address is refused, and does not come out again.
        """
        addresses = [
            *(f"{each}@example.org" for each in NO_LOCAL_PARTS),
            *(f"bob@{each}" for each in NO_DOMAINS),
        ]

        def differences() -> Iterator[str]:
            server = MemoryServer(options=memoryOptions(errors=10**6))
            client = c.greeted(server)
            client.say("EHLO client.example.com", "MAIL FROM:<a@b.example> SMTPUTF8")
            for address in addresses:
                client.write(f"RCPT TO:<{address}>\r\n".encode())
                rows = rowsOf(client.read())
                if not all(row.startswith(b"50") for row in rows):
                    yield f"{address!r}: {rows}"
            if client.session.envelope.rcptTo:
                yield f"{client.session.envelope.rcptTo}"

        self.assertNoneWrong(differences())


class LogTests(TableTestCase):
    """What is written to the log."""

    def assertOneLineEach(self, events: Sequence[LogEvent]) -> None:
        """Each is one line, which shows nothing but itself on a terminal."""
        lines = [formatEventAsClassicLogText(each) or "" for each in events]
        self.assertTrue(lines)
        self.assertNoneWrong(
            repr(line)
            for line in lines
            if not (line.endswith("\n") and line[:-1].isprintable())
        )

    def test_commands(self) -> None:
        """
        Of a command that is refused there is one line, whatever is in it.
        """
        with capturedLogs() as events:
            client = c.greeted(MemoryServer())
            for octets in (
                HOSTILE[:300].encode(),
                b"NOOP \r250 \n\xff\x1b",
                b"RCPT \n\r",
            ):
                client.write(octets + b"\r\n")
        self.assertOneLineEach(events)

    def test_longCommands(self) -> None:
        """
        A long command does not make a long line.
        """
        with capturedLogs() as events:
            c.ready(MemoryServer()).say("MAIL FROM:<" + "a" * 400 + "@example.com>")
        [event] = events
        self.assertEqual(event["line"], b"MAIL FROM:<" + b"a" * 69)

    def test_replies(self) -> None:
        """
        So is there where an application, or the next hop, says a reply with anything
        in it.
        """

        def refuse(*arguments: object) -> None:
            raise SMTPError(550, HOSTILE, "5.7.1")

        with capturedLogs() as events:
            c.withSender(MemoryServer(onRcptTo=refuse)).say(c.RCPT)
        self.assertEqual(len(events), 1)
        self.assertOneLineEach(events)

    def test_addresses(self) -> None:
        """
        Of a message there is one, whoever it is from and for.
        """
        route = Route(["*"], Discard())
        server = MemoryServer(
            lambda **arguments: RoutingServer([route], **arguments),
            options=memoryOptions(),
        )
        with capturedLogs() as events:
            for each in LOCAL_PARTS:
                client = c.greeted(server)
                client.write(
                    f"EHLO client.example.com\r\n"
                    f"MAIL FROM:<{each}@example.org> SMTPUTF8\r\n"
                    f"RCPT TO:<{each}@example.org>\r\nDATA\r\n.\r\n".encode()
                )
                self.assertEqual(client.hear()[-1][:3], "250", each)
                client.leave()
        self.assertEqual(len(events), 3 * len(LOCAL_PARTS))
        self.assertOneLineEach(events)

    def test_proxy(self) -> None:
        """
        What comes in place of the header of a proxy is not in it.
        """
        with capturedLogs() as events:
            server = MemoryServer(options=memoryOptions(proxyProtocol=["192.0.2.1"]))
            server.connect().write(b"PROXY \x1b[2J\nevil \r\n")
        self.assertOneLineEach(events)
        self.assertNotIn("evil", formatEventAsClassicLogText(events[-1]) or "")


class DeliveryTests(TableTestCase):
    """What becomes of an address where a message is delivered."""

    def test_headers(self) -> None:
        """
        The trace has its three headers and no other, and the address in them is the
        one that was given.
        """
        for session in accepted():
            [recipient] = session.envelope.rcptTo
            trace = (
                returnPath(session)
                + deliveredTo(recipient)
                + received(session, [recipient], "mx.example.org", 0)
            )
            headers = message_from_bytes(trace.encode() + b"\r\n" + MESSAGE)
            names = ["Return-Path", "Delivered-To", "Received"]
            self.assertEqual(headers.keys(), names, recipient)
            lines = trace.split("\r\n")
            self.assertEqual(len(lines), 7, trace)
            self.assertEqual(lines[0], f"Return-Path: <{recipient.address}>")
            self.assertEqual(lines[1], f"Delivered-To: {recipient.address}")
            for line in lines:
                self.assertNotRegex(line, "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")

    def test_paths(self) -> None:
        """
        A Maildir with such a name is where the template says, or there is none.
        """
        self.patch(maildir, "deferToThread", maybeDeferred)
        self.patch(folders, "deferToThread", maybeDeferred)
        root = Path(self.mktemp()).absolute()
        outside = root.parent
        destination = Folders(root / "{domain}/{localpart}", "mx.example.org", Clock())
        destination.start()
        before = {*outside.iterdir()}
        count = 0
        for session in accepted():
            [recipient] = session.envelope.rcptTo
            delivery = destination.deliver(newStream(MESSAGE), session, [recipient])
            delivered: Deferred[Any] = Deferred.fromCoroutine(delivery)
            if "/" in recipient.localPart or recipient.localPart[:1] in ("", "."):
                refusal = self.failureResultOf(delivered, SMTPError).value
                self.assertEqual(refusal.reply.code, 553, recipient)
            else:
                self.successResultOf(delivered)
                count += 1
                folder = root / "example.org" / recipient.localPart
                self.assertEqual(len([*(folder / "new").iterdir()]), 1, recipient)
        self.assertEqual(len([*(root / "example.org").iterdir()]), count)
        self.assertEqual([each.name for each in root.iterdir()], ["example.org"])
        self.assertEqual({*outside.iterdir()}, before)

    def test_command(self) -> None:
        """
        A program is called with what the configuration says, and finds the address in
        its environment, as it was given.
        """
        for session in accepted():
            [recipient] = session.envelope.rcptTo
            clock = ProcessClock()
            command = Command(
                reactor=clock, hostname="mx.example.org", arguments=["program", "-x"]
            )
            delivery = command.deliver(newStream(MESSAGE), session, [recipient])
            delivered: Deferred[Any] = Deferred.fromCoroutine(delivery)
            [process] = clock.processes
            call = process.call
            self.assertEqual(
                (call["executable"], call["args"][1:]), ("program", ["-x"])
            )
            environment = call["env"]
            for name in (b"SENDER", b"RECIPIENT", b"RECIPIENTS"):
                self.assertEqual(environment[name], recipient.address.encode())
            for name, value in environment.items():
                self.assertNotRegex(value, b"[\x00-\x1f\x7f]", name)
            process.end()
            self.successResultOf(delivered)

    def test_nextHop(self) -> None:
        """
        To the next hop it goes in one line, and so does what xtext has hidden.
        """
        offers = Offers({"SMTPUTF8": (), "DSN": ()})
        for session in accepted():
            [recipient] = session.envelope.rcptTo
            self.assertEqual(
                mailCommand(session.envelope, offers),
                f"MAIL FROM:<{recipient.address}> SMTPUTF8".encode(),
            )
            self.assertEqual(
                rcptCommand(recipient, offers),
                f"RCPT TO:<{recipient.address}>".encode(),
            )

    def test_xtext(self) -> None:
        """
        What xtext hides does not come out of it: control characters are refused.
        """
        client = c.greeted(MemoryServer(options=_everything()))
        for line in (
            "MAIL FROM:<a@b.example> ENVID=x+0D+0ARSET",
            "MAIL FROM:<a@b.example> ENVID=x+00",
            "MAIL FROM:<a@b.example> AUTH=a+0Ab@b.example",
            "XCLIENT HELO=a+0D+0Ab",
            "XCLIENT NAME=a+20b",
            "XCLIENT LOGIN=a+0Ab",
            "XCLIENT LOGIN=a+C2+85b",
            "XFORWARD NAME=a+0D+0Ab",
            "XFORWARD IDENT=a+28b",
        ):
            client.say("EHLO client.example.com", "RSET")
            self.assertEqual(client.say(line)[0][:3], "501", line)
        client.say("EHLO client.example.com", c.MAIL)
        for line in (
            "ORCPT=rfc822;a+0D+0Ab",
            "ORCPT=rfc822;a+7F",
            "ORCPT=utf-8;a\\x{0A}b",
            "ORCPT=utf-8;a\\x{85}b",
        ):
            reply = client.say(f"RCPT TO:<bob@example.org> {line}")[0]
            self.assertEqual(reply[:3], "501", line)


def _everything() -> Any:
    """All that a client can be offered without TLS."""
    return memoryOptions(
        auth="optional",
        allowInsecureAuth=True,
        xclient=["192.0.2.1"],
        xforward=["192.0.2.1"],
        errors=10**6,
        authFailures=10**6,
    )
