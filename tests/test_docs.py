"""
Tests of the manual: its examples in Python run.

The manual is not part of the package; there is nothing to test where it is not at hand.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import smtpsession
from tests.cases import FilesTestCase
from tests.certificates import selfSigned

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)


class ManualTests(FilesTestCase):
    """The examples of all pages."""

    def test_examples(self) -> None:
        """Each runs, with all of the package at hand and the files that it names."""
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        folder = Path(self.mktemp())
        folder.mkdir()
        os.chdir(folder)
        pem = selfSigned("mx.example.org").pem
        for name in ("fullchain", "privkey", "net", "com"):
            for ending in ("pem", "key"):
                Path(f"{name}.{ending}").write_bytes(pem)
        for page in sorted(DOCS.glob("*.rst")):
            for found in BLOCK.findall(page.read_text("utf-8")):
                self.run_(dedent(found), page.name)

    def run_(self, source: str, page: str) -> None:
        names: dict[str, Any] = {
            name: getattr(smtpsession, name) for name in smtpsession.__all__
        }
        code = compile(source, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        # One that waits, or reads what is on its way, is checked for its syntax only.
        if "await " not in source.replace("    ", "") or "class " in source:
            exec(code, names)
