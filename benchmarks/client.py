"""
The load client: SMTP on a plain blocking socket.

It trusts nothing that it measures: every reply must have the code expected, and once
QUIT is answered the server must close without another byte.  A reply that is missing
ends in the time-out of the socket.  Whatever goes wrong is a L{LoadError} or the
C{OSError} of the socket.
"""

from __future__ import annotations

import socket
from types import TracebackType

from benchmarks.servers import HOST

#: Seconds that a server may take to connect, to read what is sent, or to answer.
TIMEOUT = 30.0

MAX_REPLY_LINES = 100
MAX_REPLY_LINE_LENGTH = 512

#: What follows the code in a reply: another line, a text, or nothing.
SEPARATORS = (b"-", b" ", b"\r")


class LoadError(Exception):
    """The server answered something other than what the load calls for."""


class Client:
    """One connection to a server; closed at the end of its C{with} block."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=TIMEOUT)
        # Otherwise the end of a large message waits for a delayed acknowledgement,
        # and the time measured is that of the client's kernel.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._replies.close()
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def expect(self, code: bytes) -> list[bytes]:
        """Read one reply, which must have this code, and return the text of it."""
        text = []
        for _ in range(MAX_REPLY_LINES):
            line = self._replies.readline(MAX_REPLY_LINE_LENGTH)
            separator = line[3:4]
            if line[:3] != code or separator not in SEPARATORS or line[-2:] != b"\r\n":
                raise LoadError(f"expected {code!r} and read {line!r}")
            text.append(line[4:-2])
            if separator != b"-":
                return text
        raise LoadError(f"a reply of more than {MAX_REPLY_LINES} lines")

    def open(self) -> frozenset[bytes]:
        """Greet the server and return the keywords of the extensions it offers."""
        self.expect(b"220")
        self.send(b"EHLO client.example.org\r\n")
        extensions = self.expect(b"250")[1:]
        return frozenset(line.partition(b" ")[0].upper() for line in extensions)

    def deliver(self, number: int, body: bytes) -> None:
        """Send one message and wait for the reply to each step of it."""
        self.send(mailCommand(number))
        self.expect(b"250")
        self.send(rcptCommand(number))
        self.expect(b"250")
        self.send(b"DATA\r\n")
        self.expect(b"354")
        self.send(body)
        self.expect(b"250")

    def deliverPipelined(self, count: int, body: bytes) -> None:
        """
        Send several messages, the commands of each in one write.

        DATA ends a group of commands, so its 354 is awaited; the body may begin the
        next group (RFC 2920, section 3.1).
        """
        self.send(commandGroup(0))
        self.expectGroup()
        for number in range(1, count):
            self.send(body + commandGroup(number))
            self.expect(b"250")
            self.expectGroup()
        self.send(body)
        self.expect(b"250")

    def expectGroup(self) -> None:
        """Read the replies to MAIL, RCPT and DATA."""
        self.expect(b"250")
        self.expect(b"250")
        self.expect(b"354")

    def quit(self) -> None:
        self.send(b"QUIT\r\n")
        self.expect(b"221")
        surplus = self._replies.read(1)
        if surplus:
            raise LoadError(f"expected the end and read {surplus!r}")


# The addresses differ from message to message, as they do in real life: nobody is
# measured on how well the one address is cached.


def mailCommand(number: int) -> bytes:
    return b"MAIL FROM:<sender.%d@example.org>\r\n" % number


def rcptCommand(number: int) -> bytes:
    return b"RCPT TO:<recipient.%d@example.net>\r\n" % number


def commandGroup(number: int) -> bytes:
    return mailCommand(number) + rcptCommand(number) + b"DATA\r\n"
