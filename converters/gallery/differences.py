"""What a bundle reads differently from its float32 original, the worst first.

The worst is what the original is most sure of: where it hesitates, a different reading is as likely a better one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from converters.evaluation.agreement import is_sure
from converters.evaluation.datasets import LabelledBox
from converters.evaluation.matching import Matching, match_lines
from converters.evaluation.metrics import SAME_BOX, iou, same_text
from converters.evaluation.readings import LineReading, PagePair, Readings
from edge_ocr.page import Quad, TextLine

MOVED = 0.8
"""Intersection over union below which two boxes of one line are told apart on the picture. A pixel to each side of a
line twelve pixels high costs 0.14, and changes nothing that a reader sees."""


class Right(Enum):
    """Who reads what the label says."""

    REFERENCE = "reference"
    BUNDLE = "bundle"
    BOTH = "both"
    NEITHER = "neither"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TextDifference:
    """One line that the two read differently.

    Attributes:
        picture: where it stands.
        reference: what the original reads.
        bundle: what the bundle reads.
        boxes: the original's quad and the bundle's; None in a picture of one line.
        label: what it says; None where nobody knows.
    """

    picture: Path
    reference: LineReading
    bundle: LineReading
    boxes: tuple[Quad, Quad] | None
    label: str | None

    @property
    def counts(self) -> bool:
        """Whether the figures count it as different; case, width and spaces do not count."""
        return not same_text(self.reference.text, self.bundle.text)

    @property
    def sure(self) -> bool:
        """Whether the original is sure of its reading."""
        return is_sure(self.reference)

    @property
    def moved(self) -> bool:
        """Whether the two read clearly different pieces of the page."""
        return self.boxes is not None and iou(*self.boxes) < MOVED

    @property
    def right(self) -> Right:
        """Who is, by the label."""
        if self.label is None:
            return Right.UNKNOWN
        match same_text(self.reference.text, self.label), same_text(self.bundle.text, self.label):
            case True, True:
                return Right.BOTH
            case True, False:
                return Right.REFERENCE
            case False, True:
                return Right.BUNDLE
            case _:
                return Right.NEITHER


@dataclass(frozen=True)
class LoneLine:
    """A line that only one of them finds.

    Attributes:
        line: as that one reads it.
        by_reference: whether that one is the original.
        label: what it says; None where nobody knows.
    """

    line: TextLine
    by_reference: bool
    label: str | None

    @property
    def sure(self) -> bool:
        """Whether the original is sure of it."""
        return self.by_reference and is_sure(LineReading.of(self.line))

    @property
    def right(self) -> Right:
        """The finder, if it reads what the label says."""
        if self.label is None:
            return Right.UNKNOWN
        if not same_text(self.line.text, self.label):
            return Right.NEITHER
        return Right.REFERENCE if self.by_reference else Right.BUNDLE


@dataclass(frozen=True)
class PageDifference:
    """One page on which the two find different boxes.

    Attributes:
        picture: of the page.
        width: in pixels.
        height: likewise.
        lone: lines that only one of them finds.
        moved: (original's, bundle's) quads of lines that both find, but not in quite the same place.
    """

    picture: Path
    width: int
    height: int
    lone: tuple[LoneLine, ...]
    moved: tuple[tuple[Quad, Quad], ...]

    def lone_of(self, *, reference: bool) -> int:
        """How many lines only the original finds, or only the bundle."""
        return sum(each.by_reference == reference for each in self.lone)


@dataclass(frozen=True)
class Differences:
    """All of them, in the order in which they deserve a look.

    Attributes:
        texts: lines that both find, and read differently.
        pages: pages on which they find different boxes.
        compared: how many lines both find, read differently or not.
    """

    texts: tuple[TextDifference, ...]
    pages: tuple[PageDifference, ...]
    compared: int


def find_differences(readings: Readings) -> Differences:
    """Hold the texts of every line against each other, and the boxes of every page."""
    compared = len(readings.lines)
    texts = [
        TextDifference(pair.line.picture, pair.reference, pair.bundle, None, pair.line.text)
        for pair in readings.lines
        if pair.reference.text != pair.bundle.text
    ]
    pages = []
    for pair in readings.pages:
        matching = match_lines(pair.reference, pair.bundle)
        compared += len(matching.common)
        texts += _texts(pair, matching)
        pages.append(_boxes(pair, matching))
    texts.sort(key=lambda each: (not each.counts, -each.reference.score))
    different = [page for page in pages if page.lone or page.moved]
    different.sort(key=lambda page: -sum(each.line.score for each in page.lone))
    return Differences(tuple(texts), tuple(different), compared)


def _texts(pair: PagePair, matching: Matching) -> Iterator[TextDifference]:
    for first, second in matching.common:
        if first.text != second.text:
            yield TextDifference(
                pair.page.picture,
                LineReading.of(first),
                LineReading.of(second),
                (first.box, second.box),
                _label(pair, first.box, second.box),
            )


def _boxes(pair: PagePair, matching: Matching) -> PageDifference:
    lone = [LoneLine(line, True, _label(pair, line.box)) for line in matching.only_first]
    lone += [LoneLine(line, False, _label(pair, line.box)) for line in matching.only_second]
    moved = [(first.box, second.box) for first, second in matching.common if iou(first.box, second.box) < MOVED]
    return PageDifference(
        pair.page.picture,
        pair.reference.width,
        pair.reference.height,
        tuple(sorted(lone, key=lambda each: (not each.by_reference, -each.line.score))),
        tuple(moved),
    )


def _label(pair: PagePair, *boxes: Quad) -> str | None:
    """The text of the label that covers the first of `boxes` that a label covers."""
    labels = [label for label in pair.page.boxes or () if not label.ignore]
    return next((text for box in boxes if (text := _label_at(labels, box)) is not None), None)


def _label_at(labels: Sequence[LabelledBox], box: Quad) -> str | None:
    overlap, text = max(((iou(label.box, box), label.text) for label in labels), default=(0.0, ""))
    return text if overlap > SAME_BOX else None
