"""Holding one bundle after the other against the same original, on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from converters.evaluation.datasets import Dataset
from converters.evaluation.readings import Reading, in_pairs, read_alone
from converters.progress import Progress
from converters.speed import Speed, measure_speed
from converters.verification import Verification, verify
from edge_ocr.bundle import Bundle


class Examiner:
    """Verifies one bundle after the other on the same pictures, which the original reads once."""

    def __init__(
        self, reference: Bundle, datasets: Sequence[Dataset], progress: Progress, workers: int | None = None
    ) -> None:
        """Nothing is read yet.

        Args:
            reference: the original, from `converters.reference`.
            datasets: what is read, labelled or not.
            progress: shows how far it is.
            workers: see `read_alone`.
        """
        self.reference, self.datasets = reference, datasets
        self._progress, self._workers = progress, workers

    def examine(self, bundle: Bundle) -> Verification:
        """Hold a bundle against the original; see `read_alone` for what can go wrong."""
        readings = in_pairs(self.datasets, self._original, self.read(bundle))
        return verify(bundle, self.datasets, readings, self.time(bundle))

    @cached_property
    def _original(self) -> Reading:
        return self.read(self.reference)

    def read(self, bundle: Bundle) -> Reading:
        """Everything that a bundle, converted or original, reads in the pictures."""
        return read_alone(bundle, self.datasets, self._progress, workers=self._workers)

    def time(self, bundle: Bundle) -> Speed:
        """How long a bundle takes, beside the original."""
        return measure_speed(self.reference, bundle, self.datasets, self._progress)
