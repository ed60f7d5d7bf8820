"""
How connections end: what is cancelled, and onClose exactly once.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import MessageAborted, SMTPError, SMTPSession
from smtpsession.stream import MessageStream
from smtpsession.testing import MemoryClient, MemoryServer, memoryOptions
from tests import conversations as c
from tests.test_callbacks import STEPS


def pendingAt(callback: str, answer: Any, **more: Any) -> MemoryClient:
    """A client that waits for the answer to this callback, the message not ended."""
    server = MemoryServer(**{callback: answer}, **more)
    come, lines, _ = STEPS[callback]
    client = come(server)
    client.say(*(lines if callback != "onData" else ["Hello."]))
    return client


class CancellationTests(SynchronousTestCase):
    """When the client goes away, the open question is cancelled."""

    def test_deferred(self) -> None:
        """
        The Deferred of every callback is cancelled.
        """
        for callback in STEPS:
            cancelled: list[Any] = []
            question = c.Question(cancelled.append)
            client = pendingAt(callback, question)
            self.assertEqual(cancelled, [], callback)
            client.leave()
            self.assertEqual(cancelled, question.answers, callback)

    def test_coroutine(self) -> None:
        """
        A coroutine sees CancelledError where it waits.
        """
        for callback in STEPS:
            seen = []

            async def wait(*ignored: Any) -> None:
                try:
                    await Deferred()
                except CancelledError as error:
                    seen.append(error)  # noqa: B023
                    raise

            pendingAt(callback, wait).leave()
            self.assertEqual(len(seen), 1, callback)

    def test_coroutineMayTidyUp(self) -> None:
        """
        What a cancelled coroutine returns or refuses is of no consequence.
        """
        for callback in STEPS:

            async def wait(*ignored: Any) -> None:
                try:
                    await Deferred()
                except CancelledError:
                    raise SMTPError(450, "Too late") from None

            client = pendingAt(callback, wait)
            client.hear()
            client.leave(ConnectionLost())
            self.assertEqual(client.hear(), [], callback)

    def test_nothingIsLogged(self) -> None:
        """
        A client that goes away is no fault of ours.
        """
        for callback in STEPS:
            pendingAt(callback, c.Question()).leave()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_faultOnTheWayOutIsLogged(self) -> None:
        """
        A callback that breaks while it tidies up is logged.
        """

        async def wait(*ignored: Any) -> None:
            try:
                await Deferred()
            finally:
                raise ZeroDivisionError("in finally")

        pendingAt("onRcptTo", wait).leave()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_brokenCanceller(self) -> None:
        """
        Where a canceller raises, that is logged, onClose is still called and the
        connection does not count any more.
        """

        def broken(cancelled: Deferred[Any]) -> None:
            raise ZeroDivisionError("in a canceller")

        for callback in STEPS:
            closed: list[SMTPSession] = []
            client = pendingAt(
                callback,
                c.Question(broken),
                onClose=closed.append,
                options=memoryOptions(clients=1),
            )
            client.leave()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertEqual(closed, [client.session], callback)
            server = client.protocol.factory
            again = server.buildProtocol(client.transport.getPeer())
            again.makeConnection(transport := StringTransport())
            self.assertFalse(transport.disconnecting, callback)

    def test_swallowed(self) -> None:
        """
        A coroutine that catches the cancellation and ends later, if only with
        CancelledError, is not heard of, and nothing is logged.
        """
        for callback in STEPS:
            for error in (None, CancelledError(), SMTPError(450, "Too late")):
                end: Deferred[None] = Deferred()

                async def wait(*ignored: Any) -> None:
                    try:
                        await Deferred()
                    except CancelledError:
                        await end  # noqa: B023

                client = pendingAt(callback, wait)
                client.hear()
                client.leave()
                end.errback(error) if error else end.callback(None)
                self.assertEqual(client.hear(), [], callback)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_lateAnswer(self) -> None:
        """
        A callback that cannot be cancelled may answer later; nobody hears it.
        """
        for callback in STEPS:
            later: list[Deferred[Any]] = []

            def answer(*ignored: Any) -> Deferred[Any]:
                outer: Deferred[Any] = Deferred(lambda _: outer.callback(None))
                later.append(outer)  # noqa: B023
                return outer

            client = pendingAt(callback, answer)
            client.hear()
            client.leave()
            self.assertEqual(client.hear(), [], callback)
            self.assertEqual(len(later), 1, callback)

    def test_readerSeesMessageAborted(self) -> None:
        """
        Who reads the message when the client goes away sees MessageAborted, however it
        reads.
        """
        for read in (
            MessageStream.read,
            MessageStream.headers,
            MessageStream.__anext__,
        ):
            seen = []

            async def onData(stream: MessageStream, session: SMTPSession) -> None:
                try:
                    await read(stream)  # noqa: B023
                    await stream.read()
                except MessageAborted as error:
                    seen.append(error)  # noqa: B023
                    raise

            client = c.inMessage(MemoryServer(onData=onData))
            client.say("Subject: x")
            client.leave()
            self.assertEqual(len(seen), 1, read)

    def test_readingAfterwards(self) -> None:
        """
        Who waited for something else and reads after that sees MessageAborted too.
        """
        seen = []

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            try:
                await Deferred()
            except CancelledError:
                try:
                    await stream.read()
                except MessageAborted as error:
                    seen.append(error)

        client = c.inMessage(MemoryServer(onData=onData))
        client.say("Hello.")
        client.leave()
        self.assertEqual(len(seen), 1)

    def test_wholeMessage(self) -> None:
        """
        A message that has come whole can be read to its end even if the client goes
        away before the reply.
        """
        event: Deferred[None] = Deferred(lambda d: d.callback(None))
        seen = []

        async def onData(stream: MessageStream, session: SMTPSession) -> None:
            await event
            seen.append(await stream.read())

        client = c.inMessage(MemoryServer(onData=onData))
        client.say("Hello.", ".")
        client.leave()
        self.assertEqual(seen, [b"Hello.\r\n"])


class GoodbyeTests(SynchronousTestCase):
    """onClose is called once for each connection that saw onConnect."""

    def setUp(self) -> None:
        self.closed: list[SMTPSession] = []

    def server(self, **arguments: Any) -> MemoryServer:
        options = memoryOptions(**arguments.pop("options", {}))
        return MemoryServer(onClose=self.closed.append, options=options, **arguments)

    def assertClosedOnce(self, client: MemoryClient) -> None:
        """onClose has not been called yet, and is once when the connection is lost."""
        self.assertEqual(self.closed, [])
        client.leave()
        self.assertEqual(self.closed, [client.session])
        self.closed.clear()

    def test_clientLeaves(self) -> None:
        """
        However far the client has come when it goes away.
        """
        for come in (
            c.greeted,
            c.ready,
            c.withSender,
            c.withRecipients,
            c.inMessage,
            MemoryServer.connect,
        ):
            self.assertClosedOnce(come(self.server()))

    def test_quit(self) -> None:
        """
        After QUIT, when the connection is gone.
        """
        client = c.ready(self.server())
        client.say("QUIT")
        self.assertClosedOnce(client)

    def test_everyQuestion(self) -> None:
        """
        While a callback has not answered.
        """
        for callback in STEPS:
            client = pendingAt(callback, c.Question(), onClose=self.closed.append)
            self.assertClosedOnce(client)

    def test_afterTheCancellation(self) -> None:
        """
        The open question is cancelled before onClose is called.
        """
        events: list[str] = []
        for callback in STEPS:
            client = pendingAt(
                callback,
                c.Question(lambda _: events.append("cancelled")),
                onClose=lambda session: events.append("closed"),
            )
            client.leave()
            self.assertEqual(events, ["cancelled", "closed"], callback)
            events.clear()

    def test_refused(self) -> None:
        """
        Where onConnect, another callback or a limit has ended the connection.
        """

        def hangUp(*ignored: Any) -> None:
            raise SMTPError(421, "Go away", "4.3.2")

        for callback in STEPS:
            client = pendingAt(callback, hangUp, onClose=self.closed.append)
            client.say(".")
            self.assertTrue(client.closed, callback)
            self.assertClosedOnce(client)
        client = c.ready(self.server(options={"errors": 0}))
        client.say("WHAT")
        self.assertTrue(client.closed)
        self.assertClosedOnce(client)

    def test_timeout(self) -> None:
        """
        Where the client has been silent for too long.
        """
        for come in (c.greeted, c.inMessage):
            server = self.server()
            client = come(server)
            server.clock.advance(600)
            self.assertTrue(client.closed)
            self.assertClosedOnce(client)

    def test_crash(self) -> None:
        """
        Where the library has failed.
        """
        client = c.ready(self.server())
        self.patch(client.protocol, "lineReceived", lambda line: 1 / 0)
        client.say("NOOP")
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertClosedOnce(client)

    def test_tooManyClients(self) -> None:
        """
        Not where onConnect was not called because there were too many clients.
        """
        connected: list[SMTPSession] = []
        server = self.server(options={"clients": 1}, onConnect=connected.append)
        server.connect()
        refused = server.connect()
        self.assertEqual(
            refused.hear(), ["421 4.7.0 Too many connections, come back later"]
        )
        refused.leave()
        self.assertEqual(len(connected), 1)
        self.assertEqual(self.closed, [])

    def test_beforeTheName(self) -> None:
        """
        Not where the client went away before its name was known.
        """
        cancelled: list[Any] = []
        connected: list[SMTPSession] = []

        class Resolver:
            def lookupPointer(self, name: str, timeout: Any = None) -> Deferred[Any]:
                return Deferred(cancelled.append)

        server = self.server(
            options={"reverseLookup": True},
            onConnect=connected.append,
            resolver=Resolver(),
        )
        client = server.connect()
        client.leave()
        self.assertEqual((connected, self.closed), ([], []))
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(server.clock.getDelayedCalls(), [])

    def test_fault(self) -> None:
        """
        What onClose raises is logged, and the next connection is served.
        """
        server = MemoryServer(onClose=lambda session: 1 / 0)
        c.ready(server).leave()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(c.ready(server).say("NOOP"), [c.OK])

    def test_nothingIsLeft(self) -> None:
        """
        No timer runs on after a connection is lost, wherever it stood.
        """
        for callback in STEPS:
            client = pendingAt(callback, c.Question())
            client.leave()
            clock = client.protocol.clock
            self.assertEqual(clock.getDelayedCalls(), [], callback)


class HangUpTests(SynchronousTestCase):
    """After a hang-up, nothing that arrives is looked at."""

    def test_commands(self) -> None:
        """
        Commands behind the end of the conversation have no effect.
        """
        asked: list[Any] = []
        client = c.ready(MemoryServer(onMailFrom=lambda *args: asked.append(args)))
        client.say("QUIT", c.MAIL)
        self.assertEqual(client.say(c.MAIL, "NOOP"), [])
        self.assertEqual(asked, [])

    def test_message(self) -> None:
        """
        Nor has the rest of a message, after a time-out in its middle.
        """
        server = MemoryServer()
        client = c.inMessage(server)
        server.clock.advance(600)
        client.hear()
        self.assertEqual(client.say("Hello.", "."), [])
        self.assertEqual(server.messages, [])
