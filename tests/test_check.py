"""
Tests of smtpsession.check: C{python -m smtpsession check}.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.__main__ import main

ROUTE = '[[route]]\nrecipients = ["*"]\n'


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
                f"{path}: route[0].recipients: is missing, but expected a list of "
                'patterns of addresses, such as ["*@example.org"]',
                f"{path}: hostnam: 'x', but there is no such key; is it hostname?",
            ],
        )

    def test_cannotBeMade(self) -> None:
        """Nor is one that could be read, and cannot be done."""
        path = self.write('[tls]\ncertificate = "nowhere.pem"')
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        self.assertIn("tls.certificate: ", errors)
        self.assertIn("nowhere.pem", errors)

    def test_metrics(self) -> None:
        """Nor one whose monitor could not listen."""
        path = self.write('[metrics]\nendpoint = "pigeon:1"')
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        start = f"{path}: metrics.endpoint: 'pigeon:1', but expected an endpoint to "
        self.assertTrue(errors.startswith(start), errors)

    def test_allAtOnce(self) -> None:
        """What cannot be read hides nothing of what cannot be done."""
        path = self.write("""
            worker = 2
            workers = 0
            events = "no/such/folder"
            [tls]
            key = "nowhere.key"
            [auth]
            users = 3
            [[listener]]
            endpoint = "pigeon:1"
            tls = "starttls"
            auth = "required"
            [[listener]]
            tls = "none"
            auth = "optionally"
            [[route]]
            recipients = ["*@exa mple"]
            deliver = "smtp"
            endpoint = "pigeon:2"
            [[route]]
            recipients = ["bob"]
            deliver = "pigeon"
            path = "x"
            [[route]]
            deliver = "http"
            url = "ftp://a.example/"
            ca = "nowhere.pem"
            [[route]]
            recipients = ["*"]
            deliver = "command"
            command = ["/no/such/program"]
            [[route]]
            recipients = ["*"]
            destination = "discard"
            path = "mail/{user}"
            [log]
            file = "no/such/folder/log"
            [metrics]
            endpoint = "pigeon:3"
            """)
        status, output, errors = self.check(path)
        self.assertEqual((status, output), (1, ""))
        found = [each.removeprefix(f"{path}: ") for each in errors.splitlines()]
        self.assertEqual(
            sorted(each.partition(": ")[0] for each in found),
            [
                *("auth.users", "events"),
                *("listener[0].endpoint", "listener[1].auth", "log.file"),
                *("metrics.endpoint", "route[0].endpoint", "route[0].recipients"),
                *("route[1].deliver", "route[1].recipients"),
                *("route[2].ca", "route[2].recipients", "route[2].url"),
                *("route[3].command", "route[4].destination", "route[4].path"),
                *("tls.certificate", "tls.key", "worker", "workers"),
            ],
        )
        for each in found:
            self.assertIn("but ", each)
            self.assertTrue("expected " in each or "is it " in each, each)

    def test_sameEndpoint(self) -> None:
        """A listener has an endpoint that no other has, but for any port."""
        listener = '[[listener]]\nendpoint = "{}"\n'
        for endpoint in ("tcp:2525", "tcp:port=2525:interface=127.0.0.1", "unix:a"):
            path = self.write(2 * listener.format(endpoint) + ROUTE)
            status, _, errors = self.check(path)
            self.assertEqual(status, 1, endpoint)
            self.assertEqual(
                errors,
                f"{path}: listener[1].endpoint: '{endpoint}', but expected "
                "an endpoint of its own (listener[0] has it)\n",
            )
        for endpoint in ("tcp:0", "tcp:port=0:interface=127.0.0.1"):
            path = self.write(2 * listener.format(endpoint) + ROUTE)
            self.assertEqual(self.check(path)[0], 0, endpoint)

    def test_files(self) -> None:
        """The files and folders that it names can be had, or it says why not."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "file").touch()
        for text, expected in (
            ('events = "."', f"events: '{folder}', but expected a file that can be"),
            ('events = "sub/x"', "(there is no folder "),
            ('[log]\nfile = "file/x"', "(there is no folder "),
            (ROUTE + 'path = "file/{domain}"', f"({folder}/file is no folder)"),
            (ROUTE + 'path = "file"', f"({folder}/file is no folder)"),
            (
                ROUTE + 'deliver = "command"\ncommand = ["cat"]\ndirectory = "sub"',
                "(there is no folder ",
            ),
            (
                ROUTE + 'deliver = "command"\ncommand = ["./sub"]\ndirectory = "."',
                "(there is no such program)",
            ),
        ):
            path = folder / "mail.toml"
            path.write_text(text, "utf-8")
            status, _, errors = self.check(str(path))
            self.assertEqual(status, 1, text)
            self.assertIn(expected, errors)
            self.assertEqual(errors.count("\n"), 1, errors)
        for text in (
            'events = "new"\nlog.file = "file"\n' + ROUTE + 'path = "a/{domain}/b"',
            ROUTE + 'deliver = "command"\ncommand = ["cat"]',
        ):
            path.write_text(text, "utf-8")
            self.assertEqual(self.check(str(path)), (0, f"{path}: good\n", ""))
        self.assertEqual(
            sorted(each.name for each in folder.iterdir()), ["file", "mail.toml"]
        )

    def test_hints(self) -> None:
        """What is allowed and seldom meant is said, and all is good nevertheless."""
        for text, expected in (
            ("", ["there is no route, so every recipient is refused"]),
            (
                ROUTE + "authenticated = true\n" + ROUTE,
                ["route[0] is never used, for nobody can log in"],
            ),
            (
                f"{ROUTE}\n{ROUTE}path = 'x'",
                ["route[1] is never used, for route[0] has it all"],
            ),
            (
                f'[[listener]]\nendpoint = "systemd:domain=INET:index=0"\n{ROUTE}',
                ["listener[0].endpoint is not tried, for it is for systemd"],
            ),
        ):
            path = self.write(text)
            status, output, errors = self.check(path)
            self.assertEqual((status, errors), (0, ""))
            said = [f"{path}: {each}" for each in (*expected, "good")]
            self.assertEqual(output.splitlines(), said)

    def test_arguments(self) -> None:
        """It wants one file."""
        for arguments in ([], ["a", "b"], ["--help"]):
            status, output, errors = self.check(*arguments)
            self.assertEqual((status, output), (2, ""))
            self.assertIn("usage: ", errors)
