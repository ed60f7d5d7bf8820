# -*- test-case-name: tests.test_options -*-
"""
What a server is told: one frozen object, passed along and never copied apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from attrs import field, frozen

from smtpsession.extensions import BUILT_IN
from smtpsession.offers import Extension
from smtpsession.parameters import isKeyword
from smtpsession.rules import Rule
from smtpsession.settings import Settings
from smtpsession.verbs import RULES


@frozen(kw_only=True)
class ServerOptions(Settings):
    """
    The settings of a server, and what it may offer.

    @ivar extensions: what EHLO and LHLO may offer
    @ivar verbs: the commands that these bring, each with its extension

    @raise ValueError: two extensions have the same keyword or bring the same verb, or
        one brings a verb of the protocol, or what should be in upper case is not; or
        the settings ask for what the extensions do not offer
    """

    extensions: tuple[Extension, ...] = field(default=BUILT_IN, converter=tuple)
    verbs: Mapping[str, tuple[Extension, Rule]] = field(
        init=False, eq=False, repr=False
    )

    @extensions.validator
    def _areOfOneMind(self, attribute: object, value: tuple[Extension, ...]) -> None:
        keywords = [row.keyword for row in value]
        verbs = [rule.command.verb for row in value for rule in row.verbs]
        parameters = [each.keyword for row in value for each in row.mailParameters]
        parameters += [each.keyword for row in value for each in row.rcptParameters]
        for word in (*keywords, *verbs, *parameters):
            if not isKeyword(word):
                raise ValueError(f"not a keyword in upper case: {word!r}")
        core = [verb for rules in RULES.values() for verb in rules]
        for words in (keywords, [*verbs, *dict.fromkeys(core)]):
            for word, count in Counter(words).items():
                if count > 1:
                    raise ValueError(f"{word} has two meanings")

    def __attrs_post_init__(self) -> None:
        keywords = {each.keyword for each in self.extensions}
        wanted = {
            "STARTTLS": self.tls in ("starttls", "required"),
            "AUTH": self.auth != "none",
            "XCLIENT": bool(self.xclient),
            "XFORWARD": bool(self.xforward),
        }
        for keyword, isWanted in wanted.items():
            if isWanted and keyword not in keywords:
                raise ValueError(f"{keyword} is wanted, and is none of the extensions")
        if self.auth != "none" and not self.mechanisms:
            raise ValueError("AUTH is wanted, and there is no mechanism for it")

    @verbs.default
    def _verbsOfExtensions(self) -> Mapping[str, tuple[Extension, Rule]]:
        return {
            rule.command.verb: (row, rule)
            for row in self.extensions
            for rule in row.verbs
        }
