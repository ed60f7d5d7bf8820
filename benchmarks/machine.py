"""
The machine and the software that the figures belong to.
"""

from __future__ import annotations

import os
import platform
import re
import ssl
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import run

from OpenSSL import SSL

from benchmarks.programs import environment, find

_NODE = "`Node.js ${process.version} with OpenSSL ${process.versions.openssl}`"
_SERVER = "'smtp-server ' + require('smtp-server/package.json').version"


def describeMachine() -> str:
    """
    One line, without what identifies the machine.

    What brings an OpenSSL of its own is named with it: these are not the same.
    """
    return ", ".join(
        [
            f"{_processor()} ({len(os.sched_getaffinity(0))} cores{_virtual()})",
            f"Linux {platform.release()}",
            f"Python {platform.python_version()} with {_short(ssl.OPENSSL_VERSION)}",
            *_distribution("Twisted"),
            *(f"{each} with {_openSSL()}" for each in _distribution("pyOpenSSL")),
            *_distribution("aiosmtpd"),
            *_ask("node", "-p", _NODE),
            *_ask("node", "-p", _SERVER),
            *(f"Postfix {each}" for each in _ask("postconf", "-dh", "mail_version")),
        ]
    )


def _processor() -> str:
    match = re.search(r"^model name\s*: (.*)$", _processors(), re.MULTILINE)
    return match.group(1) if match else platform.machine()


def _virtual() -> str:
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", _processors(), re.MULTILINE)
    return " of a virtual machine" if flags else ""


def _processors() -> str:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8")


def _short(openSSL: str) -> str:
    """Name and version, without the date."""
    return " ".join(openSSL.split()[:2])


def _openSSL() -> str:
    return _short(SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii"))


def _distribution(name: str) -> Sequence[str]:
    """Its name and version, if it is installed."""
    try:
        return [f"{name} {version(name)}"]
    except PackageNotFoundError:
        return []


def _ask(name: str, *arguments: str) -> Sequence[str]:
    """What a program says, if it is there and has an answer."""
    path = find(name)
    if path is None:
        return []
    told = run(
        [path, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return [told.stdout.strip()] if told.returncode == 0 else []
