"""From trials to figures: speed, equality, agreement, accuracy. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from comparison.figures import Ratio, alike, ratio_of_sums

from converters.evaluation.datasets import LabelledBox, LabelledPage
from converters.evaluation.metrics import Delta, count_matches, hmean, paired_bootstrap
from interpreters.trials import Reading, Repetition, Trial

MAXIMUM_DROP = 1.0
"""Points of end-to-end hmean that an interpreter may read worse than the newest ai-edge-litert and still read right.
Agreement is no measure of it: where two characters are about as likely, the order of additions decides, for better as
often as for worse, and hard pages have many such places."""


@dataclass(frozen=True)
class Agreement:
    """How an interpreter reads pages, beside the newest ai-edge-litert.

    Attributes:
        time: ratio of the sums of seconds.
        same_boxes: harmonic mean of how many of each one's boxes the other has, in percent.
        same_text: percentage of the boxes in common that both read alike.
        end_to_end: hmean of boxes with the right text, in points more than the other's; None without labels.
    """

    time: Ratio
    same_boxes: float
    same_text: float
    end_to_end: Delta | None

    @property
    def reads_right(self) -> bool | None:
        """Whether the interpreter may be trusted with a bundle; None where the pages have no labels or are too few."""
        if self.end_to_end is None:
            return None
        if self.end_to_end.value >= -MAXIMUM_DROP:
            return True
        return False if self.end_to_end.high < 0 else None


def agreement(trial: Trial, first: Trial, pages: Sequence[LabelledPage]) -> Agreement:
    """The figures of a trial with at least one reading, held against the first, on the pages that both have read."""
    pairs = list(zip(trial.readings, first.readings, pages, strict=False))
    same_boxes, same_text = alike([(ours, theirs) for ours, theirs, _ in pairs])
    return Agreement(
        ratio_of_sums(np.array([[ours.seconds, theirs.seconds] for ours, theirs, _ in pairs])),
        same_boxes,
        same_text,
        _end_to_end(pairs),
    )


def _end_to_end(pairs: Sequence[tuple[Reading, Reading, LabelledPage]]) -> Delta | None:
    labelled = [(ours, theirs, page.boxes) for ours, theirs, page in pairs if page.boxes is not None]
    if not labelled:
        return None
    ours = np.array([_matches(reading, labels) for reading, _, labels in labelled], float)
    theirs = np.array([_matches(reading, labels) for _, reading, labels in labelled], float)
    return paired_bootstrap(theirs, ours, lambda rows: hmean(rows, of="read"))


def _matches(reading: Reading, labels: Sequence[LabelledBox]) -> tuple[int, int, int, int]:
    return count_matches(reading.boxes, reading.texts, labels).row()


@dataclass(frozen=True)
class Equality:
    """A model's outputs under an interpreter and under the newest ai-edge-litert, from the same tensors.

    Attributes:
        runs: how many were compared.
        identical: how many of them are equal bit for bit.
        largest: difference between two values.
        same_text: how many lines come to the same characters; None for other models than the recognizer.
    """

    runs: int
    identical: int
    largest: float
    same_text: int | None


def equality(repetitions: Sequence[Repetition], model: str) -> Equality | None:
    """Of one model; None where it has not run."""
    of_model = [repetition for repetition in repetitions if repetition.model == model]
    if not of_model:
        return None
    texts = [repetition.text for repetition in of_model if repetition.text is not None]
    return Equality(
        len(of_model),
        sum(repetition.identical for repetition in of_model),
        max(repetition.largest for repetition in of_model),
        sum(texts) if texts else None,
    )
