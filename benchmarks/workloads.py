"""
The workloads: a table with one row for each.

A row says what is sent and by which conversation.  A conversation is a function that
puts a number of messages through the server at a port.  Its connections come from the
class of the row, so that a workload under TLS is a row with another class.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.client import Client

Conversation = Callable[["type[Client]", int, bytes, int], None]

KIB = 1024
MIB = 1024 * KIB

LINE_LENGTH = 76
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
HEADER = b"From: sender@example.org\r\nSubject: %s\r\n\r\n"


class Workload(NamedTuple):
    """
    One workload.

    C{messages} is the number in a round, unless the command line says otherwise;
    C{extension} is the EHLO keyword without which the workload is improper.
    """

    name: str
    description: str
    size: int
    messages: int
    converse: Conversation
    extension: bytes | None = None
    connect: type[Client] = Client

    def send(self, port: int, body: bytes, count: int) -> None:
        """Put C{count} messages through the server."""
        self.converse(self.connect, port, body, count)


def makeBody(size: int) -> bytes:
    """
    A message of C{size} octets, and the dot that ends it.

    Its lines are those of an attachment in Base64, so none of them begins with a dot;
    they are the same in every run.  The subject fills up what whole lines leave over.
    """
    count, left = divmod(size - len(HEADER % b""), LINE_LENGTH + len("\r\n"))
    source = random.Random(size)
    lines = ("".join(source.choices(BASE64, k=LINE_LENGTH)) for _ in range(count))
    text = "".join(line + "\r\n" for line in lines)
    return HEADER % (b"x" * left) + text.encode("ascii") + b".\r\n"


def keep(connect: type[Client], port: int, body: bytes, count: int) -> None:
    """All messages on one connection, one step at a time."""
    with connect(port) as client:
        client.open()
        for number in range(count):
            client.deliver(number, body)
        client.quit()


def pipeline(connect: type[Client], port: int, body: bytes, count: int) -> None:
    """All messages on one connection, commands in groups."""
    with connect(port) as client:
        client.open()
        client.deliverPipelined(count, body)
        client.quit()


def reconnect(connect: type[Client], port: int, body: bytes, count: int) -> None:
    """A connection for each message, one after the other."""
    for number in range(count):
        with connect(port) as client:
            client.open()
            client.deliver(number, body)
            client.quit()


WORKLOADS = (
    Workload("kept", "1 KiB, one kept connection", KIB, 5000, keep),
    Workload("large", "1 MiB, one kept connection", MIB, 100, keep),
    Workload(
        "pipelined",
        "1 KiB, one kept connection, pipelined",
        KIB,
        5000,
        pipeline,
        extension=b"PIPELINING",
    ),
    Workload("connect", "1 KiB, a connection a message", KIB, 1000, reconnect),
)
