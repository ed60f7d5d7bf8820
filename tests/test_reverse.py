"""
Tests of smtpsession.reverse: the client's name, from a resolver of the test's own.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSServerError, DomainError
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPSession
from smtpsession.reverse import ReverseLookup
from smtpsession.testing import MemoryServer, memoryOptions
from tests import conversations as c


def pointer(*names: bytes) -> Any:
    """What a resolver answers."""
    answers = [
        dns.RRHeader(b"1.2.0.192.in-addr.arpa", dns.PTR, payload=dns.Record_PTR(name))
        for name in names
    ]
    return answers, [], []


def of(address: str) -> SMTPSession:
    """The session of a client that comes from there."""
    return SMTPSession(remoteAddress=address)


class Resolver:
    """
    A resolver that answers with what it was given.

    @ivar asked: the names it was asked for
    """

    def __init__(self, answer: Any) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def lookupPointer(self, name: str, timeout: Any = None) -> Deferred[Any]:
        self.asked.append(name)
        answer = self._answer
        if isinstance(answer, Deferred):
            return answer
        if isinstance(answer, Exception):
            return fail(answer)
        return succeed(answer)


class NameTests(SynchronousTestCase):
    """What name comes out of the lookup."""

    def nameFor(self, answer: Any, address: str = "192.0.2.1") -> str:
        lookup = ReverseLookup(Resolver(answer), Clock(), 1.5)
        return self.successResultOf(lookup.hostname(of(address)))

    def test_name(self) -> None:
        """
        The name that the DNS gives, in lower case and without its last dot.
        """
        self.assertEqual(self.nameFor(pointer(b"Mail.Example.COM")), "mail.example.com")
        self.assertEqual(
            self.nameFor(pointer(b"mail.example.com.")), "mail.example.com"
        )

    def test_question(self) -> None:
        """
        The question is for the address in reverse, IPv4 and IPv6.
        """
        rows = [
            ("192.0.2.1", "1.2.0.192.in-addr.arpa"),
            ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"),
        ]
        for address, name in rows:
            resolver = Resolver(pointer(b"x.example"))
            ReverseLookup(resolver, Clock(), 1.5).hostname(of(address))
            self.assertEqual(resolver.asked, [name])

    def test_several(self) -> None:
        """
        Of several names the first one.
        """
        answer = pointer(b"one.example", b"two.example")
        self.assertEqual(self.nameFor(answer), "one.example")

    def test_delegated(self) -> None:
        """
        A CNAME record in front, as classless delegation has it (RFC 2317), is passed
        over.
        """
        answers, _, _ = pointer(b"mail.example.com")
        alias = dns.RRHeader(
            b"1.2.0.192.in-addr.arpa",
            dns.CNAME,
            payload=dns.Record_CNAME(b"1.0-63.2.0.192.in-addr.arpa"),
        )
        self.assertEqual(self.nameFor(([alias, *answers], [], [])), "mail.example.com")

    def test_nobody(self) -> None:
        """
        Where there is no name, it is the address in brackets.
        """
        failures: list[Any] = [
            DNSNameError(),
            DNSServerError(),
            DomainError(),
            OSError("no network"),
        ]
        for answer in [pointer(), *failures]:
            self.assertEqual(self.nameFor(answer), "[192.0.2.1]", answer)
        self.assertEqual(self.nameFor(DNSNameError(), "2001:db8::1"), "[2001:db8::1]")

    def test_rubbish(self) -> None:
        """
        What is not a host name is not believed: whoever owns an address may put
        anything into the DNS.
        """
        for name in (
            b"",
            b".",
            b"two words.example",
            b"line\r\nend.example",
            b"nul\x00.example",
            b"-x.example",
            b"x..example",
            b"<script>.example",
            b"caf\xc3\xa9.example",
            b"\xff.example",
            b"(comment).example",
            b".".join([b"x" * 60] * 5),
        ):
            self.assertEqual(self.nameFor(pointer(name)), "[192.0.2.1]", name)

    def test_brokenAnswer(self) -> None:
        """
        Nor is an answer that is none.
        """
        answers: list[Any] = [None, ([object()], [], []), "text"]
        for answer in answers:
            self.assertEqual(self.nameFor(answer), "[192.0.2.1]", answer)

    def test_brokenResolver(self) -> None:
        """
        A resolver that raises is logged, and the client has no name.
        """

        class Broken:
            def lookupPointer(self, name: str, timeout: Any = None) -> Deferred[Any]:
                raise ZeroDivisionError("broken")

        lookup = ReverseLookup(Broken(), Clock(), 1.5)
        self.assertEqual(
            self.successResultOf(lookup.hostname(of("192.0.2.1"))), "[192.0.2.1]"
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_events(self) -> None:
        """
        The log says of which session it could not learn the name.
        """

        class Broken:
            def lookupPointer(self, name: str, timeout: Any = None) -> Deferred[Any]:
                raise ZeroDivisionError("broken")

        session = of("192.0.2.1")
        resolvers: list[tuple[str, Any]] = [
            ("name-unknown", Resolver(pointer())),
            ("lookup-failed", Broken()),
        ]
        for name, resolver in resolvers:
            with capturedLogs() as events:
                ReverseLookup(resolver, Clock(), 1.5).hostname(session)
            [event] = [each for each in events if each.get("event") == name]
            self.assertIs(event["session"], session)
            self.assertTrue(formatEvent(event).startswith(f"{session.id} [192.0.2.1] "))
        self.flushLoggedErrors(ZeroDivisionError)

    def test_loopback(self) -> None:
        """
        A loopback address is localhost, and nobody is asked.
        """
        for address in ("127.0.0.1", "127.9.9.9", "::1"):
            resolver = Resolver(pointer(b"x.example"))
            lookup = ReverseLookup(resolver, Clock(), 1.5)
            self.assertEqual(
                self.successResultOf(lookup.hostname(of(address))), "localhost"
            )
            self.assertEqual(resolver.asked, [])


class TimeoutTests(SynchronousTestCase):
    """The lookup is never slower than its time-out."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.cancelled: list[Any] = []
        self.answer: Deferred[Any] = Deferred(self.cancelled.append)
        self.lookup = ReverseLookup(Resolver(self.answer), self.clock, 1.5)

    def test_never(self) -> None:
        """
        A resolver that never answers is cancelled, and the client has no name.
        """
        name = self.lookup.hostname(of("192.0.2.1"))
        self.clock.advance(1.4)
        self.assertNoResult(name)
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(name), "[192.0.2.1]")
        self.assertEqual(len(self.cancelled), 1)

    def test_inTime(self) -> None:
        """
        An answer in time leaves no timer behind.
        """
        name = self.lookup.hostname(of("192.0.2.1"))
        self.clock.advance(1.4)
        self.answer.callback(pointer(b"mail.example.com"))
        self.assertEqual(self.successResultOf(name), "mail.example.com")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class SessionTests(SynchronousTestCase):
    """Through the server: clientHostname, before onConnect."""

    def setUp(self) -> None:
        self.seen: list[str] = []

    def server(self, resolver: Resolver, **options: Any) -> MemoryServer:
        return MemoryServer(
            onConnect=lambda session: self.seen.append(session.clientHostname),
            resolver=resolver,
            options=memoryOptions(**{"reverseLookup": True, **options}),
        )

    def test_atOnce(self) -> None:
        """
        onConnect sees the name.
        """
        client = self.server(Resolver(pointer(b"mail.example.com"))).connect()
        self.assertEqual(self.seen, ["mail.example.com"])
        self.assertEqual(client.hear(), [c.GREETING])

    def test_late(self) -> None:
        """
        The greeting and onConnect wait for the name, and what the client says waits.
        """
        answer: Deferred[Any] = Deferred()
        client = self.server(Resolver(answer)).connect()
        self.assertTrue(client.paused)
        self.assertEqual(client.say(c.HELO), [])
        answer.callback(pointer(b"mail.example.com"))
        self.assertEqual(self.seen, ["mail.example.com"])
        self.assertEqual(client.hear(), [c.GREETING, c.HELLO])
        self.assertFalse(client.paused)

    def test_thenQuestion(self) -> None:
        """
        An onConnect that takes its time waits after that.
        """
        answer: Deferred[Any] = Deferred()
        question = c.Question()
        server = MemoryServer(
            onConnect=question,
            resolver=Resolver(answer),
            options=memoryOptions(reverseLookup=True),
        )
        client = server.connect()
        answer.callback(pointer(b"mail.example.com"))
        self.assertTrue(client.paused)
        self.assertEqual(client.hear(), [])
        question.answers[0].callback(None)
        self.assertEqual(client.hear(), [c.GREETING])
        self.assertFalse(client.paused)

    def test_failing(self) -> None:
        """
        A client without a name is served as well.
        """
        client = self.server(Resolver(DNSNameError())).connect()
        self.assertEqual(self.seen, ["[192.0.2.1]"])
        self.assertEqual(client.hear(), [c.GREETING])

    def test_never(self) -> None:
        """
        The greeting waits no longer than reverseLookupTimeout.
        """
        server = self.server(Resolver(Deferred()), reverseLookupTimeout=0.5)
        client = server.connect()
        server.clock.advance(0.4)
        self.assertEqual(client.hear(), [])
        server.clock.advance(0.1)
        self.assertEqual(self.seen, ["[192.0.2.1]"])
        self.assertEqual(client.hear(), [c.GREETING])

    def test_disabled(self) -> None:
        """
        With reverseLookup switched off nobody is asked.
        """
        resolver = Resolver(pointer(b"mail.example.com"))
        self.server(resolver, reverseLookup=False).connect()
        self.assertEqual(resolver.asked, [])
        self.assertEqual(self.seen, ["[192.0.2.1]"])

    def test_loopback(self) -> None:
        """
        A client from the machine itself is localhost.
        """
        self.server(Resolver(DNSNameError())).connect("127.0.0.1")
        self.assertEqual(self.seen, ["localhost"])

    def test_session(self) -> None:
        """
        A name does not decide anything: the address is in the session besides.
        """
        sessions: list[SMTPSession] = []
        server = MemoryServer(
            onConnect=sessions.append,
            resolver=Resolver(pointer(b"mail.example.com")),
            options=memoryOptions(reverseLookup=True),
        )
        server.connect("192.0.2.9")
        self.assertEqual(sessions[0].remoteAddress, "192.0.2.9")
