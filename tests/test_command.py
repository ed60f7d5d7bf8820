"""
Tests of smtpsession.delivery.command, with processes in memory.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    MessageAborted,
    MessageTooLarge,
    SMTPAddress,
    SMTPEnvelope,
    SMTPError,
    SMTPSession,
)
from smtpsession.delivery.command import MAX_RECIPIENTS, Command, refusal, variables
from smtpsession.stream import MessageStream
from tests.deliveries import MESSAGE, newSession, newStream
from tests.processes import FakeProcess, ProcessClock
from tests.streams import finish

#: Each status of sysexits.h, as the manual has it.
STATUSES = [
    (0, None),
    (64, "554 5.3.0"),
    (65, "554 5.6.0"),
    (66, "554 5.3.0"),
    (67, "550 5.1.1"),
    (68, "550 5.1.2"),
    (69, "554 5.3.0"),
    (70, "554 5.3.0"),
    (71, "451 4.3.0"),
    (72, "554 5.3.0"),
    (73, "554 5.2.0"),
    (74, "554 5.3.0"),
    (75, "451 4.3.0"),
    (76, "554 5.5.0"),
    (77, "550 5.7.0"),
    (78, "554 5.3.5"),
    *((status, "451 4.3.0") for status in (None, 1, 2, 63, 79, 126, 127, 255)),
]

TRACE = (
    b"Return-Path: <alice@example.com>%(end)s"
    b"Delivered-To: bob@example.org%(end)s"
    b"Received: from client (client.example.com [192.0.2.1])%(end)s"
    b"\tby mx.example.org with ESMTP id session.0%(end)s"
    b"\tfor <bob@example.org>;%(end)s"
    b"\tSun, 09 Sep 2001 01:46:40 +0000%(end)s"
)


class CommandTestCase(SynchronousTestCase):
    """A command that runs C{program -x} in memory."""

    def setUp(self) -> None:
        self.clock = ProcessClock()
        self.command = self.commandOf()

    def commandOf(self, **options: Any) -> Command:
        given = {
            "reactor": self.clock,
            "hostname": "mx.example.org",
            "arguments": ["program", "-x"],
            "timeout": 100,
            **options,
        }
        return Command(**given)

    def deliver(
        self,
        stream: MessageStream,
        session: SMTPSession | None = None,
        command: Command | None = None,
    ) -> Deferred[None]:
        session = session or newSession()
        delivery = (command or self.command).deliver(
            stream, session, session.envelope.rcptTo
        )
        return Deferred.fromCoroutine(delivery)

    @property
    def process(self) -> FakeProcess:
        """The one that was started last."""
        return self.clock.processes[-1]

    def replyTo(self, delivery: Deferred[None]) -> str:
        return str(self.failureResultOf(delivery, SMTPError).value)

    def assertIdle(self) -> None:
        """Nothing runs, and nobody is waited for."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(Deferred.fromCoroutine(self.command.stop()))
        self.assertEqual(
            [each.signals for each in self.clock.processes if each.alive], []
        )


