# -*- test-case-name: tests.test_notify -*-
"""
What systemd is told of the state of the service, sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time


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
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto("\n".join(states).encode("utf-8"), address)
    except OSError:
        pass


def notifyReloading() -> None:
    """
    Tell it that everything is read anew, until C{"READY=1"}.  Where the unit says
    C{Type=notify-reload} it wants to know since when, so as not to take an earlier
    READY for the answer.
    """
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
