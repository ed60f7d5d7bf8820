# -*- test-case-name: tests.test_check -*-
"""
Everything that can be wrong with a configuration, said at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from smtpsession.assembly import assemble
from smtpsession.config import Config
from smtpsession.configfile import Misread, load
from smtpsession.trials import problemsOf, standIn


def examine(file: Path, reactor: Any, checkers: Sequence[str] = ()) -> Config:
    """
    Read a configuration that is to be used, and look whether the files and folders that
    it names can be had.  Whether the rest can be made is for who uses it, unless
    something is wrong already: then all of it is to be said.

    @param checkers: more of them, besides those in the file
    @raise ConfigError: with all that is wrong
    """
    folder = file.absolute().parent
    config = _read(file, checkers)
    if config.problems:
        assemble(config, folder, reactor)
    return config


def examineWhole(file: Path, reactor: Any) -> Config:
    """
    Read a configuration, and try all that it asks for, but start nothing.

    @raise ConfigError: with all that is wrong
    """
    config = _read(file)
    assemble(standIn(config), file.absolute().parent, reactor)
    return config


def _read(file: Path, checkers: Sequence[str] = ()) -> Config:
    """The configuration, with all that can be known to be wrong before it is used."""
    try:
        config = load(file)
    except Misread as error:
        config = error.config
    auth = evolve(config.auth, checkers=(*config.auth.checkers, *checkers))
    config = evolve(config, auth=auth)
    problems = problemsOf(config, file.absolute().parent)
    return evolve(config, problems=tuple(problems))
