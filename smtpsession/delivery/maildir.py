# -*- test-case-name: tests.test_maildir -*-
"""
Delivery into a Maildir.

A message is written below C{tmp}, forced to the disk, moved to C{new}, and then the
folder is forced to the disk as well.  Only after that is it accepted: a machine that
loses its power at any moment keeps every message for which it said 250, and shows none
that is torn.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from attrs import frozen

from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import deferToThread

from smtpsession.addresses import SMTPAddress
from smtpsession.delivery.lineends import LineEnds
from smtpsession.errors import SMTPError
from smtpsession.replies import INSUFFICIENT_STORAGE
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.trace import deliveredTo, messageId, received, returnPath

#: By two routes one message can come into the same Maildir twice, in the same second.
_numbers = count(1)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_COPIES: Mapping[Any, Sequence[SMTPAddress]] = MappingProxyType({})


class Maildir:
    """
    A Maildir to deliver to.

    @ivar path: the folder that has C{tmp}, C{new} and C{cur}; absolute
    """

    def __init__(
        self,
        path: str | Path,
        hostname: str,
        clock: IReactorTime,
        lineEndings: str = "lf",
    ) -> None:
        """
        @param hostname: our own name, for traces and file names
        @param clock: for the time of day
        @param lineEndings: how the lines of a file end, C{"lf"} or C{"crlf"}
        """
        self.path = Path(path).absolute()
        self._hostname = hostname
        self._clock = clock
        self._lineEndings = lineEndings

    def create(self) -> None:
        """
        Make what is missing of the folders, readable for nobody else.

        @raise OSError: that cannot be done, or nothing can be written there
        """
        makeFolder(self.path, 0o700)
        for name in ("tmp", "new", "cur"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.path / name, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "Permission denied", str(self.path))
        _force(self.path)

    async def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession,
        recipients: Sequence[SMTPAddress],
        copies: Mapping[Maildir, Sequence[SMTPAddress]] = _NO_COPIES,
    ) -> Path:
        """
        Store the message once for these recipients.

        @param copies: more Maildirs, each with other recipients, that get it too, first
        @return: the file, which is on the disk
        @raise SMTPError: 452, the disk is full or the quota used up
        @raise OSError: anything else that a disk can refuse
        @raise MessageError: the message did not come whole
        """
        seconds = self._clock.seconds()
        first = self._entry(session, recipients, seconds)
        others = [each._entry(session, copies[each], seconds) for each in copies]
        try:
            with _create(first.temporary) as file:
                file.write(first.trace)
                lines = _Lines(file, self._lineEndings)
                await stream.deliverTo(lines)
                lines.finish()
                await deferToThread(_commit, file, first, others)
        except BaseException as error:
            # Where the client leaves while _commit is at work, that either finds no
            # file to move, or the message stays: nobody was told 250.
            for each in (first, *others):
                each.temporary.unlink(missing_ok=True)
            if isFull(error):
                raise SMTPError.saying(INSUFFICIENT_STORAGE) from error
            raise
        return first.final

    def _entry(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress], seconds: float
    ) -> _Entry:
        unique = f"{messageId(session)}Q{next(_numbers)}"
        name = f"{int(seconds)}.{unique}.{self._hostname}"
        trace = returnPath(session) + "".join(map(deliveredTo, recipients))
        trace += received(session, recipients, self._hostname, seconds)
        if self._lineEndings == "lf":
            trace = trace.replace("\r\n", "\n")
        return _Entry(self, name, trace.encode("utf-8"))


@frozen
class _Entry:
    """A message on its way into a Maildir, and what stands in front of it there."""

    maildir: Maildir
    name: str
    trace: bytes

    @property
    def temporary(self) -> Path:
        return self.maildir.path / "tmp" / self.name

    @property
    def final(self) -> Path:
        return self.maildir.path / "new" / self.name


class _Lines:
    """Writes a message into a file, its line ends as they have to be there."""

    def __init__(self, file: BinaryIO, style: str) -> None:
        self._file = file
        self._ends = LineEnds(style)

    def write(self, chunk: bytes) -> None:
        self._file.write(self._ends.convert(chunk))

    def finish(self) -> None:
        self._file.write(self._ends.finish())


def _create(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "wb")


def _commit(file: BinaryIO, first: _Entry, others: Sequence[_Entry]) -> None:
    """
    Copy a file that is written, make each durable, and then each visible: a message
    that cannot be in one of the folders is in none of them, for it comes again.
    """
    file.flush()
    os.fsync(file.fileno())
    for each in others:
        each.maildir.create()
        with _create(each.temporary) as copy, first.temporary.open("rb") as original:
            copy.write(each.trace)
            original.seek(len(first.trace))
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
    entries = (*others, first)
    try:
        for each in entries:
            each.temporary.rename(each.final)
        for each in entries:
            _force(each.final.parent)
    except BaseException:
        for each in entries:
            each.final.unlink(missing_ok=True)
        raise


def isFull(error: BaseException) -> bool:
    """Whether there is no room on the disk, or none that we may have."""
    return isinstance(error, OSError) and error.errno in _FULL


def makeFolder(path: Path, mode: int = 0o777) -> None:
    """
    Make a folder and what is missing above it, each forced to the disk in the one that
    holds it.

    @param mode: of the folder itself
    @raise OSError: that cannot be done
    """
    missing = [each for each in (path, *path.parents) if not each.is_dir()]
    for each in reversed(missing):
        each.mkdir(mode=mode if each == path else 0o777, exist_ok=True)
        _force(each.parent)


def _force(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
