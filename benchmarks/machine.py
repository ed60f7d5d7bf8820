"""
The machine and the software that the figures belong to.
"""

from __future__ import annotations

import os
import platform
import re
import ssl
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import run

from benchmarks.programs import find

DISTRIBUTIONS = ("Twisted", "pyOpenSSL", "aiosmtpd")


def describeMachine() -> str:
    """One line, without what identifies the machine."""
    return ", ".join(
        [
            f"{_processor()} ({len(os.sched_getaffinity(0))} cores{_virtual()})",
            f"Linux {platform.release()}",
            f"Python {platform.python_version()}",
            ssl.OPENSSL_VERSION.rsplit(" ", 3)[0],
            *_distributions(),
            *_node(),
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


def _distributions() -> list[str]:
    names = []
    for distribution in DISTRIBUTIONS:
        try:
            names.append(f"{distribution} {version(distribution)}")
        except PackageNotFoundError:
            pass
    return names


def _node() -> list[str]:
    node = find("node")
    if node is None:
        return []
    told = run([node, "--version"], capture_output=True, text=True, check=False)
    return [f"Node.js {told.stdout.strip()}"]
