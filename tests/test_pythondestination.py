"""
Tests of smtpsession.delivery.python.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Generator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpsession import SMTPAddress, SMTPError, SMTPSession
from smtpsession.delivery.destination import Destination
from smtpsession.delivery.python import load
from smtpsession.stream import MessageStream

BOB = SMTPAddress("bob@example.org")
#: Nobody reads it here.
STREAM: Any = object()


class Derived(Destination):
    """A destination as it should be."""

    def __init__(self, path: str, size: int = 1) -> None:
        self.path, self.size = path, size


class Own:
    """A destination of somebody who knows only of C{deliver}."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def deliver(
        self, stream: MessageStream, session: SMTPSession, recipients: Sequence[Any]
    ) -> str:
        self.seen.append((stream, session, recipients))
        return "stored"


class Complete(Own):
    """One that has every method, none of which is async."""

    def start(self) -> None:
        self.seen.append("start")

    def accept(self, recipient: SMTPAddress, session: SMTPSession) -> Deferred[None]:
        self.seen.append(("accept", recipient, session))
        return succeed(None)

    def forget(self, session: SMTPSession) -> None:
        self.seen.append(("forget", session))

    def stop(self) -> Deferred[None]:
        self.seen.append("stop")
        return succeed(None)


class Async:
    """One whose C{deliver} is a coroutine, and waits."""

    def __init__(self) -> None:
        self.waiting: Deferred[str] = Deferred()

    async def deliver(self, *arguments: Any) -> str:
        return await self.waiting


class Refusing:
    """One that wants nobody's mail."""

    async def accept(self, recipient: SMTPAddress, session: SMTPSession) -> None:
        raise SMTPError(550, "Not for you", "5.1.1")

    def deliver(self, *arguments: Any) -> None:
        raise SMTPError(554, "Nor this", "5.6.0")


class Unfinished:
    """A destination whose author has forgotten what makes it wait."""

    def accept(self, *ignored: Any) -> Generator[Any, Any, None]:
        yield None

    async def deliver(self, *ignored: Any) -> Deferred[str]:
        return succeed("stored")


def fails() -> None:
    raise OSError("no disk")


def failsSilently() -> None:
    raise Silent


class Silent(Exception):
    """An error without a text."""


async def asyncFactory() -> Destination:
    return Destination()


NUMBER = 5

#: Name, keys, and what is said to it.
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "'' is not of the form package.module:callable"),
    ("destinations", {}, "'destinations' is not of the form package.module:callable"),
    (":Own", {}, "':Own' is not of the form package.module:callable"),
    ("destinations:", {}, "'destinations:' is not of the form package.module:callable"),
    (
        "no.such:x",
        {},
        "cannot import no.such: ModuleNotFoundError: No module named 'no'",
    ),
    (".x:y", {}, "cannot import .x: TypeError: "),
    ("broken_destinations:x", {}, "cannot import broken_destinations: SyntaxError: "),
    ("destinations:missing", {}, "destinations has no missing"),
    ("destinations:Own.missing", {}, "destinations has no Own.missing"),
    ("destinations:Own..x", {}, "destinations has no Own..x"),
    ("destinations:NUMBER", {}, "destinations:NUMBER cannot be called"),
    (
        "destinations:Derived",
        {},
        "destinations:Derived does not take these keys: "
        "missing a required argument: 'path'",
    ),
    (
        "destinations:Derived",
        {"path": "x", "pathh": "y"},
        "destinations:Derived does not take these keys: "
        "got an unexpected keyword argument 'pathh'",
    ),
    ("destinations:fails", {}, "destinations:fails failed: OSError: no disk"),
    (
        "destinations:failsSilently",
        {},
        "destinations:failsSilently failed: Silent",
    ),
    (
        "destinations:asyncFactory",
        {},
        "destinations:asyncFactory is async, and so gives no destination",
    ),
    ("builtins:dict", {}, "builtins:dict gave no destination, but an object of dict"),
    (
        "destinations:classFactory",
        {},
        "destinations:classFactory gave no destination, but an object of type",
    ),
]


def classFactory() -> type[Own]:
    return Own


class LoadTestCase(SynchronousTestCase):
    """With this module under a name of its own."""

    def setUp(self) -> None:
        self.session = SMTPSession()
        self.addCleanup(sys.modules.pop, "destinations", None)
        sys.modules["destinations"] = sys.modules[__name__]

    def load(self, name: str, **options: Any) -> Any:
        return load(f"destinations:{name}", options)

    def resultOf(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))


