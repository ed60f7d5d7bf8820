"""
Tests of the soak run, as far as it judges by itself what is good.

It is not part of the package; there is nothing to test where it is not at hand.
"""

from __future__ import annotations

from importlib.util import find_spec

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.body import DotDecoder

if find_spec("soak") is not None:
    from soak.attacks import ATTACKS
    from soak.clients import Ledger
    from soak.messages import TornError, makeMessage, numberOf, onTheWire

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

    class AttackTests(SynchronousTestCase):
        """The attacks."""

        def test_bounds(self) -> None:
            """Each has a name of its own, and bounds."""
            self.assertEqual(len({each.name for each in ATTACKS}), len(ATTACKS))
            for each in ATTACKS:
                self.assertGreater(each.cpu, 0)
                self.assertGreater(each.memory, 0)
                self.assertLess(each.few, each.amount)
