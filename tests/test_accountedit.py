"""
Tests of smtpsession.accountedit.
"""

from __future__ import annotations

import os
import stat
import threading

from hypothesis import given
from hypothesis import strategies as st

from smtpsession import accountedit
from smtpsession.accountedit import Edited, editFile, putLine
from smtpsession.accountlines import parseLines, parseUser
from tests import strategies  # noqa: F401 (it says how hypothesis runs)
from tests.cases import FilesTestCase, TableTestCase

ROWS: list[tuple[str, bytes, bytes]] = [
    # name, before, after
    ("nothing", b"", b"bob:{PLAIN}new\n"),
    ("another", b"eve:{PLAIN}x\n", b"eve:{PLAIN}x\nbob:{PLAIN}new\n"),
    ("no line end", b"eve:{PLAIN}x", b"eve:{PLAIN}x\nbob:{PLAIN}new\n"),
    ("it", b"bob:{PLAIN}old\n", b"bob:{PLAIN}new\n"),
    ("it without a line end", b"bob:{PLAIN}old", b"bob:{PLAIN}new"),
    ("it with CRLF", b"bob:{PLAIN}old\r\n#\r\n", b"bob:{PLAIN}new\r\n#\r\n"),
    (
        "between others",
        b"# x\n\neve:{PLAIN}x\nbob:{PLAIN}old\nal:{PLAIN}y\n",
        b"# x\n\neve:{PLAIN}x\nbob:{PLAIN}new\nal:{PLAIN}y\n",
    ),
    (
        "twice",
        b"bob:{PLAIN}old\neve:{PLAIN}x\nbob:{PLAIN}older\n",
        b"bob:{PLAIN}new\neve:{PLAIN}x\n",
    ),
    ("not prepared", b"bo\xc2\xadb:{PLAIN}old\n", b"bob:{PLAIN}new\n"),
    ("in a comment", b"#bob:{PLAIN}old\n", b"#bob:{PLAIN}old\nbob:{PLAIN}new\n"),
    ("what is no line", b"\xff\nbob\n", b"\xff\nbob\nbob:{PLAIN}new\n"),
]


def _put(octets: bytes) -> bytes:
    return putLine(octets, "bob", "PLAIN", "new").octets


class PutLineTests(TableTestCase):
    """What becomes of a file."""

    def test_rows(self):
        """The line is there once, and the others are as they were."""
        self.assertGives(_put, ROWS)

    def test_again(self):
        """Done again, it changes nothing."""
        rows = [(name, after, after) for name, _, after in ROWS]
        self.assertGives(_put, rows)

    def test_others(self):
        """Lines of other schemes stay, and are told of."""
        octets = b"bob:{SCRYPT}?\nbob:{PLAIN}x\neve:{EXTERNAL}?\n"
        self.assertEqual(
            Edited(octets.replace(b"}x", b"}new"), ("SCRYPT",)),
            putLine(octets, "bob", "PLAIN", "new"),
        )

    @given(
        st.lists(
            st.sampled_from(
                [b"bob:{PLAIN}x", b"eve:{PLAIN}y", b"#", b"", b"b\r", b"\xff"]
            )
        ),
        st.sampled_from([b"", b"\n"]),
    )
    def test_untouched(self, lines, end):
        """Whatever the lines of others are, they come out as they went in."""
        octets = b"\n".join(lines) + end

        after = _put(octets)

        def others(octets: bytes) -> list[bytes]:
            return [line for line in octets.split(b"\n") if line and b"bob" not in line]

        self.assertEqual(others(octets), others(after))
        self.assertEqual(1, after.count(b"bob:{PLAIN}new"))


class EditFileTests(FilesTestCase):
    """Files."""

    def setUp(self) -> None:
        super().setUp()
        self.path = os.path.join(self.folder, "users")

    def edit(self, value: str = "new") -> Edited:
        """Set the password of bob."""
        return editFile(self.path, "bob", "PLAIN", value)

    def read(self) -> bytes:
        """What is in the file; nothing else is in the folder."""
        self.assertEqual(["users"], os.listdir(self.folder))
        with open(self.path, "rb") as file:
            return file.read()

    def test_new(self):
        """A new file is for its owner alone."""
        self.edit()
        self.assertEqual(b"bob:{PLAIN}new\n", self.read())
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_replaced(self):
        """A file is replaced, with its mode, not written to."""
        self.write("users", b"bob:{PLAIN}old\n")
        os.chmod(self.path, 0o640)
        with open(self.path, "rb") as file:
            self.edit()
            self.assertEqual(b"bob:{PLAIN}old\n", file.read())
        self.assertEqual(b"bob:{PLAIN}new\n", self.read())
        self.assertEqual(0o640, stat.S_IMODE(os.stat(self.path).st_mode))

    def test_owner(self):
        """Its owner stays, where it is another."""
        self.write("users", b"")
        owners: list[tuple[int, int]] = []
        status = os.stat(self.path)
        self.patch(os, "fchown", lambda fd, *who: owners.append(who))
        changed = os.stat_result((*status[:4], 1234, 2345, *status[6:]))
        self.patch(accountedit, "_statusOf", lambda file: changed)
        self.edit()
        self.assertEqual([(1234, 2345)], owners)

    def test_link(self):
        """A link stays one, and what it points to is replaced."""
        target = os.path.join(os.path.abspath(self.mktemp()))
        os.symlink(target, self.path)
        self.edit()
        self.assertTrue(os.path.islink(self.path))
        self.assertEqual(b"bob:{PLAIN}new\n", self.read())

    def test_failed(self):
        """Where the file cannot be replaced, it is as it was, and nothing is left."""
        self.write("users", b"bob:{PLAIN}old\n")

        def fail(*paths: str) -> None:
            raise OSError("no")

        self.patch(os, "replace", fail)
        self.assertRaises(OSError, self.edit)
        self.assertEqual(b"bob:{PLAIN}old\n", self.read())

    def test_atOnce(self):
        """Those who change a file at once do not lose each other's lines."""
        threads = [
            threading.Thread(target=editFile, args=(self.path, str(n), "PLAIN", "x"))
            for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = parseLines(self.read(), "users", parseUser)
        self.assertEqual({str(n) for n in range(20)}, {line.name for line in lines})
