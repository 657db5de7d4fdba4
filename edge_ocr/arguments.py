"""What the commands share of their arguments: checks, and options that several of them have."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`, as argparse's `type`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got '{text}'")
        return int(text)

    return parse


def wholes(low: int, high: int) -> Callable[[str], tuple[int, ...]]:
    """Whole numbers from `low` to `high` with commas between them, each of them once, as argparse's `type`."""
    one = whole(low, high)
    return lambda text: tuple(dict.fromkeys(one(part) for part in text.split(",")))


def add_repetitions(parser: argparse._ActionsContainer) -> None:
    """The options of a benchmark that say how often things are done."""
    parser.add_argument(
        "--repeats", type=whole(1, 100_000), default=20, metavar="N", help="readings of each picture (default: 20)"
    )
    parser.add_argument(
        "--warm-up", type=whole(0, 100_000), default=3, metavar="N", help="pages read before that (default: 3)"
    )
    parser.add_argument(
        "--cold-starts",
        type=whole(0, 1000),
        default=5,
        metavar="N",
        help="processes started to see how long the first text takes; 0: do not measure it (default: 5)",
    )
