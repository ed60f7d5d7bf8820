"""
Tests of the soak run, as far as it judges by itself what is good.

It is not part of the package; there is nothing to test where it is not at hand.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from io import StringIO
from typing import Any

from twisted.logger import Logger, textFileLogObserver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpsession.body import DotDecoder

if find_spec("soak") is not None:
    from benchmarks.bodies import KIB, MIB
    from soak.attacks import ATTACKS
    from soak.clients import Ledger
    from soak.costs import Cost
    from soak.costs import judge as judgeCost
    from soak.messages import TornError, makeMessage, numberOf, onTheWire
    from soak.promises import GROWTH, Observation, figures, judge
    from soak.service import faultsIn

    #: Two messages, one more that nobody was told of, and as much growth as may be.
    GOOD = Observation(
        failures=[],
        visits={"good clients": 2, "slow readers": 1},
        wanted=2,
        accepted={1, 2},
        kept={1, 2, 3},
        torn=0,
        unfinished=0,
        sessions=5,
        awake=5,
        memory=[each * GROWTH for each in (0, 1, 1, 9, 0, 9, 2, 0, 2)],
        descriptors=11,
        left=11,
        faults=[],
        empty=50 * MIB,
        idle=20 * KIB,
        most=90 * MIB,
        seconds=0.5,
        cpu=1,
    )

    class MessageTests(SynchronousTestCase):
        """The messages."""

        def test_wire(self) -> None:
            """What is sent is the message, its lines and its dots as DATA has them."""
            for number in range(50):
                decoder = DotDecoder()
                payload, rest = decoder.feed(onTheWire(makeMessage(number)))
                self.assertEqual(payload.replace(b"\r\n", b"\n"), makeMessage(number))
                self.assertEqual(rest, b"")

        def test_dots(self) -> None:
            """There are lines that begin with dots."""
            self.assertIn(b"\n.", makeMessage(1))

        def test_known(self) -> None:
            """Each is known again behind its trace, and is like no other."""
            trace = b"Return-Path: <a@example.org>\n"
            messages = [makeMessage(number) for number in range(50)]
            for number, message in enumerate(messages):
                self.assertEqual(numberOf(trace + message), number)
            self.assertEqual(len(set(messages)), 50)

        def test_torn(self) -> None:
            """A part of one is none, wherever it ends, nor is one that has changed."""
            message = makeMessage(7)
            for end in range(0, len(message)):
                self.assertRaises(TornError, numberOf, message[:end])
            self.assertRaises(TornError, numberOf, message + b"\n")
            self.assertRaises(TornError, numberOf, message.replace(b"\n.", b"\n", 1))

    class LedgerTests(SynchronousTestCase):
        """Which messages there are."""

        def test_counted(self) -> None:
            """It is done when so many have been taken as there are to be."""
            ledger = Ledger(2)
            numbers = [ledger.take(isCounted=counts) for counts in (True, False)]
            self.assertFalse(ledger.isDone)
            numbers.append(ledger.take(isCounted=True))
            self.assertTrue(ledger.isDone)
            self.assertEqual(len(set(numbers)), 3)

    class PromiseTests(SynchronousTestCase):
        """What is promised, and whether it holds."""

        def broken(self, **seen: Any) -> list[str]:
            """What is not kept where this was seen besides what is good."""
            return [
                each.what for each in judge(GOOD._replace(**seen)) if not each.isKept
            ]

        def test_kept(self) -> None:
            """All is well where all is well."""
            self.assertEqual(self.broken(), [])

        def test_broken(self) -> None:
            """Each promise is broken by what it is about, and by nothing else."""
            descriptors = "descriptors return to what they were"
            there = "every message that got a 250 is there"
            for what, seen in (
                ("no client sees what it should not", {"failures": ["451"]}),
                ("no kind of client has stayed away", {"visits": {"slow readers": 0}}),
                (there, {"kept": {1, 3}}),
                ("all that is brought is accepted", {"accepted": {1}}),
                ("and whole", {"torn": 1}),
                ("and whole", {"unfinished": 1}),
                ("idle sessions are answered in the end", {"awake": 4}),
                ("memory is flat, within 8 MiB", {"memory": [0, 5, GROWTH + 1]}),
                (descriptors, {"left": 12}),
                (descriptors, {"left": 10}),
                ("no exception is in the log", {"faults": ["Traceback"]}),
            ):
                self.assertEqual(self.broken(**seen), [what], msg=repr(seen))

        def test_seen(self) -> None:
            """What is wrong is said, and how much more of it there is."""
            seen = judge(GOOD._replace(failures=["421", "451", "reset"]))[0].seen
            self.assertEqual(seen, "421 and 2 more")

        def test_figures(self) -> None:
            """What is measured is said for a session, and for a second."""
            told = dict(figures(GOOD))
            self.assertEqual(told["an idle session, KiB"], "4.0")
            self.assertEqual(told["messages a second"], "4")
            self.assertEqual(told["memory when empty, MiB"], "50.0")
            self.assertEqual(told["slow readers"], "1")

    class FaultTests(SynchronousTestCase):
        """What the log has of exceptions."""

        def test_faults(self) -> None:
            """An exception is found, whoever logs it, and what is foreseen is none."""
            file = StringIO()
            log = Logger(observer=textFileLogObserver(file), namespace="soak")
            log.info("delivered")
            log.warn("login failed: user 'unhandled'")
            self.assertEqual(faultsIn(file.getvalue().splitlines()), [])
            log.failure("callback raised", Failure(ValueError("bad")))
            self.assertNotEqual(faultsIn(file.getvalue().splitlines()), [])

    class AttackTests(SynchronousTestCase):
        """The attacks, and what becomes of them."""

        def test_bounds(self) -> None:
            """Each has a name of its own, and bounds."""
            self.assertEqual(len({each.name for each in ATTACKS}), len(ATTACKS))
            for each in ATTACKS:
                self.assertGreater(each.cpu, 0)
                self.assertGreater(each.memory, 0)
                self.assertLess(each.few, each.amount)

        def test_judged(self) -> None:
            """A bound is kept or passed, and more than the bounds must be right."""
            attack = ATTACKS[0]._replace(cpu=2, memory=5, answer="^421 ")
            cost = Cost(2, 5, 60, "421 Too many", isAlive=True, faults=[])
            self.assertEqual(judgeCost(attack, cost), [])
            for what, wrong in (
                ("CPU", cost._replace(cpu=2.01)),
                ("memory", cost._replace(memory=5.1)),
                ("answer", cost._replace(answer="nothing")),
                ("dead", cost._replace(isAlive=False)),
                ("exceptions", cost._replace(faults=["Traceback"])),
            ):
                self.assertEqual(judgeCost(attack, wrong), [what])

        def test_answers(self) -> None:
            """What the server has to say is no less than all of it."""
            answers = {each.name: re.compile(each.answer) for each in ATTACKS}
            slow = answers["connections that bring an octet a second"]
            self.assertTrue(slow.search("500 of 500 ended, 421 4.4.2 Waited"))
            self.assertFalse(slow.search("499 of 500 ended, 421 4.4.2 Waited"))
            self.assertFalse(slow.search("50 of 500 ended, 421 4.4.2 Waited"))
            self.assertFalse(slow.search("0 of 500 ended, nothing"))
            proxy = answers["a PROXY header of version 1 without an end"]
            self.assertTrue(proxy.search("0 lines, nothing"))
            self.assertFalse(proxy.search("0 lines, no end"))
            self.assertFalse(proxy.search("1 lines, 220 mx.example.org"))
