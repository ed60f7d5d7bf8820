# -*- test-case-name: tests.test_logfile -*-
"""
The log in a file of its own, as text for people or as JSON for programs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    eventAsText,
    formatEvent,
    formatTime,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpsession.config import LogTable
from smtpsession.linefile import LineFile
from smtpsession.model import Model
from smtpsession.printable import printable
from smtpsession.session import SMTPSession

#: What the supervisor repeats of its workers, who write to the same file themselves.
REPEATED = "worker-said"

#: Keys of events that are Twisted's, and that those that come by its older interface
#: have twice.
_TWISTEDS = frozenset({"time", "format", "message", "isError", "system", "why"})


def logFileOf(table: LogTable, more: Mapping[str, Any] | None = None) -> LogFile | None:
    """
    What a configuration asks for, not started.

    @param more: as for `LogFile`
    """
    if table.file is None:
        return None
    return LogFile(table.file, table.format, table.level, more)


@implementer(ILogObserver)
class LogFile:
    """
    Writes the events of this process to a file, from C{start} to C{close}.
    """

    def __init__(
        self,
        path: Path,
        style: str = "text",
        level: str = "info",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """
        @param path: made if absent, readable for nobody else
        @param style: C{"text"} or C{"json"}
        @param level: the least one: C{"debug"}, C{"info"}, C{"warn"} or C{"error"}
        @param more: to be said with every event
        """
        self._file = LineFile(path)
        self._format: Callable[[LogEvent], str] = asJSON if style == "json" else asText
        self._level = LogLevel.lookupByName(level)
        self._more = dict(more or {})
        # What was heard before C{open}.
        self._heard: list[LogEvent] | None = []

    def start(self) -> None:
        """Begin to hear what there is to be written."""
        globalLogPublisher.addObserver(self)

    def open(self) -> None:
        """
        Begin to write, first what was heard before: ports are opened by one user, and
        this file by another.

        @raise OSError: the file cannot be opened
        """
        self._file.open()
        heard, self._heard = self._heard, None
        for event in heard or ():
            self(event)

    def close(self) -> None:
        """End."""
        globalLogPublisher.removeObserver(self)
        self._file.close()

    def __call__(self, event: LogEvent) -> None:
        """Write one down; a disk that does not take it is no reason to end."""
        level = event.get("log_level", LogLevel.info)
        if level < self._level or event.get("event") == REPEATED:
            return
        if self._heard is not None:
            self._heard.append(event)
            return
        try:
            self._file.write(self._format({**self._more, **event}))
        except OSError:
            pass


def asText(event: LogEvent) -> str:
    """One line, with a tab in front of what were more lines of it."""
    whole = eventAsText(event, formatTime=_asTime)
    text = "\n\t".join(map(printable, whole.split("\n")))
    if "worker" in event:
        time, space, rest = text.partition(" ")
        text = f"{time}{space}worker {event['worker']} {rest}"
    return text


def _asTime(when: float | None) -> str:
    return formatTime(None) if when is None else _asSecond(int(when))


# No other part of a line takes so long, and most lines have that of the line before.
_asSecond = lru_cache(maxsize=1)(formatTime)


def asJSON(event: LogEvent) -> str:
    """
    One object, of plain types: C{time}, C{level}, C{event}, C{logger} and C{text}; what
    the event has besides, a session by its identifier and with C{client}, its address;
    and the traceback of a failure.
    """
    entry = {
        "time": datetime.fromtimestamp(event["log_time"], timezone.utc).isoformat(),
        "level": getattr(event.get("log_level"), "name", None),
        "event": event.get("event"),
        "logger": event.get("log_namespace"),
        "text": formatEvent(event),
    }
    session = event.get("session")
    if isinstance(session, SMTPSession):
        entry["client"] = session.remoteAddress
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        entry["failure"] = failure.getTraceback()
    for name, value in event.items():
        if name not in entry and name not in _TWISTEDS and not name.startswith("log_"):
            entry[name] = _plain(value)
    return json.dumps(entry)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, SMTPSession):
        return value.id
    if isinstance(value, Model):
        return value.asDict()
    if hasattr(value, "host") and hasattr(value, "port"):
        return f"{value.host}:{value.port}"
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return str(value)
