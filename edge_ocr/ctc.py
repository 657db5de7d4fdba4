"""Greedy decoding of CTC output.

Graves et al., Connectionist Temporal Classification, ICML 2006; the score is that of PaddleOCR's
ppocr/postprocess/rec_postprocess.py (CTCLabelDecode): the mean probability of the characters kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr.engines.base import Array, TensorType


@dataclass(frozen=True)
class Path:
    """The characters that a best path comes to.

    Attributes:
        classes: (n,) class of each character.
        first: (n,) first frame of each character's run.
        last: (n,) its last frame.
    """

    classes: Array
    first: Array
    last: Array


def best_path(frames: Array, blank: int) -> Path:
    """Take the best class of every frame, merge equal neighbours, drop blanks.

    Args:
        frames: (frames, classes), logits or probabilities, of any dtype: only their order counts.
        blank: class of the blank.
    """
    best = frames.argmax(axis=1)
    changes = np.flatnonzero(best[1:] != best[:-1])
    starts, ends = np.append(0, changes + 1), np.append(changes, len(best) - 1)
    kept = best[starts] != blank
    return Path(best[starts[kept]], starts[kept], ends[kept])


def probability_of_best(logits: Array, kind: TensorType) -> npt.NDArray[np.float32]:
    """The probability of each frame's best class, by softmax.

    A charset has thousands of classes but an 8-bit logit only 256 values, so these are what the exponential is
    worked out for; a frame's are then looked up and summed.

    Args:
        logits: (n, classes), the network's own numbers.
        kind: what they stand for.

    Returns:
        (n,), above 0 and up to 1.
    """
    if kind.dtype.itemsize > 1:
        values = kind.decode(logits)
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers.max(axis=1) / powers.sum(axis=1)
    numbers = np.arange(256, dtype=np.uint8)
    values = kind.decode(numbers.view(kind.dtype)).astype(np.float64)
    table = np.exp(values - values.max())
    if not len(logits):  # which OpenCV refuses
        return np.empty(0, np.float32)
    best = table[logits.max(axis=1).view(np.uint8)]
    sums = cv2.LUT(logits.view(np.uint8), table[None]).sum(axis=1)
    return (best / sums).astype(np.float32)
