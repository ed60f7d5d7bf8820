# -*- test-case-name: tests.test_notify -*-
"""
What systemd is told of the state of the service, sd_notify(3).
"""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> None:
    """
    Tell it, if it wants to know: C{"READY=1"}, C{"RELOADING=1"}, C{"STOPPING=1"}.

    A service manager that does not listen is no reason to fail.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto("\n".join(states).encode("utf-8"), address)
        except OSError:
            pass
