"""The field's figures: exact match, and precision, recall and hmean of quads, with paired bootstrap intervals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from converters.evaluation.labels import LabelledBox

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


def edit_distance(first: str, second: str) -> int:
    """Fewest characters to insert, delete or replace that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(second) + 1))  # distances of the empty text from every beginning of `second`
    for done, character in enumerate(first, start=1):
        diagonal, row[0] = row[0], done
        for column, other in enumerate(second, start=1):
            replaced = diagonal + (character != other)
            diagonal = row[column]
            row[column] = min(replaced, diagonal + 1, row[column - 1] + 1)
    return row[-1]


def character_errors(text: str, label: str) -> tuple[int, int]:
    """Edits between a reading and its label, and the characters of the label; of both as `normalise` gives them."""
    read, true = normalise(text), normalise(label)
    return edit_distance(read, true), len(true)


def character_error_rate(counts: npt.NDArray[np.float64]) -> float:
    """Edits per character of the labels, in percent; above 100 where more is made up than was there.

    Summed over the lines before the division, as ISRI's accuracy is (Rice, "Measuring the Accuracy of Page-Reading
    Systems", 1996), so that a long line counts for more than a short one.

    Args:
        counts: (lines, 2), rows as `character_errors`.
    """
    edits, characters = counts.sum(axis=0)
    return float(100 * edits / max(characters, 1))


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
    found, read, labelled, detected = counts.sum(axis=0)
    return float(200 * (found if of == "found" else read) / max(labelled + detected, 1))


def precision(counts: npt.NDArray[np.float64], *, of: str = "found") -> float:
    """Percentage of the detected quads that match a label; see `hmean` for the arguments."""
    found, read, _, detected = counts.sum(axis=0)
    return float(100 * (found if of == "found" else read) / max(detected, 1))


def recall(counts: npt.NDArray[np.float64], *, of: str = "found") -> float:
    """Percentage of the labels that a detected quad matches; see `hmean` for the arguments."""
    found, read, labelled, _ = counts.sum(axis=0)
    return float(100 * (found if of == "found" else read) / max(labelled, 1))


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Delta(Interval):
    """A difference between two readings of the same pictures, in points."""

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def bootstrap(
    counts: npt.NDArray[np.float64], figure: Callable[[npt.NDArray[np.float64]], float], *, repeats: int = 1000
) -> Interval:
    """`figure(counts)`, and how far it moves when the pictures are drawn again with replacement.

    Args:
        counts: (pictures, ...), what was counted on each.
        figure: from such an array to a number.
        repeats: draws.
    """
    chooser = np.random.default_rng(0)
    draws = [figure(counts[chooser.integers(0, len(counts), len(counts))]) for _ in range(repeats)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Interval(figure(counts), float(low), float(high))


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
    both = np.stack([first, second], axis=1)
    change = bootstrap(both, lambda drawn: figure(drawn[:, 1]) - figure(drawn[:, 0]), repeats=repeats)
    return Delta(change.value, change.low, change.high)
