"""Pictures with transparency and labels: a layer laid on another brings its text boxes along."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration_data.generator.arrays import Pixels, Reals, pixels, reals, seen_through

Quad = Reals
"""(4, 2) float32: clockwise from the text's top left, pixels."""

LEGIBLE_SIDE = 8.0
"""Text lower than this many pixels is marked "ignore": a person could not read it either."""


@dataclass(frozen=True)
class Item:
    """One line of text on a layer.

    Attributes:
        box: (4, 2) float32, clockwise from the text's top left, pixels of the layer.
        text: what is written there.
        ignore: whether it is too small, cut off or covered, so that it should count neither for nor against a reading.
    """

    box: Quad
    text: str
    ignore: bool = False

    def as_json(self) -> dict[str, Any]:
        """The item as a row of labels.jsonl has it."""
        box = [[round(float(x), 1), round(float(y), 1)] for x, y in self.box]
        return {"box": box, "text": self.text, "ignore": self.ignore}


@dataclass
class Layer:
    """A picture to be laid on others.

    Attributes:
        colour: (height, width, 3) uint8, BGR.
        alpha: (height, width) uint8, 0 where what lies below is seen.
        items: the text on it.
    """

    colour: Pixels
    alpha: Pixels
    items: list[Item] = field(default_factory=list)

    @classmethod
    def opaque(cls, colour: Pixels) -> Layer:
        """A layer that covers all below it."""
        return cls(colour, np.full(colour.shape[:2], 255, np.uint8))

    @property
    def width(self) -> int:
        return int(self.colour.shape[1])

    @property
    def height(self) -> int:
        return int(self.colour.shape[0])

    def place(self, other: Layer, x: float, y: float) -> None:
        """Lay `other` on this layer, unchanged, with its top left corner at (x, y)."""
        left, top = round(x), round(y)
        self.project(other, rectangle(left, top, other.width, other.height))

    def project(self, other: Layer, quad: Quad) -> None:
        """Lay `other` on this layer so that its corners come to lie on `quad`, as a flat thing seen from an angle."""
        left, top = np.floor(quad.min(axis=0)).astype(int)
        right, bottom = np.ceil(quad.max(axis=0)).astype(int)
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self.width), min(bottom, self.height)
        if right <= left or bottom <= top:
            return
        corners = rectangle(0, 0, other.width, other.height)
        to_page = cv2.getPerspectiveTransform(corners, quad.astype(np.float32))
        to_window = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ to_page
        width, height = int(right - left), int(bottom - top)
        opacity = seen_through(other.alpha, to_window, width, height, cv2.BORDER_CONSTANT)
        colour = seen_through(other.colour, to_window, width, height, cv2.BORDER_REPLICATE)
        window = self.colour[top:bottom, left:right]
        window[:] = blend(window, colour, opacity)
        shown = self.alpha[top:bottom, left:right]
        np.maximum(shown, opacity, out=shown)
        self.items = [_covered(item, opacity, left, top) for item in self.items]
        self.items += [replace(item, box=transformed(item.box, to_page)) for item in other.items]

    def warped(self, matrix: npt.ArrayLike, width: int, height: int) -> Layer:
        """This layer through a perspective transform, in a frame of the given size; its edge is mirrored outwards."""
        page = Layer.opaque(seen_through(self.colour, matrix, width, height, cv2.BORDER_REFLECT))
        page.items = [replace(item, box=transformed(item.box, matrix)) for item in self.items]
        return page

    def labels(self) -> list[Item]:
        """The items that are in the frame; those hardly to be read are marked "ignore"."""
        kept = []
        for item in self.items:
            inside = np.clip(item.box, 0, (self.width - 1, self.height - 1)).astype(np.float32)
            visible = cv2.contourArea(inside) / max(cv2.contourArea(item.box), 1.0)
            if visible > 0.1:
                cut = visible < 0.95 or short_side(item.box) < LEGIBLE_SIDE
                kept.append(replace(item, box=inside, ignore=item.ignore or cut))
        return kept

    def is_free(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether no text of this layer lies in the rectangle."""
        low, high = reals([x, y]), reals([x + width, y + height])
        return all((item.box.max(axis=0) <= low).any() or (item.box.min(axis=0) >= high).any() for item in self.items)


def rectangle(x: float, y: float, width: float, height: float) -> Quad:
    """The corners of an upright rectangle, clockwise from the top left."""
    return reals([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def short_side(box: Quad) -> float:
    """The smaller of a quad's mean width and mean height, in pixels."""
    sides = np.linalg.norm(np.roll(box, -1, axis=0) - box, axis=1)
    return float(min(sides[0] + sides[2], sides[1] + sides[3]) / 2)


def transformed(box: Quad, matrix: npt.ArrayLike) -> Quad:
    """The quad's corners through a 3x3 perspective transform."""
    return reals(cv2.perspectiveTransform(box[None], np.asarray(matrix, np.float64))[0])


def blend(below: Pixels, above: Pixels, opacity: Pixels) -> Pixels:
    """`above` laid on `below`: opacity 255 hides what is below."""
    weight = opacity[..., None].astype(np.float32) / 255
    return pixels(below + (above.astype(np.float32) - below) * weight)


def _covered(item: Item, opacity: Pixels, left: int, top: int) -> Item:
    """The item after something was laid on the page; `opacity` is that of the window beginning at (left, top)."""
    on_item = np.zeros_like(opacity)
    cv2.fillConvexPoly(on_item, np.rint(item.box - (left, top)).astype(np.int32), 255)
    hidden = np.count_nonzero((opacity > 60) & (on_item > 0))
    return replace(item, ignore=True) if hidden > 0.08 * cv2.contourArea(item.box) else item
