"""
Tests of smtpsession.problems: what is wrong with a configuration.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpsession.config import Config, PairTable, RouteTable, TLSTable
from smtpsession.problems import DESTINATION, Bench, Problem, shown


def _fail(*arguments: object) -> None:
    raise ValueError("no")


class ProblemTests(SynchronousTestCase):
    """Problem."""

    def test_where(self) -> None:
        """It is said as one would write it; a destination's keys are in its route."""
        for steps, expected in (
            ((), "the file"),
            (("hostname",), "hostname"),
            (("tls", "names", "a.example", "key"), 'tls.names."a.example".key'),
            (("",), '""'),
            (("route", 2, "recipients"), "route[2].recipients"),
            (("route", 2, DESTINATION, "path"), "route[2].path"),
            (("route", 2, DESTINATION), "route[2]"),
            (("route", 2, DESTINATION, DESTINATION), "route[2].destination"),
        ):
            self.assertEqual(str(Problem(steps, "x")), f"{expected}: x")

    def test_misfit(self) -> None:
        """What stands there, what was expected, and why where that is known."""
        problem = Problem.misfit(("workers",), 0, "a whole number", "it is 0")
        self.assertEqual(
            str(problem), "workers: 0, but expected a whole number (it is 0)"
        )
        problem = Problem.misfit(("workers",), None, "a whole number")
        self.assertEqual(str(problem), "workers: nothing, but expected a whole number")

    def test_shown(self) -> None:
        """Values look as they do in the file, or nearly so."""
        for value, expected in (
            ("a\n", r"'a\n'"),
            (("a", "b"), "['a', 'b']"),
            (Path("/etc/mail"), "'/etc/mail'"),
            (None, "nothing"),
            (Config(), "a table"),
            ("http://a:secret@b.example/", "'http://...@b.example/'"),
        ):
            self.assertEqual(shown(value), expected)
        self.assertEqual(len(shown("x" * 1000)), 200)


class BenchTests(SynchronousTestCase):
    """Bench."""

    def setUp(self) -> None:
        names = {"a.example": PairTable(certificate=Path("/a.pem"))}
        self.config = Config(
            tls=TLSTable(certificate=Path("/x.pem"), names=names),
            route=(RouteTable(recipients=("*",)),),
        )
        self.bench = Bench(self.config)

    def said(self) -> list[str]:
        return [str(each) for each in self.bench.problems]

    def test_made(self) -> None:
        """What can be made is."""
        self.assertEqual(self.bench.make(("workers",), "one", int, "3"), 3)
        self.assertEqual(self.said(), [])

    def test_found(self) -> None:
        """Who is to blame is named with what stands there."""
        self.bench.make(("route", 0, DESTINATION, "line-endings"), "cr", _fail)
        own = self.bench.within("tls").within("names", "a.example")
        own.make(("certificate",), "another", _fail, 1, 2)
        own.blame(("key",), "one")
        self.assertEqual(
            self.said(),
            [
                "route[0].line-endings: 'lf', but expected cr (no)",
                'tls.names."a.example".certificate: '
                "'/a.pem', but expected another (no)",
                'tls.names."a.example".key: nothing, but expected one',
            ],
        )

    def test_once(self) -> None:
        """What is wrong already is not tried, nor is the table around it."""
        self.bench.blame(("tls", "certificate"), "another")
        for steps in ((), ("tls",), ("tls", "certificate")):
            self.assertTrue(self.bench.isWrong(*steps))
            self.assertIsNone(self.bench.make(steps, "x", _fail))
        self.assertFalse(self.bench.isWrong("tls", "key"))
        self.assertFalse(self.bench.within("tls").isWrong("key"))
        self.bench.make(("tls", "key"), "one", _fail)
        self.assertEqual(len(self.said()), 2)

    def test_around(self) -> None:
        """Nor is what is in a table that is wrong itself."""
        bench = Bench(self.config, [Problem(("tls", "names", "a.example"), "no")])
        self.assertTrue(bench.isWrong("tls", "names", "a.example", "key"))
        self.assertFalse(bench.isWrong("tls", "names", "b.example"))
        self.assertFalse(Bench(self.config, [Problem((), "no")]).isWrong("tls"))

    def test_system(self) -> None:
        """What the system says is said without its number."""
        self.bench.make(("events",), "a file", open, "/nowhere/x")
        self.assertEqual(
            self.said(),
            ["events: nothing, but expected a file (No such file or directory)"],
        )
