"""
The loads: each puts a number of messages through the server at a port.

One from C{smtp-source} costs the machine little; one from the L{Client} does what that
does not: commands in groups, TLS, dots.
"""

from __future__ import annotations

from collections.abc import Callable
from subprocess import DEVNULL, PIPE, run

from benchmarks.client import Client, LoadError, groupReplies, makeGroup
from benchmarks.programs import environment, find
from benchmarks.servers import HOST

#: Puts so many messages through the server at this port.
Load = Callable[[int, int], None]

#: Seconds that smtp-source may take.
TIMEOUT = 300.0

#: What smtp-source is called with in any case: differing recipients, and the names.
SOURCE = "-4 -N -f sender@example.org -t recipient@example.net -M client.example.org"


def source(size: int, sessions: int = 1, keep: bool = True) -> Load:
    """
    Postfix's smtp-source, which waits for the reply to each step.

    @param sessions: how many at once
    @param keep: whether a session sends more than one message
    """

    def send(port: int, count: int) -> None:
        path = find("smtp-source")
        assert path is not None
        command = [path, *SOURCE.split(), "-l", str(size), "-m", str(count)]
        command += ["-s", str(min(sessions, count)), *(["-d"] if keep else [])]
        ended = run(
            [*command, f"{HOST}:{port}"],
            env=environment(),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            timeout=TIMEOUT,
        )
        if ended.returncode != 0 or ended.stderr:
            raise LoadError(f"smtp-source: {ended.stderr[-500:]!r}")

    return send


def pipelined(recipients: int, makeBody: Callable[[], bytes]) -> Load:
    """
    Messages on one connection, the commands of each in one write.

    DATA ends a group of commands, so its 354 is awaited; the body may begin the next
    group (RFC 2920, section 3.1).
    """

    replies = groupReplies(recipients)

    def send(port: int, count: int) -> None:
        body = makeBody()
        groups = [makeGroup(number, recipients) for number in range(count)]
        with Client(port) as client:
            client.open()
            client.send(groups[0])
            client.expect(*replies)
            for group in groups[1:]:
                client.send(body + group)
                client.expect(b"250", *replies)
            client.send(body)
            client.expect(b"250")
            client.quit()

    return send


def overTLS(makeBody: Callable[[], bytes]) -> Load:
    """Messages on one connection that begins with TLS."""

    def send(port: int, count: int) -> None:
        body, replies = makeBody(), groupReplies(1)
        with Client(port) as client:
            client.secure()
            client.open()
            for number in range(count):
                client.deliver(makeGroup(number, 1), replies, body)
            client.quit()

    return send


def implicitTLS(makeBody: Callable[[], bytes]) -> Load:
    """A connection that begins with TLS for each message."""
    each = overTLS(makeBody)

    def send(port: int, count: int) -> None:
        for _ in range(count):
            each(port, 1)

    return send
