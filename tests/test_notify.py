"""
Tests of smtpsession.notify: what systemd is told.
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import time

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.notify import notify, notifyReloading


class NotifyTests(SynchronousTestCase):
    """notify."""

    def listen(self, address: str) -> socket.socket:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(channel.close)
        channel.bind(address)
        channel.settimeout(10)
        return channel

    def tell(self, address: str | None) -> None:
        environment = {} if address is None else {"NOTIFY_SOCKET": address}
        self.patch(os, "environ", environment)
        notify("RELOADING=1", "STATUS=x")

    def test_path(self) -> None:
        """It is told through a socket in the file system, or an abstract one."""
        # The name of a socket is short, and the folders of tests are not.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for bound, told in (
            (f"{folder.name}/s", f"{folder.name}/s"),
            (f"\0{folder.name}", f"@{folder.name}"),
        ):
            channel = self.listen(bound)
            self.tell(told)
            self.assertEqual(channel.recv(100), b"RELOADING=1\nSTATUS=x")

    def test_reloading(self) -> None:
        """It is told since when all is read anew, in microseconds of its clock."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        channel = self.listen(f"{folder.name}/s")
        self.patch(os, "environ", {"NOTIFY_SOCKET": f"{folder.name}/s"})
        earliest = time.monotonic()
        notifyReloading()
        latest = time.monotonic()
        state, _, since = channel.recv(100).partition(b"\nMONOTONIC_USEC=")
        self.assertEqual(state, b"RELOADING=1")
        self.assertTrue(int(earliest * 1e6) <= int(since) <= latest * 1e6)

    def test_nobody(self) -> None:
        """Where nobody wants to know, or nobody listens, nothing happens."""
        for address in (None, "", "relative", "/nowhere/socket"):
            self.tell(address)

    def test_noSocket(self) -> None:
        """Nor does it where the process has no descriptor left to tell it by."""

        def fail(*ignored: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        self.patch(socket, "socket", fail)
        self.tell("/nowhere/socket")
