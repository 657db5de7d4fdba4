"""What came out of a comparison, and the ratios that sum it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from comparison.figures import Figures, Ratio, stage_shares, time_ratio
from comparison.measurement import PageReadings
from comparison.sides import EDGE_OCR, RAPIDOCR


@dataclass(frozen=True)
class SideFacts:
    """A side apart from the pages.

    Attributes:
        name: of the side.
        threads: how many it was allowed; None: as many as it likes.
        versions: of what it runs on, name -> version.
        peak_memory: bytes of its process after all pages.
        installed: bytes of its installation; None where that cannot be told.
        first_text: seconds from a fresh start, start by start.
    """

    name: str
    threads: int | None
    versions: Mapping[str, str]
    peak_memory: int
    installed: int | None
    first_text: Sequence[float]


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what came out.

    Attributes:
        date: ISO 8601.
        cpu: name, and what it offers for int8.
        cores: how many of them could be used.
        load: of the machine before the start, in processes that want a core.
        bundle: of edge_ocr: name, precision and digest.
        settings: what RapidOCR with the same models was told beside its files.
        repeats: how often the two with the same models read each page.
        sides: these two, then the others.
        absent: name of a side that is not on this machine -> why, and what to install.
        figures: of the two with the same models, on each set of pages and, if there are several, on all pages.
        pages: page by page.
    """

    date: str
    cpu: str
    cores: int
    load: float
    bundle: str
    settings: Mapping[str, Any]
    repeats: int
    sides: Sequence[SideFacts]
    absent: Mapping[str, str]
    figures: Sequence[Figures]
    pages: Sequence[PageReadings]

    def side(self, name: str) -> SideFacts:
        """The facts of one side."""
        return next(side for side in self.sides if side.name == name)

    def read_by_all(self) -> list[PageReadings]:
        """The pages that no side left out."""
        return [page for page in self.pages if len(page.by_side) == len(self.sides)]

    def page_time(self, side: str) -> Ratio:
        """A side's time beside RapidOCR's with the same models, on all pages that the side has read."""
        return time_ratio([page for page in self.pages if side in page.by_side], side, RAPIDOCR)

    def first_text(self, side: str) -> float:
        """Median of pairs of starts, likewise."""
        starts = zip(self.side(side).first_text, self.side(RAPIDOCR).first_text, strict=True)
        return median(own / base for own, base in starts)

    def peak_memory(self, side: str) -> float:
        """Likewise."""
        return self.side(side).peak_memory / self.side(RAPIDOCR).peak_memory

    def installed(self, side: str) -> float | None:
        """Likewise; None where it cannot be told."""
        own, base = self.side(side).installed, self.side(RAPIDOCR).installed
        return own / base if own is not None and base is not None else None

    def stages(self) -> dict[str, float]:
        """Stage of edge_ocr -> percentage of its time."""
        return stage_shares([page.by_side[EDGE_OCR].stages for page in self.pages])

    def measured(self) -> dict[str, float]:
        """The figures that have a limit, by the names of targets.toml; the accuracy where pages are labelled."""
        together = self.figures[-1]
        values = {
            "page time": together.time.value,
            "start to first text": self.first_text(EDGE_OCR),
            "peak memory": self.peak_memory(EDGE_OCR),
        }
        if (installed := self.installed(EDGE_OCR)) is not None:
            values["installed size"] = installed
        if together.end_to_end is not None:
            delta = together.end_to_end.delta
            values["end-to-end hmean, difference"] = delta.value
            values["end-to-end hmean, lower end of the difference"] = delta.low
        return values
