"""
However the network cuts a conversation, it is the same conversation.

Whole dialogues are drawn, with good and bad commands, several transactions and
callbacks that answer at once or late, and are sent line by line and in any other
chunks: replies and messages must be the same.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPAddress, SMTPError, SMTPServerFactory, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryServer, memoryOptions
from tests.strategies import chunked, dottedOctets

#: How often a callback that waits is answered at the most.
MANY = 10_000

COMMANDS = [
    b"EHLO client.example.com\r\n",
    b"HELO client.example.com\r\n",
    b"LHLO client.example.com\r\n",
    b"MAIL FROM:<alice@example.com>\r\n",
    b"MAIL FROM:<> SIZE=100 BODY=8BITMIME\r\n",
    b"MAIL FROM:<no@example.com>\r\n",
    b"RCPT TO:<bob@example.org>\r\n",
    b"RCPT TO:<carol@example.org> NOTIFY=NEVER\r\n",
    b"RCPT TO:<no@example.org>\r\n",
    b"RCPT TO:<broken\r\n",
    b"DATA\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"NOOP bare\nnewline\r\n",
    b"noop lower case  \r\n",
    b"WHAT\r\n",
    b"\r\n",
    b"\xff\x00\r\n",
    b"NOOP " + b"x" * 600 + b"\r\n",
    b"RCPT TO:<bob@example.org> ORCPT=rfc822;" + b"x" * 3000 + b"\r\n",
    b"QUIT\r\n",
    b"QUIT no\r\n",
]

BEGINNING = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"

bodies = st.lists(
    st.sampled_from(
        [b"Hello.\r\n", b".\r\n", b"..\r\n", b".x\r\n", b"\r\n", b"a\nb\r\n", b"\r"]
        + [b"x" * 300, b"y" * 150 + b"\r\n", b"\xff\x00\r\n"]
    )
    | dottedOctets,
    max_size=8,
).map(b"".join)
transactions = st.builds(
    lambda recipients, body: BEGINNING[:-6]
    + recipients
    + b"DATA\r\n"
    + body
    + b"\r\n.\r\n",
    st.lists(st.sampled_from(COMMANDS[6:10]), max_size=3).map(b"".join),
    bodies,
)
dialogues = st.builds(
    lambda hello, parts: hello + b"".join(parts),
    st.sampled_from(COMMANDS[:3]),
    st.lists(transactions | st.sampled_from(COMMANDS), min_size=1, max_size=8),
)
#: Of the questions one after the other, which are answered late; in turn.
latenesses = st.lists(st.booleans(), min_size=1, max_size=6)
#: After which chunks a late answer is given; in turn.
turns = st.lists(st.booleans(), min_size=1, max_size=6)


class Application(SMTPServerFactory):
    """
    Answers depend on addresses only; when they come is what the test says.

    @ivar waiting: a Deferred for each callback that waits
    @ivar accepted: what was accepted: sender, recipients and content
    """

    def __init__(self, lateness: list[bool], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.waiting: list[Deferred[None]] = []
        self.accepted: list[tuple[str, list[str], bytes]] = []
        self._lateness = cycle(lateness)

    async def pause(self) -> None:
        if next(self._lateness):
            event: Deferred[None] = Deferred()
            self.waiting.append(event)
            await event

    async def onConnect(self, session: SMTPSession) -> None:
        await self.pause()

    async def onHelo(self, hostname: str, session: SMTPSession) -> None:
        await self.pause()

    async def onMailFrom(self, address: SMTPAddress, session: SMTPSession) -> None:
        await self.pause()
        if address.localPart == "no":
            raise SMTPError(550, "No such sender", "5.1.8")

    async def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> None:
        await self.pause()
        if address.localPart == "no":
            raise SMTPError(550, "No such recipient", "5.1.1")

    async def onData(self, stream: MessageStream, session: SMTPSession) -> str:
        envelope = session.envelope
        recipients = [str(each) for each in envelope.rcptTo]
        await self.pause()
        if "carol@example.org" in recipients:
            # Without reading anything.
            return "thrown away"
        content = b""
        async for chunk in stream:
            content += chunk
            await self.pause()
        self.accepted.append((str(envelope.mailFrom), recipients, content))
        return f"got {len(content)} octets"


def converse(
    chunks: list[bytes], lateness: list[bool], turn: list[bool], **options: Any
) -> tuple[list[str], list[tuple[str, list[str], bytes]]]:
    """
    Send these chunks, and give all that the server says and all that it accepts.

    @param turn: after which chunks one late answer is given; the others are given when
        all is sent
    """
    server = MemoryServer(
        lambda **given: Application(lateness, **given),
        options=memoryOptions(streamBuffer=200, errors=8, messageSize=1500, **options),
    )
    client = server.connect()
    application = server.factory
    assert isinstance(application, Application)
    now = cycle(turn)
    for chunk in chunks:
        client.write(chunk)
        if next(now) and application.waiting:
            application.waiting.pop(0).callback(None)
    for _ in range(MANY):
        if not application.waiting:
            break
        application.waiting.pop(0).callback(None)
    heard = client.hear()
    client.leave()
    assert server.clock.getDelayedCalls() == []
    return heard, application.accepted


def linesOf(octets: bytes) -> list[bytes]:
    """The same octets line by line."""
    *lines, tail = octets.split(b"\r\n")
    return [*(line + b"\r\n" for line in lines), tail]


class ChunkingTests(SynchronousTestCase):
    """Any chunks, and answers at any time."""

    @given(chunked(dialogues), latenesses, turns, st.sampled_from(("smtp", "lmtp")))
    @example((BEGINNING, [BEGINNING]), [True], [False], "smtp")
    def test_chunks(
        self,
        dialogue: tuple[bytes, list[bytes]],
        lateness: list[bool],
        turn: list[bool],
        protocol: str,
    ) -> None:
        """
        A dialogue in any chunks, with answers at any time, has the same replies and
        messages as line by line with answers at once.
        """
        whole, chunks = dialogue
        expected = converse(linesOf(whole), [False], [False], protocol=protocol)
        actual = converse(chunks, lateness, turn, protocol=protocol)
        self.assertEqual(actual, expected)

    @given(chunked(dialogues), latenesses, turns)
    def test_normalized(
        self,
        dialogue: tuple[bytes, list[bytes]],
        lateness: list[bool],
        turn: list[bool],
    ) -> None:
        """
        So it is where bare newlines are normalized.
        """
        whole, chunks = dialogue
        expected = converse(linesOf(whole), [False], [False], bareNewlines="normalize")
        actual = converse(chunks, lateness, turn, bareNewlines="normalize")
        self.assertEqual(actual, expected)

    @given(dialogues, latenesses)
    def test_octetByOctet(self, dialogue: bytes, lateness: list[bool]) -> None:
        """
        So it is octet by octet, and all at once.
        """
        expected = converse(linesOf(dialogue), [False], [False])
        octets = [dialogue[at : at + 1] for at in range(len(dialogue))]
        self.assertEqual(converse(octets, lateness, [True]), expected)
        self.assertEqual(converse([dialogue], lateness, [True]), expected)

    def test_twoReasonsToRefuse(self) -> None:
        """
        A message that is too large and has a bare newline is refused for the same
        reason however it is cut, wherever the newline stands.
        """
        for lines in (
            [b"x" * 1600 + b"\r\n", b"a\nb\r\n"],
            [b"a\nb\r\n", b"x" * 1600 + b"\r\n"],
        ):
            octets = COMMANDS[0] + BEGINNING + b"".join(lines) + b".\r\n"
            expected = converse(linesOf(octets), [False], [False])
            self.assertEqual(converse([octets], [False], [False]), expected)

    def test_theTestTests(self) -> None:
        """
        The dialogues of this test do have messages and refusals.
        """
        heard, accepted = converse(
            linesOf(COMMANDS[0] + BEGINNING + b"Hello.\r\n.\r\n" + COMMANDS[5]),
            [True, False],
            [True],
        )
        self.assertEqual(
            accepted, [("alice@example.com", ["bob@example.org"], b"Hello.\r\n")]
        )
        self.assertEqual(heard[-1], "550 5.1.8 No such sender")
