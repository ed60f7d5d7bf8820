# -*- test-case-name: tests.test_options -*-
"""
What a server is told: one frozen object, passed along and never copied apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from smtpsession.extensions import BUILT_IN
from smtpsession.offers import Extension
from smtpsession.rules import Rule
from smtpsession.settings import Settings


@frozen(kw_only=True)
class ServerOptions(Settings):
    """
    The settings of a server, and what it may offer.

    @ivar extensions: what EHLO and LHLO may offer
    @ivar verbs: the commands that these bring, each with its extension
    @ivar stateful: the keywords of those that keep something about a session
    """

    extensions: tuple[Extension, ...] = field(default=BUILT_IN, converter=tuple)
    verbs: Mapping[str, tuple[Extension, Rule]] = field(
        init=False, eq=False, repr=False
    )

    stateful: frozenset[str] = field(init=False, eq=False, repr=False)

    @stateful.default
    def _extensionsWithState(self) -> frozenset[str]:
        return frozenset(each.keyword for each in self.extensions if each.newState)

    @verbs.default
    def _verbsOfExtensions(self) -> Mapping[str, tuple[Extension, Rule]]:
        return {
            rule.command.verb: (row, rule)
            for row in self.extensions
            for rule in row.verbs
        }
