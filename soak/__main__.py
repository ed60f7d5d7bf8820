"""
Put the service under more load than it should ever see::

    python -m soak                       # 5,000 idle sessions, 100,000 messages
    python -m soak --sessions 1000 --messages 10000
    python -m soak attacks               # what attacks cost
    python -m soak --smoke               # both, for seconds

The exit status is 1 where something that is promised does not hold, and 2 where too few
descriptors are allowed to see that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.machine import describeMachine
from benchmarks.tables import formatTable
from soak.attacks import ATTACKS
from soak.costs import Attack, Cost, measure
from soak.costs import judge as judgeCost
from soak.descriptors import DescriptorsError
from soak.load import soak
from soak.promises import Observation, figures, judge


def main() -> int:
    """The exit status."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except DescriptorsError as error:
        parser.error(str(error))


def _run(arguments: argparse.Namespace) -> int:
    print(describeMachine(), end="\n\n")
    isGood = True
    if arguments.what == "load" or arguments.smoke:
        few = arguments.smoke
        isGood = _tell(
            soak(100 if few else arguments.sessions, 500 if few else arguments.messages)
        )
    if arguments.what == "attacks" or arguments.smoke:
        costs = [_measured(each, arguments.smoke) for each in ATTACKS]
        isGood = _compare(costs) and isGood
    return 0 if isGood else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what", nargs="?", choices=("load", "attacks"), default="load", help="which"
    )
    parser.add_argument("--sessions", type=int, default=5000, help="that do nothing")
    parser.add_argument("--messages", type=int, default=100_000, help="that are sent")
    parser.add_argument("--smoke", action="store_true", help="whether it works")
    return parser


def _tell(seen: Observation) -> bool:
    promises = judge(seen)
    rows = [
        (each.what, each.seen, "kept" if each.isKept else "BROKEN") for each in promises
    ]
    print(formatTable(("promise", "seen", ""), rows), end="\n\n")
    print(formatTable(("figure", "measured"), figures(seen)), end="\n\n")
    return all(each.isKept for each in promises)


def _measured(attack: Attack, isSmoke: bool) -> tuple[Attack, int, Cost]:
    print(f"{attack.name} ...", file=sys.stderr)
    amount = attack.few if isSmoke else attack.amount
    return attack, amount, measure(attack, amount)


def _compare(costs: Sequence[tuple[Attack, int, Cost]]) -> bool:
    rows = []
    isGood = True
    for attack, amount, cost in costs:
        wrong = judgeCost(attack, cost)
        isGood = isGood and not wrong
        rows.append(
            (
                attack.name,
                f"{amount:,} {attack.unit}",
                f"{cost.cpu:.2f}",
                f"{attack.cpu:g}",
                f"{cost.memory:.1f}",
                f"{attack.memory:g}",
                "PASSED: " + ", ".join(wrong) if wrong else "within",
            )
        )
    header = ("attack", "of", "CPU, s", "bound", "memory, MiB", "bound", "")
    print(formatTable(header, rows), end="\n\n")
    for attack, _, cost in costs:
        print(f"{attack.name}: {cost.seconds:.1f} s, {cost.answer}", *cost.faults[:1])
    return isGood


if __name__ == "__main__":
    sys.exit(main())
