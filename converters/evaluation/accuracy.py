"""How well a bundle reads labelled pictures, and how much worse or better than its float32 original."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from converters.evaluation.metrics import (
    Delta,
    PageCounts,
    character_error_rate,
    character_errors,
    count_matches,
    hmean,
    paired_bootstrap,
    precision,
    recall,
    same_text,
)
from converters.evaluation.readings import LinePair, PagePair, Readings
from edge_ocr.page import Page

Counts = npt.NDArray[np.float64]

OF_LINES = ("exact match", "character error rate")
"""The figures that pictures of lines bear on; all others are of pages."""


@dataclass(frozen=True)
class Figure:
    """One accuracy figure, of the original and of the bundle, on the same labelled pictures.

    Attributes:
        reference: in percent.
        bundle: in percent.
        delta: bundle minus reference, in points, with its 95 % interval.
    """

    reference: float
    bundle: float
    delta: Delta


def accuracy(readings: Readings) -> dict[str, Figure]:
    """What a figure is called -> the figure, of all that the labels of these pictures allow."""
    figures = {
        "exact match": exact_match(readings.lines),
        "character error rate": line_error_rate(readings.lines),
        **_on_pages(
            readings.pages,
            {
                "detection precision": precision,
                "detection recall": recall,
                "detection hmean": hmean,
                "end-to-end precision": partial(precision, of="read"),
                "end-to-end recall": partial(recall, of="read"),
                "end-to-end hmean": partial(hmean, of="read"),
            },
        ),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def exact_match(pairs: Sequence[LinePair]) -> Figure | None:
    """Percentage of labelled lines read without a mistake; None where no line is labelled."""
    return _on_lines(pairs, lambda text, label: (100 * same_text(text, label),), lambda hits: float(hits.mean()))


def line_error_rate(pairs: Sequence[LinePair]) -> Figure | None:
    """Character error rate of labelled lines; None where no line is labelled."""
    return _on_lines(pairs, character_errors, character_error_rate)


def detection_hmean(pairs: Sequence[PagePair]) -> Figure | None:
    """Of the quads found on labelled pages; None where no page is labelled."""
    return _on_pages(pairs, {"hmean": hmean})["hmean"]


def end_to_end_hmean(pairs: Sequence[PagePair]) -> Figure | None:
    """Of the quads found whose text is equal, too; None where no page is labelled."""
    return _on_pages(pairs, {"hmean": partial(hmean, of="read")})["hmean"]


def _on_lines(
    pairs: Sequence[LinePair], count: Callable[[str, str], tuple[int, ...]], figure: Callable[[Counts], float]
) -> Figure | None:
    labelled = [(pair, pair.line.text) for pair in pairs if pair.line.text is not None]
    return _figure(
        [count(pair.reference.text, label) for pair, label in labelled],
        [count(pair.bundle.text, label) for pair, label in labelled],
        figure,
    )


def _on_pages(pairs: Sequence[PagePair], figures: dict[str, Callable[[Counts], float]]) -> dict[str, Figure | None]:
    labelled = [pair for pair in pairs if pair.page.boxes is not None]
    reference = [_counts(pair.reference, pair).row() for pair in labelled]
    bundle = [_counts(pair.bundle, pair).row() for pair in labelled]
    return {name: _figure(reference, bundle, figure) for name, figure in figures.items()}


def _counts(page: Page, pair: PagePair) -> PageCounts:
    return count_matches([line.box for line in page.lines], [line.text for line in page.lines], pair.page.boxes or ())


def _figure(
    reference: Sequence[tuple[int, ...]], bundle: Sequence[tuple[int, ...]], figure: Callable[[Counts], float]
) -> Figure | None:
    if not reference:
        return None
    first, second = np.array(reference, float), np.array(bundle, float)
    return Figure(figure(first), figure(second), paired_bootstrap(first, second, figure))
