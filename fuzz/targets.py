"""
What is fuzzed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from fuzz import commandlines, dialogues, logins, messages, proxyheaders

#: A folder for each target, with a file for each input.
CORPUS = Path(__file__).parent / "corpus"


@frozen
class Target:
    """
    @ivar name: on the command line, and of its folder in the corpus
    @ivar fuzz: takes one input, and raises where something is wrong
    @ivar size: how many octets an input has at the most
    """

    name: str
    fuzz: Callable[[bytes], None]
    size: int

    @property
    def corpus(self) -> Path:
        """The folder with what it begins from, and with what was once found."""
        return CORPUS / self.name

    def inputs(self) -> list[Path]:
        """The files of that."""
        return sorted(self.corpus.iterdir())


TARGETS = {
    each.name: each
    for each in (
        Target("commands", commandlines.fuzz, 1200),
        Target("dots", messages.fuzzDots, 400),
        Target("chunks", messages.fuzzChunks, 400),
        Target("line-ends", messages.fuzzLineEnds, 400),
        Target("proxy", proxyheaders.fuzz, 5000),
        Target("sasl", logins.fuzz, 2000),
        Target("dialogue", dialogues.fuzz, 4000),
    )
}
