"""
Tests of smtpsession.delivery.program: how a program knows that its message is whole.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.delivery.command import Command
from smtpsession.delivery.lineends import LineEnds
from smtpsession.delivery.program import DESCRIPTORS, WHOLE, WHOLENESS, Program
from tests.deliveries import newSession, newStream
from tests.processes import ProcessClock


class WholenessTests(SynchronousTestCase):
    """The word on a descriptor of its own."""

    def setUp(self) -> None:
        self.clock = ProcessClock()
        self.program = Program(self.clock, 100, 10, LineEnds("lf"))
        self.process = self.clock.spawnProcess(self.program, "program", ["program"])

    def assertTold(self) -> None:
        self.assertEqual(self.process.told, {WHOLENESS: WHOLE})
        self.assertIn(WHOLENESS, self.process.closed)

    def test_whole(self) -> None:
        """
        It is said at the end of the message, and then that descriptor ends too.
        """
        self.program.write(b"a\r\n")
        self.assertEqual(self.process.told, {})
        self.program.finish()
        self.assertEqual(self.process.given, b"a\n")
        self.assertTold()

    def test_written(self) -> None:
        """
        It is not said before the last octet is in the pipe: were we killed in between,
        the program would miss that, and not know.
        """
        self.process.isFull = True
        self.program.write(b"a\r\n")
        self.program.finish()
        self.assertTrue(self.process.inputClosed)
        self.assertEqual(self.process.told, {})
        self.assertNotIn(WHOLENESS, self.process.closed)
        self.program.childConnectionLost(0)
        self.assertTold()

    def test_readsNoMore(self) -> None:
        """
        It is said to a program that has closed its input before, once there is an end.
        """
        self.program.childConnectionLost(0)
        self.assertEqual(self.process.told, {})
        self.program.finish()
        self.assertTold()

    def test_ended(self) -> None:
        """
        It is not said of a message that did not come whole.
        """
        self.program.write(b"a\r\n")
        self.program.end()
        self.program.childConnectionLost(0)
        self.process.end(0, 15)
        self.assertEqual(self.process.told, {})

    def test_nobody(self) -> None:
        """
        It is not said to a program that has exited, and nothing stays open.
        """
        self.process.exit(0)
        self.assertIn(WHOLENESS, self.process.closed)
        self.program.finish()
        self.program.childConnectionLost(0)
        self.assertEqual(self.process.told, {})
        self.program.processEnded(self.process.reason)

    def test_closed(self) -> None:
        """
        Nor to one that does not want to hear it.
        """
        self.process.closeChildFD(WHOLENESS)
        self.program.childConnectionLost(WHOLENESS)
        self.program.finish()
        self.assertEqual(self.process.told, {})

    def test_command(self) -> None:
        """
        A program of a route is started with that descriptor.
        """
        command = Command(
            reactor=self.clock, hostname="mx.example.org", arguments=["program"]
        )
        session = newSession()
        delivery = command.deliver(
            newStream(b"Hello\r\n"), session, session.envelope.rcptTo
        )
        delivering: Deferred[None] = Deferred.fromCoroutine(delivery)
        process = self.clock.processes[-1]
        self.assertEqual(process.call["childFDs"], DESCRIPTORS)
        self.assertEqual(DESCRIPTORS, {0: "w", 1: "r", 2: "r", 3: "w"})
        self.assertEqual(process.told, {3: b"whole\n"})
        process.end()
        self.successResultOf(delivering)
