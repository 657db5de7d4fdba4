"""From readings to figures: time, accuracy, agreement. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from comparison.measurement import PagePair
from comparison.sides import Reading
from converters.evaluation.datasets import LabelledBox
from converters.evaluation.metrics import Delta, PageCounts, count_matches, hmean, paired_bootstrap

FloatArray = npt.NDArray[np.float64]

REPEATS = 1000
"""Draws of a bootstrap."""


@dataclass(frozen=True)
class Ratio:
    """edge_ocr / RapidOCR, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Accuracy:
    """An accuracy of both on the same labelled pages.

    Attributes:
        edge_ocr: in percent.
        rapidocr: in percent.
        delta: edge_ocr minus RapidOCR, in points, with its 95 % interval.
    """

    edge_ocr: float
    rapidocr: float
    delta: Delta


@dataclass(frozen=True)
class Figures:
    """What a set of pages says.

    Attributes:
        name: of the set.
        pages: how many.
        milliseconds: a page, of edge_ocr and of RapidOCR, on average.
        time: ratio of the sums of seconds on the clock.
        cpu_time: likewise of CPU seconds, which other programs on the machine disturb less.
        lines: found by edge_ocr and by RapidOCR.
        same_boxes: harmonic mean of how many of each one's boxes the other has, in percent.
        same_text: percentage of the boxes in common that both read alike.
        detection: hmean of boxes; None where no page is labelled.
        end_to_end: hmean of boxes with the right text; likewise.
    """

    name: str
    pages: int
    milliseconds: tuple[float, float]
    time: Ratio
    cpu_time: Ratio
    lines: tuple[int, int]
    same_boxes: float
    same_text: float
    detection: Accuracy | None
    end_to_end: Accuracy | None


def figures(name: str, pairs: Sequence[PagePair]) -> Figures:
    """The figures of at least one page."""
    seconds = _both(pairs, lambda reading: reading.seconds)
    cpu_seconds = _both(pairs, lambda reading: reading.cpu_seconds)
    lines = _both(pairs, lambda reading: len(reading.texts)).sum(axis=0)
    same_boxes, same_text = agreement(pairs)
    milliseconds = 1000 * seconds.mean(axis=0)
    return Figures(
        name,
        len(pairs),
        (float(milliseconds[0]), float(milliseconds[1])),
        ratio_of_sums(seconds),
        ratio_of_sums(cpu_seconds),
        (int(lines[0]), int(lines[1])),
        same_boxes,
        same_text,
        _accuracy(pairs, "found"),
        _accuracy(pairs, "read"),
    )


def _both(pairs: Sequence[PagePair], figure: Callable[[Reading], float]) -> FloatArray:
    return np.array([[figure(pair.edge_ocr), figure(pair.rapidocr)] for pair in pairs], float)


def ratio_of_sums(values: FloatArray) -> Ratio:
    """The first column's sum over the second's, and how far it moves when the pages are drawn again.

    Args:
        values: (pages, 2), positive.
    """
    draws = np.random.default_rng(0).integers(0, len(values), (REPEATS, len(values)))
    first, second = values[draws].sum(axis=1).T
    low, high = np.percentile(first / second, [2.5, 97.5])
    total = values.sum(axis=0)
    return Ratio(float(total[0] / total[1]), float(low), float(high))


def _accuracy(pairs: Sequence[PagePair], of: str) -> Accuracy | None:
    counts = [labelled_counts(pair) for pair in pairs if pair.page.boxes is not None]
    if not counts:
        return None
    edge_ocr, rapidocr = np.array([[count.row() for count in pair] for pair in counts], float).swapaxes(0, 1)

    def figure(rows: FloatArray) -> float:
        return hmean(rows, of=of)

    delta = paired_bootstrap(rapidocr, edge_ocr, figure, repeats=REPEATS)
    return Accuracy(figure(edge_ocr), figure(rapidocr), delta)


def labelled_counts(pair: PagePair) -> tuple[PageCounts, PageCounts]:
    """What edge_ocr and RapidOCR found of a labelled page."""
    labels = pair.page.boxes or ()
    edge_ocr, rapidocr = pair.edge_ocr, pair.rapidocr
    return (
        count_matches(edge_ocr.boxes, edge_ocr.texts, labels),
        count_matches(rapidocr.boxes, rapidocr.texts, labels),
    )


def agreement(pairs: Sequence[PagePair]) -> tuple[float, float]:
    """How alike the two read, in percent: hmean of their boxes, and equal text in the boxes in common."""
    counts = [count_matches(pair.edge_ocr.boxes, pair.edge_ocr.texts, _as_labels(pair.rapidocr)) for pair in pairs]
    rows = np.array([count.row() for count in counts], float)
    found, read = rows[:, :2].sum(axis=0)
    return hmean(rows), float(100 * read / max(found, 1))


def _as_labels(reading: Reading) -> list[LabelledBox]:
    return [LabelledBox(box, text, ignore=False) for box, text in zip(reading.boxes, reading.texts, strict=True)]


def stage_shares(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Percentage of the pages' total that each stage takes, and what no stage accounts for as `rest`.

    Args:
        stages: `Page.timings` of at least one page, in milliseconds.
    """
    names = dict.fromkeys(stage for page in stages for stage in page)
    sums = {stage: sum(page.get(stage, 0.0) for page in stages) for stage in names}
    total = sums.pop("total")
    return {stage: 100 * part / total for stage, part in {**sums, "rest": total - sum(sums.values())}.items()}
