"""What the commands check of their arguments."""

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
