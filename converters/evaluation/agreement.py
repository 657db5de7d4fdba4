"""Two readings of the same pictures, side by side: a converted bundle and the float32 original."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from converters.evaluation.datasets import LabelledLine, LabelledPage
from converters.evaluation.metrics import SAME_BOX, PageCounts, count_matches, iou, same_text
from converters.progress import Progress
from edge_ocr.ocr import OCR
from edge_ocr.page import Page
from edge_ocr.pictures import load_picture

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
class TextPair:
    """The text of one line, read by both.

    Attributes:
        reference: what the original reads.
        score: how sure the original is, 0 to 1.
        bundle: what the bundle reads.
    """

    reference: str
    score: float
    bundle: str


@dataclass(frozen=True)
class LinePair(Pair):
    """A picture of one line, read by both.

    Attributes:
        label: what it says; None where nobody knows.
        texts: what both read.
    """

    label: str | None
    texts: TextPair


@dataclass(frozen=True)
class PagePair(Pair):
    """One page, read by both.

    Attributes:
        labelled: whether its text is known; without, both counts are empty.
        reference: the original's boxes and texts against the labels.
        bundle: the bundle's.
        boxes: how many the original has, and how many the bundle.
        common: the text in the boxes that both have.
    """

    labelled: bool
    reference: PageCounts
    bundle: PageCounts
    boxes: tuple[int, int]
    common: tuple[TextPair, ...]


def read_lines(reference: OCR, bundle: OCR, lines: Sequence[LabelledLine], progress: Progress) -> list[LinePair]:
    """Let both recognizers read every line."""
    pairs = []
    for number, line in enumerate(progress.track(lines, "verify: lines", len(lines), "line")):
        crop = load_picture(line.picture)
        ([(first, score)], first_seconds), ([(second, _)], second_seconds) = _both(
            reference.recognizer.recognize, bundle.recognizer.recognize, [crop], number
        )
        pairs.append(LinePair(first_seconds, second_seconds, line.text, TextPair(first, score, second)))
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
                (len(first.lines), len(second.lines)),
                _in_common(first, second),
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


def _in_common(first: Page, second: Page) -> tuple[TextPair, ...]:
    """The lines whose boxes both pages have, one to one."""
    free = list(second.lines)
    common = []
    for line in first.lines:
        match = next((other for other in free if iou(line.box, other.box) > SAME_BOX), None)
        if match is not None:
            free = [other for other in free if other is not match]
            common.append(TextPair(line.text, line.score, match.text))
    return tuple(common)


def agreement_of_texts(pairs: Sequence[TextPair], *, sure: bool) -> float | None:
    """Percentage of lines that both read alike; with `sure`, of those whose reading the original is sure of.

    None where there is no such line.
    """
    counted = [pair for pair in pairs if pair.score >= SURE or not sure]
    return 100 * float(np.mean([same_text(pair.reference, pair.bundle) for pair in counted])) if counted else None


def agreement_of_boxes(pairs: Sequence[PagePair]) -> float | None:
    """Harmonic mean of how many of each one's boxes the other has, in percent; None where neither has any."""
    boxes = sum(sum(pair.boxes) for pair in pairs)
    return 200 * sum(len(pair.common) for pair in pairs) / boxes if boxes else None
