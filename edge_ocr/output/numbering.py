"""Numbers beside the quads of a picture, where they hide the least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_ocr.page import Quad
from edge_ocr.pictures import Picture

_SMALLEST, _LARGEST = 11, 40
"""Pixels; digits can be told apart from the smallest on."""
_BACKGROUND, _INK = (0, 90, 0), (255, 255, 255)

_TEXT, _NUMBER = 1, 20
"""How bad it is to cover a pixel: two numbers on top of each other would be worse than a number on text."""


def number_quads(picture: Picture, quads: Sequence[Quad]) -> None:
    """Write 1, 2, 3, ... beside the quads of a (height, width, 3) uint8 BGR picture, into that picture."""
    if not quads:
        return
    size = int(np.clip(np.median([_height(quad) for quad in quads]) * 0.6, _SMALLEST, _LARGEST))
    font = ImageFont.load_default(size=size)
    cover = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.round(quad).astype(np.int32) for quad in quads], (_TEXT,))
    for number, quad in enumerate(quads, start=1):
        tag = _tag(str(number), font)[: picture.shape[0], : picture.shape[1]]
        height, width = tag.shape[:2]
        left, top = min(
            _places(quad, width, height, picture.shape),
            key=lambda place: int(cover[place[1] : place[1] + height, place[0] : place[0] + width].sum()),
        )
        picture[top : top + height, left : left + width] = tag
        cover[top : top + height, left : left + width] = _NUMBER


def _height(quad: Quad) -> float:
    return float(np.linalg.norm(quad[3] - quad[0]))


def _tag(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Picture:
    left, top, right, bottom = font.getbbox(text)
    margin = 2
    tag = Image.new("RGB", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin), _BACKGROUND)
    ImageDraw.Draw(tag).text((margin - left, margin - top), text, fill=_INK, font=font)
    return np.asarray(tag)


def _places(quad: Quad, width: int, height: int, shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Left and top of places for a tag of this size within the picture, the preferred one first."""
    left, top = np.floor(quad.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(quad.max(axis=0)).astype(int).tolist()
    middle = (top + bottom - height) // 2
    rows = (middle, top, bottom - height)
    beside = [(column, row) for column in (left - width, right, left - 2 * width, right + width) for row in rows]
    outside = [(column, row) for row in (top - height, bottom) for column in (left, right - width)]
    for column, row in (*beside, *outside, (left, middle), (right - width, middle)):
        yield max(0, min(column, shape[1] - width)), max(0, min(row, shape[0] - height))
