"""
Tests of smtpsession.logins: what the log says of logins, and who reads it.
"""

from __future__ import annotations

import re
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    globalLogPublisher,
    textFileLogObserver,
)
from zope.interface import implementer

from smtpsession import (
    Auth,
    BearerAuth,
    PasswordAuth,
    PortalLogin,
    SMTPError,
    SMTPSession,
    XClientAuth,
)
from smtpsession.logfile import asJSON, asText
from smtpsession.logins import logged
from smtpsession.workerprocess import Worker
from tests.cases import TableTestCase

#: Not part of the package: there is nothing to test where it is not at hand.
FILTER = (
    Path(__file__).parent.parent.joinpath(*"contrib/fail2ban/filter.d".split("/"))
    / "smtpsession.conf"
)

BOB = PasswordAuth(method="PLAIN", username="bob", password="hunter2")

#: Names that want to be taken for something else.
CRAFTED = [
    "",
    "bob",
    "it's",
    "\u00fcbel",
    "192.0.2.99",
    "[192.0.2.99]",
    "x\n2026-01-01T00:00:00+0000 [smtpsession.logins#warn] x [192.0.2.99] login "
    "failed: mechanism PLAIN, user 'bob'",
    "x' [192.0.2.99] login failed: mechanism PLAIN, user 'bob",
    "\"' [smtpsession.logins#warn] x [192.0.2.99] login failed: mechanism PLAIN, "
    "user 'bob'",
    '"}\n{"time": "2026-01-01T00:00:00+00:00", "level": "warn", '
    '"event": "login-failed", "logger": "smtpsession.logins", "text": "x", '
    '"client": "192.0.2.99", "session": "x", "address": "192.0.2.99", '
    '"mechanism": "PLAIN", "user": "bob"}',
    'bob", "client": "192.0.2.99", "session": "x", "address": "192.0.2.99", '
    '"mechanism": "PLAIN", "user": "',
    'bob\\", "client": "192.0.2.99',
    "{session} {user!r} %s",
    "x\u2028[192.0.2.99]\r\x85\x1b[0m",
]


