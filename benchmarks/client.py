"""
The load client: SMTP on a plain blocking socket.

It trusts nothing that it measures: every reply must have the code expected, and once
QUIT is answered the server must close without another byte.  A reply that is missing
ends in the time-out of the socket.  Whatever goes wrong is a L{LoadError} or the
C{OSError} of the socket.
"""

from __future__ import annotations

import re
import socket
import ssl
from functools import cache
from types import TracebackType

from benchmarks.servers import HOST

#: Seconds that a server may take to connect, to read what is sent, or to answer.
TIMEOUT = 60.0

CHUNK = 256 * 1024

#: The last line of a reply ends with this, but for the CRLF.
_LAST_LINE = re.compile(rb"(?:^|\n)\d\d\d(?: [^\n]*)?\r\n\Z")


class LoadError(Exception):
    """The server answered something other than what the load calls for."""


class Client:
    """
    One connection to a server; closed at the end of its C{with} block.

    @ivar extensions: the keywords that the reply to EHLO had
    """

    extensions: frozenset[bytes]

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=TIMEOUT)
        # Otherwise the end of a large message waits for a delayed acknowledgement,
        # and the time measured is that of the client's kernel.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def secure(self) -> None:
        """Make the TLS handshake."""
        self._socket = _context().wrap_socket(self._socket)

    def startTLS(self) -> None:
        self.send(b"STARTTLS\r\n")
        self.expect(b"220")
        self.secure()
        self.hello()

    def open(self) -> None:
        """Read the greeting, and greet."""
        self.expect(b"220")
        self.hello()

    def hello(self) -> None:
        self.send(b"EHLO client.example.org\r\n")
        lines = self.expect(b"250").split(b"\r\n")[1:-1]
        self.extensions = frozenset(line[4:].split(b" ")[0].upper() for line in lines)

    def expect(self, *codes: bytes) -> bytes:
        """
        Read the replies that are due, which must have these codes and be all that
        comes, and return them.
        """
        replies = _replies(codes)
        received = b""
        while not _isWrong(received, codes):
            chunk = self._socket.recv(CHUNK)
            received += chunk
            if replies.fullmatch(received):
                return received
            if not chunk:
                break
        raise LoadError(f"expected {codes!r} and read {received[-500:]!r}")

    def deliver(self, group: bytes, replies: tuple[bytes, ...], body: bytes) -> bytes:
        """Send a group of commands, and a message; return the reply to that."""
        self.send(group)
        self.expect(*replies)
        self.send(body)
        return self.expect(b"250")

    def quit(self) -> None:
        self.send(b"QUIT\r\n")
        self.expect(b"221")
        surplus = self._socket.recv(1)
        if surplus:
            raise LoadError(f"expected the end and read {surplus!r}")


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _replies(codes: tuple[bytes, ...]) -> re.Pattern[bytes]:
    reply = rb"(?:%b-[^\n]*\n)*%b(?: [^\n]*)?\r\n"
    return re.compile(b"".join(reply % (code, code) for code in codes))


def _isWrong(received: bytes, codes: tuple[bytes, ...]) -> bool:
    """
    Whether nothing that could follow makes these the replies that are due: there are
    as many, or the last one has another code than any of them.
    """
    if _LAST_LINE.search(received) is None:
        return False
    ends = re.findall(rb"^(\d\d\d)(?: [^\n]*)?\r$", received, re.MULTILINE)
    return len(ends) >= len(codes) or tuple(ends) != codes[: len(ends)]


# The addresses differ from message to message, as they do in real life: nobody is
# measured on how well the one address is cached.


def makeGroup(number: int, recipients: int) -> bytes:
    """MAIL, RCPTs and DATA, the commands of one message (RFC 2920, section 3.1)."""
    lines = [b"MAIL FROM:<sender.%d@example.org>\r\n" % number]
    lines += [
        b"RCPT TO:<recipient.%d.%d@example.net>\r\n" % (number, each)
        for each in range(recipients)
    ]
    return b"".join([*lines, b"DATA\r\n"])


@cache
def groupReplies(recipients: int) -> tuple[bytes, ...]:
    return (*[b"250"] * (1 + recipients), b"354")
