"""A comparison made by hand, whose ratios can be worked out on paper."""

from __future__ import annotations

from emulated.outcome import Outcome
from emulated.sides import EDGE_OCR, NCNN_HALF, ONNXRUNTIME, Reading

from tests.scripts.comparison.readings import box, page


def reading(instructions: int, *lines: tuple[str, float]) -> Reading:
    """A reading of (text, left edge) lines."""
    boxes = tuple(box(left) for _, left in lines)
    return Reading(instructions, tuple(text for text, _ in lines), boxes, {"engine": "1.0"})


PAGES = [page(("total", 0), ("12.50", 200)), page(("date", 0))]

OUTCOME = Outcome(
    bundle="paper, int8, 0123456789abcdef",
    pages=PAGES,
    readings={
        "cortex-a76": {
            EDGE_OCR: [reading(200_000_000, ("total", 0), ("12.50", 200)), reading(100_000_000, ("date", 0))],
            ONNXRUNTIME: [reading(800_000_000, ("total", 0), ("12.58", 200)), reading(200_000_000, ("date", 0))],
            NCNN_HALF: [reading(400_000_000, ("total", 0)), reading(200_000_000, ("date", 0))],
        }
    },
)
