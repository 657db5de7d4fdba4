"""The picture with its quads, and a white page beside it with the text in the same places.

The text is drawn with a font that this machine has: Pillow's own for Latin, else one of the common system
fonts for Chinese, Japanese and Korean. A line with a character that none of them has is shown as its number,
`[line 12]`, which is its place in the other outputs: never as empty boxes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_ocr.atomic import replacing
from edge_ocr.errors import EdgeOCRError
from edge_ocr.page import Page, Quad
from edge_ocr.pictures import Picture

SUFFIXES = (".png", ".jpg", ".jpeg")

_LONGEST_JPEG = 65_500
"""Pixels; libjpeg writes no more."""

_QUAD_COLOUR = (60, 160, 0)
_FAINT_COLOUR = (225, 225, 225)
_SMALLEST_TEXT = 6
"""Pixels; smaller letters cannot be told apart."""

_FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)
_FONT_FILES = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "SourceHanSans.ttc",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Light.ttc",
    "msyh.ttc",
    "simhei.ttf",
    "simsun.ttc",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
)


def check_suffix(path: Path) -> None:
    """Refuse a file name whose ending names no format that can be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise EdgeOCRError(f"cannot write {path} as a picture; let its name end in .png or .jpg, or in / for a folder")


def save_annotated(path: Path, picture: Picture, page: Page) -> int:
    """Write the annotated picture as PNG or JPEG, by the ending of its name; all of it or nothing.

    Args:
        path: to be written.
        picture: (height, width, 3) uint8, BGR: the one that was read.
        page: what was read from it.

    Returns:
        The number of lines that no font of this machine can show, and that stand there as their number.

    Raises:
        EdgeOCRError: the ending is unknown, or the file cannot be written.
    """
    check_suffix(path)
    annotated, hidden = annotate(picture, page)
    if path.suffix.lower() != ".png" and max(annotated.shape) > _LONGEST_JPEG:
        size = f"{annotated.shape[1]} x {annotated.shape[0]} pixels"
        raise EdgeOCRError(f"{path} would have {size}, too many for JPEG; let its name end in .png")
    encoded = cv2.imencode(path.suffix.lower(), annotated)[1]
    with replacing(path) as stream:
        stream.write(encoded.tobytes())
    return hidden


def annotate(picture: Picture, page: Page) -> tuple[Picture, int]:
    """The picture with quads, beside it (below a wide one) the text; and how many lines are hidden."""
    height, width = picture.shape[:2]
    thickness = max(1, round(min(height, width) / 400))
    marked, text = picture.copy(), np.full_like(picture, 255)
    corners = [np.round(line.box).astype(np.int32) for line in page.lines]
    cv2.polylines(marked, corners, True, _QUAD_COLOUR, thickness, cv2.LINE_AA)
    cv2.polylines(text, corners, True, _FAINT_COLOUR, 1, cv2.LINE_AA)
    font, missing = _best_font(set(page.text))
    hidden = 0
    for number, line in enumerate(page.lines, start=1):
        drawable = missing.isdisjoint(line.text)
        hidden += not drawable
        _letter(text, line.box, line.text if drawable else f"[line {number}]", font)
    return np.concatenate([marked, text], axis=0 if width > height else 1), hidden


def _letter(canvas: Picture, box: Quad, text: str, font: ImageFont.FreeTypeFont) -> None:
    """Draw `text` into a quad of the canvas, however it is turned, as large as fits."""
    width = max(1, round(float(np.linalg.norm(box[1] - box[0]))))
    height = max(1, round(float(np.linalg.norm(box[3] - box[0]))))
    strip = _strip(text, width, height, font)
    left, top = np.maximum(np.floor(box.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(box.max(axis=0)) + 1, [canvas.shape[1], canvas.shape[0]]).astype(int)
    if right <= left or bottom <= top:
        return
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(corners, (box - np.array([left, top])).astype(np.float32))
    turned = cv2.warpPerspective(strip, warp, (int(right - left), int(bottom - top)), borderValue=(255,))
    region = canvas[top:bottom, left:right]
    np.minimum(region, turned[..., None], out=region)


def _strip(text: str, width: int, height: int, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """(height, width) uint8: the text in black on white, upright."""
    size = max(_SMALLEST_TEXT, round(0.8 * height))
    length = _sized(font, size).getlength(text)
    if length > width:
        size = max(_SMALLEST_TEXT, int(size * width / length))
    strip = Image.new("L", (width, height), "white")
    ImageDraw.Draw(strip).text((0, height / 2), text, fill="black", font=_sized(font, size), anchor="lm")
    return np.asarray(strip)


@lru_cache(maxsize=256)
def _sized(font: ImageFont.FreeTypeFont, size: int) -> ImageFont.FreeTypeFont:
    return font.font_variant(size=size)


def _best_font(characters: set[str]) -> tuple[ImageFont.FreeTypeFont, set[str]]:
    """The first font that has all the characters, else the one that lacks fewest; and what it lacks."""
    best, missing = None, characters
    for font in _fonts():
        lacking = _lacking(font, characters)
        if best is None or len(lacking) < len(missing):
            best, missing = font, lacking
        if not missing:
            break
    if best is None:
        raise EdgeOCRError("this Pillow cannot draw text; run: pip install --upgrade pillow")
    return best, missing


def _lacking(font: ImageFont.FreeTypeFont, characters: set[str]) -> set[str]:
    """The characters for which a font only has its sign for "not here", as for U+10FFFF, which is none."""
    absent = bytes(font.getmask("\U0010ffff"))
    return {each for each in characters if not each.isspace() and bytes(font.getmask(each)) == absent}


def _fonts() -> Iterator[ImageFont.FreeTypeFont]:
    """Pillow's own font, then those of the system, the most suitable first."""
    own = ImageFont.load_default(size=20)
    if isinstance(own, ImageFont.FreeTypeFont):
        yield own
    files = {file: path for folder in _FONT_FOLDERS for path, file in _files(os.path.expanduser(folder))}
    for file in _FONT_FILES:
        if file in files:
            try:
                yield ImageFont.truetype(files[file], 20)
            except OSError:
                continue  # a damaged font is as good as none


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Every file below a folder, as path and name."""
    for parent, _, files in os.walk(folder):
        for file in files:
            yield os.path.join(parent, file), file
