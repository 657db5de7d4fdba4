"""How alike a bundle and its float32 original read, where nobody needs to know what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.evaluation.matching import match_lines
from converters.evaluation.metrics import Interval, bootstrap, same_text
from converters.evaluation.readings import Readings

SURE = 0.9
"""Score from which the original's reading of a line is taken for the truth where there is no label."""


@dataclass(frozen=True)
class Agreement:
    """How alike both read, with 95 % intervals over pictures; a figure that nothing bears on is None.

    Attributes:
        lines: how many lines were compared: pictures of lines, and boxes that both have on pages.
        sure_lines: those whose reading the original is sure of.
        same_text_where_sure: percentage of those that both read alike.
        same_text: percentage of all lines that both read alike.
        change_of_length: mean number of characters, spaces aside, that a line gains; below 0 the bundle drops some.
        same_boxes: harmonic mean of how many of each one's boxes the other has, in percent.
    """

    lines: int
    sure_lines: int
    same_text_where_sure: Interval | None
    same_text: Interval | None
    change_of_length: Interval | None
    same_boxes: Interval | None


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

    @property
    def sure(self) -> bool:
        """Whether the original is."""
        return self.score >= SURE

    @property
    def same(self) -> bool:
        """Whether both read alike; width, case and spaces do not count."""
        return same_text(self.reference, self.bundle)

    @property
    def change_of_length(self) -> int:
        """Characters that the bundle reads more."""
        return len("".join(self.bundle.split())) - len("".join(self.reference.split()))


def agreement(readings: Readings) -> Agreement:
    """Hold both readings against each other.

    The lines of a page are drawn for the intervals together, as they share what makes them hard.
    """
    common = [match_lines(pair.reference, pair.bundle).common for pair in readings.pages]
    pictures = [[TextPair(pair.reference.text, pair.reference.score, pair.bundle.text)] for pair in readings.lines]
    pictures += [[TextPair(first.text, first.score, second.text) for first, second in lines] for lines in common]
    texts = [text for picture in pictures for text in picture]
    return Agreement(
        lines=len(texts),
        sure_lines=sum(text.sure for text in texts),
        same_text_where_sure=_mean(pictures, lambda text: 100 * text.same, where=lambda text: text.sure),
        same_text=_mean(pictures, lambda text: 100 * text.same),
        change_of_length=_mean(pictures, lambda text: text.change_of_length),
        same_boxes=_ratio(
            (200 * len(lines), len(pair.reference.lines) + len(pair.bundle.lines))
            for lines, pair in zip(common, readings.pages, strict=True)
        ),
    )


def _mean(
    pictures: Sequence[Sequence[TextPair]],
    value: Callable[[TextPair], float],
    *,
    where: Callable[[TextPair], bool] = lambda _text: True,
) -> Interval | None:
    """Mean of `value` over the lines that `where` holds for."""
    counted = [[value(text) for text in picture if where(text)] for picture in pictures]
    return _ratio((sum(values), len(values)) for values in counted)


def _ratio(counts: Iterable[tuple[float, int]]) -> Interval | None:
    """Sum of the first over sum of the second numbers of all pictures; None where the latter is 0."""
    rows = np.array([row for row in counts if row[1]], float)
    return bootstrap(rows, _ratio_of_sums) if len(rows) else None


def _ratio_of_sums(rows: npt.NDArray[np.float64]) -> float:
    above, below = rows.sum(axis=0)
    return float(above / below)
