"""What came out of a comparison on emulated CPUs, and the ratios that sum it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from comparison.figures import alike

from converters.evaluation.datasets import LabelledPage
from converters.evaluation.metrics import count_matches, hmean
from emulated.sides import EDGE_OCR, ONNXRUNTIME, Reading


@dataclass(frozen=True)
class Outcome:
    """All sides on all pages and CPUs.

    Attributes:
        bundle: of edge_ocr: name, precision and digest.
        pages: in order.
        readings: CPU -> side -> its readings, one a page.
    """

    bundle: str
    pages: Sequence[LabelledPage]
    readings: Mapping[str, Mapping[str, Sequence[Reading]]]

    def instructions(self, cpu: str, side: str) -> list[int]:
        """What a side takes for each page, and for all."""
        by_page = [reading.instructions for reading in self.readings[cpu][side]]
        return [*by_page, sum(by_page)]

    def ratios(self, cpu: str, side: str) -> list[float]:
        """What edge_ocr takes of what a side takes for each page, and for all."""
        pairs = zip(self.instructions(cpu, EDGE_OCR), self.instructions(cpu, side), strict=True)
        return [own / other for own, other in pairs]

    def measured(self) -> dict[str, float]:
        """The ratios over all pages, by the names of aims.toml."""
        return {
            f"{cpu}: {EDGE_OCR} / {side}": self.ratios(cpu, side)[-1]
            for cpu, sides in self.readings.items()
            for side in sides
            if EDGE_OCR in sides and side != EDGE_OCR
        }

    def accuracy(self, cpu: str, side: str) -> float | None:
        """End-to-end hmean in percent, on the pages that are labelled; None where none is."""
        rows = [
            count_matches(reading.boxes, reading.texts, page.boxes).row()
            for page, reading in zip(self.pages, self.readings[cpu][side], strict=True)
            if page.boxes is not None
        ]
        return hmean(np.array(rows, float), of="read") if rows else None

    def likeness(self, cpu: str, side: str) -> tuple[float, float]:
        """How alike a side and onnxruntime, with the published models, read; see `alike`."""
        return alike(list(zip(self.readings[cpu][side], self.readings[cpu][ONNXRUNTIME], strict=True)))

    def versions(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Side -> what it runs on."""
        for side, (reading, *_) in next(iter(self.readings.values())).items():
            yield side, reading.versions
