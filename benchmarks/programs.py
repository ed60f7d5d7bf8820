"""
Programs of other authors: where they are, and what they need to run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

#: Where Debian's packages are unpacked that nobody would install for a benchmark.
UNPACKED = os.environ.get("SMTPSESSION_PROGRAMS", "")

#: Where Postfix keeps its programs and its libraries, under the root or the above.
_PROGRAMS, _LIBRARIES = "/usr/sbin", "/usr/lib/postfix"


def find(name: str) -> str | None:
    """The path of a program, the unpacked one first."""
    places = [UNPACKED + _PROGRAMS] if UNPACKED else []
    places += [os.environ.get("PATH", os.defpath), _PROGRAMS]
    return shutil.which(name, path=os.pathsep.join(places))


def environment() -> Mapping[str, str]:
    """This process's, and where an unpacked program finds its libraries."""
    if not UNPACKED:
        return os.environ
    return {**os.environ, "LD_LIBRARY_PATH": UNPACKED + _LIBRARIES}
