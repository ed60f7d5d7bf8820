# -*- test-case-name: tests.test_folders -*-
"""
The destination C{maildir}: a Maildir for everybody, or one for each recipient.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.maildir import Maildir, isFull, makeFolder
from smtpsession.delivery.sweeping import Sweeper
from smtpsession.errors import SMTPError
from smtpsession.replies import INSUFFICIENT_STORAGE, NO_SUCH_FOLDER
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import messageId

_DOMAIN, _LOCAL_PART = "{domain}", "{localpart}"

#: A name of a file, in octets, on about every file system.
_NAME = 255


class Folders(Destination):
    """
    Puts each message into the Maildir of each of its recipients, once into each.

    A recipient whose name could lead to another folder is refused when its RCPT comes.
    """

    _log = Logger()

    def __init__(
        self, path: Path, hostname: str, clock: IReactorTime, lineEndings: str = "lf"
    ) -> None:
        """
        @param path: absolute; C{{domain}} and C{{localpart}} in it stand for those of
            the recipient
        @param hostname: our own name, and the domain of whom has none
        @param clock: for the time of day
        @param lineEndings: as in `Maildir`
        """
        self.path = path
        self._hostname = hostname
        self._clock = clock
        self._lineEndings = lineEndings
        pattern = glob.escape(str(path))
        for each in (_DOMAIN, _LOCAL_PART):
            pattern = pattern.replace(each, "*")
        self._sweeper = Sweeper(pattern, clock)

    def start(self) -> None:
        """
        Make the Maildir, or the folder that they will all be in.

        @raise OSError: that cannot be done
        """
        fixed = Path(str(self.path).partition("{")[0] + "x").parent
        if self._isShared:
            self._maildir(self.path).create()
        else:
            makeFolder(fixed)
        self._sweeper.start()
        self._log.info(
            "mail goes to the Maildir {path}", event="maildir", path=str(self.path)
        )

    async def stop(self) -> None:
        """Look after nothing any more."""
        self._sweeper.stop()

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        """
        @raise SMTPError: 553, no folder can have the recipient's name
        """
        self._folderOf(recipient)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
    ) -> str:
        """
        @return: when the message is on the disk in every folder
        @raise SMTPError: 452, the disk is full; 553, as C{accept}
        @raise OSError: anything else that a disk can refuse
        """
        shares: dict[Path, list[SMTPAddress]] = {}
        for each in recipients:
            shares.setdefault(self._folderOf(each), []).append(each)
        maildirs = {self._maildir(path): shares[path] for path in shares}
        first, *others = maildirs
        if not self._isShared:
            try:
                await deferToThread(first.create)
            except OSError as error:
                if isFull(error):
                    raise SMTPError.saying(INSUFFICIENT_STORAGE) from error
                raise
        await first.deliver(
            stream, session, maildirs[first], {each: maildirs[each] for each in others}
        )
        return f"Delivered as {messageId(session)}"

    @property
    def _isShared(self) -> bool:
        return not (_DOMAIN in str(self.path) or _LOCAL_PART in str(self.path))

    def _maildir(self, path: Path) -> Maildir:
        return Maildir(path, self._hostname, self._clock, self._lineEndings)

    def _folderOf(self, recipient: SMTPAddress) -> Path:
        path = str(self.path)
        domain = recipient.domain or self._hostname
        for place, name in ((_DOMAIN, domain), (_LOCAL_PART, recipient.localPart)):
            if place in path and not _isName(name):
                raise SMTPError.saying(NO_SUCH_FOLDER)
        # At once, so that a name that looks like a place is not taken for one.
        parts = path.replace(_DOMAIN, "\0d").replace(_LOCAL_PART, "\0l")
        return Path(parts.replace("\0d", domain).replace("\0l", recipient.localPart))


def _isName(name: str) -> bool:
    """
    Whether this is the name of a folder just here.  One that begins with a dot is "."
    or "..", or hidden, or a folder within a Maildir (Maildir++).
    """
    return (
        name != ""
        and not name.startswith(".")
        and "/" not in name
        and os.sep not in name
        and "\0" not in name
        and len(name.encode("utf-8")) <= _NAME
    )