class InputTests(CommandTestCase):
    """What the program reads."""

    def test_lf(self) -> None:
        """
        The message has trace headers in front, and its lines end with LF.
        """
        delivery = self.deliver(newStream(MESSAGE))
        expected = TRACE % {b"end": b"\n"} + MESSAGE.replace(b"\r\n", b"\n")
        self.assertEqual(self.process.given, expected)
        self.assertTrue(self.process.inputClosed)
        self.process.end()
        self.assertIsNone(self.successResultOf(delivery))
        self.assertIdle()

    def test_crlf(self) -> None:
        """
        Or with CRLF, where that is wanted.
        """
        self.deliver(newStream(MESSAGE), command=self.commandOf(lineEndings="crlf"))
        self.assertEqual(self.process.given, TRACE % {b"end": b"\r\n"} + MESSAGE)

    def test_recipients(self) -> None:
        """
        Each recipient has a header.
        """
        self.deliver(newStream(MESSAGE), newSession("a@example.org", "b@example.org"))
        self.assertIn(
            b"Delivered-To: a@example.org\nDelivered-To: b@example.org\n",
            self.process.given,
        )

    def test_streamed(self) -> None:
        """
        It gets the message as that comes, and its end not before it has come whole.
        """
        stream = newStream()
        self.deliver(stream)
        for chunk in (b"one", b"two"):
            stream.feed(chunk)
            self.assertTrue(self.process.given.endswith(chunk))
        self.assertFalse(self.process.inputClosed)
        finish(stream)
        self.assertTrue(self.process.inputClosed)

    def test_pace(self) -> None:
        """
        A program that does not read makes the client wait.
        """
        paces: list[str] = []
        stream = newStream(
            pause=lambda: paces.append("pause"),
            resume=lambda: paces.append("resume"),
            streamBuffer=1000,
        )
        self.deliver(stream)
        self.process.producer.pauseProducing()
        for _ in range(5):
            stream.feed(b"x" * 500)
        self.assertEqual(paces, ["pause"])
        self.process.producer.resumeProducing()
        self.assertEqual(paces, ["pause", "resume"])
        self.assertTrue(self.process.given.endswith(b"x" * 2500))

    def test_readsNothing(self) -> None:
        """
        A program need not read: the rest of the message is dropped, and its exit
        status counts.
        """
        for status, expected in ((0, None), (67, "550 5.1.1")):
            stream = newStream()
            delivery = self.deliver(stream)
            self.process.producer.stopProducing()
            stream.feed(MESSAGE)
            self.process.end(status)
            self.assertNoResult(delivery)
            stream.feed(MESSAGE)
            finish(stream)
            if expected is None:
                self.successResultOf(delivery)
            else:
                self.assertIn(expected, self.replyTo(delivery))
            self.assertIdle()


