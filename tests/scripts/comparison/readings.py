"""Readings made by hand, whose figures can be counted on paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from comparison.figures import figures
from comparison.measurement import PageReadings
from comparison.outcome import Comparison, SideFacts
from comparison.sides import EDGE_OCR, RAPIDOCR, RAPIDOCR_AS_INSTALLED, TESSERACT, Reading

from converters.evaluation.datasets import LabelledBox, LabelledPage


def box(left: float, width: float = 100) -> np.ndarray:
    """A box 20 px high on the page's only row."""
    return np.array([[left, 0], [left + width, 0], [left + width, 20], [left, 20]], np.float32)


def reading(seconds: float, *lines: tuple[str, float], stages: dict[str, float] | None = None) -> Reading:
    """A reading of (text, left edge) lines that took `seconds` on the clock and half of that on the CPU."""
    boxes = tuple(box(left) for _, left in lines)
    return Reading(seconds, seconds / 2, tuple(text for text, _ in lines), boxes, stages or {})


def page(*labels: tuple[str, float]) -> LabelledPage:
    return LabelledPage(Path("page.png"), tuple(LabelledBox(box(left), text, False) for text, left in labels))


UNLABELLED = LabelledPage(Path("page.png"), None)


def read_by(of: LabelledPage, edge_ocr: Reading, rapidocr: Reading, **others: Reading) -> PageReadings:
    names = {"as_installed": RAPIDOCR_AS_INSTALLED, "tesseract": TESSERACT}
    by_side = {names[name]: of_side for name, of_side in others.items()}
    return PageReadings(of, {EDGE_OCR: edge_ocr, RAPIDOCR: rapidocr, **by_side})


STAGES = {"detect": 60.0, "total": 100.0}

PAGES = [
    # two labels: edge_ocr finds and reads both, RapidOCR finds one and misreads it, Tesseract reads one
    read_by(
        page(("total", 0), ("12.50", 200)),
        reading(0.1, ("Total", 0), ("12.50", 200), stages=STAGES),
        reading(0.2, ("Tota1", 0)),
        as_installed=reading(0.5, ("Total", 0), ("12.50", 200)),
        tesseract=reading(1.0, ("12.50", 202)),
    ),
    # one label that only RapidOCR finds, and a line of edge_ocr's that is none; the others have not read it
    read_by(page(("date", 0)), reading(0.3, ("??", 400), stages=STAGES), reading(0.6, ("DATE", 2))),
]


@cache
def comparison() -> Comparison:
    """Of `PAGES`, with everything that is not read off them made up."""
    return Comparison(
        date="2026-01-02T03:04:05+00:00",
        cpu="A CPU (avx2, avx512_vnni)",
        cores=2,
        load=0.25,
        bundle="paper, int8, 0123456789abcdef",
        settings={"Det.thresh": 0.2},
        repeats=3,
        sides=[
            SideFacts(EDGE_OCR, 1, {"edge-ocr": "0.1.0"}, 200_000_000, 300_000_000, (0.5, 0.4, 0.6)),
            SideFacts(RAPIDOCR, 1, {"rapidocr": "3.10.0"}, 400_000_000, 375_000_000, (1.0, 2.0, 1.8)),
            SideFacts(RAPIDOCR_AS_INSTALLED, None, {"rapidocr": "3.10.0"}, 600_000_000, 375_000_000, (2.0, 3.0, 4.0)),
            SideFacts(TESSERACT, 1, {"tesseract": "5.3.0"}, 100_000_000, None, (1.0, 1.0, 1.0)),
        ],
        absent={},
        figures=[figures("receipts", PAGES, RAPIDOCR)],
        pages=PAGES,
    )
