"""The whole evaluation of a bundle: every figure, data set by data set and over all of them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from converters.evaluation.accuracy import Figure, accuracy
from converters.evaluation.datasets import Dataset
from converters.evaluation.metrics import normalise
from converters.evaluation.readings import Readings, by_dataset
from converters.progress import Progress
from converters.verification import OVERALL, describe_cpu
from edge_ocr.bundle import Bundle
from edge_ocr.engines import installed

SCHEMA = 1
"""Version of the JSON. It grows with every change of a key or of a meaning."""


@dataclass(frozen=True)
class Unsayable:
    """Labels that a recognizer can never read right, because its charset lacks a character of theirs.

    Attributes:
        labels: how many; the figures count them as any other.
        characters: that are missing, in the order of their code points, as `normalise` gives them.
    """

    labels: int
    characters: str


@dataclass(frozen=True)
class Scores:
    """What was found in one data set, or in all of them.

    Attributes:
        name: of the data set.
        layout: of its labels; None over all.
        lines: pictures of lines.
        pages: pictures of pages.
        boxes: labelled boxes on the pages that are to be found.
        ignored: labelled boxes that do not count either way.
        unsayable: labels beyond the charset.
        figures: what a figure is called -> the figure.
    """

    name: str
    layout: str | None
    lines: int
    pages: int
    boxes: int
    ignored: int
    unsayable: Unsayable
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Evaluation:
    """What was found, and where.

    Attributes:
        bundle: its name.
        precision: its recipe.
        digest: see `Bundle.digest`.
        date: ISO 8601.
        cpu: a CPU's arithmetic can move a figure by a line or two.
        runtimes: package -> version.
        overall: all data sets taken together.
        data: each data set.
    """

    bundle: str
    precision: str
    digest: str
    date: str
    cpu: str
    runtimes: Mapping[str, str]
    overall: Scores
    data: tuple[Scores, ...]

    def to_json(self) -> bytes:
        """All of it."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode()


def evaluate(bundle: Bundle, datasets: Sequence[Dataset], readings: Readings) -> Evaluation:
    """Draw the figures from what was read.

    Args:
        bundle: that was read with.
        datasets: labelled.
        readings: of the bundle and of its original, from `read_both`.
    """
    everything = Dataset(
        OVERALL,
        tuple(line for data in datasets for line in data.lines),
        tuple(page for data in datasets for page in data.pages),
    )
    return Evaluation(
        bundle=bundle.name,
        precision=bundle.manifest.precision,
        digest=bundle.digest,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        runtimes=dict(installed()),
        overall=_scores(everything, readings, bundle),
        data=tuple(_scores(data, part, bundle) for data, part in by_dataset(datasets, readings)),
    )


def unsayable(data: Dataset, charset: Sequence[str]) -> Unsayable:
    """The labels of a data set, ignored ones aside, with a character that a charset lacks."""
    known = _known(charset)
    beyond = [missing for text in _texts(data) if (missing := set(normalise(text)) - known)]
    return Unsayable(len(beyond), "".join(sorted(set().union(*beyond))))


def sayable(data: Dataset, charset: Sequence[str]) -> Dataset:
    """A data set without the lines that a charset cannot write, which would hide what is lost on the others.

    Pages stay as they are: a detector finds a box in whatever language it is written.
    """
    known = _known(charset)
    lines = tuple(line for line in data.lines if line.text is None or set(normalise(line.text)) <= known)
    return replace(data, lines=lines)


def judged(datasets: Sequence[Dataset], charset: Sequence[str], limit: int | None, progress: Progress) -> list[Dataset]:
    """What a bundle is judged on: the lines that its charset can write, and at most `limit` of them and of the pages.

    A label that no bundle with this charset can read right would hide what is lost on the others.
    """
    parts = [sayable(data, charset) for data in datasets]
    for data, part in zip(datasets, parts, strict=True):
        if left_out := len(data.lines) - len(part.lines):
            progress.note(
                f"{data.name}: {left_out} of {len(data.lines)} lines are left out: the charset lacks a character"
            )
    return [part.part(limit) if limit else part for part in parts if part.pictures]


def _known(charset: Sequence[str]) -> set[str]:
    """The characters that labels may have, as `normalise` gives them."""
    return set(normalise("".join(charset)))


def _scores(data: Dataset, readings: Readings, bundle: Bundle) -> Scores:
    boxes = [box for page in data.pages for box in page.boxes or ()]
    return Scores(
        name=data.name,
        layout=data.layout,
        lines=len(data.lines),
        pages=len(data.pages),
        boxes=sum(not box.ignore for box in boxes),
        ignored=sum(box.ignore for box in boxes),
        unsayable=unsayable(data, bundle.charset),
        figures=accuracy(readings),
    )


def _texts(data: Dataset) -> Iterator[str]:
    yield from (line.text for line in data.lines if line.text is not None)
    yield from (box.text for page in data.pages for box in page.boxes or () if not box.ignore)
