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
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests.cases import FilesTestCase
from tests.certificates import issue, selfSigned
from tests.logins import ACCEPTED, EHLO, FAILED, encoded, exchange, hello

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)
LINK = re.compile(r"<(?!https?:)([^<>@\s]+\.\w+)(?:#\S*)?>`_")


def examplesOf(name: str) -> list[str]:
    """The examples of a page that mention this; none where there is no manual."""
    page = DOCS / "library.rst"
    text = page.read_text("utf-8") if page.exists() else ""
    return [dedent(each) for each in BLOCK.findall(text) if name in each]


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
        Path("users").write_text("bob:{PLAIN}sesame\n", "utf-8")
        Path("tokens").touch()
        for page in sorted(DOCS.glob("*.rst")):
            for found in BLOCK.findall(page.read_text("utf-8")):
                self.run_(dedent(found), page.name)

    def run_(self, source: str, page: str) -> None:
        names: dict[str, Any] = {
            name: getattr(smtpsession, name) for name in smtpsession.__all__
        }
        code = compile(source, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        # One that waits, or reads what is on its way, is checked for its syntax only.
        # One that serves has a test of its own.
        if "reactor.run()" in source:
            return
        if "await " not in source.replace("    ", "") or "class " in source:
            exec(code, names)


class IndexTests(FilesTestCase):
    """The index."""

    def test_pages(self) -> None:
        """It has every page, and no page has a link that leads nowhere."""
        linked: dict[str, set[str]] = {}
        for page in DOCS.glob("*.rst"):
            links = LINK.findall(page.read_text("utf-8"))
            linked[page.name] = set(links)
            for each in links:
                self.assertTrue((DOCS / each).exists(), f"{page.name}: {each}")
        if linked:
            self.assertEqual(set(linked) - linked["index.rst"], {"index.rst"})


class LoginExampleTests(FilesTestCase):
    """The examples of authentication let in whom they should, and nobody else."""

    def clientOf(self, names: dict[str, Any], mechanism: str) -> MemoryClient:
        """One that has said EHLO to the server of an example, without its TLS."""
        options = memoryOptions(
            auth="optional", allowInsecureAuth=True, mechanisms=[mechanism]
        )
        onAuth = names.get("onAuth") or names["Submission"]().onAuth
        return hello(MemoryServer(onAuth=onAuth, options=options))

    def test_passwords(self) -> None:
        """PLAIN takes the right password of a user, and no wish to be somebody else."""
        rows = [
            ("\0bob\0sesame", ACCEPTED),
            ("\0bob\0other", FAILED),
            ("\0eve\0sesame", FAILED),
            ("\0eve\0nobody has this one", FAILED),
            ("eve\0bob\0sesame", FAILED),
        ]
        for source in examplesOf("class Submission"):
            names: dict[str, Any] = {}
            exec(source, names)
            for response, expected in rows:
                client = self.clientOf(names, "PLAIN")
                heard = client.say("AUTH PLAIN " + encoded(response))
                self.assertEqual(heard, [expected], response)

    def test_scram(self) -> None:
        """SCRAM takes who proves to know the password, and nobody who does not."""
        for source in examplesOf("class Submission"):
            names: dict[str, Any] = {}
            exec(source, names)
            for password, expected in (("sesame", ACCEPTED), ("other", FAILED)):
                client = self.clientOf(names, "SCRAM-SHA-256")
                heard = exchange(client, "SCRAM-SHA-256", password=password)
                self.assertEqual(heard, [expected], password)

    def test_mechanisms(self) -> None:
        """The server of the example takes no mail and no login before TLS."""
        for source in examplesOf("class Submission"):
            names: dict[str, Any] = {}
            exec(source, names)
            store = smtpsession.CertificateStore(selfSigned("mx.example.org").pem)
            options = names["submission"](store).options
            self.assertEqual((options.tls, options.auth), ("required", "required"))
            self.assertIn("SCRAM-SHA-256-PLUS", options.mechanisms)

    def test_tokens(self) -> None:
        """OAUTHBEARER takes a known token, from its owner or from who names nobody."""
        token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg"
        refused = "334 " + encoded('{"status":"invalid_token"}')
        rows = [
            ("n,,", token, ACCEPTED),
            ("n,a=bob,", token, ACCEPTED),
            ("n,a=eve,", token, refused),
            ("n,,", "other", refused),
        ]
        for source in examplesOf("BearerAuth, ExternalAuth"):
            names: dict[str, Any] = {}
            exec(source, names)
            for header, given, expected in rows:
                client = self.clientOf(names, "OAUTHBEARER")
                response = encoded(f"{header}\1auth=Bearer {given}\1\1")
                heard = client.say("AUTH OAUTHBEARER " + response)
                self.assertEqual(heard, [expected], (header, given))

    def test_certificates(self) -> None:
        """EXTERNAL takes the certificate of a partner, and no other."""
        rows = [
            ("relay.example.net", "=", ACCEPTED),
            ("relay.example.net", encoded("eve"), FAILED),
            ("eve.example.net", "=", FAILED),
        ]
        for source in examplesOf("BearerAuth, ExternalAuth"):
            names: dict[str, Any] = {}
            exec(source, names)
            for name, response, expected in rows:
                client = self.clientOf(names, "EXTERNAL")
                client.session.peerCertificate = issue(name, isClient=True).certificate
                client.say(EHLO)
                heard = client.say("AUTH EXTERNAL " + response)
                self.assertEqual(heard, [expected], (name, response))
