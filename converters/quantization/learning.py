"""What passes between quantising and learning; it needs no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.errors import ConversionError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LearningSettings:
    """How long and how fast a model learns; a recipe's entry `learning`.

    Attributes:
        pictures: so many inputs are learned from, at most.
        steps: batches.
        batch: inputs 320 pixels wide in a batch; of narrower ones it takes more.
        weight_rate: of Adam, for weights in units of their channel's root mean square.
        range_rate: likewise for the ends of ranges, in units of the larger end.
        seed: of the order of the batches.
    """

    pictures: int
    steps: int
    batch: int = 16
    weight_rate: float = 1.5e-4
    range_rate: float = 5e-4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("pictures", "steps", "batch"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConversionError(f"recipe: learning: {name} is {value!r}; give a whole number from 1")
        for name in ("weight_rate", "range_rate"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 < value < 1:
                raise ConversionError(f"recipe: learning: {name} is {value!r}; give a number between 0 and 1")
        if type(self.seed) is not int or self.seed < 0:
            raise ConversionError(f"recipe: learning: seed is {self.seed!r}; give a whole number from 0")


@dataclass(frozen=True)
class Lesson:
    """What a model learns from.

    Attributes:
        settings: from the recipe.
        inputs: (1, H, W, C) float32 each, normalised as the model expects; nobody labelled them.
        meaning: of the output, as in a manifest.
        state: file that a stopped run goes on from.
        progress: called after each step.
    """

    settings: LearningSettings
    inputs: Sequence[FloatArray]
    meaning: str
    state: Path
    progress: Callable[[], object]
