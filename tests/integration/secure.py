"""
A certificate and a client for tests with TLS.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from OpenSSL.SSL import Connection, Context, WantReadError
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.certificates import selfSigned
from tests.integration.support import PATIENCE


@cache
def certificate() -> bytes:
    """A key and a certificate for 127.0.0.1 that it signs itself, as PEM."""
    return selfSigned("127.0.0.1").pem


class OpenSSLSocket:
    """
    A socket in TLS by pyOpenSSL, which has the exporter that the standard library does
    not show.

    @ivar connection: the client's end of TLS
    """

    def __init__(self, plain: socket.socket, context: Context) -> None:
        self.connection = Connection(context)
        self.connection.set_connect_state()
        self._plain = plain
        self._step(self.connection.do_handshake)

    def sendall(self, octets: bytes) -> None:
        self._step(self.connection.sendall, octets)

    def recv(self, size: int) -> bytes:
        return cast(bytes, self._step(self.connection.recv, size))

    def close(self) -> None:
        self._plain.close()

    def _step(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Do it, and hear the server as often as that takes."""
        while True:
            try:
                return method(*arguments)
            except WantReadError:
                pass
            finally:
                self._flush()
            octets = self._plain.recv(2**14)
            if not octets:
                raise ConnectionError("the server has gone")
            self.connection.bio_write(octets)

    def _flush(self) -> None:
        try:
            self._plain.sendall(self.connection.bio_read(2**18))
        except WantReadError:
            # There is nothing to send.
            pass


class Client:
    """
    A client of the standard library, whose calls wait in threads.

    @ivar socket: its socket, in TLS once `secure` is done
    """

    def __init__(self, where: int | str) -> None:
        """
        @param where: a port of this machine, or the path of a UNIX socket
        """
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(where)
        else:
            self.socket = socket.create_connection(("127.0.0.1", where), PATIENCE)
        self._octets = b""

    def secure(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Deferred[Any]:
        """Shake hands, and be sure who the server is."""
        context = ssl.create_default_context(cadata=certificate().decode("ascii"))
        context.minimum_version = context.maximum_version = version

        def wrap() -> None:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")

        return deferToThread(wrap)

    def secureBy(self, context: Context) -> Deferred[Connection]:
        """Shake hands by pyOpenSSL; the client's end of TLS."""

        def wrap() -> Connection:
            secured = OpenSSLSocket(self.socket, context)
            # As much of a socket as this client needs.
            self.socket = cast(socket.socket, secured)
            return secured.connection

        return deferToThread(wrap)

    def line(self) -> Deferred[bytes]:
        """The next line that the server says, or what there is of one at the end."""

        def read() -> bytes:
            while b"\r\n" not in self._octets:
                received = self.socket.recv(4096)
                if not received:
                    break
                self._octets += received
            line, end, self._octets = self._octets.partition(b"\r\n")
            return line + end

        return deferToThread(read)

    def reply(self) -> Deferred[bytes]:
        """The next reply, its last line only."""

        async def read() -> bytes:
            while (line := await self.line())[3:4] == b"-":
                pass
            return line

        return Deferred.fromCoroutine(read())

    def send(self, octets: bytes) -> Deferred[None]:
        return deferToThread(self.socket.sendall, octets)

    def bye(self) -> Deferred[bytes]:
        """
        End TLS as the server has, and wait for the end of the connection itself, which
        is the server's to make.
        """

        def read() -> bytes:
            assert isinstance(self.socket, ssl.SSLSocket)
            self.socket = self.socket.unwrap()
            return self.socket.recv(1)

        return deferToThread(read)
