"""
The corpus of the fuzzer, which holds what was once found.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

# It is no part of the package.
if (Path(__file__).parent.parent / "fuzz").exists():
    from fuzz.targets import CORPUS, TARGETS
else:
    TARGETS = {}


class CorpusTests(SynchronousTestCase):
    """What is fuzzed."""

    def test_inputs(self) -> None:
        """Nothing is wrong with any input that is kept."""
        for target in TARGETS.values():
            for path in target.inputs():
                try:
                    target.fuzz(path.read_bytes())
                except Exception as error:
                    self.fail(f"{path}: {error!r}")

    def test_folders(self) -> None:
        """Each target has inputs to begin from, and each folder is some target's."""
        if TARGETS:
            folders = {path.name for path in CORPUS.iterdir()}
            self.assertEqual(folders, set(TARGETS))
            self.assertTrue(all(each.inputs() for each in TARGETS.values()))
