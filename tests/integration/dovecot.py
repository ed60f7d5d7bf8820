"""
Dovecot, with nothing of the system's configuration: a mail store behind LMTP.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable

from tests.integration.programs import find, missing
from tests.integration.support import NetworkTestCase

#: Why the tests with Dovecot are skipped, or None.
SKIP = missing("dovecot", "doveadm")
if SKIP is None and os.geteuid() != 0:
    SKIP = "Dovecot is started by root only"

_CONFIGURATION = """\
protocols = lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stdout
ssl = no
hostname = store.example.org
postmaster_address = postmaster@example.org
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = mail
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    """
    A Dovecot that runs until the end of the test.

    @ivar socket: where it takes mail by LMTP
    @ivar process: its output is the log
    """

    def __init__(self, test: NetworkTestCase, users: Iterable[str]) -> None:
        """
        @param users: the addresses that have a mailbox
        """
        self._test = test
        folder = test.makeFolder()
        self.socket = f"{folder}/run/lmtp"
        self._configuration = f"{folder}/dovecot.conf"
        nobody = pwd.getpwnam("nobody")
        lines = []
        for user in users:
            home = folder / user
            home.mkdir()
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
            lines.append(f"{user}::{nobody.pw_uid}:{nobody.pw_gid}::{home}\n")
        (folder / "users").write_text("".join(lines))
        (folder / "dovecot.conf").write_text(_CONFIGURATION.format(folder=folder))
        self.process = test.startProgram(
            *(find("dovecot"), "-F", "-c", self._configuration)
        )

    async def messages(self, user: str) -> list[str]:
        """What is in the mailbox, as Dovecot gives it out."""
        output = await self._test.runProgram(
            *(find("doveadm"), "-f", "pager", "-c", self._configuration),
            *("fetch", "-u", user, "text", "all"),
        )
        parts = output.split("text:\n")
        return [each.removesuffix("\n\f\n") for each in parts[1:]]
