"""The picture with its quads, and a white page beside it with the text in the same places.

The text is drawn with a font that this machine has: Pillow's own for Latin, else one of the common system
fonts for Chinese, Japanese and Korean. Where none has all the characters, each quad gets its number, which stands
in the place of every line that cannot be shown, and a legend beside the picture has the text: never empty boxes.
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
from edge_ocr.output.numbering import number_quads
from edge_ocr.page import Page, Quad
from edge_ocr.pictures import Picture

SUFFIXES = (".png", ".jpg", ".jpeg")

_LONGEST = {"JPEG": 65_500, "PNG": 1_000_000}
"""Pixels a side; libjpeg and libpng write no more."""

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


def legend_of(path: Path) -> Path:
    """Where the legend of an annotated picture goes: OUT.png.txt."""
    return path.with_name(f"{path.name}.txt")


def save_annotated(path: Path, picture: Picture, page: Page) -> Path | None:
    """Write the annotated picture as PNG or JPEG, by the ending of its name; all of it or nothing.

    Args:
        path: to be written.
        picture: (height, width, 3) uint8, BGR: the one that was read.
        page: what was read from it.

    Returns:
        The legend, if the picture needs one: UTF-8, and on each row number, score and text of a line, with tabs
        between them.

    Raises:
        EdgeOCRError: the ending is unknown, or a file cannot be written.
    """
    check_suffix(path)
    annotated, numbered = annotate(picture, page)
    kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    if max(annotated.shape) > _LONGEST[kind]:
        size = f"{annotated.shape[1]} x {annotated.shape[0]} pixels"
        remedy = "cut the picture" if kind == "PNG" else "let its name end in .png"
        raise EdgeOCRError(f"{path} would have {size}, too many for {kind}; {remedy}")
    encoded = cv2.imencode(path.suffix.lower(), annotated)[1]
    with replacing(path) as stream:
        stream.write(encoded.tobytes())
    if not numbered:
        return None
    rows = (f"{number}\t{line.score:.4f}\t{line.text}\n" for number, line in enumerate(page.lines, start=1))
    with replacing(legend_of(path)) as stream:
        stream.write("".join(rows).encode("utf-8", errors="replace"))
    return legend_of(path)


def annotate(picture: Picture, page: Page) -> tuple[Picture, bool]:
    """The picture with quads, beside it (below a wide one) the text; and whether the quads had to be numbered."""
    height, width = picture.shape[:2]
    thickness = max(1, round(min(height, width) / 400))
    marked, text = picture.copy(), np.full_like(picture, 255)
    corners = [np.round(line.box).astype(np.int32) for line in page.lines]
    cv2.polylines(marked, corners, True, _QUAD_COLOUR, thickness, cv2.LINE_AA)
    cv2.polylines(text, corners, True, _FAINT_COLOUR, 1, cv2.LINE_AA)
    font, missing = best_font(set(page.text))
    if missing:
        number_quads(marked, [line.box for line in page.lines])
    for number, line in enumerate(page.lines, start=1):
        _letter(text, line.box, line.text if missing.isdisjoint(line.text) else f"[{number}]", font)
    return np.concatenate([marked, text], axis=0 if width > height else 1), bool(missing)


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


def best_font(characters: set[str]) -> tuple[ImageFont.FreeTypeFont, set[str]]:
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
    files = _files(_FONT_FOLDERS)
    for file in _FONT_FILES:
        if file in files:
            try:
                yield ImageFont.truetype(files[file], 20)
            except OSError:
                continue  # a damaged font is as good as none


@lru_cache(maxsize=1)
def _files(folders: tuple[str, ...]) -> dict[str, str]:
    """Every file below the folders: name -> path."""
    walks = (os.walk(os.path.expanduser(folder)) for folder in folders)
    return {file: os.path.join(parent, file) for walk in walks for parent, _, files in walk for file in files}
