"""
Tests of the page that the benchmarks write.

Neither the benchmarks nor the manual are part of the package; there is nothing to test
where they are not at hand.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from string import Formatter

from twisted.trial.unittest import SynchronousTestCase

if find_spec("benchmarks") is not None:
    from benchmarks.growth import GROWTHS, bendOf
    from benchmarks.page import TEMPLATE
    from benchmarks.report import describeGrowth
    from benchmarks.servers import OURS, SERVERS

    PAGE = TEMPLATE.parent.parent / "docs" / "performance.rst"

    class BendTests(SynchronousTestCase):
        """Whether a line of growth is straight."""

        def test_straight(self) -> None:
            """It is, with or without what a message costs in any case."""
            for fixed in (0, 0.5, 100):
                line = [(point, fixed + point / 4) for point in (1, 10, 100, 1000)]
                self.assertEqual((1, 1.0), bendOf(line), fixed)

        def test_bent(self) -> None:
            """What grows faster is told by how much it does in all, and where."""
            for line, bend in (
                ([(1, 1.0), (2, 4.0), (4, 16.0)], (4, 4.0)),
                # In small steps too.
                ([(1, 1.0), (2, 2.5), (4, 6.0)], (4, 1.5)),
                # It is not forgiven that it began dear, or ends well.
                ([(1, 9.0), (2, 2.0), (4, 8.0), (8, 12.0)], (4, 2.0)),
            ):
                self.assertEqual(bend, bendOf(line))

        def test_told(self) -> None:
            """The page says of each line how far it is from straight."""
            straight = [(1024, 1.0), (65536, 60.0)]
            bent = [(1024, 1.0), (65536, 80.0)]
            said = describeGrowth(GROWTHS[0], {OURS: straight, SERVERS[2]: bent})
            *_, ours, theirs = said.splitlines()
            self.assertEqual("- smtpsession: nowhere above a straight line.", ours)
            expected = "up to 1.25 times a straight line, at 64 KiB."
            self.assertEqual(f"- smtp-sink: {expected}", theirs)

    class PageTests(SynchronousTestCase):
        """C{docs/performance.rst}."""

        def test_prose(self) -> None:
            """The page in the manual says what its template says."""
            page = PAGE.read_text(encoding="utf-8")
            for text, *_ in Formatter().parse(TEMPLATE.read_text(encoding="utf-8")):
                self.assertIn(text, page, text)

        def test_drawings(self) -> None:
            """Its drawings are there."""
            drawings = re.findall(r"image:: (\S+)", PAGE.read_text(encoding="utf-8"))
            self.assertEqual(1 + len(GROWTHS), len(drawings))
            for drawing in drawings:
                self.assertTrue(Path(PAGE.parent, drawing).is_file(), drawing)

        def test_servers(self) -> None:
            """Every server that is compared is explained."""
            terms = re.findall(r"^(\S.*)\n {4}\S", TEMPLATE.read_text("utf-8"), re.M)
            for server in SERVERS:
                self.assertIn(server.name, ", ".join(terms))
