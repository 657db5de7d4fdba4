"""Two readings of the same pictures, side by side: a converted bundle and the float32 original."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from converters.evaluation.datasets import LabelledLine, LabelledPage
from converters.evaluation.metrics import PageCounts, count_matches, iou, same_text
from converters.progress import Progress
from edge_ocr.ocr import OCR
from edge_ocr.page import Page
from edge_ocr.pictures import load_picture

Input = TypeVar("Input")
Reading = TypeVar("Reading")
FloatArray = npt.NDArray[np.float32]

SURE = 0.9
"""Score from which the original's reading of a line is taken for the truth where there is no label."""


@dataclass(frozen=True)
class Pair:
    """One picture read by both.

    Attributes:
        reference_seconds: on one thread.
        bundle_seconds: likewise, right before or after it.
    """

    reference_seconds: float
    bundle_seconds: float


@dataclass(frozen=True)
class LinePair(Pair):
    """One line, read by both.

    Attributes:
        label: what it says; None where nobody knows.
        reference: what the original reads.
        score: how sure the original is, 0 to 1.
        bundle: what the bundle reads.
    """

    label: str | None
    reference: str
    score: float
    bundle: str


@dataclass(frozen=True)
class PagePair(Pair):
    """One page, read by both.

    Attributes:
        labelled: whether its text is known; without, both counts are empty.
        reference: the original's boxes and texts against the labels.
        bundle: the bundle's.
        boxes: of the original, of the bundle, and how many of them are the same.
    """

    labelled: bool
    reference: PageCounts
    bundle: PageCounts
    boxes: tuple[int, int, int]


def read_lines(reference: OCR, bundle: OCR, lines: Sequence[LabelledLine], progress: Progress) -> list[LinePair]:
    """Let both recognizers read every line."""
    pairs = []
    for number, line in enumerate(progress.track(lines, "verify: lines", len(lines), "line")):
        crop = load_picture(line.picture)
        ([(first, score)], first_seconds), ([(second, _)], second_seconds) = _both(
            reference.recognizer.recognize, bundle.recognizer.recognize, [crop], number
        )
        pairs.append(LinePair(first_seconds, second_seconds, line.text, first, score, second))
    return pairs


def read_pages(reference: OCR, bundle: OCR, pages: Sequence[LabelledPage], progress: Progress) -> list[PagePair]:
    """Let both read every page, from the decoded picture to the text."""
    pairs = []
    for number, page in enumerate(progress.track(pages, "verify: pages", len(pages), "page")):
        picture = load_picture(page.picture)
        (first, first_seconds), (second, second_seconds) = _both(reference.read, bundle.read, picture, number)
        pairs.append(
            PagePair(
                first_seconds,
                second_seconds,
                page.boxes is not None,
                _counts(first, page),
                _counts(second, page),
                (len(first.lines), len(second.lines), _same_boxes(first, second)),
            )
        )
    return pairs


def _both[Input, Reading](
    first: Callable[[Input], Reading], second: Callable[[Input], Reading], given: Input, number: int
) -> tuple[tuple[Reading, float], tuple[Reading, float]]:
    """Run and time both; whoever comes first changes with `number`, so that neither always finds warm caches."""
    if number % 2:
        later = _timed(second, given)
        return _timed(first, given), later
    return _timed(first, given), _timed(second, given)


def _timed[Input, Reading](work: Callable[[Input], Reading], given: Input) -> tuple[Reading, float]:
    start = time.perf_counter()
    result = work(given)
    return result, time.perf_counter() - start


def _counts(page: Page, truth: LabelledPage) -> PageCounts:
    if truth.boxes is None:
        return PageCounts(0, 0, 0, 0)
    return count_matches([line.box for line in page.lines], [line.text for line in page.lines], truth.boxes)


def _same_boxes(first: Page, second: Page) -> int:
    """How many of the first page's boxes the second has, too, one to one."""
    free = [line.box for line in second.lines]
    same = 0
    for line in first.lines:
        match = next((index for index, box in enumerate(free) if iou(line.box, box) > 0.5), None)
        if match is not None:
            del free[match]
            same += 1
    return same


def agreement_of_lines(pairs: Sequence[LinePair], *, sure: bool) -> float:
    """Percentage of lines that both read alike; with `sure`, of those whose reading the original is sure of."""
    counted = [pair for pair in pairs if pair.score >= SURE or not sure]
    return 100 * float(np.mean([same_text(pair.reference, pair.bundle) for pair in counted])) if counted else 100.0


def agreement_of_boxes(pairs: Sequence[PagePair]) -> float:
    """Harmonic mean of how many of each one's boxes the other has, in percent."""
    first, second, same = np.sum([pair.boxes for pair in pairs], axis=0)
    return 200 * float(same) / max(float(first + second), 1.0)
