"""Quads: (4, 2) float32 corners in pixels, clockwise, x to the right and y down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge_ocr.engines.base import Array
from edge_ocr.page import Quad

VERTICAL = 1.5
"""A quad at least so many times as high as wide holds a line that runs downwards.

PaddleOCR, tools/infer/utility.py, get_rotate_crop_image."""

DIRECT_WARP_HEIGHT = 72
"""Up to one and a half times the usual 48 px, bilinear sampling skips no pixel that matters to the reader."""

LARGEST_WARP = 32_000
"""Pixels a side; OpenCV holds the coordinates of a warp in 16 bits."""


def order_corners(points: Array) -> Quad:
    """The corners of a convex quad, in any order, as a quad that starts at the one nearest the top left."""
    corners = np.asarray(points, np.float32).tolist()
    middle_x, middle_y = (sum(coordinates) / 4 for coordinates in zip(*corners, strict=True))
    clockwise = sorted(corners, key=lambda corner: math.atan2(corner[1] - middle_y, corner[0] - middle_x))
    first = clockwise.index(min(clockwise, key=sum))
    return np.array(clockwise[first:] + clockwise[:first], np.float32)


def side_lengths(quad: Quad) -> tuple[float, float]:
    """Width and height of a quad in pixels, the longer one of each two opposite sides."""
    top_left, top_right, bottom_right, bottom_left = quad.tolist()
    return (
        max(math.dist(top_left, top_right), math.dist(bottom_left, bottom_right)),
        max(math.dist(top_left, bottom_left), math.dist(top_right, bottom_right)),
    )


def along_text(quad: Quad) -> Quad:
    """The quad, starting where its line starts: if it is much higher than wide, at the top right corner.

    A line that runs downwards is read with the head tilted to the right, as PaddleOCR crops it; a line that
    runs upwards comes out upside down, which is the direction classifier's to find.

    Args:
        quad: as `order_corners` gives it.
    """
    width, height = (int(length) for length in side_lengths(quad))
    return quad[[1, 2, 3, 0]] if height >= VERTICAL * width else quad


def turned(quad: Quad) -> Quad:
    """The same quad for a line that turned out to be upside down."""
    return quad[[2, 3, 0, 1]]


def expanded_size(width: float, height: float, ratio: float) -> tuple[float, float]:
    """Sides of a rectangle after DB's unclipping: every side moves out by area * ratio / perimeter.

    DB shrinks the text regions it learns from by the offset of Vatti's clipping algorithm, and PaddleOCR
    undoes this with pyclipper. For a rectangle the offset polygon has rounded corners, but the rectangle
    around it, the only thing kept, is the old one with both sides longer by twice the distance.
    """
    distance = width * height * ratio / (2 * (width + height)) if width and height else 0.0
    return width + 2 * distance, height + 2 * distance


def crop(picture: Array, quad: Quad, width: int, height: int) -> Array:
    """The inside of a quad as an upright (height, width, 3) uint8 picture, its first corner at the top left.

    One bilinear warp for a small line. A line of larger letters is first straightened at its own size, then
    made smaller, because a warp to a third or a quarter of the size would skip most of its pixels.
    """
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 2
    # OpenCV warps no picture beyond 32,767 px: it sees the neighbourhood only, of a longer line every n-th pixel
    step = math.ceil(max(right - left, bottom - top) / LARGEST_WARP)
    picture = picture[top:bottom:step, left:right:step]
    quad = (quad - np.array([left, top], np.float32)) / step
    own_width, own_height = (max(1, int(length)) for length in side_lengths(quad))
    if own_height <= DIRECT_WARP_HEIGHT:
        return _warp(picture, quad, width, height)
    own = _warp(picture, quad, own_width, own_height)
    return cv2.resize(own, (width, height), interpolation=cv2.INTER_AREA)


def _warp(picture: Array, quad: Quad, width: int, height: int) -> Array:
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # a quad's corners lie between pixels, while a warp counts from the middle of the first one
    transform = cv2.getPerspectiveTransform(quad - np.float32(0.5), target - np.float32(0.5))
    return cv2.warpPerspective(
        picture, transform, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def parts(quad: Quad, extents: Array) -> Array:
    """Pieces of a line's quad.

    Args:
        quad: of the line.
        extents: (n, 2) start and end of each piece, as fractions, 0 to 1, of the way along the line.

    Returns:
        (n, 4, 2) float32 quads.
    """
    top_left, top_right, bottom_right, bottom_left = quad
    top = top_left + extents[..., None] * (top_right - top_left)
    bottom = bottom_left + extents[..., None] * (bottom_right - bottom_left)
    return np.stack([top[:, 0], top[:, 1], bottom[:, 1], bottom[:, 0]], axis=1).astype(np.float32)


def joined(first: Quad, last: Quad) -> Quad:
    """The piece of a line from the start of one of its pieces to the end of another."""
    return np.stack([first[0], last[1], last[2], first[3]])


def reading_order(quads: Sequence[Quad]) -> list[int]:
    """Indices of the quads as a reader takes them: row by row from the top, each row from its start.

    The rows lie along the page's direction, which is that of most of its text: a page that is skewed, lies on
    its side or stands on its head is read as if it were upright. Lines share a row if, across that direction, they
    overlap by half their mean height; one three times as high as the others is therefore a row of its own. Each line
    is compared only with the rows around it.

    Args:
        quads: each starting where its line starts (`along_text`, `turned`).
    """
    if not quads:
        return []
    corners = np.asarray(quads, np.float64)
    along = _page_direction(corners)
    across = np.array([-along[1], along[0]])
    starts = (corners @ along).min(axis=1)
    tops, bottoms = (corners @ across).min(axis=1), (corners @ across).max(axis=1)

    rows: list[_Row] = []
    within_reach: list[_Row] = []
    for line in np.argsort(tops + bottoms, kind="stable").tolist():
        top, bottom = float(tops[line]), float(bottoms[line])
        within_reach = [row for row in within_reach if row.bottom > (top + bottom) / 2]
        nearest = max(within_reach, key=lambda row: row.closeness(top, bottom), default=None)
        if nearest is None or nearest.closeness(top, bottom) < 0.5:
            nearest = _Row()
            rows.append(nearest)
            within_reach.append(nearest)
        nearest.add(line, top, bottom)
    return [line for row in rows for line in sorted(row.lines, key=starts.__getitem__)]


@dataclass
class _Row:
    """Lines side by side; top and bottom are the means of theirs, so that what skew is left does not tear it apart."""

    lines: list[int] = field(default_factory=list)
    top: float = 0.0
    bottom: float = 0.0

    def closeness(self, top: float, bottom: float) -> float:
        """Overlap with a line across the page, as a share of their mean height: 1 at best."""
        return 2 * (min(bottom, self.bottom) - max(top, self.top)) / (bottom - top + self.bottom - self.top)

    def add(self, line: int, top: float, bottom: float) -> None:
        self.lines.append(line)
        self.top += (top - self.top) / len(self.lines)
        self.bottom += (bottom - self.bottom) / len(self.lines)


def _page_direction(corners: Array) -> Array:
    """Unit vector along the text: the median angle of the lines, each counting by its length.

    A median, so that a few lines that run down the margin do not tilt the page.
    """
    edges = corners[:, 1] - corners[:, 0] + corners[:, 2] - corners[:, 3]
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    if not lengths.any():
        return np.array([1.0, 0.0])
    common = np.arctan2(edges[:, 1].sum(), edges[:, 0].sum())
    # measured from the common angle, the circle is cut where no text points
    angles = (np.arctan2(edges[:, 1], edges[:, 0]) - common + np.pi) % (2 * np.pi) - np.pi
    ranked = np.argsort(angles)
    middle = np.searchsorted(np.cumsum(lengths[ranked]), lengths.sum() / 2)
    angle = common + angles[ranked[min(int(middle), len(ranked) - 1)]]
    return np.array([np.cos(angle), np.sin(angle)])
