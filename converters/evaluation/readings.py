"""The same pictures, read by a bundle and by its float32 original, on every core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from converters.evaluation.datasets import Dataset, LabelledLine, LabelledPage
from converters.evaluation.labels import LabelledPicture
from converters.evaluation.processes import side_by_side
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EngineError
from edge_ocr.ocr import OCR
from edge_ocr.page import Page, TextLine
from edge_ocr.pictures import Picture, load_picture
from edge_ocr.recognizer import Recognizer


@dataclass(frozen=True)
class LineReading:
    """What a recognizer reads in one line.

    Attributes:
        text: the line.
        score: mean probability of its characters, 0 to 1.
        lowest: probability of the character that it is least sure of, spaces aside; 0 where there is none.
    """

    text: str
    score: float
    lowest: float

    @staticmethod
    def of(line: TextLine) -> LineReading:
        """What is read in a line of a page."""
        scores = (character.score for word in line.words for character in word.characters)
        return LineReading(line.text, line.score, min(scores, default=0.0))


Reader = Callable[[LabelledPicture], LineReading | Page]
"""What reads one picture after the other."""


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
    bundle: Bundle,
    datasets: Sequence[Dataset],
    progress: Progress,
    *,
    workers: int | None = None,
    reader: Callable[[Bundle], Reader] | None = None,
) -> Reading:
    """Let one bundle read pictures.

    Each worker is a process that loads the bundle once and runs it on one thread. The result does not depend on how
    many there are.

    Args:
        bundle: converted or original.
        datasets: labelled or not.
        progress: shows how far it is.
        workers: processes; 1 reads in this process, None is as many as there are cores to use.
        reader: what reads with a bundle, a function that a process can be sent; None is the whole system.

    Raises:
        ConversionError: a worker died.
        EngineError: an engine is missing, or fails on a picture.
        PictureError: a picture cannot be read.
    """
    pictures: list[LabelledPicture] = []
    for data in datasets:
        pictures += (*data.lines, *data.pages)
    title = f"read pictures: {bundle.manifest.precision} ({bundle.manifest.format})"
    with side_by_side(partial(_loaded, reader or _System, bundle), pictures, workers) as readings:
        found = list(progress.track(readings, title, len(pictures), "picture"))
    return Reading(
        tuple(reading for reading in found if isinstance(reading, LineReading)),
        tuple(reading for reading in found if isinstance(reading, Page)),
    )


def _loaded(reader: Callable[[Bundle], Reader], bundle: Bundle) -> Reader:
    """What reads with a bundle, and says at which picture an engine failed."""
    read = reader(bundle)

    def read_or_name(picture: LabelledPicture) -> LineReading | Page:
        try:
            return read(picture)
        except EngineError as problem:
            raise EngineError(f"{picture.picture}: {problem}") from problem

    return read_or_name


class _System:
    """All models of a bundle, loaded."""

    def __init__(self, bundle: Bundle) -> None:
        self._ocr = OCR(bundle, threads=1, min_score=0)

    def __call__(self, picture: LabelledPicture) -> LineReading | Page:
        content = load_picture(picture.picture)
        if isinstance(picture, LabelledPage):
            return self._ocr.read(content)
        return read_line(self._ocr.recognizer, content)


def read_line(recognizer: Recognizer, picture: Picture) -> LineReading:
    """What a recognizer reads in an upright (height, width, 3) uint8 BGR line of any size."""
    reading = recognizer.read(recognizer.fit(picture))
    scores = zip(reading.characters, reading.scores.tolist(), strict=True)
    lowest = min((score for character, score in scores if not character.isspace()), default=0.0)
    return LineReading(reading.text, reading.score, lowest)
