# -*- test-case-name: tests.test_accountedit -*-
"""
A change of the users file, for which nobody ever sees half of a file.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from smtpsession.accountlines import cutLines, splitLine


@frozen
class Edited:
    """
    A file with a line in place of others.

    @ivar octets: all of it
    @ivar others: the schemes of the other lines that the name has, which stay
    """

    octets: bytes
    others: tuple[str, ...]


def putLine(octets: bytes, name: str, scheme: str, value: str) -> Edited:
    """
    Put a line where the first one of this name and this scheme is, and take away the
    others; at the end if there is none.  All else stays as it is, whatever it is.

    @param name: after SASLprep
    """
    line = f"{name}:{{{scheme}}}{value}".encode()
    if not octets:
        return Edited(line + b"\n", ())
    kept, others, isThere = list[bytes](), list[str](), False
    lines = octets.split(b"\n")
    for (_, text), each in zip(cutLines(octets), lines, strict=True):
        found = _schemeOf(text, name)
        if found != scheme:
            kept.append(each)
            others += [found] if found else []
        elif not isThere:
            isThere = True
            kept.append(line + each[len(text) :])
    if not isThere:
        # What follows the last LF is a line only if there is something.
        last = kept.pop()
        kept += [last, line, b""] if last else [line, b""]
    return Edited(b"\n".join(kept), tuple(others))


def _schemeOf(text: bytes, name: str) -> str | None:
    """The scheme of a line, if it is one of this name."""
    try:
        parts = splitLine(text.decode("utf-8"))
    except ValueError:
        return None
    return parts[1] if parts and parts[0] == name else None


def editFile(path: str, name: str, scheme: str, value: str) -> Edited:
    """
    `putLine` in a file, which is made if it is not there, for its owner alone to read.
    It is replaced as a whole, by one of the same owner and mode that is on the disk.

    @raise OSError: that cannot be done; nothing has changed
    """
    # A link stays one.
    path = os.path.realpath(path)
    with _folderLocked(os.path.dirname(path)) as folder:
        try:
            with open(path, "rb") as file:
                octets, status = file.read(), _statusOf(file.fileno())
        except FileNotFoundError:
            octets, status = b"", None
        edited = putLine(octets, name, scheme, value)
        _replace(path, edited.octets, status)
        os.fsync(folder)
    return edited


@contextmanager
def _folderLocked(path: str) -> Iterator[int]:
    """Two who change a file at once do so one after the other."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def _statusOf(descriptor: int) -> os.stat_result:
    return os.fstat(descriptor)


def _replace(path: str, octets: bytes, status: os.stat_result | None) -> None:
    # Its mode is 0600 from the start.
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path)
    )
    try:
        with open(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            if status is not None:
                _makeAlike(descriptor, status)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _makeAlike(descriptor: int, status: os.stat_result) -> None:
    """Whom the file belongs to, who could read it before can read it still."""
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o777)
