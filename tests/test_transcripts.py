"""
Whole conversations, each as a text file below C{transcripts}.

A file is in the language of `smtpsession.testing.MemoryClient.play`.  It opens with a
comment that says what it shows and where the RFC has it, and may go on with lines that
are for this module::

    @ recipients = 2         an option of the server
    @ client = 192.0.2.66    where the client connects from

The application behind the server is always `ScriptedServer`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpsession import (
    Auth,
    PasswordAuth,
    SMTPAddress,
    SMTPError,
    SMTPServerFactory,
    SMTPSession,
    XClientAuth,
)
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryServer, memoryOptions

TRANSCRIPTS = Path(__file__).parent / "transcripts"


class ScriptedServer(SMTPServerFactory):
    """
    An application whose answers follow from what the client says.

    The address 192.0.2.66 and the domain C{refused.example} are refused for good,
    C{later@...} for now, and C{hangup@...} ends the connection.  Under LMTP nothing
    can be delivered to C{full@...}.  Everybody's password is C{sesame}; the account
    C{locked} is not available, and that of C{broken} raises an error.
    """

    def onConnect(self, session: SMTPSession) -> None:
        if session.remoteAddress == "192.0.2.66":
            raise SMTPError(554, "No SMTP service here", "5.7.1")

    def onHelo(self, hostname: str, session: SMTPSession) -> None:
        if hostname == "refused.example":
            raise SMTPError(550, "Relaying denied", "5.7.1")

    def onAuth(self, auth: Auth, session: SMTPSession) -> str | None:
        if auth.username == "locked":
            raise SMTPError(454, "Account is locked for now", "4.7.0")
        if auth.username == "broken":
            raise RuntimeError("the database is at db.internal.example")
        if isinstance(auth, XClientAuth):
            return auth.username
        isRight = isinstance(auth, PasswordAuth) and auth.password == "sesame"
        return auth.username if isRight else None

    def onMailFrom(self, address: SMTPAddress, session: SMTPSession) -> None:
        _check(address)

    def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> None:
        _check(address)

    async def onData(self, stream: MessageStream, session: SMTPSession) -> Any:
        size = len(await stream.read())
        recipients = [str(each) for each in session.envelope.rcptTo]
        if self.options.protocol == "smtp":
            return f"Got {size} octets for {', '.join(recipients)}"
        return [
            (
                SMTPError(452, f"<{each}> has no room", "4.2.2")
                if each.startswith("full@")
                else f"Got {size} octets for {each}"
            )
            for each in recipients
        ]


def _check(address: SMTPAddress) -> None:
    if address.domain == "refused.example":
        raise SMTPError(550, "Relaying denied", "5.7.1")
    if address.localPart == "later":
        raise SMTPError(450, "Try again later", "4.2.1")
    if address.localPart == "hangup":
        raise SMTPError(421, "Closing for maintenance", "4.3.2")


def settingsOf(transcript: str) -> tuple[dict[str, Any], str]:
    """The settings that a transcript opens with, and the conversation."""
    settings: dict[str, Any] = {}
    lines = transcript.splitlines()
    for line in lines:
        if line.startswith("@ "):
            name, _, value = line[2:].partition(" = ")
            settings[name] = _valueOf(value)
    return settings, "\n".join(each for each in lines if not each.startswith("@ "))


def _valueOf(text: str) -> Any:
    if text in ("True", "False"):
        return text == "True"
    if text.isdigit():
        return int(text)
    return text.split() if " " in text or "/" in text else text


def playFile(path: Path) -> None:
    """Play one file against a new server."""
    settings, conversation = settingsOf(path.read_text(encoding="utf-8"))
    client = settings.pop("client", "192.0.2.1")
    server = MemoryServer(ScriptedServer, options=memoryOptions(**settings))
    server.connect(client).play(conversation)


class TranscriptTests(SynchronousTestCase):
    """
    Every conversation goes as it is written down; there is a test for each file.
    """

    def test_everyFileSaysWhatItShows(self) -> None:
        """
        Each file opens with a comment, and this has a reference to an RFC.
        """
        for path in sorted(TRANSCRIPTS.iterdir()):
            comment = _comment(path)
            self.assertTrue(comment, path.name)
            self.assertIn("RFC ", comment, path.name)


def _comment(path: Path) -> str:
    """The comment that a file opens with."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        lines.append(line[2:])
    return "\n".join(lines)


def _testOf(path: Path) -> Callable[[TranscriptTests], None]:
    def test(self: TranscriptTests) -> None:
        playFile(path)

    first, *others = path.stem.split("-")
    test.__name__ = "test_" + first + "".join(map(str.title, others))
    test.__doc__ = _comment(path)
    return test


for _path in sorted(TRANSCRIPTS.glob("*.txt")):
    _test = _testOf(_path)
    setattr(TranscriptTests, _test.__name__, _test)
