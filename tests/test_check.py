"""
Tests of smtpsession.check: C{python -m smtpsession check}.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.__main__ import main


class CheckTests(SynchronousTestCase):
    """check."""

    def check(self, *arguments: str) -> tuple[int, str, str]:
        """The status, and what is written."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = main(["check", *arguments])
        return status, output.getvalue(), errors.getvalue()

    def write(self, text: str) -> str:
        path = Path(self.mktemp())
        path.write_text(text, "utf-8")
        return str(path)

    def test_good(self) -> None:
        """A good one is good, and nothing is made of it."""
        path = self.write('[[route]]\nrecipients = ["*"]\npath = "made"')
        self.assertEqual(self.check(path), (0, f"{path}: good\n", ""))
        self.assertFalse((Path(path).parent / "made").exists())

    def test_bad(self) -> None:
        """All that is wrong is said, with a status for scripts."""
        path = self.write('hostnam = "x"\n[[route]]')
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        self.assertEqual(
            errors.splitlines(),
            [
                f"{path}: route[0].recipients: is missing",
                f"{path}: hostnam: unknown key; is it hostname?",
            ],
        )

    def test_cannotBeMade(self) -> None:
        """Nor is one that could be read, and cannot be done."""
        path = self.write('[tls]\ncertificate = "nowhere.pem"')
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        self.assertIn("tls: ", errors)
        self.assertIn("nowhere.pem", errors)

    def test_metrics(self) -> None:
        """Nor one whose monitor could not listen."""
        path = self.write('[metrics]\nendpoint = "pigeon:1"')
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        self.assertTrue(errors.startswith("metrics.endpoint: "), errors)

    def test_arguments(self) -> None:
        """It wants one file."""
        for arguments in ([], ["a", "b"], ["--help"]):
            status, output, errors = self.check(*arguments)
            self.assertEqual((status, output), (2, ""))
            self.assertIn("usage: ", errors)
