"""
What one side takes for data and the other for commands.

All of it is cut in every place.  The look-alikes of the end of a message are made of
all that anybody takes for a line end and for a line with a dot; those that were found
in the wild have their names in C{smtpsession.selftest.endings}.  What is pipelined
across STARTTLS and the like is in tests.test_statechanges.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from smtpsession.selftest.endings import LOOK_ALIKES
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c
from tests.cases import TableTestCase, cuts

OPENING = (
    b"EHLO client.example.com\r\n"
    b"MAIL FROM:<alice@example.com>\r\n"
    b"RCPT TO:<bob@example.org>\r\n"
)
#: What is smuggled, or is not.
SECOND = (
    b"MAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.org>\r\nDATA\r\n"
    b"Subject: smuggled\r\n"
)
BARE_NEWLINE = "550 5.6.0 Bare CR or LF in message"
NOT_COMMAND = "500 5.5.2 Control characters or invalid UTF-8 in command"
NOT_HTTP = "421 4.7.0 This is not a web server"

#: What somebody takes for a line end, and what is one.
NEWLINES = [
    *(b"\r\n", b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\n", b"\r\0\n"),
    *(b"\0", b"\x0b", b"\xc2\x85", b"\xe2\x80\xa8"),
]
#: What somebody takes for a line with a dot alone, and what is one.
DOTS = [b".", b"..", b". ", b".\t", b".\0", b" .", b"\0."]

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def lookAlikes() -> Iterator[bytes]:
    """What does not end a message."""
    yield from (octets for _, octets, _, _ in LOOK_ALIKES)
    for before in NEWLINES:
        for dot in DOTS:
            for behind in NEWLINES:
                octets = before + dot + behind
                if b"\r\n.\r\n" not in octets:
                    yield octets


def contentOf(octets: bytes) -> bytes:
    """RFC 5321, section 4.5.2, of a message with its last CRLF, line by line."""
    return b"\r\n".join(line.removeprefix(b".") for line in octets.split(b"\r\n"))


def within(octets: bytes, start: int, end: int) -> Iterator[list[bytes]]:
    """The octets whole, and cut in and around a part of them, once and everywhere."""
    yield [octets]
    for at in range(start, end + 1):
        yield [octets[:at], octets[at:]]
    part = [octets[at : at + 1] for at in range(start, end)]
    yield [octets[:start], *part, octets[end:]]


#: Made once: there are thousands of servers.
_optionsOf = lru_cache(memoryOptions)


def heard(chunks: Iterable[bytes], **options: Any) -> tuple[list[str], list[bytes]]:
    """What a server says behind its greeting, and what it accepts."""
    server = MemoryServer(options=_optionsOf(**options))
    client = c.greeted(server)
    for chunk in chunks:
        client.write(chunk)
    return client.hear(), [message.content for message in server.messages]


class EndOfDataTests(TableTestCase):
    """Only CRLF . CRLF ends a message."""

    def differences(self, mode: str) -> Iterator[str]:
        beginning = OPENING + b"DATA\r\nHello"
        # EHLO, MAIL, RCPT, 354.
        opened = len(heard([OPENING + b"DATA\r\n"])[0])
        for octets in lookAlikes():
            message = b"Hello" + octets + SECOND
            content = contentOf(message)
            isBare = _BARE.search(content) is not None
            expected = ["250 2.6.0 Message accepted"], [content]
            if isBare and mode == "normalize":
                expected = expected[0], [_BARE.sub(b"\r\n", content)]
            elif isBare:
                expected = [BARE_NEWLINE], []
            whole = OPENING + b"DATA\r\n" + message + b".\r\n"
            place = len(beginning)
            for chunks in within(whole, place, place + len(octets)):
                replies, messages = heard(chunks, bareNewlines=mode)
                if (replies[opened:], messages) != expected:
                    yield f"{octets!r} {chunks!r}: {replies[opened:]} {messages!r}"

    def test_refused(self) -> None:
        """
        What looks like it is in the message, which is refused where that has a bare CR
        or LF; nothing behind it is a command.
        """
        self.assertNoneWrong(self.differences("refuse"))

    def test_normalized(self) -> None:
        """
        The same where bare newlines are let in.
        """
        self.assertNoneWrong(self.differences("normalize"))

    def test_counted(self) -> None:
        """
        In BDAT nothing ends a message but the count, not even CRLF . CRLF.
        """
        binary = OPENING.replace(b"com>", b"com> BODY=BINARYMIME")
        opened = len(heard([OPENING])[0])

        def differences() -> Iterator[str]:
            for octets in [*lookAlikes(), b"\r\n.\r\n"]:
                content = b"Hello" + octets + SECOND
                for body, chunk in (
                    (binary, b"BDAT %d LAST\r\n" % len(content)),
                    (OPENING, b"BDAT %d LAST\r\n" % len(content)),
                ):
                    isRefused = body is OPENING and _BARE.search(content)
                    expected: Any = ["250 2.6.0 Message accepted"], [content]
                    if isRefused:
                        expected = [BARE_NEWLINE], []
                    place = len(body + chunk + b"Hello")
                    whole = body + chunk + content
                    for chunks in within(whole, place, place + len(octets)):
                        replies, messages = heard(chunks)
                        if (replies[opened:], messages) != expected:
                            yield f"{octets!r} {chunks!r}: {replies} {messages!r}"

        self.assertNoneWrong(differences())

    def test_partsOfAnEnd(self) -> None:
        """
        Nor does it end where the look-alike is cut between two counted parts.
        """
        opened = len(heard([OPENING])[0])

        def differences() -> Iterator[str]:
            for octets in [*(row[1] for row in LOOK_ALIKES), b"\r\n.\r\n"]:
                content = b"Hello" + octets + SECOND
                expected: Any = ["250 2.6.0 Message accepted"], [content]
                for at in range(len(b"Hello"), len(b"Hello") + len(octets) + 1):
                    parts = content[:at], content[at:]
                    replies, messages = heard(
                        [
                            OPENING.replace(b"com>", b"com> BODY=BINARYMIME"),
                            b"BDAT %d\r\n%b" % (len(parts[0]), parts[0]),
                            b"BDAT %d LAST\r\n%b" % (len(parts[1]), parts[1]),
                        ]
                    )
                    if (replies[opened + 1 :], messages) != expected:
                        yield f"{octets!r} at {at}: {replies} {messages!r}"

        self.assertNoneWrong(differences())

    def test_real(self) -> None:
        """
        The real end is one, in every split, and what follows is a command.
        """
        whole = OPENING + b"DATA\r\nHello\r\n.\r\nNOOP\r\n"
        for _, chunks in cuts(whole):
            replies, messages = heard(chunks)
            self.assertEqual(replies[-2:], ["250 2.6.0 Message accepted", c.OK])
            self.assertEqual(messages, [b"Hello\r\n"])


#: A line for each verb, and one with a parameter.
LINES = [
    *(b"EHLO client.example.com", b"MAIL FROM:<eve@example.com>", b"DATA", b"RSET"),
    *(b"RCPT TO:<eve@example.org>", b"NOOP", b"QUIT", b"VRFY eve", b"EXPN eve"),
    *(b"HELP me", b"STARTTLS", b"AUTH PLAIN", b"XCLIENT NAME=eve.example"),
    b"MAIL FROM:<eve@example.com> BODY=8BITMIME",
]
#: What has no place in a command: control characters, among them those of Unicode, and
#: what is not UTF-8.
OCTETS = [
    *(bytes([octet]) for octet in (*range(32), 127)),
    *(chr(each).encode("utf-8") for each in (0x80, 0x85, 0x9F, 0x2028, 0x2029)),
    *(b"\x80", b"\x8d\x8a", b"\xc0\x8a", b"\xc1\xbf", b"\xe0\x80\x8a", b"\xed\xa0\x80"),
    *(b"\xf4\x90\x80\x80", b"\xfe", b"\xff", b"\xc3", b"\xe2\x80"),
]


class CommandTests(TableTestCase):
    """A command ends with CRLF, and has no control characters."""

    def test_octets(self) -> None:
        """
        With one of them anywhere in it a line is one command, which is refused and
        does nothing.
        """

        def differences() -> Iterator[str]:
            server = MemoryServer(options=memoryOptions(errors=10**6))
            client = c.withSender(server)
            before = client.session.asDict()
            for line in LINES:
                for octets in OCTETS:
                    for at in {0, 1, 4, len(line) // 2, len(line)}:
                        bad = line[:at] + octets + line[at:]
                        if bad.rstrip(b" \t") == line:
                            # White space at the end is not of the command.
                            continue
                        client.write(bad + b"\r\n")
                        replies = client.hear()
                        if replies != [NOT_COMMAND] and octets + b"\n" != b"\r\n":
                            yield f"{bad!r}: {replies}"
            if client.session.asDict() != before:
                yield f"{client.session.asDict()} was {before}"

        self.assertNoneWrong(differences())

    def test_newlines(self) -> None:
        """
        What others take for a line end is none, in every split: of two commands that
        it stands between neither is run.
        """

        def differences() -> Iterator[str]:
            for octets in NEWLINES:
                if b"\r\n" in octets:
                    continue
                for _, chunks in cuts(b"RSET" + octets + b"NOOP\r\n"):
                    replies, _ = heard([b"EHLO c.example\r\n", *chunks])
                    if replies[-1] != NOT_COMMAND or replies.count(c.OK):
                        yield f"{octets!r} {chunks!r}: {replies}"

        self.assertNoneWrong(differences())

    def test_lineFeedFirst(self) -> None:
        """
        An LF behind a CRLF begins the next line, and is not skipped.
        """
        for _, chunks in cuts(b"NOOP\r\n\nNOOP\r\nNOOP\r\n"):
            self.assertEqual(heard(chunks)[0], [c.OK, NOT_COMMAND, c.OK])

    def test_long(self) -> None:
        """
        What is at the end of a line that is too long is no command, wherever the line
        is cut.
        """
        line = b"NOOP " + b"x" * 600 + b"\r\n"
        commands = line.replace(b"xxxxxx\r", b" QUIT\r") + b"NOOP\r\n"
        expected = ["500 5.5.2 Line too long", c.OK]
        for at in (1, 511, 512, 513, len(line) - 6, len(line) - 2, len(line) - 1):
            self.assertEqual(heard([commands[:at], commands[at:]])[0], expected)


def clientHello() -> bytes:
    """What a client of TLS begins with."""
    octets = ssl.MemoryBIO()
    context = ssl.create_default_context()
    connection = context.wrap_bio(ssl.MemoryBIO(), octets, server_hostname="mx.example")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return octets.read()


class OtherProtocolTests(TableTestCase):
    """What does not speak SMTP at all."""

    def test_http(self) -> None:
        """
        A request ends the connection with its first line, whatever its body says and
        wherever it is cut, before a hello and behind it.
        """
        methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS"]
        # RFC 9110, section 9.1; RFC 5789; RFC 9113, section 3.4.
        for method in [*methods, "TRACE", "PATCH", "PRI"]:
            request = (
                f"{method} / HTTP/1.1\r\nHost: mx.example.org:25\r\n"
                "Content-Type: text/plain\r\n\r\n"
            ).encode("ascii")
            request += OPENING + b"DATA\r\nspam\r\n.\r\nQUIT\r\n"
            for begin, count in ((b"", 0), (b"HELO client.example.com\r\n", 1)):
                for chunks in within(request, 0, 30):
                    replies, messages = heard([begin, *chunks])
                    self.assertEqual((replies[count:], messages), ([NOT_HTTP], []))

    def test_tls(self) -> None:
        """
        A client that begins with TLS is not answered as if it had said a command, nor
        is anything accepted; its time is that of one.
        """
        server = MemoryServer()
        client = c.greeted(server)
        for octet in clientHello().replace(b"\r\n", b"\0\0"):
            client.write(bytes([octet]))
        self.assertEqual(client.hear(), [])
        server.clock.advance(300)
        self.assertEqual(client.hear(), ["421 4.4.2 Waited too long for a command"])
        self.assertTrue(client.closed)

    def test_tlsWithLines(self) -> None:
        """
        Where there is a CRLF in it by chance, that line is refused.
        """
        hello = clientHello() + b"\r\n"
        for chunks in within(hello, 0, 20):
            replies, messages = heard(chunks)
            self.assertEqual({each[:3] for each in replies}, {"500"})
            self.assertEqual(messages, [])
