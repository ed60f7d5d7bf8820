# -*- test-case-name: tests.test_service -*-
"""
A file that other programs read: a JSON object a line for each message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from smtpsession.addresses import SMTPAddress
from smtpsession.linefile import LineFile
from smtpsession.session import SMTPSession
from smtpsession.trace import messageId


class EventFile(LineFile):
    """
    Who got what, for programs.
    """

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
        self.write(json.dumps(event))
