"""
Tests of smtpsession.delivery.maildir, in real folders.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpsession import (
    MessageAborted,
    MessageTooLarge,
    ServerOptions,
    SMTPAddress,
    SMTPEnvelope,
    SMTPError,
    SMTPSession,
)
from smtpsession.delivery import maildir as module
from smtpsession.delivery.maildir import Maildir
from smtpsession.stream import MessageStream

MESSAGE = b"Subject: Hello\r\n\r\nHello.\r\n"


def newStream(**options: Any) -> MessageStream:
    """A stream to feed."""
    given = ServerOptions(hostname="mx.example.org", **options)
    return MessageStream(given, lambda: None, lambda: None)


def newSession(**fields: Any) -> SMTPSession:
    """A session in the middle of a transaction."""
    return SMTPSession(
        envelope=SMTPEnvelope(mailFrom=SMTPAddress("alice@example.com")),
        remoteAddress="192.0.2.1",
        clientHostname="[192.0.2.1]",
        hostNameAppearsAs="client.example.com",
        openingCommand="EHLO",
        **fields,
    )


def filesIn(folder: Path) -> list[Path]:
    """All files of a Maildir."""
    return sorted(each for each in folder.rglob("*") if each.is_file())


class MaildirTestCase(SynchronousTestCase):
    """A Maildir whose thread is the test's own."""

    def setUp(self) -> None:
        self.patch(module, "deferToThread", maybeDeferred)
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.path = Path(self.mktemp())
        self.maildir = Maildir(str(self.path), "mx.example.org", self.clock)
        self.maildir.create()

    def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession | None = None,
        recipients: Iterable[str] = ("bob@example.org",),
    ) -> Deferred[Path]:
        addresses = [SMTPAddress(each) for each in recipients]
        delivery = self.maildir.deliver(stream, session or newSession(), addresses)
        return Deferred.fromCoroutine(delivery)

    def deliverWhole(self, *chunks: bytes, **arguments: Any) -> bytes:
        """Deliver these chunks as one message, and give the file's octets."""
        stream = newStream()
        delivery = self.deliver(stream, **arguments)
        for chunk in chunks:
            stream.feed(chunk)
        stream.feed(b"", isLast=True)
        return self.successResultOf(delivery).read_bytes()


