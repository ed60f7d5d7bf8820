"""
Tests of smtpsession.delivery.program, with processes in memory.
"""

from __future__ import annotations

import os
from signal import SIGKILL, SIGTERM
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery.lineends import LineEnds
from smtpsession.delivery.program import LINGERING, MAX_COMPLAINT, Overdue, Program
from tests.processes import FakeProcess, ProcessClock


class Producer:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


class ProgramTestCase(SynchronousTestCase):
    """A program with 100 seconds of patience and 10 of grace."""

    def setUp(self) -> None:
        self.clock = ProcessClock()
        self.program, self.process = self.start()

    def start(self) -> tuple[Program, FakeProcess]:
        program = Program(self.clock, 100, 10, LineEnds("lf"))
        process = self.clock.spawnProcess(program, "program", ["program"])
        return program, process

    def produce(self) -> Producer:
        producer = Producer()
        self.program.registerProducer(producer, True)
        return producer

    def assertNothingPending(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def statusOf(self, program: Program) -> Any:
        return self.successResultOf(program.status)


class StatusTests(ProgramTestCase):
    """How it has ended."""

    def test_status(self) -> None:
        """
        The exit status is known when the program and its output have ended; None is a
        signal.
        """
        for status, signal, expected in ((0, None, 0), (75, None, 75), (0, 9, None)):
            program, process = self.start()
            process.exit(status, signal)
            self.assertNoResult(program.status)
            self.assertNoResult(program.ended)
            program.processEnded(process.reason)
            self.assertEqual(self.statusOf(program), expected)
            self.successResultOf(program.ended)
            self.assertNothingPending()

    def test_background(self) -> None:
        """
        What it leaves in the background may hold its output open only for a moment.
        """
        self.process.exit(75)
        self.clock.advance(LINGERING / 2)
        self.assertNoResult(self.program.status)
        self.clock.advance(LINGERING / 2)
        self.assertEqual(self.statusOf(self.program), 75)
        self.successResultOf(self.program.ended)
        self.assertTrue(self.process.lost)
        self.program.processEnded(self.process.reason)
        self.assertNothingPending()

    def test_complaint(self) -> None:
        """
        The beginning of its error output is kept, on one line and without control
        characters.
        """
        self.assertEqual(self.program.complaint, "")
        for octets in (b"a\nb\x1b[", "ü\n".encode()[:1], "ü\n".encode()[1:], b"\xff\n"):
            self.process.complain(octets)
        self.assertEqual(self.program.complaint, "a b [ü \ufffd")
        for _ in range(5):
            self.process.complain(b"x" * MAX_COMPLAINT)
        self.assertLessEqual(len(self.program.complaint), MAX_COMPLAINT)

    def test_output(self) -> None:
        """
        Its standard output is dropped.
        """
        self.program.childDataReceived(1, b"x")
        self.assertEqual(self.program.complaint, "")


class InputTests(ProgramTestCase):
    """What it reads."""

    def test_message(self) -> None:
        """
        It gets the message with the line ends that it wants, and then its end.
        """
        self.produce()
        self.program.write(b"a\r")
        self.program.write(b"\nb\r")
        self.program.unregisterProducer()
        self.assertFalse(self.process.inputClosed)
        self.program.finish()
        self.assertEqual(self.process.given, b"a\nb\r")
        self.assertTrue(self.process.inputClosed)

    def test_pace(self) -> None:
        """
        A full pipe pauses who writes.
        """
        producer = self.produce()
        self.process.producer.pauseProducing()
        self.process.producer.resumeProducing()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.assertNothingPending()

    def test_closed(self) -> None:
        """
        Who writes is stopped when the program closes its input.
        """
        producer = self.produce()
        self.process.producer.stopProducing()
        self.assertEqual(producer.told, ["stop"])
        self.assertNoResult(self.program.status)

    def test_exited(self) -> None:
        """
        So it is when the program exits, though somebody else may have its input.
        """
        producer = self.produce()
        self.process.producer.pauseProducing()
        self.process.exit()
        self.assertEqual(producer.told, ["pause", "stop"])
        self.clock.advance(LINGERING)
        self.assertEqual(self.statusOf(self.program), 0)

    def test_exitedBefore(self) -> None:
        """
        So it is when the program has exited before.
        """
        self.process.end()
        producer = self.produce()
        self.assertEqual(producer.told, ["stop"])
        self.program.unregisterProducer()
        self.program.finish()
        self.assertNothingPending()

    def test_pipeAfterwards(self) -> None:
        """
        What the pipe says later interests nobody.
        """
        self.produce()
        pipe = self.process.producer
        self.program.unregisterProducer()
        pipe.pauseProducing()
        pipe.resumeProducing()
        pipe.stopProducing()
        self.assertNothingPending()


class PatienceTests(ProgramTestCase):
    """Programs that take too long."""

    def assertOverdue(self) -> None:
        self.clock.advance(99)
        self.assertNoResult(self.program.status)
        self.assertEqual(self.process.signals, [])
        self.clock.advance(1)
        self.failureResultOf(self.program.status, Overdue)
        self.assertEqual(self.process.signals, ["TERM"])

    def test_doesNotRead(self) -> None:
        """
        One that takes nothing from a full pipe is overdue, and who writes is stopped.
        """
        producer = self.produce()
        self.process.producer.pauseProducing()
        self.assertOverdue()
        self.assertEqual(producer.told, ["pause", "stop"])
        self.assertFalse(self.process.inputClosed)

    def test_doesNotEnd(self) -> None:
        """
        So is one that does not end after the message.
        """
        self.program.finish()
        self.assertOverdue()

    def test_slowClient(self) -> None:
        """
        One that waits for the message is not.
        """
        self.produce()
        for _ in range(5):
            self.clock.advance(99)
            self.process.producer.pauseProducing()
            self.clock.advance(99)
            self.process.producer.resumeProducing()
        self.clock.advance(1000)
        self.assertNoResult(self.program.status)
        self.assertEqual(self.process.signals, [])

    def test_killed(self) -> None:
        """
        If it does not heed SIGTERM, SIGKILL follows.
        """
        self.program.finish()
        self.assertOverdue()
        self.clock.advance(9)
        self.assertEqual(self.process.signals, ["TERM"])
        self.clock.advance(1)
        self.assertEqual(self.process.signals, ["TERM", "KILL"])
        self.assertNoResult(self.program.ended)
        self.process.end(signal=9)
        self.successResultOf(self.program.ended)
        self.assertNothingPending()

    def test_heeded(self) -> None:
        """
        If it does, there is no more to do, and its status does not matter.
        """
        self.program.finish()
        self.assertOverdue()
        self.process.end(0)
        self.successResultOf(self.program.ended)
        self.clock.advance(1000)
        self.assertEqual(self.process.signals, ["TERM"])


class EndTests(ProgramTestCase):
    """Programs that nobody needs any more."""

    def test_end(self) -> None:
        """
        It gets one SIGTERM, and later a SIGKILL, and does not see the end of its input.
        """
        self.program.write(b"half")
        self.program.end()
        self.program.end()
        self.assertEqual(self.process.signals, ["TERM"])
        self.clock.advance(10)
        self.assertEqual(self.process.signals, ["TERM", "KILL"])
        self.assertFalse(self.process.inputClosed)
        self.process.end(signal=9)
        self.assertNothingPending()

    def test_noPatience(self) -> None:
        """
        It is not overdue then.
        """
        self.produce()
        pipe = self.process.producer
        pipe.pauseProducing()
        self.program.end()
        pipe.pauseProducing()
        self.process.end(0)
        self.clock.advance(1000)
        self.assertEqual(self.statusOf(self.program), 0)

    def test_afterwards(self) -> None:
        """
        One that has ended gets no signal.
        """
        self.process.end(0)
        self.program.end()
        self.assertEqual(self.process.signals, [])
        self.assertNothingPending()

    def test_race(self) -> None:
        """
        One that has ended without our knowing is no error.
        """
        self.process.alive = False
        self.program.end()
        self.clock.advance(10)
        self.process.end(0)
        self.assertNothingPending()

    def test_cancelled(self) -> None:
        """
        Who waits for the status may stop waiting.
        """
        waiting: Deferred[Any] = self.program.status
        waiting.cancel()
        self.failureResultOf(waiting)
        self.program.end()
        self.process.end(0)
        self.successResultOf(self.program.ended)

    def test_overdueUnheard(self) -> None:
        """
        That it is overdue need not interest anybody.
        """
        self.program.finish()
        self.clock.advance(100)
        self.program.end()
        self.process.end(0)
        self.assertEqual(self.flushLoggedErrors(), [])


class GroupTests(ProgramTestCase):
    """Programs that have started others."""

    def setUp(self) -> None:
        super().setUp()
        self.told: list[tuple[int, int]] = []
        self.error: type[OSError] | None = None
        self.patch(os, "killpg", self.killpg)
        self.program = Program(self.clock, 100, 10, LineEnds("lf"), leadsGroup=True)
        self.process = self.clock.spawnProcess(self.program, "program", ["program"])

    def killpg(self, group: int, number: int) -> None:
        self.assertEqual(group, self.process.pid)
        if self.error is not None:
            raise self.error()
        self.told.append((group, number))

    def assertTold(self, *signals: int) -> None:
        self.assertEqual(self.told, [(self.process.pid, each) for each in signals])

    def test_ended(self) -> None:
        """
        All of them get what the program gets.
        """
        self.program.end()
        self.assertTold(SIGTERM)
        self.clock.advance(10)
        self.assertTold(SIGTERM, SIGKILL)
        self.process.end(signal=9)
        self.successResultOf(self.program.ended)
        self.assertNothingPending()

    def test_overdue(self) -> None:
        """
        So it is where the program takes too long.
        """
        self.program.finish()
        self.clock.advance(100)
        self.failureResultOf(self.program.status, Overdue)
        self.assertTold(SIGTERM)
        self.process.end()
        self.assertNothingPending()

    def test_stay(self) -> None:
        """
        Those that stay when the program has ended have as long as it would have had.
        """
        self.program.end()
        self.process.exit()
        self.clock.advance(9)
        self.assertNoResult(self.program.ended)
        self.assertTold(SIGTERM)
        self.clock.advance(1)
        self.assertTold(SIGTERM, SIGKILL)
        self.assertTrue(self.process.lost)
        self.successResultOf(self.program.ended)
        self.assertNothingPending()

    def test_stayKilled(self) -> None:
        """
        Those that hold its output open without being of the group are not waited for.
        """
        self.program.end()
        self.clock.advance(10)
        self.process.exit(signal=9)
        self.clock.advance(LINGERING)
        self.successResultOf(self.program.ended)
        self.assertNothingPending()

    def test_silent(self) -> None:
        """
        Those that have closed its output are not forgotten.
        """
        self.program.end()
        self.process.end()
        self.assertTold(SIGTERM, SIGKILL)
        self.successResultOf(self.program.ended)
        self.assertNothingPending()

    def test_ofItself(self) -> None:
        """
        Where the program has ended of itself, they may go on.
        """
        self.process.exit(75)
        self.clock.advance(LINGERING)
        self.assertEqual(self.statusOf(self.program), 75)
        self.program.end()
        self.assertTold()
        self.assertNothingPending()

    def test_nobody(self) -> None:
        """
        That there is no group, or that it is not ours, is no error.
        """
        self.error = ProcessLookupError
        self.program.end()
        self.error = PermissionError
        self.clock.advance(10)
        self.process.end()
        self.assertEqual(self.process.signals, ["TERM", "KILL"])
        self.assertNothingPending()
