"""
Exim, with nothing of the system's configuration: it hands all mail on to a server
under test.
"""

from __future__ import annotations

import os
import pwd
import shutil

from tests.integration.programs import find, findLibrary, missing
from tests.integration.support import NetworkTestCase

EXIM = find("exim4")
#: Gives Exim the account that it insists on, which there is only where it has been
#: installed.
WRAPPER = findLibrary("libnss_wrapper.so")

#: Why the tests with Exim are skipped, or None.
SKIP = missing("exim4", "setpriv")
if SKIP is None and WRAPPER is None:
    SKIP = "libnss_wrapper.so: not installed"

_CONFIGURATION = """\
exim_path = {folder}/exim
spool_directory = {folder}/spool
log_file_path = {folder}/log.%s
primary_hostname = client.example.com
keep_environment = LD_PRELOAD : ^NSS_WRAPPER_
deliver_drop_privilege
local_from_check = false
disable_ipv6
{main}
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1::{port}
  self = send
  transport = next
begin transports
next:
  driver = smtp
{transport}
begin retry
* * F,1h,1h
"""


class Exim:
    """An Exim without a daemon: a process takes a message and hands it on."""

    def __init__(
        self, test: NetworkTestCase, port: int, *transport: str, main: str = ""
    ) -> None:
        """
        @param port: where mail goes
        @param transport: options of the SMTP transport
        @param main: global options
        """
        assert EXIM is not None and WRAPPER is not None
        self._test = test
        self._folder = folder = test.makeFolder()
        # Copies, which everybody can reach; and set-user-ID is gone, for it would
        # keep the library out.
        self._program = str(shutil.copyfile(EXIM, folder / "exim"))
        os.chmod(self._program, 0o755)
        shutil.copyfile(WRAPPER, folder / "wrapper.so")
        (folder / "conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=port,
                main=main,
                transport="".join(f"  {option}\n" for option in transport),
            )
        )
        self._uid, self._gid = _account()
        line = f"{self._uid}:{self._gid}"
        (folder / "passwd").write_text(f"Debian-exim:x:{line}::/:/bin/sh\n")
        (folder / "group").write_text(f"Debian-exim:x:{self._gid}:\n")
        (folder / "spool").mkdir()
        if os.geteuid() == 0:
            for path in (folder, folder / "spool"):
                os.chown(path, self._uid, self._gid)

    async def send(
        self,
        message: bytes,
        *arguments: str,
        sender: str = "alice@example.com",
        recipients: tuple[str, ...] = ("bob@example.org",),
    ) -> str:
        """
        Have it take a message and try to deliver it, and give what it prints: the
        conversation and the log.

        @param message: with CRLF, as everywhere
        @param arguments: of its command line
        """
        return await self._run(
            *("-odf", "-oi", *arguments, "-f", sender, *recipients),
            given=message.replace(b"\r\n", b"\n"),
        )

    async def sendQueued(self) -> str:
        """
        Have it send all that its queue holds, as far as it can over one connection, and
        give what it prints.
        """
        return await self._run("-qqf")

    async def _run(self, *arguments: str, given: bytes = b"") -> str:
        command = [self._program, "-C", str(self._folder / "conf"), "-v", *arguments]
        if os.geteuid() == 0:
            command[:0] = [
                *(find("setpriv") or "", "--clear-groups"),
                *("--reuid", str(self._uid), "--regid", str(self._gid)),
            ]
        return await self._test.runProgram(
            *command,
            given=given,
            environment={
                "LD_PRELOAD": str(self._folder / "wrapper.so"),
                "NSS_WRAPPER_PASSWD": str(self._folder / "passwd"),
                "NSS_WRAPPER_GROUP": str(self._folder / "group"),
            },
        )


def _account() -> tuple[int, int]:
    """Who Exim is: never root, which it refuses."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
    return os.geteuid(), os.getegid()
