"""
Tests of smtpsession.version, and of the two commands that say it.
"""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import PackageNotFoundError

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import version
from smtpsession.__main__ import main
from smtpsession.tap import Options


class VersionTests(SynchronousTestCase):
    """describeVersion."""

    def test_installed(self) -> None:
        """It is that of the package."""
        self.patch(version, "version", {"smtpsession": "1.2.3"}.__getitem__)
        self.assertRegex(
            version.describeVersion(), r"^smtpsession 1\.2\.3, Twisted \d+\.\d"
        )

    def test_checkout(self) -> None:
        """Where no package is installed there is none."""

        def find(name: str) -> str:
            raise PackageNotFoundError(name)

        self.patch(version, "version", find)
        self.assertRegex(
            version.describeVersion(), "^smtpsession that is not installed, Twisted "
        )

    def test_commands(self) -> None:
        """Both commands say it, and do nothing else."""
        expected = version.describeVersion() + "\n"
        for command in (
            lambda: Options().parseOptions(["--version"]),
            lambda: self.assertEqual(main(["--version"]), 0),
        ):
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                with contextlib.suppress(SystemExit):
                    command()
            self.assertEqual(output.getvalue(), expected)
