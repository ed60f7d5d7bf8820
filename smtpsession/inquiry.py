# -*- test-case-name: tests.test_inquiry -*-
"""
How the application is asked: one question at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from smtpsession.actions import ACCEPTED, Accepted, Outcome, Refused
from smtpsession.callbacks import Callbacks
from smtpsession.coroutines import Waiting, begin, isUnfinished
from smtpsession.errors import MessageError, MessageRefused, SMTPError
from smtpsession.replies import LOCAL_ERROR, Reply
from smtpsession.session import SMTPSession
from smtpsession.watcher import WatchedCallbacks


class Inquiry:
    """
    Calls the callbacks of one session, and turns whatever becomes of it into an
    outcome.
    """

    __slots__ = (
        *("_callbacks", "_session", "_answered"),
        *("_asking", "_asked", "_outcome", "_dismissed"),
    )

    _log = Logger()

    def __init__(
        self,
        callbacks: Callbacks | WatchedCallbacks,
        session: SMTPSession,
        answered: Callable[[Outcome], None],
    ) -> None:
        """
        @param answered: called with an answer that comes late
        """
        self._callbacks = callbacks
        self._session = session
        self._answered = answered
        self._asking = False
        self._asked: Deferred[Any] | Waiting | None = None
        self._outcome: Outcome | None = None
        self._dismissed = False

    def ask(
        self, callback: str | Callable[..., Any], arguments: tuple[Any, ...] = ()
    ) -> Outcome | None:
        """
        Call this callback, by its name, or this callable.

        @param arguments: what it is given before the session
        @return: the answer, or None if it comes late
        """
        self._asking = True
        try:
            ask: Any = callback
            if isinstance(callback, str):
                ask = getattr(self._callbacks, callback)
            answer = ask(*arguments, self._session)
            if type(answer) is CoroutineType:
                answer = begin(answer, self._arrive)
            elif isinstance(answer, Deferred):
                return self._open(answer.addBoth(self._arrive))
        except BaseException:  # noqa: B036  as in a Deferred, it is the asker's
            return self._objection(Failure())
        finally:
            self._asking = False
        if answer is None:
            return ACCEPTED
        # Most else is the text of a reply, and what follows asks abstract classes.
        if type(answer) is str:
            return Accepted(answer)
        if type(answer) is Waiting:
            return self._open(answer)
        return self._judge(answer)

    @property
    def isOpen(self) -> bool:
        """Whether an answer is still to come."""
        return self._asked is not None

    def dismiss(self) -> None:
        """Nobody wants an answer any more."""
        self._dismissed = True

    def cancel(self) -> None:
        """Cancel the open question, if there is one."""
        asked, self._asked = self._asked, None
        if asked is not None:
            try:
                asked.cancel()
            except Exception:
                self.logFailure(Failure())

    def sayGoodbye(self) -> None:
        """Call C{onClose}, whose answer interests nobody."""
        self.dismiss()
        self.ask("onClose")

    def logFailure(self, failure: Failure) -> None:
        """What the client must not see."""
        self._log.failure(
            "{session.id} [{session.remoteAddress}] failed",
            failure,
            event="callback-failed",
            session=self._session,
        )

    def _logCause(self, reply: Reply, cause: BaseException) -> None:
        """Why the application refuses, which the client must not see either."""
        self._log.failure(
            "{session.id} [{session.remoteAddress}] {reply}, because",
            Failure(cause, type(cause), cause.__traceback__),
            level=LogLevel.warn,
            event="refused-because",
            session=self._session,
            reply=reply,
        )

    def _open(self, answer: Deferred[Any] | Waiting) -> Outcome | None:
        """The outcome if it came while we asked; otherwise the question is open."""
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            self._asked = answer
        return outcome

    def _arrive(self, result: Any) -> None:
        self._asked = None
        if isinstance(result, Failure):
            outcome: Outcome = self._objection(result)
        else:
            outcome = self._judge(result)
        if self._asking:
            self._outcome = outcome
        elif not self._dismissed:
            self._answered(outcome)

    def _judge(self, answer: Any) -> Outcome:
        """The outcome of an answer that should be a value."""
        if isUnfinished(answer):
            # To take it for a value would be to accept what has not been decided.
            return self._objection(Failure(TypeError(f"cannot wait for {answer!r}")))
        return Accepted(answer)

    def _objection(self, failure: Failure) -> Refused:
        """What the client is told when a callback raises."""
        error = failure.value
        reply = getattr(error, "reply", None)
        if isinstance(error, (SMTPError, MessageRefused)) and reply is not None:
            if error.__cause__ is not None:
                self._logCause(reply, error.__cause__)
            return Refused(reply)
        if not (self._dismissed and isinstance(error, (CancelledError, MessageError))):
            self.logFailure(failure)
        return Refused(LOCAL_ERROR)
