# -*- test-case-name: tests.test_inquiry -*-
"""
How the application is asked: one question at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from inspect import isawaitable, iscoroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpsession.actions import Accepted, Outcome, Refused
from smtpsession.callbacks import Callbacks
from smtpsession.coroutines import Waiting, begin
from smtpsession.errors import MessageError, MessageRefused, SMTPError
from smtpsession.replies import LOCAL_ERROR
from smtpsession.session import SMTPSession


class Inquiry:
    """
    Calls the callbacks of one session, and turns whatever becomes of it into an
    outcome.
    """

    _log = Logger()

    def __init__(
        self,
        callbacks: Callbacks,
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

    def ask(self, callback: str, *arguments: Any) -> Outcome | None:
        """
        Call this callback.

        @return: the answer, or None if it comes late
        """
        try:
            answer = getattr(self._callbacks, callback)(*arguments, self._session)
            if iscoroutine(answer):
                return self._run(answer)
        except Exception:
            return self._objection(Failure())
        if isinstance(answer, Deferred):
            return self._waitFor(answer)
        if answer is not None and isawaitable(answer):
            # To take it for a value would be to accept without waiting.
            return self._objection(Failure(TypeError(f"cannot wait for {answer!r}")))
        return Accepted(answer)

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
        try:
            answer = self._callbacks.onClose(self._session)
            if iscoroutine(answer):
                begin(answer, self._logIfFailure)
        except Exception:
            self.logFailure(Failure())
        else:
            if isinstance(answer, Deferred):
                answer.addErrback(self.logFailure)

    def logFailure(self, failure: Failure) -> None:
        """What the client must not see."""
        self._log.failure(
            "{session.id} [{session.remoteAddress}] failed",
            failure,
            session=self._session,
        )

    def _logIfFailure(self, result: Any) -> None:
        if isinstance(result, Failure):
            self.logFailure(result)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Outcome | None:
        self._asking = True
        try:
            answer = begin(coroutine, self._arrive)
        finally:
            self._asking = False
        if not isinstance(answer, Waiting):
            return Accepted(answer)
        return self._open(answer)

    def _waitFor(self, answer: Deferred[Any]) -> Outcome | None:
        self._asking = True
        answer.addBoth(self._arrive)
        self._asking = False
        return self._open(answer)

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
            outcome = Accepted(result)
        if self._asking:
            self._outcome = outcome
        elif not self._dismissed:
            self._answered(outcome)

    def _objection(self, failure: Failure) -> Refused:
        """What the client is told when a callback raises."""
        error = failure.value
        reply = getattr(error, "reply", None)
        if isinstance(error, (SMTPError, MessageRefused)) and reply is not None:
            cause = error.__cause__
            if cause is not None:
                self.logFailure(Failure(cause, type(cause), cause.__traceback__))
            return Refused(reply)
        if not (self._dismissed and isinstance(error, (CancelledError, MessageError))):
            self.logFailure(failure)
        return Refused(LOCAL_ERROR)
