"""The sides at work, never two at the same time, so that a noisy machine is noisy for all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from comparison.errors import ComparisonError
from comparison.sides import Reading, RunningSide, Side
from converters.evaluation.datasets import LabelledPage, spread
from converters.progress import Progress
from edge_ocr.doctor import SAMPLE
from edge_ocr.errors import EdgeOCRError
from edge_ocr.pictures import load_picture

WARM_UP_PAGES = 3


@dataclass(frozen=True)
class PageReadings:
    """One page, as several sides read it.

    Attributes:
        page: its picture and, where it is known, its text.
        by_side: name of a side -> how it reads the page; not every side reads every page.
    """

    page: LabelledPage
    by_side: Mapping[str, Reading]


@dataclass(frozen=True)
class Plan:
    """Who reads which pages how often.

    Attributes:
        pages: in order.
        repeats: how often the principals read each.
        beside: indices of the pages that the others read as well, once.
    """

    pages: Sequence[LabelledPage]
    repeats: int
    beside: frozenset[int]

    def seconds(self, principals: Sequence[float], others: Sequence[float]) -> float:
        """What it takes, where a page takes each of them so many seconds."""
        return len(self.pages) * self.repeats * sum(principals) + len(self.beside) * sum(others)


def read_pages(
    principals: Mapping[str, RunningSide],
    others: Mapping[str, RunningSide],
    plan: Plan,
    folder: Path,
    progress: Progress,
) -> list[PageReadings]:
    """Let all read their pages, one after the other, after a warm-up that does not count.

    A page is decoded once and handed to all as the same array, so that nobody's time holds the decoding. Who comes
    first changes from page to page and from pass to pass. The principals read all pages before they read one
    again: who has just seen a page of the same size need not prepare for it. Of several readings the quickest counts.

    Args:
        principals: those compared in earnest.
        others: those shown beside them.
        plan: for the pages.
        folder: for the decoded picture.
        progress: shows how far it is, and how long it is going to take.

    Raises:
        ComparisonError: one side cannot read a page.
        PictureError: a page is no picture.
    """
    decoded = folder / "page.npy"
    usual = _warm_up({**principals, **others}, plan.pages, decoded)
    seconds = plan.seconds([usual[name] for name in principals], [usual[name] for name in others])
    progress.note(f"reading {len(plan.pages)} pages takes about {seconds / 60:.1f} min")
    readings: list[dict[str, list[Reading]]] = [{} for _ in plan.pages]
    tasks = [(repeat, number) for repeat in range(plan.repeats) for number in range(len(plan.pages))]
    for repeat, number in progress.track(tasks, "compare: pages", len(tasks), "page"):
        picture = plan.pages[number].picture
        decode(picture, decoded)
        in_turn = list(principals.items())
        if (repeat + number) % 2:
            in_turn.reverse()
        if repeat == 0 and number in plan.beside:
            in_turn += others.items()
        for name, side in in_turn:
            readings[number].setdefault(name, []).append(_read(side, decoded, picture))
    return [
        PageReadings(page, {name: quickest(of_side) for name, of_side in by_side.items()})
        for page, by_side in zip(plan.pages, readings, strict=True)
    ]


def _warm_up(sides: Mapping[str, RunningSide], pages: Sequence[LabelledPage], decoded: Path) -> dict[str, float]:
    """Let every side load and try everything; about the seconds that a page takes each."""
    few = [page.picture for page in spread(pages, WARM_UP_PAGES)]
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    # The sample comes first and last: it has text, so that every model gets loaded, and another shape than the first
    # page.
    for picture in (SAMPLE, *few, SAMPLE):
        decode(picture, decoded)
        for name, side in sides.items():
            seconds[name].append(_read(side, decoded, picture).seconds)
    return {name: median(taken[1:-1]) for name, taken in seconds.items()}


def quickest(readings: Sequence[Reading]) -> Reading:
    """The quickest of a page's readings by one side, with the least of their CPU seconds.

    What slows a reading down is the machine, never the program: the least is the nearest to its own time.
    """
    cpu_seconds = min(reading.cpu_seconds for reading in readings)
    return replace(min(readings, key=lambda reading: reading.seconds), cpu_seconds=cpu_seconds)


def decode(picture: Path, destination: Path) -> None:
    """Write a picture's pixels to a .npy file; PictureError if it has none."""
    np.save(destination, load_picture(picture))


def _read(side: RunningSide, decoded: Path, picture: Path) -> Reading:
    try:
        return side.read(decoded)
    except EdgeOCRError as error:
        raise ComparisonError(f"not all can read {picture}: {error}") from error


def seconds_to_first_text(
    sides: Sequence[Side], picture: Path, starts: int, progress: Progress
) -> dict[str, tuple[float, ...]]:
    """Start all afresh, in turn, and take the time until each has read its first picture.

    It holds the start of Python, the imports and the loading of the models, all from files that the page cache
    holds already.

    Args:
        sides: at rest.
        picture: a .npy file with text.
        starts: of each.
        progress: shows how far it is.

    Returns:
        Name of a side -> seconds, start by start.
    """
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for start in progress.track(range(starts), "compare: starts", starts, "start"):
        for side in sides if start % 2 == 0 else reversed(sides):
            seconds[side.name].append(_first_text(side, picture))
    return {name: tuple(taken) for name, taken in seconds.items()}


def _first_text(side: Side, picture: Path) -> float:
    start = time.perf_counter()
    with side.started() as running:
        running.read(picture)
        return time.perf_counter() - start


def first_with_text(pages: Sequence[PageReadings]) -> LabelledPage:
    """The first page that all its readers find text on; pages that more sides have read come before others.

    Raises:
        ComparisonError: there is none.
    """
    for readings in sorted(pages, key=lambda page: len(page.by_side), reverse=True):
        if all(reading.texts for reading in readings.by_side.values()):
            return readings.page
    raise ComparisonError("on none of the pages all find text; give pictures with text on them")