class LogTestCase(TableTestCase):
    """A test case that notes events, and the lines of a log file."""

    def setUp(self) -> None:
        self.session = SMTPSession(remoteAddress="203.0.113.5")
        self.events: list[LogEvent] = []
        self.file = StringIO()
        write = textFileLogObserver(self.file)

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event.get("log_namespace") == "smtpsession.logins":
                self.events.append(event)
                write(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def ask(self, onAuth: Any, auth: Auth = BOB) -> Any:
        """What becomes of a login; an exception is returned."""
        answer: Any = logged(onAuth)(auth, self.session)
        results: list[Any] = []
        Deferred.fromCoroutine(answer).addBoth(results.append)
        return results[0]

    @property
    def lines(self) -> list[str]:
        """What is in the log file."""
        return self.file.getvalue().split("\n")[:-1]

    @property
    def objects(self) -> list[str]:
        """The same as JSON."""
        return [asJSON(event) for event in self.events]


def _raise(error: BaseException) -> Any:
    def onAuth(auth: Auth, session: SMTPSession) -> Any:
        raise error

    return onAuth


class EventsTests(LogTestCase):
    """The events."""

    def test_refused(self):
        """However a callback refuses, there is a warning with all that is known."""

        async def late(auth: Auth, session: SMTPSession) -> None:
            await succeed(None)

        rows: list[tuple[str, Any]] = [
            ("None", lambda *_: None),
            ("a Deferred", lambda *_: succeed(None)),
            ("a coroutine", late),
            ("an error", _raise(SMTPError(535, "No", "5.7.8"))),
            ("another error", _raise(SMTPError(550, "No", "5.7.1"))),
        ]
        for name, onAuth in rows:
            self.events.clear()
            self.ask(onAuth)
            [event] = self.events
            self.assertEqual(
                ("login-failed", LogLevel.warn, self.session),
                (event["event"], event["log_level"], event["session"]),
                name,
            )
            self.assertEqual(
                ("203.0.113.5", "PLAIN", "bob"),
                (event["address"], event["mechanism"], event["user"]),
            )

    def test_text(self):
        """The text of a failed login is what is documented, and has no password."""
        self.ask(lambda *_: None)
        [line] = self.lines
        self.assertRegex(line, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ")
        self.assertEqual(
            f"[smtpsession.logins#warn] {self.session.id} [203.0.113.5] login failed: "
            "mechanism PLAIN, user 'bob'",
            line.split(" ", 1)[1],
        )
        self.assertNotIn("hunter2", repr(self.events))

    def test_accepted(self):
        """A success is for debugging, and the user is what the callback says."""
        user = object()
        self.assertIs(user, self.ask(lambda *_: user))
        [event] = self.events
        self.assertEqual(
            ("login-succeeded", LogLevel.debug), (event["event"], event["log_level"])
        )

    def test_postponed(self):
        """What is not the client's fault is not a failed login."""
        failure = self.ask(_raise(SMTPError(454, "Later", "4.7.0")))
        self.assertIsInstance(failure.value, SMTPError)
        [event] = self.events
        self.assertEqual("login-postponed", event["event"])
        self.assertIn("user 'bob', reply 454 4.7.0 Later", self.lines[0])

    def test_others(self):
        """Of other exceptions, and of clients that leave, nothing is said here."""
        for error in (ValueError("x"), CancelledError()):
            self.assertIs(error, self.ask(_raise(error)).value)
        self.assertEqual([], self.events)

    def test_raised(self):
        """A refusal that was raised is raised."""
        error = SMTPError(535, "No", "5.7.8")
        self.assertIs(error, self.ask(_raise(error)).value)

    def test_portal(self):
        """It goes around the login of a portal."""
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(b"bob", b"hunter2")
        login = PortalLogin.fromCheckers(checker)
        alice = PasswordAuth(method="PLAIN", username="alice", password="hunter2")

        self.assertEqual(b"bob", self.ask(login.onAuth))
        self.assertIsNone(self.ask(login.onAuth, alice))

        self.assertEqual(
            ["login-succeeded", "login-failed"], [each["event"] for each in self.events]
        )

    def test_name(self):
        """The callback keeps its name."""

        def onAuth(auth: Auth, session: SMTPSession) -> None:
            """Doc."""

        self.assertEqual("onAuth", logged(onAuth).__name__)


class Fail2banTests(LogTestCase):
    """The filter for fail2ban."""

    def setUp(self) -> None:
        super().setUp()
        self.filter = RawConfigParser()
        self.isThere = bool(self.filter.read(FILTER, "utf-8"))

    def hosts(self, lines: list[str] | None = None) -> list[str | None]:
        """Whom the filter finds in each line, by default of the log."""
        lines = self.lines if lines is None else lines
        failregex = self.filter["Definition"]["failregex"]
        host = r"(?P<host>[\w.:-]+)"
        patterns = [
            re.compile(each.replace("<HOST>", host)) for each in failregex.split("\n")
        ]
        self.assertEqual(2, len(patterns))
        return [self.hostIn(self.withoutDate(line), patterns) for line in lines]

    def hostIn(self, line: str, patterns: list[re.Pattern[str]]) -> str | None:
        """Whom they find in a line."""
        for pattern in patterns:
            found = pattern.search(line)
            if found is not None:
                return found["host"]
        return None

    def withoutDate(self, line: str) -> str:
        """The line as it is when the date has been found, which is taken out."""
        moment = "%%Y-%%m-%%dT%%H:%%M:%%S"
        self.assertEqual(
            [f"^{moment}%%z", rf'^\{{"time": "({moment}(?:\.%%f)?%%z)"'],
            self.filter["Definition"]["datepattern"].split("\n"),
        )
        date = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
        line = re.sub(rf"^{date}[+-]\d{{4}}", "", line)
        return re.sub(rf'^({{"time": "){date}(\.\d{{6}})?[+-]\d\d:\d\d"', r'\1"', line)

    def test_address(self):
        """It finds the address of whoever fails, of either kind."""
        if not self.isThere:
            return
        addresses = ["203.0.113.5", "2001:db8::5", "::1"]
        for address in addresses:
            self.session.remoteAddress = address
            self.ask(lambda *_: None)
            self.assertEqual([address], self.hosts(self.objects[-1:]))
        self.assertEqual(addresses, self.hosts())

    def test_workers(self):
        """It finds them too where one of several processes says it."""
        if not self.isThere:
            return
        self.ask(lambda *_: None)
        date, said = self.lines[0].split(" ", 1)
        worker = f"[{Worker._log.namespace}#info]"
        lines = [f"{date} {worker} {said}", f"{date} {worker} \t{said}"]
        self.assertEqual(["203.0.113.5", None], self.hosts(lines))
        own = {"worker": 2, **self.events[0]}
        self.assertEqual(["203.0.113.5"] * 2, self.hosts([asText(own), asJSON(own)]))

    def test_crafted(self):
        """Whatever a client calls itself, it is its own address, on its own line."""
        if not self.isThere:
            return
        for name in CRAFTED:
            for auth in (
                PasswordAuth(method="LOGIN", username=name, password="x"),
                BearerAuth(method="XOAUTH2", username=name, accessToken="x"),
            ):
                self.ask(lambda *_: None, auth)
        everyTime = ["203.0.113.5"] * 2 * len(CRAFTED)
        self.assertEqual(everyTime, self.hosts())
        self.assertEqual(everyTime, self.hosts(self.objects))

    def test_nobody(self):
        """It finds nobody who succeeds or has to wait, nor a proxy, nor no address."""
        if not self.isThere:
            return
        names = [name for name in CRAFTED if "\n" not in name]
        for name in names:
            self.ask(lambda *_: name, XClientAuth(username=name))  # noqa: B023
            self.ask(lambda *_: None, XClientAuth(username=name))
            auth = PasswordAuth(method="PLAIN", username=name, password="x")
            self.ask(lambda *_: name, auth)  # noqa: B023
            self.ask(_raise(SMTPError(454, "Later", "4.7.0")), auth)
        self.session.remoteAddress = ""
        self.ask(lambda *_: None)
        nobody = [None] * (4 * len(names) + 1)
        self.assertEqual(nobody, self.hosts())
        self.assertEqual(nobody, self.hosts(self.objects))
