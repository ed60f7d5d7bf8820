"""
What attacks cost: a table with a row for each.

An attack is sent to a service of its own, which must outlive it, and the bounds are
what it may cost: seconds of CPU, and memory beyond what was held before.
"""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from threading import Thread
from typing import NamedTuple

from benchmarks.bodies import MIB
from benchmarks.client import Client
from benchmarks.servers import HOST
from smtpsession.passwords import makeSecret
from soak.descriptors import allowDescriptors
from soak.service import PASSWORD, USER, Service, running

_CHUNK = b"x" * MIB
#: Seconds until a server that does nothing more is taken for one that hangs.
_PATIENCE = 120.0
_HELLO = b"EHLO client.example.org\r\n"


class Attack(NamedTuple):
    """
    @ivar send: sends so many of what it is made of to this port, and returns when the
        server has done with it; says what the server said
    @ivar amount: how many, in what C{unit} says
    @ivar few: in a smoke run
    @ivar answer: what the server has said last begins so
    @ivar cpu: how many seconds of CPU it may cost the server
    @ivar memory: how many MiB it may have it hold
    @ivar limits: what of the configuration is not as by default
    @ivar isProxied: whether a PROXY header is awaited
    @ivar schemes: how the password of a user is kept, if there is one
    """

    name: str
    send: Callable[[int, int], str]
    amount: int
    few: int
    unit: str
    answer: str
    cpu: float
    memory: float
    limits: Mapping[str, float] = {}
    isProxied: bool = False
    schemes: Sequence[str] = ()


class Cost(NamedTuple):
    """
    What an attack has cost, and how it ended.

    @ivar isHeld: whether the server has said what it should
    """

    cpu: float
    memory: float
    seconds: float
    answer: str
    isHeld: bool


def measure(attack: Attack, amount: int) -> Cost:
    """Start a service, attack it, and see whether it still serves."""
    users = "".join(
        f"{USER}:{{{scheme}}}{makeSecret(scheme, PASSWORD).value}\n"
        for scheme in attack.schemes
    )
    allowDescriptors(1000)
    with running(attack.limits, users, attack.isProxied) as service:
        process = service.process
        _requireAlive(service, attack)
        process.forgetPeak()
        memory, cpu, started = process.memory(), process.cpuSeconds(), time.monotonic()
        answer = attack.send(service.port, amount)
        seconds = time.monotonic() - started
        cpu = process.cpuSeconds() - cpu
        most = max(0, process.peakMemory() - memory)
        isHeld = answer.startswith(attack.answer.format(amount))
        _requireAlive(service, attack)
        return Cost(cpu, most / MIB, seconds, answer, isHeld)


def _requireAlive(service: Service, attack: Attack) -> None:
    """
    @raise LoadError: somebody else is not served
    """
    with Client(service.port) as client:
        if attack.isProxied:
            client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 49152 25\r\n")
        client.open()
        client.quit()


def _connect(port: int, source: str = HOST) -> socket.socket:
    return socket.create_connection((HOST, port), _PATIENCE, (source, 0))


