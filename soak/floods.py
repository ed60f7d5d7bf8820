"""
Floods: what is sent without an end, and octets that come one by one.

Each function sends so much of something, waits until the server has done with it, and
returns what the server said.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Thread

from benchmarks.bodies import MIB
from benchmarks.servers import HOST

#: Seconds until a server that does nothing more is taken for one that hangs.
PATIENCE = 120.0

_CHUNK = b"x" * MIB
_HELLO = b"EHLO client.example.org\r\n"
_MAIL = b"MAIL FROM:<a@example.org>\r\n"
_RCPT = b"RCPT TO:<b@example.net>\r\n"
_QUIT = b"QUIT\r\n"
#: Of an octet a second; the time-outs have to end it before.
_DRIP_SECONDS = 20
#: Of commands whose replies nobody reads.
_FLOOD_SECONDS = 5
#: How many connections there are at a time that are made anew again and again.
_AT_A_TIME = 4


def connect(port: int, source: str = HOST) -> socket.socket:
    """A connection from this address."""
    return socket.create_connection((HOST, port), PATIENCE, (source, 0))


class _Hearer:
    """Reads what a server says while somebody writes to it."""

    def __init__(self, connection: socket.socket) -> None:
        self._last = b""
        self._lines = 0
        self._connection = connection
        self._thread = Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        with suppress(OSError):
            while chunk := self._connection.recv(MIB):
                self._lines += chunk.count(b"\n")
                self._last = (self._last + chunk)[-200:]

    def wait(self) -> tuple[int, str]:
        """Until the server has closed; how many lines it said, and the last one."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            return self._lines, "no end"
        return self._lines, _lastLine(self._last)


def _lastLine(octets: bytes) -> str:
    return (octets.decode("ascii", "replace").splitlines() or ["nothing"])[-1]


def _flood(port: int, *pieces: tuple[bytes, int]) -> str:
    """
    Write each piece so many times, read meanwhile, and wait for the server to close.
    """
    with connect(port) as connection:
        hearer = _Hearer(connection)
        with suppress(OSError):
            # It may have closed long before the end.
            for octets, count in pieces:
                for _ in range(count):
                    connection.sendall(octets)
        lines, last = hearer.wait()
        return f"{lines:,} lines, {last}"


def slowloris(port: int, count: int) -> str:
    """Connections that bring an octet each second, of a command or of a message."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(count)]
        for each in clients[::2]:
            each.sendall(_HELLO + _MAIL + _RCPT + b"DATA\r\n")
        answers = [b""] * count
        end = time.monotonic() + _DRIP_SECONDS
        while time.monotonic() < end and not all(map(_isEnd, answers)):
            time.sleep(1)
            for number, client in enumerate(clients):
                answers[number] += _drip(client)
        return _summary([_lastLine(each) for each in answers if _isEnd(each)], count)


def _isEnd(answer: bytes) -> bool:
    return _lastLine(answer).startswith("421 ")


def _drip(client: socket.socket) -> bytes:
    """Send one octet; what the server has said since."""
    said = b""
    client.setblocking(False)
    with suppress(OSError):
        while chunk := client.recv(1000):
            said += chunk
    with suppress(OSError):
        client.send(b"x")
    return said


def _summary(ends: Sequence[str], count: int) -> str:
    return f"{len(ends)} of {count} ended, {ends[-1] if ends else 'nothing'}"


def unread(port: int, count: int) -> str:
    """Commands as fast as they are taken, and nobody reads the long replies."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(count)]
        for each in clients:
            each.settimeout(0)
        end = time.monotonic() + _FLOOD_SECONDS
        while time.monotonic() < end:
            for each in clients:
                with suppress(BlockingIOError):
                    each.send(b"EHLO a\r\n" * 8000)
            time.sleep(0.01)
        held = 0
        for each in clients:
            each.settimeout(PATIENCE)
            with suppress(OSError):
                held += each.recv(3) == b"220"
        return f"{held} of {count} held"


def line(port: int, mebibytes: int) -> str:
    return _flood(port, (_CHUNK, mebibytes), (b"\r\n" + _QUIT, 1))


def emptyLines(port: int, count: int) -> str:
    return _flood(port, (b"\r\n" * 1000, count // 1000), (_QUIT, 1))


def emptyLinesAnew(port: int, count: int) -> str:
    """So many that are read, on a new connection whenever the server ends one."""

    def bring(share: int) -> str:
        last = "nothing"
        while share > 0:
            with connect(port) as connection:
                hearer = _Hearer(connection)
                with suppress(OSError):
                    connection.sendall(b"\r\n" * 100)
                lines, last = hearer.wait()
            if lines < 2:
                break
            # The greeting is no answer.
            share -= lines - 1
        return last

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        lasts = [*threads.map(bring, [count // _AT_A_TIME] * _AT_A_TIME)]
    ends = [each for each in lasts if _isEnd(each.encode("ascii"))]
    return _summary(ends, _AT_A_TIME)


def recipients(port: int, count: int) -> str:
    return _flood(port, (_HELLO + _MAIL, 1), (_RCPT * 100, count // 100), (_QUIT, 1))


def body(port: int, mebibytes: int) -> str:
    start = _HELLO + _MAIL + _RCPT + b"DATA\r\n"
    return _flood(port, (start, 1), (_CHUNK, mebibytes), (b"\r\n.\r\n" + _QUIT, 1))


def proxyText(port: int, mebibytes: int) -> str:
    return _flood(port, (b"PROXY TCP4 ", 1), (_CHUNK, mebibytes))


def proxyBinary(port: int, mebibytes: int) -> str:
    start = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"
    return _flood(port, (start, 1), (_CHUNK, mebibytes))