class StartTests(CommandTestCase):
    """How the program is started."""

    def test_arguments(self) -> None:
        """
        It is run as it is named, without a shell, where it is told to.
        """
        folder = self.mktemp()
        self.deliver(newStream(), command=self.commandOf(directory=folder))
        call = self.process.call
        self.assertEqual(call["executable"], "program")
        self.assertEqual(call["args"], ["program", "-x"])
        self.assertEqual(call["path"], os.path.abspath(folder))
        self.deliver(newStream())
        self.assertIsNone(self.process.call["path"])

    def test_found(self) -> None:
        """
        The program is looked for once, before the first message.
        """
        command = self.commandOf(arguments=["sh", "-c", "true"])
        command.start()
        self.deliver(newStream(), command=command)
        launcher = self.process.call["executable"]
        self.assertTrue(os.path.isabs(launcher))
        name, executable, *arguments = self.process.call["args"]
        self.assertEqual([os.path.basename(launcher), name], ["setsid"] * 2)
        self.assertTrue(os.path.isabs(executable))
        self.assertEqual(os.path.basename(executable), "sh")
        self.assertEqual(arguments, ["-c", "true"])

    def test_noSession(self) -> None:
        """
        Where nothing can give it a session of its own, it runs without one.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "sh").symlink_to("/bin/sh")
        self.patch(os, "environ", {"PATH": str(folder.absolute())})
        command = self.commandOf(arguments=["sh", "-c", "true"])
        command.start()
        self.deliver(newStream(), command=command)
        call = self.process.call
        self.assertEqual(call["executable"], str(folder.absolute() / "sh"))
        self.assertEqual(call["args"], ["sh", "-c", "true"])

    def test_missing(self) -> None:
        """
        The service does not start without the program, or its directory.
        """
        missing = self.mktemp()
        for options in (
            {"arguments": ["no-such-program"]},
            {"arguments": [missing]},
            {"arguments": ["/etc/passwd"]},
            {"arguments": ["sh"], "directory": missing},
            {"arguments": ["sh"], "directory": "/etc/passwd"},
        ):
            self.assertRaises(OSError, self.commandOf(**options).start)
        self.commandOf(arguments=["sh"], directory="/").start()

    def test_nonsense(self) -> None:
        """
        What cannot be meant is refused at once.
        """
        nonsense: list[dict[str, Any]] = [
            {"arguments": []},
            {"lineEndings": "cr"},
            {"concurrency": 0},
        ]
        for options in nonsense:
            self.assertRaises(ValueError, self.commandOf, **options)

    def test_cannotStart(self) -> None:
        """
        A program that cannot be started fails the delivery, and blocks no other.
        """
        command = self.commandOf(concurrency=1)
        start = self.clock.spawnProcess

        def fail(*ignored: Any, **alsoIgnored: Any) -> None:
            raise OSError("no more processes")

        self.clock.spawnProcess = fail  # type: ignore[assignment]
        for _ in range(3):
            delivery = self.deliver(newStream(MESSAGE), command=command)
            self.failureResultOf(delivery, OSError)
        self.clock.spawnProcess = start  # type: ignore[method-assign]
        delivery = self.deliver(newStream(MESSAGE), command=command)
        self.process.end()
        self.successResultOf(delivery)


class EnvironmentTests(CommandTestCase):
    """What the program is told of the session."""

    def test_variables(self) -> None:
        """
        The session is there by documented names, and nobody else's.
        """
        session = newSession(user="alice", secure=True, transaction=2)
        found = variables(session, session.envelope.rcptTo)
        self.assertEqual(json.loads(found.pop("SESSION_JSON")), session.asDict())
        self.assertEqual(
            found,
            {
                "SENDER": "alice@example.com",
                "RECIPIENT": "bob@example.org",
                "RECIPIENTS": "bob@example.org",
                "CLIENT_ADDRESS": "192.0.2.1",
                "CLIENT_NAME": "client.example.com",
                "HELO_NAME": "client",
                "PROTOCOL": "ESMTPSA",
                "USER_NAME": "alice",
                "SESSION_ID": "session",
                "MESSAGE_ID": "session.2",
            },
        )

    def test_others(self) -> None:
        """
        A null reverse-path is empty, several recipients are lines, and who has not
        logged in has no name.
        """
        session = newSession("a@example.org", "b@example.org")
        session.envelope.mailFrom = SMTPAddress("")
        found = variables(session, session.envelope.rcptTo)
        self.assertEqual(found["SENDER"], "")
        self.assertEqual(found["RECIPIENTS"], "a@example.org\nb@example.org")
        self.assertNotIn("RECIPIENT", found)
        self.assertNotIn("USER_NAME", found)

    def test_ownRecipients(self) -> None:
        """
        The recipients are those of the route, and not all of the envelope.
        """
        session = newSession("a@example.org", "b@example.org")
        found = variables(session, session.envelope.rcptTo[1:])
        self.assertEqual(found["RECIPIENTS"], "b@example.org")
        self.assertEqual(found["RECIPIENT"], "b@example.org")

    def test_users(self) -> None:
        """
        A user in octets has a name, too; one that is an object has only its own.
        """
        for user, expected in ((b"j\xc3\xb6rg", "jörg"), ({"uid": 5}, None), (5, None)):
            found = variables(newSession(user=user), [])
            self.assertEqual(found.get("USER_NAME"), expected)

    def test_controls(self) -> None:
        """
        No control character gets in, whoever has let it pass.
        """
        session = newSession(user="a\0b\nc", hostNameAppearsAs="x\x7f\ty")
        found = variables(session, session.envelope.rcptTo)
        self.assertEqual(found["USER_NAME"], "a?b?c")
        self.assertEqual(found["HELO_NAME"], "x??y")
        self.assertNotIn("\0", "".join(found.values()))

    def test_tooLong(self) -> None:
        """
        A session that does not fit into a variable is not there; the rest is.
        """
        session = newSession(state={"notes": "x" * 131_072})
        found = variables(session, session.envelope.rcptTo)
        self.assertNotIn("SESSION_JSON", found)
        self.assertEqual(found["RECIPIENT"], "bob@example.org")

    def test_inherited(self) -> None:
        """
        Of the service's own environment it has PATH and what is named.
        """
        self.patch(os, "environ", {"PATH": "/bin", "LANG": "C", "TOKEN": "secret"})
        command = self.commandOf(inherit=["LANG", "ABSENT"])
        session = newSession("jörg@example.org")
        self.deliver(newStream(), session, command)
        found = self.process.call["env"]
        others = set(variables(session, session.envelope.rcptTo))
        self.assertEqual(found[b"PATH"], b"/bin")
        self.assertEqual(found[b"LANG"], b"C")
        self.assertEqual(found[b"RECIPIENT"], "jörg@example.org".encode())
        self.assertEqual({each.decode() for each in found}, others | {"PATH", "LANG"})


class AcceptTests(CommandTestCase):
    """Recipients."""

    def test_accepted(self) -> None:
        """
        There is nobody to be refused, unless there are too many to be told of.
        """
        session = SMTPSession(envelope=SMTPEnvelope())
        bob = SMTPAddress("bob@example.org")
        for _ in range(MAX_RECIPIENTS):
            self.successResultOf(
                Deferred.fromCoroutine(self.command.accept(bob, session))
            )
            session.envelope.rcptTo.append(bob)
        refused = Deferred.fromCoroutine(self.command.accept(bob, session))
        self.assertEqual(self.replyTo(refused), "452 4.5.3 Too many recipients")


class StatusTests(CommandTestCase):
    """What becomes of the message."""

    def test_table(self) -> None:
        """
        The statuses of sysexits.h are replies, and everything else is 451.
        """
        for status, expected in STATUSES:
            reply = refusal(status)
            found = None if reply is None else f"{reply.code} {reply.enhanced}"
            self.assertEqual(found, expected, status)

    def test_refused(self) -> None:
        """
        The client is told the reply and nothing else, and the log says why.
        """
        delivery = self.deliver(newStream(MESSAGE))
        self.process.complain(b"no\nsuch user\n")
        with capturedLogs() as logged:
            self.process.end(67)
        self.assertEqual(self.replyTo(delivery), "550 5.1.1 No such recipient")
        [event] = logged
        self.assertEqual(
            formatEvent(event),
            "session.0 program has ended with status 67: no such user",
        )

    def test_signal(self) -> None:
        """
        A program that a signal has ended has not accepted.
        """
        delivery = self.deliver(newStream(MESSAGE))
        with capturedLogs() as logged:
            self.process.end(signal=11)
        self.assertIn("451 4.3.0", self.replyTo(delivery))
        self.assertIn("has ended with a signal", str(formatEvent(logged[0])))

    def test_overdue(self) -> None:
        """
        One that does not end in time has not accepted either, and is ended.
        """
        delivery = self.deliver(newStream(MESSAGE))
        with capturedLogs() as logged:
            self.clock.advance(100)
        self.assertIn("451 4.3.0", self.replyTo(delivery))
        self.assertEqual(self.process.signals, ["TERM"])
        self.assertIn("program takes too long", str(formatEvent(logged[0])))
        self.process.end(0)
        self.assertIdle()

    def test_overdueInTheMiddle(self) -> None:
        """
        So it is where it stops reading; the client is told after the message's end.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.process.producer.pauseProducing()
        stream.feed(MESSAGE)
        self.clock.advance(100)
        self.assertEqual(self.process.signals, ["TERM"])
        self.assertNoResult(delivery)
        finish(stream)
        self.assertIn("451 4.3.0", self.replyTo(delivery))