class _Hearer:
    """Reads what a server says while somebody writes to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.last = b""
        self._connection = connection
        self._thread = Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        with suppress(OSError):
            while chunk := self._connection.recv(MIB):
                self.last = (self.last + chunk)[-200:]

    def wait(self) -> str:
        """Until the server has closed; how it refused last, or else what it said."""
        self._thread.join(_PATIENCE)
        lines = self.last.decode("ascii", "replace").splitlines()
        # The first may be a part of one.
        refused = [line for line in lines if line[:1] in "45" and line[:3].isdigit()]
        return (refused or lines or ["nothing"])[-1]


def _flood(port: int, *pieces: tuple[bytes, int]) -> str:
    """
    Write each piece so many times, read meanwhile, and wait for the server to close.
    """
    with _connect(port) as connection:
        hearer = _Hearer(connection)
        with suppress(OSError):
            # It may have closed long before the end.
            for octets, count in pieces:
                for _ in range(count):
                    connection.sendall(octets)
        return hearer.wait()


def _slowloris(port: int, count: int) -> str:
    """Connections that bring an octet of a command each second."""
    with ExitStack() as stack:
        clients = [stack.enter_context(_connect(port)) for _ in range(count)]
        end = time.monotonic() + 15
        closed = 0
        answer = b""
        while time.monotonic() < end and closed < count:
            closed = 0
            for each in clients:
                try:
                    each.sendall(b"x")
                except OSError:
                    closed += 1
            time.sleep(1)
        for each in clients:
            with suppress(OSError):
                answer = each.recv(1000)[-200:] or answer
    last = answer.decode("ascii", "replace").splitlines()
    return f"{closed} of {count} closed, {last[-1] if last else 'nothing'}"


def _unread(port: int, count: int) -> str:
    """Commands as fast as they are taken, and nobody reads the long replies."""
    with ExitStack() as stack:
        clients = [stack.enter_context(_connect(port)) for _ in range(count)]
        end = time.monotonic() + 5
        for each in clients:
            each.settimeout(0)
        while time.monotonic() < end:
            for each in clients:
                with suppress(BlockingIOError):
                    each.send(b"EHLO a\r\n" * 8000)
            time.sleep(0.01)
        held = 0
        for each in clients:
            with suppress(OSError):
                held += each.recv(3) == b"220"
        return f"{held} of {count} held"


def _line(port: int, mebibytes: int) -> str:
    return _flood(port, (_CHUNK, mebibytes), (b"\r\nQUIT\r\n", 1))


def _emptyLines(port: int, count: int) -> str:
    return _flood(port, (b"\r\n" * 1000, count // 1000), (b"QUIT\r\n", 1))


def _recipients(port: int, count: int) -> str:
    start = _HELLO + b"MAIL FROM:<a@example.org>\r\n"
    rcpt = b"RCPT TO:<b@example.net>\r\n" * 100
    return _flood(port, (start, 1), (rcpt, count // 100), (b"QUIT\r\n", 1))


def _body(port: int, mebibytes: int) -> str:
    start = _HELLO + b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    return _flood(port, (start, 1), (_CHUNK, mebibytes), (b"\r\n.\r\nQUIT\r\n", 1))


def _proxyText(port: int, mebibytes: int) -> str:
    return _flood(port, (b"PROXY TCP4 ", 1), (_CHUNK, mebibytes))


def _proxyBinary(port: int, mebibytes: int) -> str:
    start = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"
    return _flood(port, (start, 1), (_CHUNK, mebibytes))


def _guesses(port: int, count: int, sources: int, command: bytes) -> str:
    """Logins that fail, each on a connection of its own."""
    answer = ""
    for number in range(count):
        source = f"127.1.{number % sources // 250}.{number % sources % 250 + 1}"
        with _connect(port, source) as connection:
            hearer = _Hearer(connection)
            with suppress(OSError):
                # It may have closed at once.
                connection.sendall(_HELLO + command + b"QUIT\r\n")
            answer = hearer.wait()
    return answer


def _oneGuesser(port: int, count: int) -> str:
    return _guesses(port, count, 1, _PLAIN)


def _manyGuessers(port: int, count: int) -> str:
    return _guesses(port, count, 250, _PLAIN)


def _scramFlood(port: int, count: int) -> str:
    """Exchanges that are begun, and never go on."""
    return _guesses(port, count, 1, _SCRAM)


_PLAIN = b"AUTH PLAIN %b\r\n" % base64.b64encode(b"\0alice\0wrong")
_SCRAM = b"AUTH SCRAM-SHA-256 %b\r\n*\r\n" % base64.b64encode(b"n,,n=alice,r=abcdefgh")


#: The bounds are several times what was measured, for slower machines.
ATTACKS = (
    Attack(
        "connections that bring an octet a second",
        _slowloris,
        500,
        20,
        "connections",
        "{0} of {0} closed, 421",
        cpu=2,
        memory=10,
        limits={"clients-per-address": 1000, "command-timeout": 5},
    ),
    Attack(
        "commands whose replies nobody reads",
        _unread,
        500,
        50,
        "connections",
        "{0} of {0} held",
        cpu=15,
        memory=120,
        limits={"clients-per-address": 1000},
    ),
    Attack("a line without an end", _line, 100, 40, "MiB", "500", cpu=2, memory=5),
    Attack(
        "empty lines",
        _emptyLines,
        1_000_000,
        100_000,
        "lines",
        "421 4.7.0 Too many errors",
        cpu=1,
        memory=5,
    ),
    Attack(
        "pipelined RCPTs",
        _recipients,
        100_000,
        5000,
        "RCPTs",
        "452 4.5.3",
        cpu=20,
        memory=5,
    ),
    Attack("a body without line ends", _body, 200, 40, "MiB", "552", cpu=2, memory=5),
    Attack(
        "a PROXY header of version 1 without an end",
        _proxyText,
        100,
        40,
        "MiB",
        "nothing",
        cpu=1,
        memory=5,
        isProxied=True,
    ),
    Attack(
        "a PROXY header of version 2 without an end",
        _proxyBinary,
        100,
        40,
        "MiB",
        "nothing",
        cpu=1,
        memory=5,
        isProxied=True,
    ),
    Attack(
        "wrong passwords from one address",
        _oneGuesser,
        1000,
        40,
        "logins",
        "421 4.7.0 Too many failed logins from your address",
        cpu=30,
        memory=200,
        schemes=("SCRYPT",),
    ),
    Attack(
        "wrong passwords from 250 addresses",
        _manyGuessers,
        250,
        10,
        "logins",
        "535",
        cpu=200,
        memory=200,
        schemes=("SCRYPT",),
    ),
    Attack(
        "SCRAM begun and broken off",
        _scramFlood,
        1000,
        40,
        "logins",
        "501",
        cpu=3,
        memory=5,
        schemes=("SCRAM-SHA-256",),
    ),
)
