"""
Tests of the benchmarks, as far as these judge by themselves what is good.

The benchmarks are not part of the package; there is nothing to test where they are not
at hand.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

if find_spec("benchmarks") is not None:
    from benchmarks import programs
    from benchmarks.bodies import makeBody, makeDots
    from benchmarks.client import Client, LoadError
    from benchmarks.growth import GROWTHS
    from benchmarks.machine import describeMachine
    from benchmarks.plots import drawBars, drawLines
    from benchmarks.probes import Measurement
    from benchmarks.report import describeResults, describeVerdicts
    from benchmarks.servers import LEAST, OURS, SERVERS, Server
    from benchmarks.servers._bare import BareConversation
    from benchmarks.svg import COLOURS
    from benchmarks.tables import formatTable
    from benchmarks.targets import RATE, TARGETS, Target, Verdict, judge
    from benchmarks.workloads import WORKLOADS

    OTHER = SERVERS[2]

    class ClientTests(SynchronousTestCase):
        """The load client."""

        def expect(self, sent: bytes, *codes: bytes) -> bytes:
            """What the client has when it expects these and the server sends that."""
            listening = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(listening.close)
            with Client(listening.getsockname()[1]) as client:
                server, _ = listening.accept()
                with server:
                    server.sendall(sent)
                    server.shutdown(socket.SHUT_WR)
                    return client.expect(*codes)

        def test_expected(self) -> None:
            """Replies with the codes that are due are taken, of several lines too."""
            for sent, codes in (
                (b"250 OK\r\n", [b"250"]),
                (b"250\r\n", [b"250"]),
                (b"250-mx\r\n250-SIZE\r\n250 DSN\r\n", [b"250"]),
                (b"250 a\r\n250-b\r\n250 b\r\n354 c\r\n", [b"250", b"250", b"354"]),
            ):
                self.assertEqual(sent, self.expect(sent, *codes))

        def test_unexpected(self) -> None:
            """Another code, too few or too many, and what is no reply are errors."""
            for sent, codes in (
                (b"451 no\r\n", [b"250"]),
                (b"250 a\r\n451 no\r\n", [b"250", b"250", b"354"]),
                (b"250 a\r\n", [b"250", b"250"]),
                (b"250 a\r\n250 b\r\n", [b"250"]),
                (b"250 a\r\n250-b\r\n251 b\r\n", [b"250", b"250"]),
                (b"250 a\n", [b"250"]),
                (b"2500\r\n", [b"250"]),
                (b"", [b"250"]),
            ):
                with self.assertRaises(LoadError, msg=repr(sent)):
                    self.expect(sent, *codes)

    class BodyTests(SynchronousTestCase):
        """The messages that are sent."""

        def test_size(self) -> None:
            """A message has the size that it is to have, but for the dot at its end."""
            for size in (1024, 5000, 65536):
                self.assertEqual(size + 3, len(makeBody(size)))
                self.assertNotIn(b"\r\n.", makeBody(size)[:-5])
                self.assertTrue(size - 8 < len(makeDots(size)) - 3 <= size)

        def test_dots(self) -> None:
            """Each line of the other kind begins with a dot that is doubled."""
            _, _, lines = makeDots(1024).partition(b"\r\n\r\n")
            *dotted, end, nothing = lines.split(b"\r\n")
            self.assertEqual({b"..dots"}, set(dotted))
            self.assertEqual((b".", b""), (end, nothing))

    class ReportTests(SynchronousTestCase):
        """The table of a workload."""

        def test_amount(self) -> None:
            """What there is in a round is said with its unit."""
            rows = {each.name: each for each in WORKLOADS}
            results = {OURS: [Measurement(0.003, 100, 0)]}
            for name, count, rounds, text in (
                ("kept", 4000, 5, "``kept``: 4,000 messages in a round, 5 rounds."),
                ("kept", 1, 1, "``kept``: 1 message in a round, 1 round."),
                ("slow", 64, 5, "``slow``: 64 MiB in a round, 5 rounds."),
            ):
                self.assertIn(text, describeResults(rows[name], count, rounds, results))

        def test_kernel(self) -> None:
            """The kernel's part is shown, and how servers compare without it."""
            mine = [Measurement(0.003, 100, 0, kernel=k) for k in (0.001, 0.002)]
            other = [Measurement(0.005, 100, 0, kernel=0.004)] * 2
            results = {OURS: mine, OTHER: other}
            table = describeResults(WORKLOADS[0], 10, 2, results)
            [row] = [line for line in table.split("\n") if line.startswith(OTHER.name)]
            self.assertEqual(["4.000", "1.67", "0.75"], row.split()[5:8])

    class BareConversationTests(SynchronousTestCase):
        """What understands next to nothing knows at least where a message ends."""

        def test_pieces(self) -> None:
            """However what is sent is cut, the replies are the same."""
            sent = [b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\n"]
            sent += [b"a\r\n..\r\n\r\n.\r\nRCPT TO:<b>\r\nDATA\r\n", b".\r\nQUIT\r\n"]
            codes = [b"250", b"250", b"250", b"250", b"354", b"250", b"250", b"354"]
            for size in range(1, 40):
                conversation, said = BareConversation(), b""
                for part in sent:
                    for start in range(0, len(part), size):
                        said += conversation.feed(part[start : start + size])
                found = [line[:3] for line in said.splitlines()]
                self.assertEqual([*codes, b"250", b"221"], found, size)

    class TargetTests(SynchronousTestCase):
        """What becomes of a target."""

        def judge(self, target: Target, **cpus: list[float]) -> Verdict | None:
            """Ours and the other server took so many seconds in each round."""
            servers = {"ours": OURS, "other": OTHER, "least": LEAST}
            results: dict[Server, list[Measurement]] = {
                servers[name]: [Measurement(cpu, 1 / cpu, 0) for cpu in each]
                for name, each in cpus.items()
            }
            return judge(target, {"kept": results})

        def test_rounds(self) -> None:
            """It is the median of the ratios of the rounds that counts."""
            verdict = self.judge(
                Target("kept", 0.5, OTHER.name), ours=[1, 2, 9], other=[2, 8, 9]
            )
            assert verdict is not None
            self.assertEqual((0.5, 0.25, 1.0, None), verdict[1:])
            self.assertTrue(verdict.isReached)

        def test_missed(self) -> None:
            """What is too much is too much, and too little where more is better."""
            for target, isReached in (
                (Target("kept", 0.5, OTHER.name), False),
                (Target("kept", 2, OTHER.name), True),
                (Target("kept", 2, OTHER.name, RATE, isLeast=True), False),
                (Target("kept", 0.5, OTHER.name, RATE, isLeast=True), True),
                (Target("kept", 0.9), False),
                (Target("kept", 1.1), True),
            ):
                verdict = self.judge(target, ours=[1.0], other=[1.0])
                assert verdict is not None
                self.assertEqual(isReached, verdict.isReached, msg=repr(target))

        def test_least(self) -> None:
            """What a server takes that does next to nothing is told beside it."""
            target = Target("kept", 0.5, OTHER.name)
            cpus = {"ours": [3.0, 4.0], "other": [4.0, 4.0], "least": [1.0, 2.0]}
            verdict = self.judge(target, **cpus)
            assert verdict is not None
            self.assertEqual(0.375, verdict.least)
            self.assertIn("0.375", describeVerdicts([verdict], {"kept": "kept"}))
            rated = self.judge(target._replace(figure=RATE), **cpus)
            assert rated is not None
            self.assertIsNone(rated.least)

        def test_notMeasured(self) -> None:
            """There is no verdict where one of the two was not measured."""
            target = Target("kept", 0.5, OTHER.name)
            self.assertIsNone(self.judge(target, ours=[1.0]))
            self.assertIsNone(self.judge(target, other=[1.0]))
            self.assertIsNone(self.judge(target._replace(workload="large"), ours=[1]))

    class MachineTests(SynchronousTestCase):
        """What the figures belong to."""

        SCRIPTS = (
            (
                "node",
                "case $2 in *require*) echo smtp-server 3.1;; *) echo Node.js;; esac",
            ),
            ("postconf", "echo 3.7"),
        )

        def describe(self, scripts: Sequence[tuple[str, str]]) -> str:
            """What is said where these are the only programs."""
            folder = self.mktemp()
            os.mkdir(folder)
            for name, script in scripts:
                path = Path(folder, name)
                path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
                path.chmod(0o700)
            self.patch(programs, "_PROGRAMS", folder)
            self.patch(programs, "UNPACKED", "")
            self.patch(os, "environ", {"PATH": folder})
            return describeMachine()

        def test_openSSL(self) -> None:
            """Python's OpenSSL and that of pyOpenSSL are told apart."""
            found = re.findall(r"(\S+ \S+) with (\S+ \S+?)(?:,|$)", self.describe(()))
            theirs = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii")
            python, other = found
            self.assertIn(python[1], ssl.OPENSSL_VERSION)
            self.assertIn(other[1], theirs)
            self.assertEqual("Python", python[0].split()[0])
            self.assertEqual("pyOpenSSL", other[0].split()[0])

        def test_programs(self) -> None:
            """The programs are named with what they say of themselves."""
            text = self.describe(self.SCRIPTS)
            self.assertTrue(
                text.endswith(", Node.js, smtp-server 3.1, Postfix 3.7"), text
            )

        def test_noAnswer(self) -> None:
            """What is not there, or cannot be asked, is not named."""
            broken = [(name, "echo no; exit 1") for name, _ in self.SCRIPTS]
            self.assertEqual(self.describe(()), self.describe(broken))

    class WorkloadTests(SynchronousTestCase):
        """How much there is in a round."""

        def test_count(self) -> None:
            """Messages are as many as asked for; 2,000 sessions stay 2,000."""
            rows = {each.name: each for each in WORKLOADS}
            for name, messages, isSmoke, count in (
                ("kept", None, False, 4000),
                ("kept", None, True, 3),
                ("kept", 7, False, 7),
                ("kept", 7, True, 7),
                ("starttls", 1, False, 300),
                ("idle", 7, False, 2000),
                ("slow", 7, False, 64),
                ("slow", 7, True, 2),
            ):
                found = rows[name].countOf(messages, isSmoke)
                self.assertEqual(count, found, f"{name}, {messages}")

        def test_sessions(self) -> None:
            """A line has as many sessions at a point as the point says."""
            [line] = [each for each in GROWTHS if each.name == "sessions"]
            for point in line.points:
                for isSmoke in (False, True):
                    workload = line.makeWorkload(point)
                    self.assertEqual(point, workload.countOf(3, isSmoke))

    class NameTests(SynchronousTestCase):
        """The names in tables; a wrong one would leave out its row in silence."""

        def test_targets(self) -> None:
            """A target is about servers that its workload is measured on."""
            rows = {each.name: each for each in WORKLOADS}
            for target in TARGETS:
                workload = rows[target.workload]
                servers = {
                    each.name for each in workload.servers if workload.tls in each.tls
                }
                self.assertIn(target.server, servers, repr(target))
                self.assertIn(target.peer, {None, *servers}, repr(target))

        def test_growths(self) -> None:
            """A line of growth is drawn for servers that there are."""
            for growth in GROWTHS:
                for name in growth.servers:
                    self.assertIn(name, [each.name for each in SERVERS], growth.name)

    class PlotTests(SynchronousTestCase):
        """The drawings."""

        def test_colours(self) -> None:
            """No two servers have the same colour, on either ground."""
            measured = {each: [Measurement(0.001, 1000, 0)] for each in SERVERS}
            drawing = drawBars([(WORKLOADS[0], measured)])
            for pattern in (r'class="(fill\d+)"', r"\.(fill\d+) \{"):
                found = re.findall(pattern, drawing)
                self.assertLessEqual(len(SERVERS), len(set(found)))
            for ground in zip(*COLOURS, strict=True):
                self.assertEqual(len(COLOURS), len(set(ground)))

        def test_bars(self) -> None:
            """The dearest server has the longest bar, and another its part of that."""
            cpus = {OURS: 0.001, OTHER: 0.004}
            measured = {each: [Measurement(cpus[each], 1, 0)] for each in cpus}
            drawing = drawBars([(WORKLOADS[0], measured)])
            mine, other = map(float, re.findall(r'<rect .* width="([\d.]+)"', drawing))
            self.assertEqual(4 * mine, other)

        def test_lines(self) -> None:
            """What grows in proportion is drawn as a straight line."""
            line = [(point, 0.002 * point) for point in (1, 10, 100)]
            drawing = drawLines(GROWTHS[1], {OURS: line})
            marks = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawing)
            (x1, y1), (x2, y2), (x3, y3) = [(float(x), float(y)) for x, y in marks]
            self.assertAlmostEqual((x1 + x3) / 2, x2, delta=0.1)
            self.assertAlmostEqual((y1 + y3) / 2, y2, delta=0.1)
            self.assertGreater(y1, y3)

    class TableTests(SynchronousTestCase):
        """A table in the manual."""

        def test_columns(self) -> None:
            """Names stand to the left and figures to the right."""
            table = formatTable(("server", "ms"), [("a", "1.5"), ("abcdefgh", "12.5")])
            self.assertEqual(
                [
                    "========  ====",
                    "server      ms",
                    "========  ====",
                    "a          1.5",
                    "abcdefgh  12.5",
                    "========  ====",
                ],
                table.split("\n"),
            )
