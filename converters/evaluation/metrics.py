"""The field's figures: exact match, and precision, recall and hmean of quads, with paired bootstrap intervals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from converters.evaluation.datasets import LabelledBox

FloatArray = npt.NDArray[np.float32]

SAME_BOX = 0.5
"""Intersection over union above which two quads are the same text (ICDAR 2015, "Incidental Scene Text")."""
_INSIDE_IGNORED = 0.5


def normalise(text: str) -> str:
    """Text as it is compared: NFKC, no spaces, lower case. Labels disagree on all three."""
    bare = "".join(unicodedata.normalize("NFKC", text).split()).lower()
    # Once more: without the space that carried it, an accent joins the letter before it.
    return unicodedata.normalize("NFKC", bare)


def same_text(first: str, second: str) -> bool:
    """Whether two readings count as equal."""
    return normalise(first) == normalise(second)


@dataclass(frozen=True)
class PageCounts:
    """What was found on one page.

    Attributes:
        found: labelled boxes that a detected quad matches.
        read: those of them whose text is equal, too.
        labelled: boxes to be found.
        detected: quads that count (not inside an ignored box).
    """

    found: int
    read: int
    labelled: int
    detected: int

    def row(self) -> tuple[int, int, int, int]:
        """As numbers, in the order above."""
        return self.found, self.read, self.labelled, self.detected


def count_matches(quads: Sequence[FloatArray], texts: Sequence[str], labels: Sequence[LabelledBox]) -> PageCounts:
    """Match detected quads with labels, one to one, at intersection over union above one half.

    Args:
        quads: (4, 2) float32 each, in page pixels.
        texts: what was read in each.
        labels: the truth of the same page.
    """
    ignored = [label.box for label in labels if label.ignore]
    wanted = [label for label in labels if not label.ignore]
    free = [
        index
        for index, quad in enumerate(quads)
        if not any(_intersection(quad, box) > _INSIDE_IGNORED * max(cv2.contourArea(quad), 1e-6) for box in ignored)
    ]
    detected, found, read = len(free), 0, 0
    for label in wanted:
        match = next((index for index in free if iou(label.box, quads[index]) > SAME_BOX), None)
        if match is not None:
            free.remove(match)
            found += 1
            read += same_text(texts[match], label.text)
    return PageCounts(found, read, len(wanted), detected)


def iou(first: FloatArray, second: FloatArray) -> float:
    """Intersection over union of two convex quads, 0 to 1."""
    common = _intersection(first, second)
    return common / (cv2.contourArea(first) + cv2.contourArea(second) - common + 1e-9)


def _intersection(first: FloatArray, second: FloatArray) -> float:
    apart = (first.max(0) < second.min(0)) | (second.max(0) < first.min(0))
    if apart.any():
        return 0.0
    area, _ = cv2.intersectConvexConvex(cv2.convexHull(first), cv2.convexHull(second))
    return float(area)


def hmean(counts: npt.NDArray[np.float64], *, of: str = "found") -> float:
    """Harmonic mean of precision and recall over pages, in percent.

    Args:
        counts: (pages, 4), rows as `PageCounts.row`.
        of: "found" for detection, "read" for end to end.
    """
    hits = counts[:, 0 if of == "found" else 1].sum()
    return float(200 * hits / max(counts[:, 2].sum() + counts[:, 3].sum(), 1))


@dataclass(frozen=True)
class Delta:
    """A difference between two readings of the same pictures, in points, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def paired_bootstrap(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    figure: Callable[[npt.NDArray[np.float64]], float],
    *,
    repeats: int = 1000,
) -> Delta:
    """`figure(second) - figure(first)`, and how far it moves when the pictures are drawn again with replacement.

    Both readings keep the same pictures in every draw, so what is hard for both cancels out.

    Args:
        first: (pictures, ...) counts of one reading.
        second: the same pictures, the other reading.
        figure: from such an array to a number.
        repeats: draws.
    """
    chooser = np.random.default_rng(0)
    draws = []
    for _ in range(repeats):
        chosen = chooser.integers(0, len(first), len(first))
        draws.append(figure(second[chosen]) - figure(first[chosen]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return Delta(figure(second) - figure(first), float(low), float(high))
