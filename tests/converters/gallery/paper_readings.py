"""Readings made by hand, and the pictures that they claim to have read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from converters.evaluation.datasets import LabelledBox, LabelledLine, LabelledPage
from converters.evaluation.readings import LinePair, LineReading, PagePair
from edge_ocr.page import Character, Page, Quad, TextLine, Word

WIDTH, HEIGHT = 400, 300


def quad(left: float, top: float, width: float = 120, height: float = 24) -> Quad:
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)


def line_pair(
    folder: Path, name: str, reference: str, bundle: str, score: float = 0.95, label: str | None = None
) -> LinePair:
    picture = folder / name
    save(picture, np.full((32, 160, 3), 200, np.uint8))
    return LinePair(LabelledLine(picture, label), LineReading(reference, score, score), LineReading(bundle, 0.8, 0.8))


def line(text: str, box: Quad, score: float = 0.95) -> TextLine:
    """A line that is one word, each of its characters with that score."""
    characters = tuple(Character(character, score, box) for character in text)
    return TextLine(text, score, box, (Word(text, score, box, characters),))


def page_pair(
    folder: Path,
    name: str,
    reference: list[TextLine],
    bundle: list[TextLine],
    labels: dict[str, Quad] | None = None,
) -> PagePair:
    """A white page with a patch of a colour of its own in every box of `reference`."""
    pixels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for number, each in enumerate(reference):
        cv2.fillConvexPoly(pixels, each.box.astype(np.int32), colour(number))
    picture = folder / name
    save(picture, pixels)
    boxes = None if labels is None else tuple(LabelledBox(box, text, False) for text, box in labels.items())
    return PagePair(
        LabelledPage(picture, boxes),
        Page(WIDTH, HEIGHT, tuple(reference)),
        Page(WIDTH, HEIGHT, tuple(bundle)),
    )


def colour(number: int) -> tuple[int, int, int]:
    """BGR, of the patch in the box of that number."""
    return [(200, 40, 40), (40, 160, 40), (40, 40, 200)][number % 3]


def save(picture: Path, pixels: np.ndarray) -> None:
    """As PNG, whatever its name holds: cv2.imwrite crashes on one that is no UTF-8."""
    picture.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
