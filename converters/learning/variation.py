"""The same pictures in another light: as nobody has to label them, more kinds cost nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_SHARE = 0.5
"""Of the inputs, so many are varied; the others stay as they are."""
_INVERTED = 0.3
"""Of those, so many get light text on a dark ground, or the other way round."""
_CONTRAST = (0.3, 1.1)
_TINT = 0.15
"""Standard deviation of what a colour channel gains; inputs go from about -1 to 1."""
_NOISE = 0.08
"""Largest standard deviation of the noise of single pixels."""


def varied(batch: FloatArray, chooser: np.random.Generator) -> FloatArray:
    """A batch in which some inputs have another contrast, another tint, more noise, or are inverted.

    Args:
        batch: (batch, height, width, 3) float32; columns of zeros are padding and stay so.
        chooser: draws what is done.

    Returns:
        A new array of the same shape.
    """
    result, lowest, highest = batch.copy(), batch.min(), batch.max()
    for picture in result:
        if chooser.random() >= _SHARE:
            continue
        padding = ~picture.any(axis=(0, 2))
        sign = -1 if chooser.random() < _INVERTED else 1
        picture *= sign * chooser.uniform(*_CONTRAST)
        picture += chooser.normal(0, _TINT, 3).astype(np.float32)
        picture += chooser.normal(0, chooser.uniform(0, _NOISE), picture.shape).astype(np.float32)
        np.clip(picture, lowest, highest, out=picture)
        picture[:, padding] = 0
    return result