class FactoryTests(LoadTestCase):
    """What a name leads to."""

    def test_derived(self) -> None:
        """
        A destination is taken as it is, and gets the other keys of the route.
        """
        found = self.load("Derived", path="x", size=5)
        self.assertIs(type(found), Derived)
        self.assertEqual((found.path, found.size), ("x", 5))

    def test_attribute(self) -> None:
        """
        The callable can be an attribute of something in the module.
        """
        module = ModuleType("more_destinations")
        module.inner = sys.modules[__name__]  # type: ignore[attr-defined]
        sys.modules["more_destinations"] = module
        self.addCleanup(sys.modules.pop, "more_destinations")
        found = load("more_destinations:inner.Derived", {"path": "x"})
        self.assertIsInstance(found, Derived)

    def test_bad(self) -> None:
        """
        Whatever is wrong with a name is said, with the name or the module.
        """
        broken = self.mktemp()
        self.makeModule(broken)
        for name, options, expected in BAD:
            error = self.assertRaises(ValueError, load, name, options)
            self.assertTrue(str(error).startswith(expected), (name, str(error)))

    def makeModule(self, folder: str) -> None:
        path = Path(folder).absolute()
        path.mkdir()
        (path / "broken_destinations.py").write_text("no Python at all")
        sys.path.insert(0, str(path))
        self.addCleanup(sys.path.remove, str(path))

    def test_cause(self) -> None:
        """
        The log can have the traceback of what went wrong.
        """
        error = self.assertRaises(ValueError, self.load, "fails")
        self.assertIsInstance(error.__cause__, OSError)


class AdaptedTests(LoadTestCase):
    """Destinations that are not derived from the class."""

    def test_deliver(self) -> None:
        """
        C{deliver} gets what a destination gets, and what it returns counts.
        """
        found = self.load("Own")
        self.assertIsInstance(found, Destination)
        delivery = found.deliver(STREAM, self.session, [BOB])
        self.assertEqual(self.resultOf(delivery), "stored")
        self.assertEqual(found._other.seen, [(STREAM, self.session, [BOB])])

    def test_nothingElse(self) -> None:
        """
        What it does not have does nothing.
        """
        found = self.load("Own")
        found.start()
        self.resultOf(found.accept(BOB, self.session))
        self.resultOf(found.forget(self.session))
        self.resultOf(found.stop())
        self.assertEqual(found._other.seen, [])

    def test_everything(self) -> None:
        """
        What it has is called, and may return a Deferred.
        """
        found = self.load("Complete")
        found.start()
        self.resultOf(found.accept(BOB, self.session))
        self.resultOf(found.forget(self.session))
        self.resultOf(found.stop())
        self.assertEqual(
            found._other.seen,
            ["start", ("accept", BOB, self.session), ("forget", self.session), "stop"],
        )

    def test_async(self) -> None:
        """
        A coroutine is waited for.
        """
        found = self.load("Async")
        delivery = Deferred.fromCoroutine(found.deliver(STREAM, self.session, [BOB]))
        self.assertNoResult(delivery)
        found._other.waiting.callback("stored")
        self.assertEqual(self.successResultOf(delivery), "stored")

    def test_cancelled(self) -> None:
        """
        When the client leaves, what it waits for is cancelled.
        """
        found = self.load("Async")
        delivery = Deferred.fromCoroutine(found.deliver(STREAM, self.session, [BOB]))
        delivery.cancel()
        self.failureResultOf(delivery, CancelledError)
        self.assertTrue(found._other.waiting.called)

    def test_unfinished(self) -> None:
        """
        What would still have to be waited for, or run, accepts nothing.
        """
        found = self.load("Unfinished")
        for coroutine in (
            found.accept(BOB, self.session),
            found.deliver(STREAM, self.session, [BOB]),
        ):
            self.failureResultOf(Deferred.fromCoroutine(coroutine), TypeError)

    def test_refusals(self) -> None:
        """
        What it raises comes out.
        """
        found = self.load("Refusing")
        for coroutine in (
            found.accept(BOB, self.session),
            found.deliver(STREAM, self.session, [BOB]),
        ):
            self.failureResultOf(Deferred.fromCoroutine(coroutine), SMTPError)
