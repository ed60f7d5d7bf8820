"""
Fuzz whatever reads a client's octets::

    python -m fuzz                           # each target, for 10 seconds
    python -m fuzz dialogue --seconds 3600 --keep found
    python -m fuzz --replay                  # the corpus only; needs no atheris
    python -m fuzz dialogue --replay found/dialogue/crash-1234
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.targets import TARGETS, Target


def main() -> int:
    """The exit status is not 0 where something was found."""
    arguments = _parser().parse_args()
    targets = [TARGETS[name] for name in arguments.target or TARGETS]
    if arguments.replay is not None:
        for each in targets:
            _replay(each, arguments.replay or each.inputs())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder)
        return max(_fuzz(each, arguments.seconds, keep / each.name) for each in targets)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", nargs="*", type=_name, help=f"of {', '.join(TARGETS)}; all of them"
    )
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--keep", type=Path, help="a folder for what is found")
    parser.add_argument(
        "--replay",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="try these inputs, or those of the corpus, and look for no others",
    )
    return parser


def _name(text: str) -> str:
    if text not in TARGETS:
        raise argparse.ArgumentTypeError(f"not a target: {text}")
    return text


def _replay(target: Target, inputs: list[Path]) -> None:
    for each in inputs:
        target.fuzz(each.read_bytes())
    print(f"{target.name}: {len(inputs)} inputs")


def _fuzz(target: Target, seconds: int, folder: Path) -> int:
    print(f"\n== {target.name}", flush=True)
    module = [sys.executable, "-m", "fuzz.inside"]
    done = subprocess.run(
        [*module, target.name, str(seconds), str(folder)], check=False
    )
    # A signal counts as well.
    return abs(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
