"""How long a bundle takes, against its float32 original: in one process, in turn, on one thread each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.evaluation.datasets import Dataset, spread
from converters.evaluation.processes import opencv_on_one_thread
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
    pages = spread([page.picture for data in datasets for page in data.pages], _PAGES)
    lines = () if pages else spread([line.picture for data in datasets for line in data.lines], _LINES)
    original, ours = OCR(reference, threads=1, min_score=0), OCR(bundle, threads=1, min_score=0)
    read = _read_page if pages else _read_line
    paths = pages or lines
    # All pictures before one again: who has just seen a picture of the same size need not prepare for it.
    tasks = [path for _ in range(_ROUNDS) for path in paths]
    best: dict[OCR, dict[Path, dict[str, float]]] = {original: {}, ours: {}}
    with opencv_on_one_thread():
        for path in progress.track(tasks, "take the time", len(tasks), "picture"):
            picture = load_picture(path)
            for ocr, of_picture in best.items():
                found, known = read(ocr, picture), of_picture.get(path, {})
                of_picture[path] = {stage: min(taken, known.get(stage, taken)) for stage, taken in found.items()}

    def ratio(stage: str) -> float | None:
        spent = {ocr: sum(taken.get(stage, 0.0) for taken in of_picture.values()) for ocr, of_picture in best.items()}
        return spent[ours] / spent[original] if spent[original] else None

    return Speed(len(paths), ratio("detect"), ratio("direction"), ratio("recognise"), ratio("total"))


def _read_page(ocr: OCR, picture: Picture) -> Mapping[str, float]:
    """Milliseconds of every stage that had something to do."""
    page = ocr.read(picture)
    idle = {"direction", "recognise"} if not page.lines else {"direction"} if ocr.direction is None else set()
    return {stage: spent for stage, spent in page.timings.items() if stage not in idle}


def _read_line(ocr: OCR, picture: Picture) -> Mapping[str, float]:
    start = time.perf_counter()
    ocr.recognizer.recognize([picture])
    return {"recognise": 1000 * (time.perf_counter() - start)}
