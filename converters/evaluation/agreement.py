"""How alike a bundle and its float32 original read, where nobody needs to know what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.evaluation.matching import Matching, match_lines
from converters.evaluation.metrics import Interval, bootstrap, same_text
from converters.evaluation.readings import LineReading, Readings
from edge_ocr.page import TextLine

SURE = 0.7
"""Lowest probability of a character from which the original's reading of a line is taken for the truth where there is
no label. A mean would hide the one character that it hesitates over, and that is the one that changes."""


@dataclass(frozen=True)
class FigureWords:
    """How a figure of `Agreement` is told to people.

    Attributes:
        name: what it is called.
        on: attribute of `Agreement` that says on how many it rests.
        of: what those are.
        form: how its numbers are written.
        unit: what follows them.
    """

    name: str
    on: str
    of: str
    form: str = ".1f"
    unit: str = " %"

    def basis(self, alike: Agreement) -> str:
        """On how much the figure rests."""
        return f"{getattr(alike, self.on):,.0f} {self.of}"

    def range(self, interval: Interval) -> str:
        """The interval in brackets."""
        return f"[{interval.low:{self.form}}, {interval.high:{self.form}}]"

    def value(self, interval: Interval) -> str:
        """The figure with its unit."""
        return f"{interval.value:{self.form}}{self.unit}"


FIGURES = {
    "same_text_where_sure": FigureWords("same text where FP32 is sure", "sure_lines", "lines"),
    "same_text": FigureWords("same text", "lines", "lines"),
    "change_of_length": FigureWords("change of length where sure", "sure_lines", "lines", "+.3f", " characters"),
    "same_boxes": FigureWords("same boxes", "boxes", "boxes"),
    "same_direction": FigureWords("same direction", "common_boxes", "boxes"),
}
"""Attribute of `Agreement` -> how it is told."""

Rows = Sequence[tuple[float, float]]
"""What is counted, and what it is counted out of, of each line or box of a picture."""


@dataclass(frozen=True)
class Agreement:
    """How alike both read, with 95 % intervals over pictures; a figure that nothing bears on is None.

    Attributes:
        lines: how many lines were compared: pictures of lines, and boxes that both have on pages.
        sure_lines: those whose reading the original is sure of.
        boxes: how many lines were found on pages, on average of both.
        common_boxes: how many lines both found.
        same_text_where_sure: percentage of the sure lines that both read alike.
        same_text: percentage of all lines that both read alike.
        change_of_length: mean number of characters, spaces aside, that a sure line gains; below 0 the bundle drops
            some.
        same_boxes: harmonic mean of how many of each one's boxes the other has, in percent.
        same_direction: percentage of the boxes that both have which both hold the same way up.
    """

    lines: int
    sure_lines: int
    boxes: float
    common_boxes: int
    same_text_where_sure: Interval | None
    same_text: Interval | None
    change_of_length: Interval | None
    same_boxes: Interval | None
    same_direction: Interval | None


@dataclass(frozen=True)
class TextPair:
    """One line, read by both."""

    reference: LineReading
    bundle: LineReading

    @property
    def sure(self) -> bool:
        """Whether the original is."""
        return is_sure(self.reference)

    @property
    def same(self) -> bool:
        """Whether both read alike; width, case and spaces do not count."""
        return same_text(self.reference.text, self.bundle.text)

    @property
    def change_of_length(self) -> int:
        """Characters that the bundle reads more."""
        return len("".join(self.bundle.text.split())) - len("".join(self.reference.text.split()))


def is_sure(reading: LineReading) -> bool:
    """Whether a reading of the original's is taken for the truth."""
    return reading.lowest >= SURE


def agreement(readings: Readings) -> Agreement:
    """Hold both readings against each other."""
    found = [match_lines(pair.reference, pair.bundle) for pair in readings.pages]
    pictures = [[TextPair(pair.reference, pair.bundle)] for pair in readings.lines]
    pictures += [
        [TextPair(LineReading.of(first), LineReading.of(second)) for first, second in page.common] for page in found
    ]
    sure = [[text for text in picture if text.sure] for picture in pictures]
    boxes = [_box_rows(page) for page in found]
    return Agreement(
        lines=sum(map(len, pictures)),
        sure_lines=sum(map(len, sure)),
        boxes=sum(weight for page in boxes for _, weight in page),
        common_boxes=sum(len(page.common) for page in found),
        same_text_where_sure=_mean(sure, lambda text: 100 * text.same),
        same_text=_mean(pictures, lambda text: 100 * text.same),
        change_of_length=_mean(sure, lambda text: text.change_of_length),
        same_boxes=_ratio(boxes),
        same_direction=_mean([page.common for page in found], lambda pair: 100 * _same_way_up(*pair)),
    )


def _box_rows(page: Matching) -> Rows:
    """A box that both have counts whole, one that only one of them has as half a box that is missing."""
    return [(100.0, 1.0)] * len(page.common) + [(0.0, 0.5)] * (len(page.only_first) + len(page.only_second))


def _same_way_up(first: TextLine, second: TextLine) -> bool:
    """Whether the text of one line, as both have it, begins at the same end."""
    corner = first.box[0]
    return bool(np.linalg.norm(second.box[0] - corner) < np.linalg.norm(second.box[2] - corner))


def _mean[Item](pictures: Sequence[Sequence[Item]], value: Callable[[Item], float]) -> Interval | None:
    return _ratio([[(value(item), 1.0) for item in picture] for picture in pictures])


def _ratio(pictures: Iterable[Rows]) -> Interval | None:
    """Sum of the first over sum of the second numbers of all pictures; None where the latter is 0.

    What is on one page is drawn for the interval together, as it shares what makes it hard. But a few pages, drawn
    like that, hardly differ, and a single one not at all; so the interval is no narrower than that of lines or boxes
    drawn one by one.
    """
    filled = [np.array(picture, float) for picture in pictures if picture]
    if not filled:
        return None
    whole = bootstrap(np.array([rows.sum(axis=0) for rows in filled]), _ratio_of_sums)
    single = bootstrap(np.concatenate(filled), _ratio_of_sums)
    return Interval(whole.value, min(whole.low, single.low), max(whole.high, single.high))


def _ratio_of_sums(rows: npt.NDArray[np.float64]) -> float:
    above, below = rows.sum(axis=0)
    return float(above / below)
