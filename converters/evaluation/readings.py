"""The same pictures, read by a bundle and by its float32 original, on every core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import cv2

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset, LabelledLine, LabelledPage
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EngineError
from edge_ocr.ocr import OCR
from edge_ocr.page import Page
from edge_ocr.pictures import load_picture
from edge_ocr.threads import usable_cores


@dataclass(frozen=True)
class LineReading:
    """What a recognizer reads in one line.

    Attributes:
        text: the line.
        score: mean probability of its characters, 0 to 1.
    """

    text: str
    score: float


@dataclass(frozen=True)
class LinePair:
    """A picture of one line, read by both."""

    line: LabelledLine
    reference: LineReading
    bundle: LineReading


@dataclass(frozen=True)
class PagePair:
    """A picture of a page, read by both; no line is left out for its score."""

    page: LabelledPage
    reference: Page
    bundle: Page


@dataclass(frozen=True)
class Reading:
    """Everything that one bundle reads, in the order of the data sets."""

    lines: tuple[LineReading, ...]
    pages: tuple[Page, ...]


@dataclass(frozen=True)
class Readings:
    """Everything that both read, in the order of the data sets."""

    lines: tuple[LinePair, ...]
    pages: tuple[PagePair, ...]


def by_dataset(datasets: Sequence[Dataset], readings: Readings) -> Iterator[tuple[Dataset, Readings]]:
    """Each data set, and what was read in it."""
    lines, pages = iter(readings.lines), iter(readings.pages)
    for data in datasets:
        yield data, Readings(tuple(islice(lines, len(data.lines))), tuple(islice(pages, len(data.pages))))


def in_pairs(datasets: Sequence[Dataset], reference: Reading, bundle: Reading) -> Readings:
    """What the original and a bundle read in the same pictures, side by side."""
    lines = [line for data in datasets for line in data.lines]
    pages = [page for data in datasets for page in data.pages]
    return Readings(
        tuple(map(LinePair, lines, reference.lines, bundle.lines)),
        tuple(map(PagePair, pages, reference.pages, bundle.pages)),
    )


def read_both(
    reference: Bundle,
    bundle: Bundle,
    datasets: Sequence[Dataset],
    progress: Progress,
    *,
    workers: int | None = None,
) -> Readings:
    """Let a bundle and its original read the same pictures.

    Args:
        reference: from `converters.reference`.
        bundle: the converted one.
        datasets: labelled or not.
        progress: shows how far it is.
        workers: see `read_alone`.

    Raises:
        ConversionError: a worker died.
        EngineError: an engine is missing, or fails on a picture.
        PictureError: a picture cannot be read.
    """
    first, second = (read_alone(each, datasets, progress, workers=workers) for each in (reference, bundle))
    return in_pairs(datasets, first, second)


def read_alone(
    bundle: Bundle, datasets: Sequence[Dataset], progress: Progress, *, workers: int | None = None
) -> Reading:
    """Let one bundle read pictures.

    Each worker is a process that loads the bundle once and runs it on one thread. The result does not depend on how
    many there are.

    Args:
        bundle: converted or original.
        datasets: labelled or not.
        progress: shows how far it is.
        workers: processes; 1 reads in this process, None is as many as there are cores to use.

    Raises:
        ConversionError: a worker died.
        EngineError: an engine is missing, or fails on a picture.
        PictureError: a picture cannot be read.
    """
    pictures: list[LabelledLine | LabelledPage] = []
    for data in datasets:
        pictures += (*data.lines, *data.pages)
    workers = min(workers or usable_cores(), len(pictures))
    title = f"read pictures: {bundle.manifest.precision} ({bundle.manifest.format})"
    with _reading(bundle, pictures, workers) as readings:
        found = list(progress.track(readings, title, len(pictures), "picture"))
    return Reading(
        tuple(reading for reading in found if isinstance(reading, LineReading)),
        tuple(reading for reading in found if isinstance(reading, Page)),
    )


@contextmanager
def _reading(
    bundle: Bundle, pictures: Sequence[LabelledLine | LabelledPage], workers: int
) -> Iterator[Iterator[LineReading | Page]]:
    """The readings of `pictures` in their order, as they become ready; no worker outlives the block."""
    if workers <= 1:
        with opencv_on_one_thread():
            yield map(_Reader(bundle).read, pictures)
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(bundle,)
    )
    try:
        with _interrupts_blocked():  # the workers inherit this: Ctrl-C is for their parent to hear
            readings = pool.map(_read, pictures)
        yield readings
    except BrokenProcessPool as problem:
        raise ConversionError(
            f"one of the {workers} reading processes was killed, perhaps for want of memory; try --workers 1"
        ) from problem
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def opencv_on_one_thread() -> Iterator[None]:
    """Keep OpenCV from using more threads than the engines are given."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let SIGINT wait; processes that are started meanwhile never receive it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Reader:
    """A system, loaded."""

    def __init__(self, bundle: Bundle) -> None:
        self._ocr = OCR(bundle, threads=1, min_score=0)

    def read(self, picture: LabelledLine | LabelledPage) -> LineReading | Page:
        content = load_picture(picture.picture)
        try:
            if isinstance(picture, LabelledPage):
                return self._ocr.read(content)
            ((text, score),) = self._ocr.recognizer.recognize([content])
            return LineReading(text, score)
        except EngineError as problem:
            raise EngineError(f"{picture.picture}: {problem}") from problem


class _Worker:
    """What a worker process keeps from one picture to the next."""

    bundle: Bundle
    reader: _Reader | None = None


def _start_worker(bundle: Bundle) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _Worker.bundle = bundle


def _end_with_parent() -> None:
    """A killed parent cannot say goodbye; without it a worker would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(picture: LabelledLine | LabelledPage) -> LineReading | Page:
    # Loaded with the first picture and not at the start: an error in a task reaches the parent as it is.
    if _Worker.reader is None:
        _Worker.reader = _Reader(_Worker.bundle)
    return _Worker.reader.read(picture)
