"""
A server that does everything wrong that the self-test looks for.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.ssl import PrivateCertificate

from tests.certificates import selfSigned

_BREAK = rb"(?:[\r\n\0\x0b\x0c]+|\xc2\x85|\xe2\x80\xa8)"
_LINE_END = re.compile(rb"\r\n|[\r\n\0]|\xc2\x85")
_LONGEST = 1000


class UnsoundServer(Protocol):
    """
    Takes whatever looks like the end of a line or a message for one, accepts every
    path and parameter, repeats what it hears, and forgets nothing.
    """

    #: What ends a message.
    end = re.compile(_BREAK + rb"[\0 ]*\.{1,2}[\0 \t]*" + _BREAK)
    extensions: tuple[bytes, ...] = (
        b"STARTTLS",
        b"PIPELINING",
        b"CHUNKING",
        b"SIZE",
        b"8BITMIME",
    )
    transport: Any

    def connectionMade(self) -> None:
        self._octets = b""
        self._isMessage = self._hasRecipient = False
        self._replies: list[bytes] = []
        self._say(b"220 unsound")
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        isGroup = data.startswith(b"RSET\r\nMAIL")
        self._octets += data
        while self._takeMessage() if self._isMessage else self._takeLine():
            pass
        if isGroup:
            self._replies.reverse()
        self._flush()

    def _takeMessage(self) -> bool:
        found = self.end.search(self._octets)
        if found is None:
            return False
        self._octets = self._octets[found.end() :]
        self._isMessage = False
        self._say(b"250 accepted")
        return True

    def _takeLine(self) -> bool:
        found = _LINE_END.search(self._octets[:_LONGEST])
        if found is not None:
            line, self._octets = (
                self._octets[: found.start()],
                self._octets[found.end() :],
            )
        elif len(self._octets) > _LONGEST:
            line, self._octets = self._octets[:_LONGEST], self._octets[_LONGEST:]
        else:
            return False
        if line:
            self._obey(line)
        return True

    def _obey(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb in (b"EHLO", b"LHLO"):
            offers = [b"250-" + each for each in (b"unsound", *self.extensions)]
            self._say(b"\r\n".join([*offers, b"250 HELP"]))
        elif verb == b"DATA":
            self._say(b"354 go on")
            self._octets = b"\r\n" + self._octets
            self._isMessage = True
        elif verb == b"BDAT":
            self._count(int(line.split()[1]))
        elif verb == b"QUIT":
            self._say(b"221 bye")
            self._flush()
            self.transport.loseConnection()
        elif line.upper() == b"STARTTLS":
            self._say(b"220 go on")
            self._flush()
            self.transport.startTLS(_certificate().options())
        else:
            self._hasRecipient = self._hasRecipient or verb == b"RCPT"
            self._say(b"250 your wish is my command, and always was: " + line)

    def _count(self, size: int) -> None:
        """It can count, but not far, and as long as there is a recipient."""
        if not self._hasRecipient:
            self._say(b"503 to whom?")
        elif size >= 2**32:
            self._octets = self._octets[size % 2**64 :]
            self._say(b"250 accepted")
        else:
            self._isMessage = True

    def _say(self, line: bytes) -> None:
        self._replies.append(line + b"\r\n")

    def _flush(self) -> None:
        self.transport.write(b"".join(self._replies))
        self._replies = []


class DeafServer(UnsoundServer):
    """Misses the end of every message."""

    end = re.compile(rb"(?!)")


class PiecemealServer(UnsoundServer):
    """Knows the end of a message, but takes what comes in one piece for a line."""

    end = re.compile(rb"\r\n\.\r\n")

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(b"\r\n.\r\n" if data == b"." else data)


class BusyServer(UnsoundServer):
    """Offers TLS, and has none to give."""

    extensions = (b"STARTTLS",)

    def _obey(self, line: bytes) -> None:
        if line == b"STARTTLS":
            self._say(b"454 not now")
        else:
            super()._obey(line)


class ClearServer(UnsoundServer):
    """Promises TLS, and speaks on in the clear."""

    def _obey(self, line: bytes) -> None:
        if line == b"STARTTLS":
            self._say(b"220 go on")
        else:
            super()._obey(line)


class TalkativeServer(Protocol):
    """Says more than anybody listens to."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.write(b"220-and another thing\r\n" * 100_000)


def _certificate() -> Any:
    return PrivateCertificate.loadPEM(selfSigned("127.0.0.1").pem)
