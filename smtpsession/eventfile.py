# -*- test-case-name: tests.test_service -*-
"""
A file that other programs read: a JSON object a line for each message.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from smtpsession.addresses import SMTPAddress
from smtpsession.session import SMTPSession
from smtpsession.trace import messageId


class EventFile:
    """
    Appends to a file, a whole line at a time, so that several processes may.
    """

    def __init__(self, path: Path) -> None:
        """
        @param path: made if absent, readable for nobody else
        """
        self.path = path
        self._descriptor = -1

    def open(self) -> None:
        """
        Open the file, or once more after it was moved away.

        @raise OSError: that cannot be done; what was open stays so
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        self.close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def message(
        self, session: SMTPSession, recipients: Sequence[SMTPAddress], size: int
    ) -> None:
        """
        A message was accepted.

        @param recipients: who gets it
        @param size: in octets, without what we have put in front
        @raise OSError: the disk does not take it
        """
        event = {
            "event": "message",
            "id": messageId(session),
            "recipients": [str(each) for each in recipients],
            "size": size,
            "session": session.asDict(),
        }
        os.write(self._descriptor, json.dumps(event).encode("ascii") + b"\n")
