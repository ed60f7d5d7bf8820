"""
Tests of smtpsession.reception: when a message and its answer are both there.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.actions import Accepted, Refused
from smtpsession.body import DotDecoder
from smtpsession.options import ServerOptions
from smtpsession.reception import Reception
from smtpsession.replies import BARE_NEWLINE, LOCAL_ERROR, messageTooLarge


class ReceptionTests(SynchronousTestCase):
    """One message on its way in."""

    def receptionOf(self, **options: Any) -> Reception:
        options.setdefault("hostname", "mx.example.org")
        self.paces: list[str] = []
        reception = Reception(
            ServerOptions(**options),
            lambda: self.paces.append("pause"),
            lambda: self.paces.append("resume"),
        )
        reception.expect(DotDecoder())
        return reception

    def test_messageFirst(self) -> None:
        """
        With the message there and no answer, there is no verdict yet.
        """
        reception = self.receptionOf()
        self.assertEqual(reception.feed(b"Hello.\r\n.\r\n"), b"")
        self.assertTrue(reception.whole)
        self.assertIsNone(reception.verdict)
        reception.answered(Accepted("fine"))
        self.assertEqual(reception.verdict, Accepted("fine"))

    def test_answerFirst(self) -> None:
        """
        With an answer and the message on its way, there is no verdict yet.
        """
        reception = self.receptionOf()
        self.assertIsNone(reception.feed(b"Hello.\r\n"))
        reception.answered(Refused(LOCAL_ERROR))
        self.assertFalse(reception.whole)
        self.assertIsNone(reception.verdict)
        self.assertEqual(reception.feed(b".\r\n"), b"")
        self.assertEqual(reception.verdict, Refused(LOCAL_ERROR))

    def test_rest(self) -> None:
        """
        What comes behind the message's end is handed back.
        """
        reception = self.receptionOf()
        self.assertEqual(reception.feed(b".\r\nQUIT\r\n"), b"QUIT\r\n")

    def test_dots(self) -> None:
        """
        The stream has the message without transparency dots.
        """
        reception = self.receptionOf()
        reception.feed(b"..\r\n.x\r\n.\r\n")
        self.assertEqual(self.successResultOf(reception.stream.read()), b".\r\nx\r\n")

    def test_tooLarge(self) -> None:
        """
        A message that is too large is refused, whatever the answer.
        """
        for answer in (Accepted("fine"), Refused(LOCAL_ERROR)):
            reception = self.receptionOf(messageSize=5)
            reception.feed(b"Hello.\r\n.\r\n")
            reception.answered(answer)
            self.assertEqual(reception.verdict, Refused(messageTooLarge(5)))

    def test_bareNewline(self) -> None:
        """
        So is one with a bare CR or LF, unless these are normalized.
        """
        for octets in (b"a\nb\r\n.\r\n", b"a\rb\r\n.\r\n"):
            reception = self.receptionOf()
            reception.feed(octets)
            reception.answered(Accepted())
            self.assertEqual(reception.verdict, Refused(BARE_NEWLINE))

            reception = self.receptionOf(bareNewlines="normalize")
            reception.feed(octets)
            content = self.successResultOf(reception.stream.read())
            self.assertEqual(content, b"a\r\nb\r\n")
            reception.answered(Accepted())
            self.assertEqual(reception.verdict, Accepted())

    def test_whatComesFirstCounts(self) -> None:
        """
        Of two reasons to refuse, the client is told the one that was found first.
        """
        reception = self.receptionOf(messageSize=5)
        reception.feed(b"much too large")
        reception.feed(b"a\nb\r\n.\r\n")
        reception.answered(Accepted())
        self.assertEqual(reception.verdict, Refused(messageTooLarge(5)))

    def test_pauses(self) -> None:
        """
        The stream's pauses are passed on.
        """
        reception = self.receptionOf(streamBuffer=10)
        reception.feed(b"x" * 100)
        self.assertEqual(self.paces, ["pause"])
        reception.answered(Accepted())
        self.assertEqual(self.paces, ["pause", "resume"])
