"""
Tests of smtpsession.logfile: a log of our own.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.logger import Logger, eventAsText
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPAddress, SMTPEnvelope, SMTPSession
from smtpsession.config import LogTable
from smtpsession.linefile import LineFile
from smtpsession.logfile import LogFile, asText, logFileOf


class LogFileTests(SynchronousTestCase):
    """LogFile."""

    def setUp(self) -> None:
        self.log = Logger(namespace="tests")
        self.path = Path(self.mktemp())

    def begin(self, style: str = "json", level: str = "info", **more: Any) -> LogFile:
        made = LogFile(self.path, style, level, more)
        made.open()
        made.start()
        self.addCleanup(made.close)
        return made

    def lines(self) -> list[str]:
        return self.path.read_text("ascii").splitlines()

    def entries(self) -> list[Any]:
        return [json.loads(line) for line in self.lines()]

    def test_torn(self) -> None:
        """
        Of a line that the disk takes in part, the writer hears, and the next one does
        not go on in it.
        """
        file = LineFile(self.path)
        file.open()
        self.addCleanup(file.close)
        write = os.write
        self.patch(os, "write", lambda to, octets: write(to, octets[:4]))
        error = self.assertRaises(OSError, file.write, "the first")
        self.assertEqual(error.errno, errno.ENOSPC)
        self.patch(os, "write", write)
        file.write("the second")
        file.write("the third")
        self.assertEqual(self.lines(), ["the ", "the second", "the third"])

    def test_text(self) -> None:
        """A line for each event, in which there is nothing but printable ASCII."""
        self.begin("text")
        self.log.warn("{name} \a\x1b[2J\r", name="b\xfc")
        self.log.info("two\nlines")
        first, second, third = self.lines()
        self.assertRegex(first, r"^\d{4}-\S+ \[tests#warn\] b\\xfc \\x07\\x1b\[2J\\r$")
        self.assertRegex(second, r" \[tests#info\] two$")
        self.assertEqual(third, "\tlines")

    def test_times(self) -> None:
        """The time of each is the one that Twisted's own log would have."""
        for when in (0.0, 1.0, 1.999, 2.0, 1.5, 1e9 + 0.1, None):
            event = {"log_time": when, "log_format": "word"}
            self.assertEqual(asText(event), eventAsText(event))

    def test_worker(self) -> None:
        """Of several processes each line says which one it is of."""
        self.begin("text", worker=3)
        self.log.info("word")
        [line] = self.lines()
        self.assertRegex(line, r"^\d{4}-\S+ worker 3 \[tests#info\] word$")

    def test_address(self) -> None:
        """An address of Twisted is a text."""
        self.begin()
        self.log.info("word", address=IPv4Address("TCP", "192.0.2.1", 25))
        [entry] = self.entries()
        self.assertEqual(entry["address"], "192.0.2.1:25")

    def test_json(self) -> None:
        """An object for each event, with its fields, as plain types."""
        self.begin(worker=3)
        session = SMTPSession(
            remoteAddress="192.0.2.1",
            envelope=SMTPEnvelope(mailFrom=SMTPAddress("a@example.org")),
        )
        self.log.info(
            "said {line!r}",
            event="said",
            session=session,
            envelope=session.envelope,
            line=b"\xff\r\n",
            count=7,
            names=["a", SMTPAddress("b@example.org")],
            nothing=None,
        )
        [entry] = self.entries()
        self.assertRegex(entry.pop("time"), r"^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$")
        self.assertEqual(entry.pop("envelope"), session.envelope.asDict())
        self.assertEqual(
            entry,
            {
                "level": "info",
                "event": "said",
                "logger": "tests",
                "text": r"said b'\xff\r\n'",
                "client": "192.0.2.1",
                "worker": 3,
                "session": session.id,
                "line": "\\xff\r\n",
                "count": 7,
                "names": ["a", "b@example.org"],
                "nothing": None,
            },
        )

    def test_failure(self) -> None:
        """An exception is there with its traceback, in one line of the file."""
        self.begin()
        try:
            raise ZeroDivisionError("oh\nno")
        except ZeroDivisionError:
            self.log.failure("broken", event="broken")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        [entry] = self.entries()
        self.assertEqual((entry["event"], entry["level"]), ("broken", "critical"))
        self.assertIn("ZeroDivisionError: oh\nno", entry["failure"])

    def test_level(self) -> None:
        """What is less than the level is left out."""
        for level, said in (("debug", 4), ("info", 3), ("warn", 2), ("error", 1)):
            made = self.begin(level=level)
            for say in (self.log.debug, self.log.info, self.log.warn, self.log.error):
                say("word")
            made.close()
            self.assertEqual(len(self.lines()), said, level)
            self.path.unlink()

    def test_unformattable(self) -> None:
        """An event that cannot be told as it wants does not end anything."""
        self.begin()
        self.log.info("{nothing.here}", event="bad")
        [entry] = self.entries()
        self.assertEqual(entry["event"], "bad")

    def test_repeated(self) -> None:
        """What a worker has said is in the file by its own hand."""
        self.begin()
        self.log.info("{line}", event="worker-said", line="x")
        self.assertEqual(self.lines(), [])

    def test_fullDisk(self) -> None:
        """A disk that is full is no reason to end."""
        self.path = Path("/dev/full")
        self.begin()
        self.log.info("word")

    def test_private(self) -> None:
        """Who may read it are its owner, and nobody else; it grows."""
        self.begin().close()
        self.begin()
        self.log.info("word")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.begin().close()
        self.assertEqual(len(self.lines()), 1)

    def test_early(self) -> None:
        """What is logged before the file is open is its beginning."""
        made = LogFile(self.path, "json")
        made.start()
        self.addCleanup(made.close)
        self.log.info("first", event="first")
        self.log.debug("unwanted", event="unwanted")
        self.assertFalse(self.path.exists())
        made.open()
        self.log.info("second", event="second")
        self.assertEqual(
            [each["event"] for each in self.entries()], ["first", "second"]
        )

    def test_closed(self) -> None:
        """After the end nothing is written any more."""
        self.begin().close()
        self.log.info("word")
        self.assertEqual(self.lines(), [])

    def test_table(self) -> None:
        """The configuration says where, how and how much; or there is none."""
        self.assertIsNone(logFileOf(LogTable()))
        made = logFileOf(LogTable(file=self.path, format="json", level="error"))
        assert made is not None
        made.open()
        made.start()
        self.log.warn("word")
        self.log.error("word", event="word")
        made.close()
        self.assertEqual([each["event"] for each in self.entries()], ["word"])
