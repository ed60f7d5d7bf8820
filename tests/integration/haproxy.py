"""
HAProxy, which hands connections on to a server under test.
"""

from __future__ import annotations

import socket

from tests.integration.programs import find, missing
from tests.integration.support import NetworkTestCase

#: Why the tests with HAProxy are skipped, or None.
SKIP = missing("haproxy")

_CONFIGURATION = """\
global
  log stdout format raw local0
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen smtp
  bind fd@3 {bind}
  server library 127.0.0.1:{port} {server}
"""


class HAProxy:
    """
    A HAProxy that runs until the end of the test.

    @ivar port: where clients come
    @ivar process: its output is the log
    """

    def __init__(
        self,
        test: NetworkTestCase,
        port: int,
        server: str = "",
        *options: str,
        bind: str = "",
    ) -> None:
        """
        @param port: where the connections go
        @param server: options of the server, such as C{send-proxy}
        @param options: of the proxy
        @param bind: options of its socket, such as C{ssl}
        """
        path = test.makeFolder() / "haproxy.cfg"
        lines = [_CONFIGURATION.format(port=port, server=server, bind=bind), *options]
        path.write_text("".join(f"{line.rstrip()}\n" for line in lines))
        # It is given a socket that listens already, so that nobody has to find a free
        # port, or to wait until the proxy is ready.
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port: int = listening.getsockname()[1]
            self.process = test.startProgram(
                *(find("haproxy"), "-db", "-f", str(path)),
                childFDs={0: "w", 1: "r", 2: "r", 3: listening.fileno()},
            )
