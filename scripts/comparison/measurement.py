"""Both sides at work, never at the same time, so that a noisy machine is noisy for both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comparison.errors import ComparisonError
from comparison.sides import Reading, RunningSide, Side
from converters.errors import WorkerError
from converters.evaluation.datasets import LabelledPage
from converters.progress import Progress
from edge_ocr.doctor import SAMPLE
from edge_ocr.pictures import load_picture


@dataclass(frozen=True)
class PagePair:
    """One page, read by both.

    Attributes:
        page: its picture and, where it is known, its text.
        edge_ocr: how edge_ocr reads it.
        rapidocr: how RapidOCR does.
    """

    page: LabelledPage
    edge_ocr: Reading
    rapidocr: Reading


def read_pages(
    edge_ocr: RunningSide, rapidocr: RunningSide, pages: Sequence[LabelledPage], folder: Path, progress: Progress
) -> list[PagePair]:
    """Let both read every page, one after the other, after a warm-up that does not count.

    A page is decoded once and handed to both as the same array, so that neither's time holds the decoding.
    Whoever comes first changes from page to page.

    Args:
        edge_ocr: running.
        rapidocr: running.
        pages: in order.
        folder: for the decoded picture.
        progress: shows how far it is.

    Raises:
        ComparisonError: one side cannot read a page.
        PictureError: a page is no picture.
    """
    decoded = folder / "page.npy"
    # The sample comes last: it has text, so that every model gets loaded, and another shape than the first page.
    for picture in (pages[0].picture, SAMPLE):
        decode(picture, decoded)
        for side in (edge_ocr, rapidocr):
            _read(side, decoded, picture)
    pairs = []
    for number, page in enumerate(progress.track(pages, "compare: pages", len(pages), "page")):
        decode(page.picture, decoded)
        in_turn = (edge_ocr, rapidocr) if number % 2 == 0 else (rapidocr, edge_ocr)
        readings = {side: _read(side, decoded, page.picture) for side in in_turn}
        pairs.append(PagePair(page, readings[edge_ocr], readings[rapidocr]))
    return pairs


def decode(picture: Path, destination: Path) -> None:
    """Write a picture's pixels to a .npy file; PictureError if it has none."""
    np.save(destination, load_picture(picture))


def _read(side: RunningSide, decoded: Path, picture: Path) -> Reading:
    try:
        return side.read(decoded)
    except WorkerError as error:
        raise ComparisonError(f"not both can read {picture}: {error}") from error


def seconds_to_first_text(
    edge_ocr: Side, rapidocr: Side, picture: Path, starts: int, progress: Progress
) -> list[tuple[float, float]]:
    """Start both afresh, in turn, and take the time until each has read its first picture.

    It holds the start of Python, the imports and the loading of the models, all from files that the page cache
    holds already.

    Args:
        edge_ocr: at rest.
        rapidocr: likewise.
        picture: a .npy file that both find text in.
        starts: of each.
        progress: shows how far it is.

    Returns:
        Seconds of edge_ocr and of RapidOCR, start by start.
    """
    return [
        (_first_text(edge_ocr, picture), _first_text(rapidocr, picture))
        for _ in progress.track(range(starts), "compare: starts", starts, "start")
    ]


def _first_text(side: Side, picture: Path) -> float:
    start = time.perf_counter()
    with side.started() as running:
        running.read(picture)
        return time.perf_counter() - start


def first_with_text(pairs: Sequence[PagePair]) -> LabelledPage:
    """The first page that both find text on.

    Raises:
        ComparisonError: there is none.
    """
    for pair in pairs:
        if pair.edge_ocr.texts and pair.rapidocr.texts:
            return pair.page
    raise ComparisonError("the two find text together on none of the pages; give pictures with text on them")
