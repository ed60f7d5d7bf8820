"""
Tests of the floors: which module may import which.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import smtpsession
from tests.cases import TableTestCase

#: The floors from the bottom up.  A module imports only from those before it.
FLOORS: dict[str, tuple[str, ...]] = {
    "words": ("printable", "replies", "limits", "errors", "model"),
    "grammar": (
        *("_grammar", "encodings", "datetimes", "timing", "parameters"),
        *("addresses", "attributes", "commands", "usual", "keywords", "lines", "body"),
        *("networks", "_crc32c", "tlvs", "proxyline"),
        *("sasl.__init__", "sasl.encoding", "sasl.prep", "sasl.keys", "sasl.auth"),
        *("sasl.exchange", "sasl.gs2", "sasl.scrammessages", "sasl.scram"),
        *("sasl.plain", "sasl.login", "sasl.cram", "sasl.bearer", "sasl.external"),
        "sasl.mechanisms",
    ),
    "conversation": (
        *("session", "ciphers", "settings", "actions", "allowance", "mistakes"),
        *("rules", "offers"),
        *("starttls", "authentication", "chunking", "xclient", "extensions"),
        "promises",
        *("results", "verbs", "options", "dialogue"),
    ),
    # Here Twisted begins.
    "protocol": (
        *("tls", "pem", "contexts", "certificates"),
        *("coroutines", "peer", "lingering", "bans", "ledger", "admission", "stream"),
        *("callbacks", "watcher"),
        *("inquiry", "watch", "outbox", "proof", "reception", "reverse", "shown"),
        *("sessionlog", "holding", "connection", "protocol", "factory", "cred"),
    ),
    # What "import smtpsession" gives.
    "library": ("__init__",),
    "test kit": ("testing",),
    "service": (
        *("trace", "patterns", "kinds", "problems", "goals", "config"),
        *("misreadings", "configfile"),
        *("secret", "scrypt", "argon2id", "passwords"),
        *("accountlines", "accountfiles", "hashing", "derivedkeys"),
        *("logins", "accounts", "accountedit", "passwd", "checkers"),
        *("delivery.__init__", "delivery.destination", "delivery.lineends"),
        *("metrics", "reports", "totals", "monitor"),
        *("delivery.maildir", "delivery.sweeping", "delivery.measured"),
        *("delivery.folders", "delivery.discard", "delivery.tee"),
        *("delivery.python", "delivery.patience", "delivery.program"),
        *("delivery.command", "delivery.bodies", "delivery.http"),
        *("delivery.replylines", "delivery.relaying", "delivery.forwarding"),
        "delivery.client",
        *(
            "delivery.loggingin",
            "delivery.opening",
            "delivery.outgoing",
            "delivery.pool",
            "delivery.smtp",
        ),
        *("delivery.making", "router", "linefile", "eventfile", "logfile"),
        *("notify", "signals", "inherited", "credentials", "assembly"),
        *("trials", "examination"),
        *(
            "listening",
            "retirement",
            "service",
            "workerprocess",
            "sharedledger",
            "supervisor",
            "worker",
            "version",
            "tap",
            "check",
        ),
        *("reference", "selftest.__init__", "selftest.heard", "selftest.model"),
        *("selftest.judges", "selftest.endings", "selftest.parsing"),
        *("selftest.changes", "selftest.corpus", "selftest.probe", "selftest.report"),
        *("selftest.command", "selftest.manual", "__main__"),
    ),
}
ORDER = tuple(name for floor in FLOORS.values() for name in floor)
#: The highest module that knows nothing of Twisted, so that all the rules of SMTP can
#: be run with octets alone.
LAST_WITHOUT_TWISTED = "dialogue"
#: Who says C{self.transport}: the connection, the client in memory that makes one, and
#: the connection to a next hop.
TOUCH_A_TRANSPORT = {"connection", "testing", "delivery.client"}

ROOT = Path(smtpsession.__file__).parent


class FloorsTests(TableTestCase):
    """The modules of the package."""

    def test_complete(self):
        """Every module of the package stands on a floor, and only on one."""
        self.assertEqual(sorted(ORDER), sorted(_modules()))

    def test_importsLookDown(self):
        """A module imports only from the modules below it."""
        self.assertNoneWrong(
            f"{name} imports {imported}, which is not below it"
            for name in _present()
            for imported in _importedModules(name)
            if imported not in ORDER[: ORDER.index(name)]
        )

    def test_twistedBeginsAbove(self):
        """Up to the dialogue no module imports Twisted or zope.interface."""
        pure = ORDER[: ORDER.index(LAST_WITHOUT_TWISTED) + 1]

        self.assertNoneWrong(
            f"{name} imports {imported}"
            for name in _present()
            if name in pure
            for imported in _imports(name)
            if imported.split(".")[0] in ("twisted", "zope")
        )

    def test_noReactor(self):
        """No module imports the reactor while it is imported, for that installs one."""
        self.assertNoneWrong(
            f"{name} imports the reactor"
            for name in _present()
            for node in _tree(name).body
            if "twisted.internet.reactor" in _importedBy(node)
        )

    def test_transport(self):
        """Only a connection touches a transport."""
        touching = {
            name
            for name in _present()
            for node in ast.walk(_tree(name))
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "self.transport"
        }

        self.assertEqual(set(), touching - TOUCH_A_TRANSPORT)
        self.assertIn("connection", touching)

    def test_noRelativeImports(self):
        """Every import says in full what it imports."""
        self.assertNoneWrong(
            f"{name}, line {node.lineno}"
            for name in _present()
            for node in ast.walk(_tree(name))
            if isinstance(node, ast.ImportFrom) and node.level > 0
        )

    def test_size(self):
        """A module has one idea, and so not much more than 400 lines."""
        self.assertNoneWrong(
            f"{name} has {lines} lines"
            for name in _present()
            if (lines := len(_source(name).splitlines())) > 450
        )


def _modules() -> Iterator[str]:
    """The names of all modules that there are, within the package."""
    for path in ROOT.rglob("*.py"):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _present() -> list[str]:
    """Those that stand on a floor; about the others L{test_complete} complains."""
    return [name for name in ORDER if name in set(_modules())]


def _source(name: str) -> str:
    return ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text("utf-8")


def _tree(name: str) -> ast.Module:
    return ast.parse(_source(name))


def _imports(name: str) -> Iterator[str]:
    """All that a module imports, in functions too, by full name."""
    for node in ast.walk(_tree(name)):
        yield from _importedBy(node)


def _importedBy(node: ast.AST) -> Iterator[str]:
    """What one statement imports: C{import a.b} or C{from a import b} give C{a.b}."""
    if isinstance(node, ast.Import):
        for each in node.names:
            yield each.name
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            yield f"{node.module}.{each.name}"


def _importedModules(name: str) -> Iterator[str]:
    """The modules of this package that a module imports, or imports from."""
    for imported in _imports(name):
        package, *parts = imported.split(".")
        if package == "smtpsession":
            yield _moduleOf(parts)


def _moduleOf(parts: list[str]) -> str:
    """The module that a dotted name within the package is, or is in."""
    for length in range(len(parts), -1, -1):
        name = ".".join(parts[:length])
        for candidate in (name, f"{name}.__init__".lstrip(".")):
            if candidate in ORDER:
                return candidate
    raise AssertionError("the package itself is always there")
