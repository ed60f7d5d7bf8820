# -*- test-case-name: tests.test_check -*-
"""
Everything that can be wrong with a configuration, said at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve

from smtpsession.assembly import assemble
from smtpsession.config import Config
from smtpsession.configfile import Misread, load
from smtpsession.trials import problemsOf, standIn


def examine(file: Path, reactor: Any) -> Config:
    """
    Read a configuration that is to be used.  Where something in it cannot be read, try
    nevertheless what the rest asks for; otherwise, who uses it will.

    @raise ConfigError: with all that is wrong
    """
    try:
        return load(file)
    except Misread as error:
        assemble(error.config, file.absolute().parent, reactor)
        raise


def examineWhole(file: Path, reactor: Any) -> Config:
    """
    Read a configuration, and try all that it asks for, but start nothing.

    @raise ConfigError: with all that is wrong
    """
    folder = file.absolute().parent
    try:
        config = load(file)
    except Misread as error:
        config = error.config
    config = evolve(config, problems=tuple(problemsOf(config, folder)))
    assemble(standIn(config), folder, reactor)
    return config