class CreateTests(SynchronousTestCase):
    """The folders."""

    def test_folders(self) -> None:
        """
        tmp, new and cur are made, with all above them, and nobody else may read them.
        """
        path = Path(self.mktemp()) / "a" / "b"
        Maildir(str(path), "mx.example.org", Clock()).create()
        self.assertEqual(
            sorted(each.name for each in path.iterdir()), ["cur", "new", "tmp"]
        )
        for each in [path, *path.iterdir()]:
            self.assertEqual(stat.S_IMODE(each.stat().st_mode), 0o700, each)

    def test_again(self) -> None:
        """
        What is there stays as it is.
        """
        path = Path(self.mktemp())
        maildir = Maildir(str(path), "mx.example.org", Clock())
        maildir.create()
        (path / "new" / "message").write_bytes(b"x")
        maildir.create()
        self.assertEqual((path / "new" / "message").read_bytes(), b"x")

    def test_absolute(self) -> None:
        """
        The path stays the same when the process changes its folder.
        """
        self.assertTrue(
            Maildir("maildir", "mx.example.org", Clock()).path.is_absolute()
        )

    def test_impossible(self) -> None:
        """
        Where it cannot be made, that is an OSError.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"a file")
        maildir = Maildir(str(path), "mx.example.org", Clock())
        self.assertRaises(OSError, maildir.create)


class ContentTests(MaildirTestCase):
    """What is in the file."""

    def test_traceInFront(self) -> None:
        """
        Return-Path, Delivered-To and Received are in front, and behind them is the
        message, its line ends as LF.
        """
        session = newSession()
        self.assertEqual(
            self.deliverWhole(MESSAGE, session=session),
            b"Return-Path: <alice@example.com>\n"
            b"Delivered-To: bob@example.org\n"
            b"Received: from client.example.com ([192.0.2.1])\n"
            b"\tby mx.example.org with ESMTP id " + session.id.encode() + b".0\n"
            b"\tfor <bob@example.org>;\n"
            b"\tSun, 09 Sep 2001 01:46:40 +0000\n"
            b"Subject: Hello\n\nHello.\n",
        )

    def test_severalRecipients(self) -> None:
        """
        A message for several recipients is stored once, and names all of them.
        """
        content = self.deliverWhole(
            MESSAGE, recipients=("bob@example.org", "carol@example.org")
        )
        self.assertIn(
            b"\nDelivered-To: bob@example.org\nDelivered-To: carol@example.org\n",
            content,
        )
        self.assertEqual(len(filesIn(self.path)), 1)

    def test_nothingElseChanges(self) -> None:
        """
        Every octet of the message is there: 8-bit ones, NUL, and no line is added.
        """
        for message in (
            b"",
            b"\r\n",
            bytes(set(range(256)) - {10, 13}) + b"\r\n",
            b"From the start\r\n>From\r\n.\r\n..\r\n \r\n\r\n\r\n",
            b"x" * 300_000 + b"\r\n",
        ):
            content = self.deliverWhole(message)
            trace, _, rest = content.partition(b"+0000\n")
            self.assertEqual(rest, message.replace(b"\r\n", b"\n"))

    def test_everyCut(self) -> None:
        """
        However the message is cut, the file is the same.
        """
        message = b"a\r\n\r\nb\r\n\r\n"
        expected = b"a\n\nb\n\n"
        for cut in range(len(message) + 1):
            content = self.deliverWhole(message[:cut], message[cut:])
            self.assertTrue(content.endswith(b"+0000\n" + expected), cut)
        content = self.deliverWhole(*(bytes([octet]) for octet in message))
        self.assertTrue(content.endswith(b"+0000\n" + expected))

    def test_internationalized(self) -> None:
        """
        Addresses of an SMTPUTF8 transaction are in the trace as UTF-8.
        """
        content = self.deliverWhole(MESSAGE, recipients=("jörg@bücher.example",))
        self.assertIn("Delivered-To: jörg@bücher.example\n".encode(), content)

    def test_private(self) -> None:
        """
        Nobody else may read the file.
        """
        self.deliverWhole(MESSAGE)
        [file] = filesIn(self.path)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

    def test_names(self) -> None:
        """
        Each message gets a name of its own, also within one second and one session.
        """
        session = newSession()
        for _ in range(3):
            self.deliverWhole(MESSAGE, session=session)
            session.transaction += 1
        for _ in range(3):
            self.deliverWhole(MESSAGE)
        files = filesIn(self.path)
        self.assertEqual(len(files), 6)
        for file in files:
            self.assertEqual(file.parent.name, "new")
            self.assertTrue(file.name.startswith("1000000000."), file.name)
            self.assertTrue(file.name.endswith(".mx.example.org"), file.name)
            self.assertNotIn(":", file.name)

    def test_namesOfOneMessage(self) -> None:
        """
        So does one message that comes into the same Maildir twice, as it can by two
        routes, be it at the same time or one after the other.
        """
        session = newSession()
        streams = [newStream(), newStream()]
        deliveries = [
            self.deliver(stream, session, [address])
            for stream, address in zip(
                streams, ("bob@a.example", "bob@b.example"), strict=True
            )
        ]
        for stream in streams:
            stream.feed(MESSAGE, isLast=True)
        names = {self.successResultOf(each).name for each in deliveries}
        self.deliverWhole(MESSAGE, session=session, recipients=["bob@c.example"])
        files = filesIn(self.path)
        self.assertEqual(len(files), 3)
        self.assertTrue(names.issubset(each.name for each in files))
        recipients = [each.read_text().splitlines()[1] for each in files]
        expected = [f"Delivered-To: bob@{name}.example" for name in "abc"]
        self.assertEqual(sorted(recipients), expected)

    def test_noNameTwice(self) -> None:
        """
        A file that is there already is never written into.
        """
        self.patch(module, "_numbers", iter([7, 7]))
        session = newSession()
        self.deliver(newStream(), session)
        self.failureResultOf(self.deliver(newStream(), session), FileExistsError)

    def test_loneCR(self) -> None:
        """
        A CR at the end of a BINARYMIME message is there, too.
        """
        self.assertTrue(self.deliverWhole(b"a\r\n\r").endswith(b"\na\n\r"))


class DurabilityTests(MaildirTestCase):
    """Power may fail at any moment."""

    def setUp(self) -> None:
        super().setUp()
        self.events: list[tuple[str, int, list[str]]] = []
        force = os.fsync

        def fsync(descriptor: int) -> None:
            status = os.fstat(descriptor)
            folders = [each.parent.name for each in filesIn(self.path)]
            if stat.S_ISDIR(status.st_mode):
                self.events.append(("folder", 0, folders))
            else:
                self.events.append(("file", status.st_size, folders))
            force(descriptor)

        self.patch(os, "fsync", fsync)

    def test_order(self) -> None:
        """
        The whole file is forced to the disk while it is in tmp, then it is moved to
        new, then the folder is forced to the disk.
        """
        content = self.deliverWhole(MESSAGE)
        self.assertEqual(
            self.events, [("file", len(content), ["tmp"]), ("folder", 0, ["new"])]
        )

    def test_rightFolder(self) -> None:
        """
        The folder that is forced is the one that has the message.
        """
        forced: list[int] = []
        self.patch(os, "fsync", lambda fd: forced.append(os.fstat(fd).st_ino))
        self.deliverWhole(MESSAGE)
        self.assertEqual(forced[1], (self.path / "new").stat().st_ino)

    def test_notBeforeTheEnd(self) -> None:
        """
        Nothing is moved before the message is whole.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE)
        self.assertNoResult(delivery)
        self.assertEqual([each.parent.name for each in filesIn(self.path)], ["tmp"])
        self.assertEqual(self.events, [])
        stream.feed(b"", isLast=True)
        self.successResultOf(delivery)


