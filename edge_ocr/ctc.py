"""Greedy decoding of CTC output.

Graves et al., Connectionist Temporal Classification, ICML 2006; the score is that of PaddleOCR's
ppocr/postprocess/rec_postprocess.py (CTCLabelDecode): the mean probability of the characters kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_ocr.engines.base import Array


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


def softmax_of_best(logits: Array) -> Array:
    """(n, classes) float32 logits -> (n,) probability of each row's best class."""
    return 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
