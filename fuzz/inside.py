"""
One target under libFuzzer, which ends the process that it runs in::

    python -m fuzz.inside dialogue 60 found
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["smtpsession"]):
    from fuzz.targets import TARGETS

#: An input that takes longer, in seconds, or more memory, in MiB, is a finding.
TIMEOUT, MEMORY = 10, 1024


def main(name: str, seconds: str, folder: str) -> None:
    """
    @param folder: for new inputs, and for what was found
    """
    target = TARGETS[name]
    Path(folder).mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.size}",
        f"-timeout={TIMEOUT}",
        f"-rss_limit_mb={MEMORY}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    # New inputs go to the first of the folders.
    folders = [folder, str(target.corpus)]
    atheris.Setup([sys.argv[0], *options, *folders], target.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