class LeavingTests(CommandTestCase):
    """Messages that do not come whole."""

    def assertEnded(self) -> None:
        self.assertEqual(self.process.signals, ["TERM"])
        self.assertFalse(self.process.inputClosed)
        self.process.end(0)
        self.assertIdle()

    def test_failed(self) -> None:
        """
        The program is ended without seeing an end of its input.
        """
        for failure in (MessageAborted(), MessageTooLarge(5)):
            stream = newStream()
            delivery = self.deliver(stream)
            stream.feed(MESSAGE)
            stream.fail(failure)
            self.failureResultOf(delivery, type(failure))
            self.assertEnded()

    def test_cancelled(self) -> None:
        """
        So it is when the delivery is cancelled while the message arrives.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        stream.feed(MESSAGE)
        delivery.cancel()
        self.failureResultOf(delivery)
        self.assertEnded()

    def test_cancelledLate(self) -> None:
        """
        When that happens after the message's end, the program is ended all the same.
        """
        delivery = self.deliver(newStream(MESSAGE))
        delivery.cancel()
        self.failureResultOf(delivery)
        self.assertEqual(self.process.signals, ["TERM"])
        self.process.end(0)
        self.assertIdle()

    def test_afterIgnoring(self) -> None:
        """
        A message of which the program wants nothing has to come whole as well.
        """
        stream = newStream()
        delivery = self.deliver(stream)
        self.process.end(0)
        stream.feed(MESSAGE)
        stream.fail(MessageAborted())
        self.failureResultOf(delivery, MessageAborted)
        self.assertIdle()


class ConcurrencyTests(CommandTestCase):
    """Many messages at once."""

    def test_waiting(self) -> None:
        """
        No more than so many programs run, and the others wait for one to be gone.
        """
        command = self.commandOf(concurrency=2)
        deliveries = [
            self.deliver(newStream(MESSAGE), command=command) for _ in range(5)
        ]
        for number in range(5):
            self.assertEqual(len(self.clock.processes), min(number + 2, 5))
            self.clock.processes[number].end(0)
            self.successResultOf(deliveries[number])

    def test_ending(self) -> None:
        """
        One that is still being ended counts.
        """
        command = self.commandOf(concurrency=1)
        first = self.deliver(newStream(MESSAGE), command=command)
        self.deliver(newStream(MESSAGE), command=command)
        first.cancel()
        self.failureResultOf(first)
        self.assertEqual(len(self.clock.processes), 1)
        self.clock.processes[0].end(signal=15)
        self.assertEqual(len(self.clock.processes), 2)

    def test_cancelled(self) -> None:
        """
        Who leaves while waiting takes nobody's place.
        """
        command = self.commandOf(concurrency=1)
        self.deliver(newStream(MESSAGE), command=command)
        second = self.deliver(newStream(MESSAGE), command=command)
        self.deliver(newStream(MESSAGE), command=command)
        second.cancel()
        self.failureResultOf(second)
        self.clock.processes[0].end(0)
        self.assertEqual(len(self.clock.processes), 2)

    def test_stop(self) -> None:
        """
        The end of the service is the end of its programs, and waits for that.
        """
        deliveries = [self.deliver(newStream(MESSAGE)) for _ in range(2)]
        stopped = Deferred.fromCoroutine(self.command.stop())
        for process in self.clock.processes:
            self.assertNoResult(stopped)
            self.assertEqual(process.signals, ["TERM"])
            process.end(signal=15)
        self.successResultOf(stopped)
        for delivery in deliveries:
            self.assertIn("451 4.3.0", self.replyTo(delivery))


class DocumentationTests(SynchronousTestCase):
    """The table in the module."""

    def test_table(self) -> None:
        """
        It has every status, with its reply.
        """
        rows = str(sys.modules[Command.__module__].__doc__)
        for status, expected in STATUSES[1:16]:
            self.assertRegex(rows, rf"\n{status}  +[A-Z]+ +{expected} ")
