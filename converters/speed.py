"""How long a bundle takes, against its float32 original: in one process, in turn, on one thread each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.evaluation.datasets import Dataset
from converters.evaluation.readings import opencv_on_one_thread
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.ocr import OCR
from edge_ocr.pictures import Picture, load_picture

_PAGES = 6
_LINES = 40
_ROUNDS = 3
"""The best of so many counts: what disturbs a measurement only ever makes it longer."""


@dataclass(frozen=True)
class Speed:
    """Time of the bundle over that of the original, each stage with what it computes before and after its network.

    A stage that the pictures gave nothing to do is None.

    Attributes:
        pictures: how many were timed.
        detector: from a page to quads.
        direction: from line crops to upright ones.
        recognizer: from line crops to text.
        page: from a decoded page to its text.
    """

    pictures: int
    detector: float | None = None
    direction: float | None = None
    recognizer: float | None = None
    page: float | None = None


def measure_speed(reference: Bundle, bundle: Bundle, datasets: Sequence[Dataset], progress: Progress) -> Speed:
    """Time both on a few pages, spread over the data sets; on pictures of lines where there are no pages."""
    pages = _spread([page.picture for data in datasets for page in data.pages], _PAGES)
    lines = [] if pages else _spread([line.picture for data in datasets for line in data.lines], _LINES)
    original, ours = OCR(reference, threads=1, min_score=0), OCR(bundle, threads=1, min_score=0)
    read = _read_page if pages else _read_line
    spent: dict[OCR, Counter[str]] = {original: Counter(), ours: Counter()}
    paths = pages or lines
    with opencv_on_one_thread():
        for path in progress.track(paths, "take the time", len(paths), "picture"):
            picture = load_picture(path)
            rounds = [{ocr: read(ocr, picture) for ocr in spent} for _ in range(_ROUNDS)]
            for ocr, total in spent.items():
                total.update({stage: min(each[ocr][stage] for each in rounds) for stage in rounds[0][ocr]})

    def ratio(stage: str) -> float | None:
        return spent[ours][stage] / spent[original][stage] if spent[original][stage] else None

    return Speed(len(paths), ratio("detect"), ratio("direction"), ratio("recognise"), ratio("total"))


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    """At most so many, at equal distances."""
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])


def _read_page(ocr: OCR, picture: Picture) -> Mapping[str, float]:
    """Milliseconds of every stage that had something to do."""
    page = ocr.read(picture)
    idle = {"direction", "recognise"} if not page.lines else {"direction"} if ocr.direction is None else set()
    return {stage: spent for stage, spent in page.timings.items() if stage not in idle}


def _read_line(ocr: OCR, picture: Picture) -> Mapping[str, float]:
    start = time.perf_counter()
    ocr.recognizer.recognize([picture])
    return {"recognise": 1000 * (time.perf_counter() - start)}
