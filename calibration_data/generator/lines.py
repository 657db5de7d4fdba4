"""Cuts text lines out of pages the way a recognizer gets them: straightened, in their own size, a little off."""

from __future__ import annotations

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels, Reals, reals, seen_through
from calibration_data.generator.layers import Item, Layer, rectangle, short_side
from calibration_data.generator.randomness import Random, between, chance

HIGHEST = 64
"""Larger lines are stored with this height: a recognizer shrinks them further."""

LOWEST = 16
"""Lines lower than this are not kept: they would show little but blur."""


SHARE_OF_SMALL = 0.3
"""This share is shrunk to nearly `LOWEST`: small print is common on real pictures, and blurred once enlarged again."""


def legible_lines(page: Layer) -> list[Item]:
    """The page's text that is worth cutting out: whole, upright and large enough."""
    return [item for item in page.labels() if not item.ignore and short_side(item.box) >= LOWEST and _is_wide(item)]


def cut_out(random: Random, page: Layer, item: Item) -> Pixels:
    """The item's line as an upright picture, its box off by as much as a detector's is."""
    box = item.box
    height = short_side(box)
    width = (np.linalg.norm(box[1] - box[0]) + np.linalg.norm(box[2] - box[3])) / 2
    margin = between(random, 0.02, 0.22) * height
    skew = random.uniform(-0.04, 0.04, (4, 2)) * height
    outwards = reals([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * margin
    scale = min(1.0, HIGHEST / (height + 2 * margin))
    if chance(random, SHARE_OF_SMALL):
        scale = min(scale, between(random, LOWEST, 1.5 * LOWEST) / height)
    size = (round((width + 2 * margin) * scale), round((height + 2 * margin) * scale))
    corners = (box + _along(box, outwards) + skew).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, rectangle(0, 0, *size))
    return seen_through(page.colour, matrix, *size, cv2.BORDER_REPLICATE)


def _along(box: Reals, offsets: Reals) -> Reals:
    """Offsets given along and across the text, in the page's directions."""
    along = (box[1] - box[0]) / max(float(np.linalg.norm(box[1] - box[0])), 1e-6)
    across = reals([-along[1], along[0]])
    return offsets[:, :1] * along + offsets[:, 1:] * across


def _is_wide(item: Item) -> bool:
    width = np.linalg.norm(item.box[1] - item.box[0])
    height = np.linalg.norm(item.box[3] - item.box[0])
    return bool(width > 0.6 * height)