class FailureTests(MaildirTestCase):
    """A message that cannot be stored leaves nothing behind."""

    def failing(self, error: Exception) -> Callable[..., Any]:
        def fail(*ignored: Any, **alsoIgnored: Any) -> None:
            raise error

        return fail

    def test_full(self) -> None:
        """
        A full disk, or a quota that is used up, is 452; the client is told nothing of
        the disk.
        """
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            self.patch(os, "fsync", self.failing(OSError(number, "private")))
            stream = newStream()
            delivery = self.deliver(stream)
            stream.feed(MESSAGE, isLast=True)
            error = self.failureResultOf(delivery, SMTPError).value
            self.assertEqual(str(error), "452 4.3.1 Insufficient system storage")
            self.assertEqual(error.__cause__.errno, number)
            self.assertEqual(filesIn(self.path), [])

    def test_fullAtOnce(self) -> None:
        """
        So it is when not even the file can be made.
        """
        self.patch(os, "open", self.failing(OSError(errno.ENOSPC, "private")))
        delivery = self.deliver(newStream())
        self.failureResultOf(delivery, SMTPError)

    def test_fullInTheMiddle(self) -> None:
        """
        So it is when the disk fills up while the message arrives.
        """
        create = module._create

        def createFull(path: Path) -> Any:
            file = create(path)
            self.addCleanup(file.close)
            return _Full(file)

        self.patch(module, "_create", createFull)
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE)
        self.failureResultOf(delivery, SMTPError)
        self.assertEqual(filesIn(self.path), [])

    def test_otherErrors(self) -> None:
        """
        What else a disk refuses comes out as it is.
        """
        self.patch(os, "fsync", self.failing(OSError(errno.EIO, "broken")))
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE, isLast=True)
        self.failureResultOf(delivery, OSError)
        self.assertEqual(filesIn(self.path), [])

    def test_aborted(self) -> None:
        """
        A message that does not come whole leaves nothing in tmp or new.
        """
        for failure in (MessageAborted(), MessageTooLarge(5)):
            stream = newStream()
            delivery = self.deliver(stream)
            stream.feed(MESSAGE)
            self.assertEqual(len(filesIn(self.path)), 1)
            stream.fail(failure)
            self.failureResultOf(delivery, type(failure))
            self.assertEqual(filesIn(self.path), [])

    def test_cancelled(self) -> None:
        """
        Nor does one whose delivery is cancelled.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE)
        delivery.cancel()
        self.failureResultOf(delivery)
        self.assertEqual(filesIn(self.path), [])

    def test_folderGone(self) -> None:
        """
        A Maildir that has been removed is an error, not a new Maildir.
        """
        for name in ("tmp", "new", "cur"):
            (self.path / name).rmdir()
        self.failureResultOf(self.deliver(newStream()), OSError)


class _Full:
    """A file on a full disk, with room for the trace headers."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._writes = 0

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *ignored: Any) -> None:
        self._file.close()

    def write(self, octets: bytes) -> None:
        self._writes += 1
        if self._writes > 1:
            raise OSError(errno.ENOSPC, "private")
        self._file.write(octets)


class ThreadTests(TestCase):
    """With real threads."""

    timeout = 30

    async def test_delivered(self) -> None:
        """
        The reactor goes on while the disk works, and the message is there afterwards.
        """
        path = Path(self.mktemp()).absolute()
        maildir = Maildir(str(path), "mx.example.org", reactor)
        maildir.create()
        stream = newStream()
        stream.feed(MESSAGE, isLast=True)
        recipients = [SMTPAddress("bob@example.org")]
        delivery = Deferred.fromCoroutine(
            maildir.deliver(stream, newSession(), recipients)
        )
        self.assertFalse(delivery.called)
        file = await delivery
        self.assertEqual(filesIn(path), [file])
        self.assertTrue(file.read_bytes().endswith(b"Subject: Hello\n\nHello.\n"))
