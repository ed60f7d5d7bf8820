"""
The header section of a message, before its body arrives.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from smtpsession import stream as module
from smtpsession.errors import HeaderTooLarge
from smtpsession.stream import _headerEnd
from tests.streams import StreamTestCase, finish


class HeaderTests(StreamTestCase):
    """C{stream.headers()}."""

    HEADER = b"Subject: Hello\r\nTo: bob@example.org,\r\n carol@example.org\r\n"

    def test_beforeTheBody(self) -> None:
        """
        The header section is there as soon as its empty line is.
        """
        reading = self.stream.headers()
        self.stream.feed(self.HEADER)
        self.assertNoResult(reading)
        self.stream.feed(b"\r\n")
        headers = self.successResultOf(reading)
        self.assertEqual(headers["Subject"], "Hello")
        self.assertEqual(headers["To"], "bob@example.org, carol@example.org")

    def test_staysInTheStream(self) -> None:
        """
        What is read afterwards begins with the header section.
        """
        message = self.HEADER + b"\r\nHello.\r\n"
        reading = self.stream.headers()
        self.stream.feed(message[:40])
        self.stream.feed(message[40:])
        finish(self.stream)
        self.successResultOf(reading)
        self.assertEqual(self.successResultOf(self.stream.read()), message)

    def test_everyCut(self) -> None:
        """
        Wherever the message is cut, the header and the message are the same.
        """
        message = self.HEADER + b"\r\nHello.\r\n"
        for cut in range(len(message) + 1):
            stream = self.streamOf()
            reading = stream.headers()
            stream.feed(message[:cut])
            stream.feed(message[cut:])
            finish(stream)
            self.assertEqual(self.successResultOf(reading)["Subject"], "Hello", cut)
            self.assertEqual(self.successResultOf(stream.read()), message, cut)

    def test_octetByOctet(self) -> None:
        """
        So they are when it comes octet by octet.
        """
        message = self.HEADER + b"\r\nHello.\r\n"
        reading = self.stream.headers()
        for octet in message:
            self.stream.feed(bytes([octet]))
        finish(self.stream)
        self.assertEqual(self.successResultOf(reading)["Subject"], "Hello")
        self.assertEqual(self.successResultOf(self.stream.read()), message)

    def test_searchedOnce(self) -> None:
        """
        What was searched for the end of the section is not searched again, but for the
        three octets that may belong to that end.
        """
        searched: list[int] = []

        def headerEnd(held: bytes | bytearray, start: int) -> int | None:
            searched.append(len(held) - start)
            return _headerEnd(held, start)

        self.patch(module, "_headerEnd", headerEnd)
        message = self.HEADER + b"\r\n"
        reading = self.stream.headers()
        for octet in message:
            self.stream.feed(bytes([octet]))
        self.successResultOf(reading)
        self.assertEqual(searched, [0] + [1] * len(message))

    def test_twice(self) -> None:
        """
        The header may be asked for twice.
        """
        self.stream.feed(self.HEADER + b"\r\n")
        for _ in range(2):
            headers = self.successResultOf(self.stream.headers())
            self.assertEqual(headers["Subject"], "Hello")

    def test_noBody(self) -> None:
        """
        A message that is all header ends it by its own end.
        """
        reading = self.stream.headers()
        self.stream.feed(self.HEADER)
        finish(self.stream)
        self.assertEqual(self.successResultOf(reading)["Subject"], "Hello")

    def test_noHeader(self) -> None:
        """
        A message may have no header, or be empty.
        """
        for message in (b"\r\nHello.\r\n", b""):
            stream = self.streamOf()
            stream.feed(message)
            finish(stream)
            self.assertEqual(self.successResultOf(stream.headers()).keys(), [])
            self.assertEqual(self.successResultOf(stream.read()), message)

    def test_emptyLineAtOnce(self) -> None:
        """
        An empty line at the start is an empty header, though more lines follow.
        """
        self.stream.feed(b"\r\nSubject: no header\r\n\r\n")
        self.assertEqual(self.successResultOf(self.stream.headers()).keys(), [])

    def test_tooLarge(self) -> None:
        """
        A header section that is larger than the buffer makes the message refused.
        """
        reading = self.stream.headers()
        self.stream.feed(b"X: " + b"x" * 2000)
        self.failureResultOf(reading, HeaderTooLarge)
        assert self.stream.refusal is not None
        self.assertEqual(self.stream.refusal.reply.code, 552)

    def test_largeMessageSmallHeader(self) -> None:
        """
        One that is not is found in a chunk that is larger than the buffer.
        """
        message = self.HEADER + b"\r\n" + b"x" * 5000
        self.stream.feed(message)
        finish(self.stream)
        self.assertEqual(
            self.successResultOf(self.stream.headers())["Subject"], "Hello"
        )
        self.assertEqual(self.successResultOf(self.stream.read()), message)
        self.assertEqual(self.paces[-1:], ["resume"])

    def test_eightBit(self) -> None:
        """
        Octets that are no ASCII hinder nothing.
        """
        message = b"Subject: Gr\xfc\xdfe\r\nX-\xff\xfe: \x00\r\n\r\n"
        self.stream.feed(message)
        finish(self.stream)
        self.successResultOf(self.stream.headers())
        self.assertEqual(self.successResultOf(self.stream.read()), message)

    def test_cancelled(self) -> None:
        """
        A cancelled wait for the header leaves the message as it was.
        """
        reading = self.stream.headers()
        self.stream.feed(b"Subject: Hel")
        reading.cancel()
        self.failureResultOf(reading, CancelledError)
        self.stream.feed(b"lo\r\n\r\n")
        finish(self.stream)
        self.assertEqual(
            self.successResultOf(self.stream.read()), b"Subject: Hello\r\n\r\n"
        )

    def test_however(self) -> None:
        """
        Whether the section is too large depends on its size, not on its pieces.
        """
        for size, refused in ((998, False), (999, True)):
            section = b"A: " + b"x" * (size - 5) + b"\r\n"
            message = section + b"\r\n" + b"Hello.\r\n" * 200
            for step in (1, 7, 999, 1000, 1001, len(message)):
                stream = self.streamOf(streamBuffer=1000, messageSize=100_000)
                headers = stream.headers()
                for start in range(0, len(message), step):
                    stream.feed(message[start : start + step])
                stream.feed(b"", isLast=True)
                if refused:
                    self.failureResultOf(headers, HeaderTooLarge)
                    self.assertIsInstance(stream.refusal, HeaderTooLarge)
                else:
                    found = self.successResultOf(headers)
                    self.assertEqual(found.keys(), ["A"])
