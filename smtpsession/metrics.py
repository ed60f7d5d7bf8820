# -*- test-case-name: tests.test_metrics -*-
"""
What is counted and measured, for Prometheus.

Every value of a label is one of ours or of the application's; no client can make them
more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from smtpsession.replies import Reply
from smtpsession.session import SMTPSession
from smtpsession.watcher import Watcher

#: Of the text, as HTTP has it.
CONTENT_TYPE = CONTENT_TYPE_LATEST

#: In seconds: from an answer that waits for nothing to the time that clients have.
BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)


class Metrics(Watcher):
    """
    Counts what it sees, in a registry of its own.  It may watch several servers.
    """

    def __init__(self) -> None:
        # Not that of the process, in which others may have put what they like.
        registry = self._registry = CollectorRegistry()
        # Of a login that the client has not been told about: the mechanism.
        self._logins: WeakKeyDictionary[SMTPSession, str] = WeakKeyDictionary()
        # Those whose MAIL command was answered, and the client does not know.
        self._beginning: WeakSet[SMTPSession] = WeakSet()
        self._connections = Counter(
            "smtpsession_connections", "Connections so far.", registry=registry
        )
        self._open = Gauge(
            "smtpsession_connections_open", "Connections now.", registry=registry
        )
        self._handshakes = Counter(
            "smtpsession_tls_handshakes",
            "TLS handshakes that were done.",
            ["version"],
            registry=registry,
        )
        self._replies = Counter(
            "smtpsession_replies", "Replies to clients.", ["code"], registry=registry
        )
        self._transactions = Counter(
            "smtpsession_transactions",
            "Transactions that have begun: MAIL commands that were accepted.",
            registry=registry,
        )
        self._messages = Counter(
            "smtpsession_messages",
            "Messages that came whole, accepted for at least one recipient or refused.",
            ["result"],
            registry=registry,
        )
        self._octets = Counter(
            "smtpsession_message_octets",
            "Octets of messages that came whole.",
            registry=registry,
        )
        self._results = Counter(
            "smtpsession_logins",
            "Logins that the application was asked about.",
            ["mechanism", "result"],
            registry=registry,
        )
        self._callbacks = Histogram(
            "smtpsession_callback_seconds",
            "Time until a callback had answered.",
            ["callback"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._deliveries = Histogram(
            "smtpsession_delivery_seconds",
            "Time until a destination had answered to a message.",
            ["destination"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._held = Gauge(
            "smtpsession_held_octets",
            "Octets of messages that wait to be read by their callbacks.",
            registry=registry,
        )
        for result in ("accepted", "refused"):
            self._messages.labels(result)

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Each metric, with its values."""
        for metric in self._registry.collect():
            # When a count began is a series for each series, and says nothing more.
            metric.samples = [
                each for each in metric.samples if not each.name.endswith("_created")
            ]
            yield metric

    def askForHeld(self, ask: Callable[[], int]) -> None:
        """
        @param ask: called with each C{text}; how many octets of messages are held
        """
        self._held.set_function(ask)

    def delivered(self, destination: str, seconds: float) -> None:
        """
        A destination has answered, in whatever way.

        @param destination: its name
        @param seconds: how long that took, the coming of the message included
        """
        self._deliveries.labels(destination).observe(seconds)

    def connected(self, session: SMTPSession) -> None:
        self._connections.inc()
        self._open.inc()

    def secured(self, session: SMTPSession) -> None:
        options = session.tlsOptions
        if options is not None:
            self._handshakes.labels(options.version).inc()

    def answered(self, callback: str, arguments: Sequence[Any], seconds: float) -> None:
        self._callbacks.labels(callback).observe(seconds)
        if callback == "onMailFrom":
            self._beginning.add(arguments[-1])
        elif callback == "onAuth":
            auth, session = arguments
            self._logins[session] = auth.method

    def received(
        self, octets: int, replies: Sequence[Reply], session: SMTPSession
    ) -> None:
        isAccepted = any(each.isPositive for each in replies)
        self._messages.labels("accepted" if isAccepted else "refused").inc()
        self._octets.inc(octets)

    def said(self, reply: Reply, session: SMTPSession) -> None:
        self._replies.labels(str(reply.code)).inc()
        if self._beginning and session in self._beginning:
            self._beginning.discard(session)
            if reply.isPositive:
                self._transactions.inc()
        # What the callback has answered is not all: the client may have to prove that
        # it knows a password, so that only the reply tells.
        if self._logins and not 300 <= reply.code <= 399:
            mechanism = self._logins.pop(session, None)
            if mechanism is not None:
                self._results.labels(mechanism, _result(reply)).inc()

    def closed(self, session: SMTPSession) -> None:
        self._open.dec()
        self._logins.pop(session, None)
        self._beginning.discard(session)


def _result(reply: Reply) -> str:
    """The words of the log, C{smtpsession.logins}."""
    if reply.isPositive:
        return "succeeded"
    return "failed" if reply.code >= 500 else "postponed"
