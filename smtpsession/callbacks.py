# -*- test-case-name: tests.test_factory -*-
"""
The callbacks of an application, with what they do where it does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, Union

from twisted.internet.defer import Deferred

from smtpsession.addresses import SMTPAddress
from smtpsession.errors import SMTPError
from smtpsession.replies import Reply
from smtpsession.session import SMTPSession
from smtpsession.stream import MessageStream

T = TypeVar("T")

#: What a callback may return: a value now, or a promise of one.
Answer = Union[T, Deferred[T], Coroutine[Any, Any, T]]

#: What a callback may say to a message, or under LMTP to one recipient of it.
MessageResult = Union[None, str, Reply, SMTPError]


class Callbacks:
    """
    One method for each phase of a session, each given the whole session.

    A callback returns a value, a Deferred or a coroutine, and the client waits for it:
    one question is open at a time, and replies leave in the order of the commands.  To
    refuse, it raises `SMTPError`; 421 and 521 also end the connection.  Whatever else
    it raises is logged, and the client is told 451 and nothing of it.

    Callbacks only decide.  The session and its envelope change after a callback has
    accepted, and the library changes them.

    When the client goes away, the open question is cancelled, and then C{onClose} is
    called.
    """

    def onConnect(self, session: SMTPSession) -> Answer[object]:
        """A client is there, its address and name are known; before the greeting."""
        return None

    def onSecure(self, session: SMTPSession) -> Answer[object]:
        """A TLS handshake is done."""
        return None

    def onHelo(self, hostname: str, session: SMTPSession) -> Answer[object]:
        """HELO, EHLO or LHLO."""
        return None

    def onAuth(self, auth: Any, session: SMTPSession) -> Answer[object]:
        """
        Credentials are there.

        @return: the user, anything but None; None is a refusal
        """
        return None

    def onMailFrom(self, address: SMTPAddress, session: SMTPSession) -> Answer[object]:
        """MAIL FROM: the reverse-path."""
        return None

    def onRcptTo(self, address: SMTPAddress, session: SMTPSession) -> Answer[object]:
        """RCPT TO: a forward-path."""
        return None

    def onData(
        self, stream: MessageStream, session: SMTPSession
    ) -> Answer[Union[MessageResult, Sequence[MessageResult]]]:
        """
        A message begins to arrive: its first octets are there.  It need not be read,
        what is left is discarded.

        @return: None, the text of the 250 reply, or a `Reply`; under LMTP also a list
            with an entry, any of these or an `SMTPError`, for each recipient
        """
        return None

    def onClose(self, session: SMTPSession) -> Answer[object]:
        """
        The connection has ended, in whatever way; called once if C{onConnect} was.
        """
        return None
