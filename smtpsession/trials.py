# -*- test-case-name: tests.test_check -*-
"""
What can be known of a configuration before it is used: whether the files and folders
that it names can be had, and whether it does what is likely to be meant.

Nothing is made, and so the rights are those of whoever looks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which

from attrs import evolve

from smtpsession.assembly import SYSTEMD
from smtpsession.config import LISTEN, Config
from smtpsession.goals import CommandTable, MaildirTable
from smtpsession.problems import DESTINATION, Bench, Problem

#: In an endpoint: the system chooses the port, and gives each its own.
_ANY_PORT = re.compile(r":(port=)?0(:|$)")

_FILE = "a file that can be written"
_FOLDER = "a folder that can be written, or made"


def problemsOf(config: Config, folder: Path) -> list[Problem]:
    """
    What could not be had if the service started now.

    @param folder: what relative paths are relative to
    """
    bench = Bench(config, config.problems)
    for steps, path in (
        (("events",), config.events),
        (("log", "file"), config.log.file),
    ):
        if path is not None:
            bench.make(steps, _FILE, _demandFile, path)
    endpoints = [listener.endpoint for listener in config.listener]
    for place, endpoint in enumerate(endpoints):
        own = bench.within("listener", place)
        mine = "an endpoint of its own"
        own.make(("endpoint",), mine, _demandNew, endpoint, endpoints[:place])
    for place, route in enumerate(config.route):
        own, goal = bench.within("route", place, DESTINATION), route.destination
        if isinstance(goal, MaildirTable):
            own.make(("path",), _FOLDER, _demandFolder, _fixed(folder, goal.path))
        elif isinstance(goal, CommandTable):
            program = "a program that can be run"
            own.make(("command",), program, _demandProgram, goal)
    return bench.problems


def standIn(config: Config) -> Config:
    """The same with another endpoint where only systemd could have opened that."""
    return evolve(
        config,
        listener=tuple(
            evolve(each, endpoint=LISTEN) if each.endpoint.startswith(SYSTEMD) else each
            for each in config.listener
        ),
    )


def hintsFor(config: Config) -> Iterator[str]:
    """What is allowed, and is seldom meant or not tried, each in a sentence."""
    for place, listener in enumerate(config.listener):
        if listener.endpoint.startswith(SYSTEMD):
            yield f"listener[{place}].endpoint is not tried, for it is for systemd"
    if not config.route:
        yield "there is no route, so every recipient is refused"
    isOpen = any(each.auth != "none" for each in config.listener)
    for place, route in enumerate(config.route):
        if route.authenticated and not isOpen:
            yield f"route[{place}] is never used, for nobody can log in"
        for before, other in enumerate(config.route[:place]):
            isWider = "*" in other.recipients or other.recipients == route.recipients
            if isWider and other.authenticated <= route.authenticated:
                yield f"route[{place}] is never used, for route[{before}] has it all"
                break


def _fixed(folder: Path, path: str) -> Path:
    """The part of a path that is the same for all recipients."""
    whole = str(folder / path)
    return Path(whole.partition("{")[0] + "x").parent if "{" in whole else Path(whole)


def _demandNew(endpoint: str, others: Sequence[str]) -> None:
    if endpoint in others and _ANY_PORT.search(endpoint) is None:
        raise ValueError(f"listener[{others.index(endpoint)}] has it")


def _demandFile(path: Path) -> None:
    if path.is_dir():
        raise ValueError("it is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError("it is not allowed")


def _demandFolder(path: Path) -> None:
    there = next(each for each in (path, *path.parents) if each.exists())
    if not there.is_dir():
        raise ValueError(f"{there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"nothing can be written to {there}")


def _demandProgram(table: CommandTable) -> None:
    program, directory = table.command[0], table.directory
    if directory is not None and not directory.is_dir():
        raise ValueError(f"there is no folder {directory}")
    if directory is not None and "/" in program:
        program = str(directory / program)
    if which(program) is None:
        raise ValueError("there is no such program")
