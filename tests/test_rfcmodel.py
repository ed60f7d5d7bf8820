"""
Random conversations, with the server and with a model of the RFCs.

Hypothesis draws what the server is told, what a client sends, where that is cut, how
the application answers and when, how time passes, and where the connection is lost.
After each piece both must have said the same, asked the application the same, and let
it read the same.

C{SMTPSESSION_EXAMPLES} says how many conversations there are, and C{SMTPSESSION_SEED}
which ones.
"""

from __future__ import annotations

import os
import re
from typing import Any

import attrs
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpsession.results import BadResult
from smtpsession.testing import MemoryServer, memoryOptions
from tests import randomlines
from tests.plannedserver import Broken, PlannedServer, envelopeOf, view
from tests.rfcmodel import Model
from tests.rfcterms import Plan, Terms
from tests.transports import CERTIFICATES, TLSClient

#: Where clients connect from, or their proxy does.
CLIENT = "192.0.2.1"
_HEADERS = [
    b"PROXY TCP4 192.0.2.9 192.0.2.25 4000 25\r\n",
    b"PROXY TCP4 192.0.2.9 192.0.2.25 4000 25\r\n",
    b"EHLO client.example.net\r\n",
]
_SECONDS = [*[1, 30] * 6, 60, 299, 300, 599, 600]
_WAYS = ["all", "all", "all", "hello", "login", "nothing"]
_PAUSES = [0, 0, 0, 0, 1, 100, 299]
#: In one run of hypothesis, which remembers all of them.
_ROUND = 5000


def optionsOf(terms: Terms) -> Any:
    """The same for the server."""
    told = attrs.asdict(terms)
    isProxied, isTrusted = told.pop("isProxied"), told.pop("isTrusted")
    return memoryOptions(
        **told,
        certificates=CERTIFICATES,
        mechanisms=("PLAIN", "LOGIN"),
        proxyProtocol=[CLIENT] if isProxied else [],
        xclient=["192.0.2.9" if isProxied else CLIENT] if isTrusted else [],
    )


@implementer(ILogObserver)
class Failures(list[BaseException]):
    """The errors that are logged."""

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.append(event["log_failure"].value)


