"""
Tests of C{python -m smtpsession}, and of its passwd.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

from smtpsession import __main__, passwd, scrypt
from smtpsession.accountfiles import Users, parseUsers
from tests.cases import FilesTestCase


class _Input(io.TextIOWrapper):
    """Standard input."""

    isTerminal = False

    def isatty(self) -> bool:
        return self.isTerminal


class CommandTestCase(FilesTestCase):
    """A test case that runs commands in this process."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(scrypt, "LOG_N", 1)
        self.path = os.path.join(self.folder, "users")

    def run_(self, *arguments: str, given: bytes = b"pencil\n") -> tuple[Any, str, str]:
        """The status, standard output and standard error."""
        self.patch(sys, "stdin", _Input(io.BytesIO(given)))
        output, errors = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", output)
        self.patch(sys, "stderr", errors)
        try:
            status: Any = __main__.main(arguments)
        except SystemExit as error:
            status = error.code
        return status, output.getvalue(), errors.getvalue()

    def users(self) -> Users:
        """What is in the file."""
        with open(self.path, "rb") as file:
            return parseUsers(file.read(), "users")


class MainTests(CommandTestCase):
    """The table of subcommands."""

    def test_usage(self):
        """Without a subcommand, or with one that there is not, it says which."""
        for arguments in ((), ("what",), ("--what",)):
            status, output, errors = self.run_(*arguments)
            self.assertEqual((2, ""), (status, output))
            self.assertIn("passwd FILE NAME [--scheme SCHEME]", errors)

    def test_help(self):
        """It says the same when it is asked."""
        for argument in ("-h", "--help"):
            status, output, errors = self.run_(argument)
            self.assertEqual((0, ""), (status, errors))
            self.assertIn("passwd FILE NAME [--scheme SCHEME]", output)

    def test_process(self):
        """It is a program."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        for given, status in ((b"pencil\n", 0), (b"", 1)):
            done = subprocess.run(
                [sys.executable, "-m", "smtpsession", "passwd", self.path, "bob"],
                input=given,
                capture_output=True,
                env=environment,
                timeout=60,
            )
            self.assertEqual((status, b""), (done.returncode, done.stdout))
        self.assertTrue(self.users().secrets["bob"][0].matches("pencil"))


class PasswdTests(CommandTestCase):
    """Passwords."""

    def set(self, *arguments: str, **given: Any) -> tuple[Any, str, str]:
        """Run it for bob."""
        return self.run_("passwd", self.path, "bob", *arguments, **given)

    def test_default(self):
        """By default keys for SCRAM-SHA-256 are kept, and nothing is said."""
        self.assertEqual((0, "", ""), self.set())
        [secret] = self.users().secrets["bob"]
        self.assertEqual("SCRAM-SHA-256", secret.scheme)
        self.assertTrue(secret.matches("pencil"))

    def test_schemes(self):
        """Each scheme that needs no package."""
        for scheme in ("PLAIN", "SCRYPT", "SCRAM-SHA-1", "SCRAM-SHA-512"):
            self.assertEqual(0, self.set("--scheme", scheme)[0])
        secrets = self.users().secrets["bob"]
        self.assertEqual(4, len(secrets))
        self.assertTrue(all(each.matches("pencil") for each in secrets))

    def test_others(self):
        """Lines of the name that are left are told of."""
        self.write("users", b"eve:{PLAIN}x\nbob:{PLAIN}a\nbob:{PLAIN}b\n")
        status, _, errors = self.set()
        self.assertEqual(0, status)
        self.assertEqual(
            "smtpsession passwd: bob has other lines, which still let in: {PLAIN}\n",
            errors,
        )
        self.assertEqual(3, len(self.users().secrets["bob"]))

    def test_line(self):
        """The password is the first line without its end, spaces and all."""
        rows = [
            ("LF", b" pen cil \nmore\n"),
            ("CRLF", b" pen cil \r\n"),
            ("the end", b" pen cil "),
        ]
        for name, given in rows:
            self.assertEqual((0, "", ""), self.set(given=given), name)
            self.assertTrue(self.users().secrets["bob"][0].matches(" pen cil "))

    def test_refused(self):
        """What cannot be done is said, and changes nothing."""
        rows: list[tuple[str, tuple[str, ...], bytes, str]] = [
            ("no line", ("bob",), b"", "no password on standard input"),
            ("an empty line", ("bob",), b"\n", "an empty password"),
            ("not UTF-8", ("bob",), b"\xff\n", "the password is not UTF-8"),
            ("a control character", ("bob",), b"a\0b\n", "control characters"),
            ("a colon", ("a:b",), b"x\n", "a name that has a colon"),
        ]
        for name, arguments, given, said in rows:
            status, output, errors = self.run_(
                "passwd", self.path, *arguments, given=given
            )
            self.assertEqual((1, ""), (status, output), name)
            self.assertTrue(errors.startswith(f"smtpsession passwd: {said}"), errors)
            self.assertFalse(os.path.exists(self.path))

    def test_file(self):
        """So is a file that cannot be written."""
        status, _, errors = self.run_("passwd", self.path + "/x", "bob")
        self.assertEqual(1, status)
        self.assertEqual(
            f"smtpsession passwd: {self.path}/x: No such file or directory\n", errors
        )

    def test_arguments(self):
        """Arguments that are not right are 2."""
        for arguments in ((), ("f",), ("f", "b", "c"), ("f", "b", "--scheme", "MD5")):
            status, output, errors = self.run_("passwd", *arguments)
            self.assertEqual((2, ""), (status, output))
            self.assertIn("usage: python -m smtpsession passwd", errors)

    def test_terminal(self):
        """At a terminal it asks twice, and shows nothing."""
        self.patch(_Input, "isTerminal", True)
        for answers, status in ((["a", "a"], 0), (["a", "b"], 1)):
            left = list(answers)
            self.patch(passwd, "getpass", lambda prompt, left=left: left.pop(0))
            self.assertEqual(status, self.set()[0])
            self.assertEqual([], left)
        self.assertTrue(self.users().secrets["bob"][0].matches("a"))
