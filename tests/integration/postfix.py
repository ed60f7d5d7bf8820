"""
Postfix, with nothing of the system's configuration: it hands all mail on to a server
under test.
"""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from tests.integration.programs import Program, find, killGroup, missing
from tests.integration.support import PATIENCE, NetworkTestCase

MASTER = find("master")

#: Why the tests with Postfix are skipped, or None.
SKIP = missing("master") and "Postfix is not installed"
if SKIP is None and os.geteuid() != 0:
    SKIP = "Postfix is started by root only"

#: Accounts that every system has: nobody needs to make one for a test.
OWNER, GROUP = "mail", "daemon"

_QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold"),
    *("incoming", "private", "saved", "trace"),
)

# service, type, private, unprivileged, chroot, wake-up, processes, command
_MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup    unix       n - n - 0 cleanup
qmgr       unix       n - n 300 1 qmgr
rewrite    unix       - - n - - trivial-rewrite
bounce     unix       - - n - 0 bounce
defer      unix       - - n - 0 bounce
trace      unix       - - n - 0 bounce
smtp       unix       - - n - - smtp
relay      unix       - - n - - smtp
lmtp       unix       - - n - - lmtp
error      unix       - - n - - error
retry      unix       - - n - - error
scache     unix       - - n - 1 scache
tlsmgr     unix       - - n - 1 tlsmgr
anvil      unix       - - n - 1 anvil
proxymap   unix       - - n - - proxymap
postlog    unix-dgram n - n - 1 postlogd
"""


class Master(Program):
    """
    Postfix's first process, which logs to its output.

    It begins a session, and a group, that the other processes are in.
    """

    def __init__(self, pidFile: Path) -> None:
        super().__init__()
        self._pidFile = pidFile

    def processExited(self, reason: Failure) -> None:
        if self._pidFile.exists():
            killGroup(int(self._pidFile.read_text()))
        super().processExited(reason)


class Postfix:
    """
    A Postfix that runs until the end of the test.  It takes mail on a port of its own.

    @ivar master: the process; its output is the log
    """

    def __init__(self, test: NetworkTestCase, **parameters: str) -> None:
        """
        @param parameters: of main.cf; where mail goes is among them, as C{relayhost}
        """
        assert MASTER is not None
        folder = test.makeFolder()
        queue = _makeQueue(folder)
        self.port = freePort()
        # An unpacked Postfix does not find its own libraries.
        libraries = str(Path(MASTER).parents[1])
        main = {**_mainParameters(folder, libraries), **parameters}
        configuration = folder / "conf"
        configuration.mkdir()
        _write(
            configuration / "main.cf",
            "".join(f"{name} = {value}\n" for name, value in main.items()),
        )
        _write(configuration / "master.cf", _MASTER_CF.format(port=self.port))
        self.master = test.startProgram(
            # In the foreground, with its log on standard output.
            *(MASTER, "-s", "-c", str(configuration)),
            make=lambda: Master(queue / "pid" / "master.pid"),
            environment={"LD_LIBRARY_PATH": libraries},
        )

    async def send(
        self,
        message: bytes,
        *options: str,
        sender: str = "alice@example.com",
        recipients: Mapping[str, Iterable[str]] | Iterable[str] = ("bob@example.org",),
    ) -> str:
        """
        Have it take a message, wait until it has done with it, and give the log lines
        about it.

        @param options: of MAIL
        @param recipients: with the parameters of each RCPT, or without any
        """
        parameters = (
            recipients
            if isinstance(recipients, Mapping)
            else dict.fromkeys(recipients, ())
        )

        def submit() -> str:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as client:
                client.ehlo("author.example.com")
                client.mail(sender, options)
                for recipient, given in parameters.items():
                    client.rcpt(recipient, list(given))
                _, text = client.data(message)
                return text.decode("ascii")

        await self.master.said("daemon started")
        text = await deferToThread(submit)
        return await self.settled(text.rpartition(" ")[2])

    async def settled(self, identifier: str) -> str:
        """
        Wait until a message has left the queue, or waits for another attempt, and give
        the log lines about it.
        """
        await self.master.said(rf" {identifier}: (removed|.*status=deferred)")
        lines = self.master.output.splitlines()
        return "\n".join(line for line in lines if f" {identifier}: " in line)

    async def bounced(self, log: str) -> str:
        """
        Wait until the notification about a message has been sent, and give the log
        lines about that.
        """
        found = re.search("non-delivery notification: ([0-9A-F]+)", log)
        assert found is not None, log
        return await self.settled(found[1])


def _makeQueue(folder: Path) -> Path:
    """The folders that Postfix wants, with the owners that it wants."""
    queue, data = folder / "queue", folder / "data"
    queue.mkdir()
    for path in (data, *(queue / name for name in _QUEUES)):
        path.mkdir(mode=0o700)
        shutil.chown(path, OWNER)
    for path, mode in ((queue / "maildrop", 0o730), (queue / "public", 0o710)):
        path.mkdir()
        path.chmod(mode)
        shutil.chown(path, OWNER, GROUP)
    (queue / "pid").mkdir()
    return queue


def _mainParameters(folder: Path, libraries: str) -> dict[str, str]:
    """What is the same for all tests."""
    return {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "daemon_directory": f"{libraries}/sbin",
        "shlib_directory": libraries,
        "mail_owner": OWNER,
        "setgid_group": GROUP,
        "default_privs": "nobody",
        "import_environment": "MAIL_CONFIG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C "
        "LD_LIBRARY_PATH",
        "maillog_file": "/dev/stdout",
        "myhostname": "client.example.com",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": "loopback-only",
        "inet_protocols": "ipv4",
        "smtp_host_lookup": "native",
        "disable_dns_lookups": "yes",
        # The message stays as it is.
        "local_header_rewrite_clients": "",
        "alias_maps": "",
        "alias_database": "",
        "smtputf8_enable": "yes",
        # Nobody waits for a second attempt.
        "queue_run_delay": "1h",
        "minimal_backoff_time": "1h",
        "maximal_backoff_time": "1h",
    }


def _write(path: Path, text: str) -> None:
    """Write a file of configuration that everybody can read."""
    path.write_text(text)
    path.chmod(0o644)
    # Postfix waits some seconds for who may still be at it.
    os.utime(path, (0, 0))


def freePort() -> int:
    """A port that nobody listens on, for Postfix does not take 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