class Conversations(RuleBasedStateMachine):
    """A client that does anything, and what must come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = Failures()
        globalLogPublisher.addObserver(self.failures)

    @initialize(terms=randomlines.terms)
    def serve(self, terms: Terms) -> None:
        """There is a server."""
        self.terms = terms
        self.server = MemoryServer(PlannedServer, options=optionsOf(terms))
        self.factory: Any = self.server.factory
        self.isLost = True

    def meet(self, data: st.DataObject) -> None:
        """There is a client, if need be another one."""
        if self.isThere:
            return
        if not self.isLost:
            self.send(b"NOOP\r\n", [])
            self.end(isLate=data.draw(st.booleans()))
        self.isLost = False
        self.factory.startAnew()
        self.failures.clear()
        self.model = Model(self.terms, CLIENT)
        self.heard = self.seen = 0
        self.planAll(data.draw(st.lists(randomlines.plans, max_size=1)))
        self.model.connect()
        self.client = TLSClient(self.server, CLIENT)
        self.compare()
        way = data.draw(st.sampled_from(_WAYS))
        if self.terms.isProxied:
            header = data.draw(st.sampled_from(_HEADERS))
            self.send(header, data.draw(randomlines.cuts()))
        if self.terms.tls == "implicit" and way != "nothing":
            self.shakeHands()
        for each in randomlines.opening(self.terms, way):
            self.send(each, [])
            self.shakeHands()

    def planAll(self, plans: list[tuple[str, Plan]]) -> None:
        for name, plan in plans:
            self.model.plans[name].append(plan)
            self.factory.plans[name].append(plan)

    @rule(
        data=st.data(),
        places=randomlines.cuts(),
        plans=st.lists(randomlines.plans, max_size=2),
        pause=st.sampled_from(_PAUSES),
    )
    def say(
        self,
        data: st.DataObject,
        places: list[int],
        plans: list[tuple[str, Plan]],
        pause: int,
    ) -> None:
        """A client says something, and the application will have its opinion."""
        self.meet(data)
        self.planAll(plans)
        octets = data.draw(randomlines.said(self.terms.protocol))
        self.send(octets, places, pause)

    @precondition(lambda self: self.isThere)
    @rule(
        data=st.data(),
        places=randomlines.cuts(),
        plans=st.lists(randomlines.plans, max_size=1),
    )
    def vanish(
        self, data: st.DataObject, places: list[int], plans: list[tuple[str, Plan]]
    ) -> None:
        """The client sends a part of a message, and is gone."""
        self.planAll(plans)
        octets = data.draw(randomlines.transactions(self.terms.protocol))
        self.send(octets[: data.draw(st.integers(0, len(octets)))], places)
        self.end(isLate=data.draw(st.booleans()))

    @property
    def isThere(self) -> bool:
        """Whether both sides are."""
        return not self.isLost and not self.model.closed

    def send(self, octets: bytes, places: list[int], pause: int = 0) -> None:
        """
        @param pause: how many seconds are between the pieces
        """
        for each in randomlines.pieces(octets, places):
            if self.model.inHandshake:
                # The rest is for TLS.
                return
            self.model.hear(each)
            self.client.write(each)
            self.compare()
            if pause:
                self.rest(pause)

    @precondition(lambda self: not self.isLost and self.model.isAsking)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The application answers at last."""
        question = self.model._question
        assert question is not None
        verdict = data.draw(st.sampled_from(randomlines.VERDICTS[question.name]))
        waiting, self.factory.waiting = self.factory.waiting, None
        self.model.answer(verdict)
        waiting.callback(verdict)
        self.compare()

    @precondition(lambda self: self.isThere and self.model.inHandshake)
    @rule()
    def handshake(self) -> None:
        """TLS begins."""
        self.shakeHands()

    def shakeHands(self) -> None:
        if self.isThere and self.model.inHandshake:
            self.model.shakeHands()
            self.client.protocol.handshakeCompleted()
            self.compare()

    @precondition(lambda self: self.isThere)
    @rule(seconds=st.sampled_from(_SECONDS))
    def wait(self, seconds: int) -> None:
        """Nothing happens."""
        self.rest(seconds)

    def rest(self, seconds: int) -> None:
        self.model.wait(seconds)
        self.server.clock.advance(seconds)
        self.compare()

    def end(self, isLate: bool) -> None:
        """
        @param isLate: whether the application answers after that
        """
        self.isLost = True
        self.model.lose()
        self.client.leave()
        self.compare()
        if isLate and self.factory.waiting is not None:
            self.answerTooLate(self.factory.waiting)
        self.checkEnd()

    def answerTooLate(self, waiting: Deferred[str]) -> None:
        """Nobody wants to know."""
        if self.model.isAsking:
            # That is about onClose, and an error is one for all that.
            self.model.answer("raise")
        elif waiting.called and not waiting._suppressAlreadyCalled:
            return
        waiting.callback("raise")
        self.compare()

    def teardown(self) -> None:
        try:
            if not getattr(self, "isLost", True):
                self.end(False)
        finally:
            globalLogPublisher.removeObserver(self.failures)

    # What must be.

    def compare(self) -> None:
        """Both have said and seen the same."""
        said = self.client.read()
        expected = self.model.replies[self.heard :]
        self.heard = len(self.model.replies)
        actual = repliesIn(said)
        assert len(actual) == len(expected) and all(
            (each + " ").startswith(must + " ")
            for each, must in zip(actual, expected, strict=True)
        ), f"said {actual}, not {expected}"
        self.compareEvents()
        assert self.client.closed == self.model.closed or self.isLost
        if not (self.model.closed or self.model.inHandshake):
            assert self.client.paused == self.model.isBlocked
            assert view(self.client.session) == self.model.session()

    def compareEvents(self) -> None:
        actual = self.factory.events[self.seen :]
        expected = self.model.events[self.seen :]
        if len(expected) > len(actual):
            for each in [x for x in expected if x[0] == "let go?"]:
                expected.remove(each)
                self.model.events.remove(each)
        expected = [("let go", x[1]) if x[0] == "let go?" else x for x in expected]
        assert actual == expected, f"saw {actual}, not {expected}"
        self.seen = len(self.factory.events)

    def checkEnd(self) -> None:
        """Nothing is left of a connection."""
        assert not self.server.clock.getDelayedCalls()
        assert self.factory.octetsHeld == 0
        count = len([x for x in self.factory.events if x[0] == "onClose"])
        wasAnnounced = any(x[0] == "onConnect" for x in self.factory.events)
        assert count == wasAnnounced
        for envelope, seen in self.factory.envelopes:
            assert envelopeOf(envelope) == seen, "an envelope changed afterwards"
        logged = [type(each).__name__ for each in self.failures]
        assert logged == self.model.logged, f"logged {self.failures}"


def repliesIn(octets: bytes) -> list[str]:
    """
    Each reply in its first line, or what it offers.

    @raise AssertionError: these are not replies
    """
    assert octets == b"" or octets.endswith(b"\r\n"), octets
    replies: list[str] = []
    offered: list[str] = []
    for line in octets.decode("ascii").split("\r\n")[:-1]:
        assert len(line) <= 510 and line.isprintable(), line
        assert re.fullmatch("[2-5][0-9]{2}[ -].*", line), line
        offered.append(line)
        if line[3] == " ":
            first, *others = offered
            assert all(each[:3] == line[:3] for each in offered), offered
            names = "|".join(sorted(each[4:] for each in others))
            replies.append(f"{line[:3]}-{names}" if others else first)
            offered = []
    assert not offered, offered
    return replies


class ModelTests(SynchronousTestCase):
    """The server and the model."""

    def test_conversations(self) -> None:
        """Both say and see the same, whatever happens."""
        wanted = int(os.environ.get("SMTPSESSION_EXAMPLES", "2000"))
        number = int(os.environ.get("SMTPSESSION_SEED", "1"))
        while wanted > 0:
            self.converse(min(wanted, _ROUND), number)
            wanted, number = wanted - _ROUND, number + 1

    def converse(self, examples: int, number: int) -> None:
        try:
            run_state_machine_as_test(
                seed(number)(Conversations),
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=8,
                    # The seed says which they are.
                    derandomize=False,
                    database=None,
                    report_multiple_bugs=False,
                ),
            )
        except Exception as error:
            # What hypothesis has to say of it is not in the traceback.
            notes = "\n".join(notesOf(error))
            self.fail(f"with SMTPSESSION_SEED={number}: {error}\n{notes}")
        finally:
            self.flushLoggedErrors(Broken, BadResult)


def notesOf(error: BaseException) -> list[str]:
    """Those of an error, or of those in a group of them."""
    notes: list[str] = list(getattr(error, "__notes__", []))
    for each in getattr(error, "exceptions", []):
        notes += [f"{type(each).__name__}: {each}", *notesOf(each)]
    return notes
