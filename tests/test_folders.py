"""
Tests of smtpsession.delivery.folders: a Maildir for everybody, or one for each.
"""

from __future__ import annotations

import errno
from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import MessageStream, ServerOptions, SMTPAddress, SMTPError
from smtpsession.commands import Rcpt
from smtpsession.delivery import folders, maildir
from smtpsession.delivery.folders import Folders
from tests.test_maildir import filesIn, newSession

MESSAGE = b"Subject: Hello\r\n\r\nHello.\r\n"

NAMES = [
    # address, the folder below the template's, or None where it is refused
    ("bob@example.org", "example.org/bob"),
    ("Bob@Example.ORG", "example.org/Bob"),
    ('"a b"@example.org', "example.org/a b"),
    ('"{domain}"@example.org', "example.org/{domain}"),
    ("bob@[192.0.2.1]", "[192.0.2.1]/bob"),
    ("b\xfc@b\xfccher.example", "xn--bcher-kva.example/b\xfc"),
    ("postmaster", "mx.example.org/postmaster"),
    ('"../eve"@example.org', None),
    ('".."@example.org', None),
    ('"."@example.org', None),
    ('".hidden"@example.org', None),
    ('"a/b"@example.org', None),
    ("a/b@example.org", None),
    ("/etc/passwd@example.org", None),
    ('""@example.org', None),
]


class FoldersTests(SynchronousTestCase):
    """Folders."""

    def setUp(self) -> None:
        self.patch(maildir, "deferToThread", maybeDeferred)
        self.patch(folders, "deferToThread", maybeDeferred)
        self.root = Path(self.mktemp()).absolute()

    def make(self, template: str, lineEndings: str = "lf") -> Folders:
        made = Folders(self.root / template, "mx.example.org", Clock(), lineEndings)
        made.start()
        return made

    def accept(self, destination: Folders, address: str) -> Deferred[None]:
        path = Rcpt.parse(f"TO:<{address}>".encode()).address
        return Deferred.fromCoroutine(destination.accept(path, newSession()))

    def deliver(self, destination: Folders, *recipients: str) -> str:
        stream = MessageStream(ServerOptions(), lambda: None, lambda: None)
        stream.feed(MESSAGE, isLast=True)
        addresses = [SMTPAddress(each) for each in recipients]
        delivery = destination.deliver(stream, newSession(), addresses)
        return self.successResultOf(Deferred.fromCoroutine(delivery))

    def test_shared(self) -> None:
        """Without names in it the folder is one for everybody, made at the start."""
        destination = self.make("mail")
        self.assertTrue((self.root / "mail" / "new").is_dir())
        told = self.deliver(destination, "bob@example.org", "al@example.net")
        [file] = filesIn(self.root)
        self.assertIn(told.removeprefix("Delivered as "), file.name)
        self.assertIn(b"Delivered-To: bob@example.org\n", file.read_bytes())
        self.assertIn(b"Delivered-To: al@example.net\n", file.read_bytes())

    def deliverInVain(self, destination: Folders) -> None:
        """To bob, al and eve: it fails, and none of them has a file of it."""
        stream = MessageStream(ServerOptions(), lambda: None, lambda: None)
        stream.feed(MESSAGE, isLast=True)
        addresses = [
            SMTPAddress(f"{each}@example.org") for each in ("bob", "al", "eve")
        ]
        delivery = destination.deliver(stream, newSession(), addresses)
        self.failureResultOf(Deferred.fromCoroutine(delivery), OSError)
        self.assertEqual([each for each in self.root.rglob("*") if each.is_file()], [])

    def test_none(self) -> None:
        """
        Where one of the folders cannot be made, the message is in none of them: the
        client brings it again, and each time the others would get it once more.
        """
        destination = self.make("mail/{localpart}")
        (self.root / "mail/eve").symlink_to(self.root / "nowhere")
        self.deliverInVain(destination)

    def test_unforced(self) -> None:
        """Nor is it in any of them where one cannot be forced to the disk."""
        destination = self.make("mail/{localpart}")
        force = maildir._force

        def broken(folder: Path) -> None:
            if folder == self.root / "mail/eve/new":
                raise OSError(errno.EIO, "Input/output error")
            force(folder)

        self.patch(maildir, "_force", broken)
        self.deliverInVain(destination)

    def test_full(self) -> None:
        """Where there is no room for another folder the client is to come again."""
        destination = self.make("mail/{localpart}")

        def noRoom(path: Path, mode: int = 0) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

        self.patch(maildir, "makeFolder", noRoom)
        stream = MessageStream(ServerOptions(), lambda: None, lambda: None)
        stream.feed(MESSAGE, isLast=True)
        delivery = destination.deliver(stream, newSession(), [SMTPAddress("a@b.c")])
        failure = self.failureResultOf(Deferred.fromCoroutine(delivery), SMTPError)
        self.assertEqual(str(failure.value)[:9], "452 4.3.1")

    def test_durable(self) -> None:
        """Each new folder is forced to the disk in the one that holds it."""
        destination = self.make("mail/{domain}/{localpart}")
        forced: list[Path] = []
        force = maildir._force

        def noting(folder: Path) -> None:
            forced.append(folder)
            force(folder)

        self.patch(maildir, "_force", noting)
        self.deliver(destination, "bob@example.org")
        mail = self.root / "mail"
        box = mail / "example.org" / "bob"
        self.assertEqual(forced, [mail, box.parent, box, box / "new"])
        forced.clear()
        self.deliver(destination, "bob@example.org")
        self.assertEqual(forced, [box, box / "new"])

    def test_names(self) -> None:
        """Each recipient has a folder of its own, and none outside of it."""
        destination = self.make("mail/{domain}/{localpart}")
        self.assertEqual([*(self.root / "mail").iterdir()], [])
        for address, folder in NAMES:
            accepted = self.accept(destination, address)
            if folder is None:
                error = self.failureResultOf(accepted, SMTPError).value
                self.assertEqual(error.reply.code, 553, address)
                continue
            self.successResultOf(accepted)
            before = set(filesIn(self.root))
            self.deliver(destination, address)
            [file] = set(filesIn(self.root)) - before
            self.assertEqual(file.parent.parent, self.root / "mail" / folder)
            self.assertEqual(file.parent.name, "new")

    def test_longName(self) -> None:
        """A name that no file system takes is refused."""
        destination = self.make("{domain}")
        self.successResultOf(self.accept(destination, "bob@example.org"))
        self.assertFalse(folders._isName("x" * 256))

    def test_several(self) -> None:
        """Each has a file of its own that names nobody else, all with one content."""
        destination = self.make("{localpart}")
        self.deliver(
            destination, "bob@example.org", "al@example.org", "bob@example.net"
        )
        files = {file.parent.parent.name: file for file in filesIn(self.root)}
        self.assertEqual(sorted(files), ["al", "bob"])
        for name, file in files.items():
            content = file.read_bytes()
            self.assertTrue(content.endswith(MESSAGE.replace(b"\r\n", b"\n")))
            self.assertEqual(content.count(b"Received:"), 1)
            others = [each for each in files if each != name]
            for each in others:
                self.assertNotIn(each.encode() + b"@", content)

    def test_lineEndings(self) -> None:
        """The lines of the file end as they came, if so it is wanted."""
        self.deliver(
            self.make("{localpart}", "crlf"), "bob@example.org", "al@example.org"
        )
        for file in filesIn(self.root):
            content = file.read_bytes()
            self.assertTrue(content.endswith(MESSAGE))
            self.assertEqual(content.count(b"\n"), content.count(b"\r\n"))
