"""
A bare server in Python alone: a loop that waits, receives and sends.
"""

from __future__ import annotations

import select
import socket

from benchmarks.servers import BACKLOG, HOST, readSetup
from benchmarks.servers._bare import BYE, GREETING, BareConversation

_CHUNK = 65_536


def serve(port: int) -> None:
    listening = socket.create_server((HOST, port), backlog=BACKLOG)
    poller = select.epoll()
    poller.register(listening, select.EPOLLIN)
    clients: dict[int, tuple[socket.socket, BareConversation]] = {}
    while True:
        for number, _ in poller.poll():
            if number == listening.fileno():
                client, _ = listening.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.send(GREETING)
                clients[client.fileno()] = client, BareConversation()
                poller.register(client, select.EPOLLIN)
                continue
            client, conversation = clients[number]
            if not goOn(client, conversation):
                poller.unregister(client)
                del clients[number]
                client.close()


def goOn(client: socket.socket, conversation: BareConversation) -> bool:
    """Answer what has come; whether more is to be expected."""
    try:
        chunk = client.recv(_CHUNK)
        said = conversation.feed(chunk)
        if said:
            client.sendall(said)
    except ConnectionError:
        return False
    return bool(chunk) and not said.endswith(BYE)


if __name__ == "__main__":
    serve(readSetup().port)
