"""Small draws from a `numpy.random.Generator`, so that every choice comes from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Random = np.random.Generator
T = TypeVar("T")


def pick(random: Random, choices: Sequence[T]) -> T:
    """One of `choices`, all equally likely."""
    return choices[int(random.integers(len(choices)))]


def chance(random: Random, probability: float) -> bool:
    """True with the given probability."""
    return bool(random.random() < probability)


def whole(random: Random, low: int, high: int) -> int:
    """An integer from `low` to `high`, both included."""
    return int(random.integers(low, high + 1))


def between(random: Random, low: float, high: float) -> float:
    """A number from `low` to `high`, all equally likely."""
    return float(random.uniform(low, high))
