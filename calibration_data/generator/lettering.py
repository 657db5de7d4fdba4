"""Sets one line of text as a transparent layer: fill, gradient, outline, shadow, letter spacing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from calibration_data.generator.arrays import Pixels, blurred, pixels, reals
from calibration_data.generator.fonts import Typeface
from calibration_data.generator.layers import Item, Layer, blend, rectangle
from calibration_data.generator.surfaces import BLACK, Colour, filled, mixed, ramp


@dataclass(frozen=True)
class Lettering:
    """How a line looks.

    Attributes:
        size: pixels to the em.
        fill: the letters' colour, at their top.
        fill_below: their colour at the bottom; None where it is the same.
        outline: colour of the outline.
        outline_width: in pixels; 0 for none.
        shadow: pixels by which a dark shadow falls to the lower right; 0 for none.
        spacing: extra space between characters, in ems.
    """

    size: int
    fill: Colour
    fill_below: Colour | None = None
    outline: Colour = BLACK
    outline_width: int = 0
    shadow: int = 0
    spacing: float = 0.0


def set_line(text: str, typeface: Typeface, lettering: Lettering) -> Layer:
    """`text` as a layer just large enough for it, with one item whose box lies close around the ink."""
    letters = _mask(text, typeface, lettering, stroke=0)
    outlined = _mask(text, typeface, lettering, stroke=lettering.outline_width)
    height, width = letters.shape
    ground = filled(height, width, lettering.outline if lettering.outline_width else lettering.fill)
    fill = mixed(lettering.fill, lettering.fill_below or lettering.fill, ramp(height, width, np.pi / 2))
    colour = blend(ground, fill, letters)
    x, y, width, height = cv2.boundingRect(outlined)
    item = Item(rectangle(x, y, width, height), text)
    alpha = outlined
    if lettering.shadow:
        colour, alpha = _with_shadow(colour, outlined, lettering.shadow)
    return Layer(colour, alpha, [item])


def _mask(text: str, typeface: Typeface, lettering: Lettering, stroke: int) -> Pixels:
    font = typeface.at(lettering.size)
    margin = lettering.outline_width + 2 * lettering.shadow + 2
    step = lettering.spacing * lettering.size
    positions = [font.getlength(text[:index]) + index * step for index in range(len(text) + 1)]
    left, top, right, bottom = font.getbbox(text)
    width = int(max(positions[-1], right + len(text) * step) - min(left, 0)) + 2 * margin + 1
    image = Image.new("L", (width, int(bottom - top) + 2 * margin + 1))
    pen = ImageDraw.Draw(image)
    for character, x in zip(text, positions, strict=False):
        pen.text((x + margin - min(left, 0), margin - top), character, fill=255, font=font, stroke_width=stroke)
    return np.asarray(image).copy()


def _with_shadow(colour: Pixels, letters: Pixels, offset: int) -> tuple[Pixels, Pixels]:
    """The letters over a soft, half-dark copy of themselves."""
    shift = reals([[1, 0, offset], [0, 1, offset]])
    moved = reals(cv2.warpAffine(letters, shift, letters.shape[::-1]))
    shadow = 0.6 * blurred(moved, max(offset / 2, 0.5)) / 255
    ink = letters.astype(np.float32) / 255
    alpha = ink + shadow * (1 - ink)
    share = ink / np.maximum(alpha, 1e-6)
    return pixels(colour * share[..., None]), pixels(alpha * 255)
