"""Long pictures, such as till receipts and scrolled pages: looked at piece by piece, as one.

Shrunk whole to the detector's size, their short side would keep too few pixels for letters. What the detector's network
sees in each piece is put together to one map before any text is made out in it, so that no line is cut or found twice,
whichever way it runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from edge_ocr.engines.base import Array

LONG = 3
"""A picture more than so many times as long as wide is looked at in pieces."""
PIECE = math.sqrt(2)
"""A piece is so many times as long as wide, as a page of A4 is, so that letters are seen as large as on such a page."""
OVERLAP = 4
"""Pieces have at least one part in so many in common with the next: near an edge the network sees too little."""
MOST_PIECES = 128
"""A picture is looked at as if it were no longer than so many pieces end to end, 123,000 pixels at 960: a strip of
millions of pixels, which a PNG file of a few kilobytes can hold, would otherwise take hours and all memory."""


def long_side_of(height: int, width: int, piece: int) -> float:
    """The long side at which a picture is looked at, of which `piece` pixels are seen at a time."""
    short, long = sorted((height, width))
    return piece if long <= LONG * short else min(max(piece, long * piece / (PIECE * short)), MOST_PIECES * piece)


def seen_in_pieces(picture: Array, piece: int, look: Callable[[Array], Array]) -> Array:
    """What `look` makes of a picture that is shown to it in pieces, all of one size.

    Args:
        picture: (height, width, 3).
        piece: long side of a piece, in pixels.
        look: makes a (height, width) map of a picture.

    Returns:
        (height, width) map, in which every pixel is from the piece that has it farther from its ends.
    """
    axis = int(picture.shape[1] > picture.shape[0])
    length = picture.shape[axis]
    if length <= piece:
        return look(picture)
    count = 1 + math.ceil((length - piece) / (piece - piece // OVERLAP))
    starts = np.linspace(0, length - piece, count).round().astype(int).tolist()
    seams = [0, *((end + piece + start) // 2 for end, start in pairwise(starts)), length]
    parts = []
    for start, (first, last) in zip(starts, pairwise(seams), strict=True):
        seen = look(np.ascontiguousarray(picture.take(range(start, start + piece), axis)))
        parts.append(seen.take(range(first - start, last - start), axis))
    return np.concatenate(parts, axis)
