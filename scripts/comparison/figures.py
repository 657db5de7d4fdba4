"""From readings to figures: time, accuracy, agreement. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from comparison.measurement import PageReadings
from comparison.sides import EDGE_OCR, Reading
from converters.evaluation.datasets import LabelledBox
from converters.evaluation.metrics import (
    Delta,
    Interval,
    PageCounts,
    bootstrap,
    count_matches,
    hmean,
    paired_bootstrap,
)

FloatArray = npt.NDArray[np.float64]


class Ratio(Interval):
    """One side's share of what another takes."""

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Accuracy:
    """An accuracy of edge_ocr and of a peer on the same labelled pages.

    Attributes:
        edge_ocr: in percent.
        peer: in percent.
        delta: edge_ocr minus its peer, in points, with its 95 % interval.
    """

    edge_ocr: float
    peer: float
    delta: Delta


@dataclass(frozen=True)
class Figures:
    """What a set of pages says of edge_ocr and one peer.

    Attributes:
        name: of the set.
        pages: how many.
        milliseconds: a page, of edge_ocr and of its peer, on average.
        time: ratio of the sums of seconds on the clock, edge_ocr / peer.
        cpu_time: likewise of CPU seconds, which other programs on the machine disturb less.
        lines: found by edge_ocr and by its peer.
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


def figures(name: str, pages: Sequence[PageReadings], peer: str) -> Figures:
    """The figures of at least one page that edge_ocr and the peer have read."""
    milliseconds = 1000 * _both(pages, peer, lambda reading: reading.seconds).mean(axis=0)
    lines = _both(pages, peer, lambda reading: len(reading.texts)).sum(axis=0)
    same_boxes, same_text = agreement(pages, peer)
    return Figures(
        name,
        len(pages),
        (float(milliseconds[0]), float(milliseconds[1])),
        time_ratio(pages, EDGE_OCR, peer),
        ratio_of_sums(_both(pages, peer, lambda reading: reading.cpu_seconds)),
        (int(lines[0]), int(lines[1])),
        same_boxes,
        same_text,
        _accuracy(pages, peer, "found"),
        _accuracy(pages, peer, "read"),
    )


def _both(pages: Sequence[PageReadings], peer: str, figure: Callable[[Reading], float]) -> FloatArray:
    return np.array([[figure(page.by_side[side]) for side in (EDGE_OCR, peer)] for page in pages], float)


def time_ratio(pages: Sequence[PageReadings], side: str, base: str) -> Ratio:
    """The seconds of one side on pages, divided by another's."""
    return ratio_of_sums(np.array([[page.by_side[name].seconds for name in (side, base)] for page in pages]))


def ratio_of_sums(values: FloatArray) -> Ratio:
    """The first column's sum over the second's, and how far it moves when the pages are drawn again.

    Args:
        values: (pages, 2), positive.
    """

    def ratio(drawn: FloatArray) -> float:
        first, second = drawn.sum(axis=0)
        return float(first / second)

    found = bootstrap(values, ratio)
    return Ratio(found.value, found.low, found.high)


def _accuracy(pages: Sequence[PageReadings], peer: str, of: str) -> Accuracy | None:
    labelled = [page for page in pages if page.page.boxes is not None]
    if not labelled:
        return None
    edge_ocr, theirs = (
        np.array([labelled_counts(page, side).row() for page in labelled], float) for side in (EDGE_OCR, peer)
    )

    def figure(rows: FloatArray) -> float:
        return hmean(rows, of=of)

    return Accuracy(figure(edge_ocr), figure(theirs), paired_bootstrap(theirs, edge_ocr, figure))


def labelled_counts(page: PageReadings, side: str) -> PageCounts:
    """What a side found of a labelled page."""
    reading = page.by_side[side]
    return count_matches(reading.boxes, reading.texts, page.page.boxes or ())


def agreement(pages: Sequence[PageReadings], peer: str) -> tuple[float, float]:
    """How alike edge_ocr and a peer read, see `alike`."""
    return alike([(page.by_side[EDGE_OCR], page.by_side[peer]) for page in pages])


class Lines(Protocol):
    """A page as somebody reads it: the texts of its lines, and their (4, 2) float32 boxes in page pixels."""

    @property
    def texts(self) -> Sequence[str]: ...

    @property
    def boxes(self) -> Sequence[npt.NDArray[np.float32]]: ...


def alike(pairs: Sequence[tuple[Lines, Lines]]) -> tuple[float, float]:
    """How alike two read, page by page, in percent: hmean of their boxes, and equal text in the boxes in common."""
    counts = [count_matches(ours.boxes, ours.texts, _as_labels(theirs)) for ours, theirs in pairs]
    rows = np.array([count.row() for count in counts], float)
    found, read = rows[:, :2].sum(axis=0)
    return hmean(rows), float(100 * read / max(found, 1))


def _as_labels(reading: Lines) -> list[LabelledBox]:
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
