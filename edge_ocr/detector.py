"""Picture -> text quads, by Differentiable Binarization.

Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020. The steps after the
network are those of PaddleOCR's ppocr/postprocess/db_postprocess.py (quads, "fast" box score), each worked
out on the few pixels around a region instead of the whole map.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr import geometry, tiles
from edge_ocr.engines.base import Array, Network
from edge_ocr.errors import BundleError
from edge_ocr.manifest import DetectorSpec, LongSide
from edge_ocr.normalisation import Normaliser
from edge_ocr.pictures import Picture, Source, load_picture

Quads = npt.NDArray[np.float32]


class Detector:
    """Finds the lines of text on a picture."""

    def __init__(self, network: Network, spec: DetectorSpec, long_side: int | None = None) -> None:
        """Wrap a loaded detector.

        Args:
            network: the model.
            spec: what the manifest says about it.
            long_side: limit in pixels instead of that of the manifest: less is faster, more finds smaller
                text.

        Raises:
            BundleError: the model takes other numbers than the manifest says.
            ValueError: the long side is shorter than the model's smallest input.
        """
        self._network = network
        self._spec = spec
        self._gives_logits = spec.output.meaning == "text-logits"
        self._threshold = self._number_for(spec.postprocess.threshold)
        self._normaliser = Normaliser(spec.input, network)
        self._long_side = spec.input.size.long_side if long_side is None else long_side
        if self._long_side < spec.input.size.minimum:
            raise ValueError(f"the long side is {long_side} px; the detector needs at least {spec.input.size.minimum}")
        self._piece = max(network_size(self._long_side, self._long_side, spec.input.size, self._long_side))

    def detect(self, image: Source) -> Quads:
        """Find the text.

        Args:
            image: what `OCR.read` takes, such as a (height, width, 3) uint8 BGR array.

        Returns:
            (n, 4, 2) float32 quads in picture pixels, each clockwise from the corner nearest the top left, in
            no particular order; (0, 4, 2) where there is no text.

        Raises:
            PictureError: it is not a picture that can be read.
            BundleError: the model's output is not the map that the manifest describes.
            EngineError: the engine fails.
        """
        picture = load_picture(image)
        height, width = picture.shape[:2]
        plane = self._seen(picture)
        scale = np.array([width / plane.shape[1], height / plane.shape[0]], np.float32)
        return np.clip(self._quads(plane) * scale, 0, np.array([width, height], np.float32))

    def probabilities(self, image: Source) -> npt.NDArray[np.float32]:
        """How probable it is that text is there, everywhere on a picture.

        Args:
            image: as of `detect`, which makes its quads of this.

        Returns:
            (height, width) float32 of the picture at the size at which the network looks at it.

        Raises:
            PictureError, BundleError, EngineError: as of `detect`.
        """
        return self._probability(self._seen(load_picture(image)))

    def shrinking(self, height: int, width: int) -> float:
        """How many times smaller than it is a picture is looked at, along the side that is shrunk the most."""
        seen_height, seen_width = self._size(height, width)
        return max(height / seen_height, width / seen_width)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which a picture is looked at as a whole."""
        return network_size(height, width, self._spec.input.size, tiles.long_side_of(height, width, self._long_side))

    def _seen(self, picture: Picture) -> Array:
        """The map of a whole picture, in the network's own numbers."""
        height, width = self._size(*picture.shape[:2])
        return tiles.seen_in_pieces(_resized(picture, width, height), self._piece, self._look)

    def _look(self, picture: Array) -> Array:
        """The (height, width) map of a (height, width, 3) picture, in the network's own numbers."""
        height, width = picture.shape[:2]

        def fill(tensor: Array) -> None:
            self._normaliser.write(picture, tensor)

        def take(output: Array) -> Array:
            return self._map(output, height, width)

        return self._network.run(self._normaliser.shape(height, width), fill, take)

    def _map(self, output: Array, height: int, width: int) -> Array:
        """The (height, width) map inside the network's output, in the network's own numbers."""
        block, border = self._spec.output.block, self._spec.output.border
        rows, columns = (height + 2 * border) // block, (width + 2 * border) // block
        expected = (1, block**2, rows, columns) if self._spec.output.layout == "NCHW" else (1, rows, columns, block**2)
        if output.shape != expected:
            raise BundleError(
                f"the detector model gives an output of shape {output.shape} where {expected} is expected; "
                "convert the model again"
            )
        if self._spec.output.layout == "NCHW":
            blocks = output.reshape(block, block, rows, columns).transpose(2, 0, 3, 1)
        else:
            blocks = output.reshape(rows, columns, block, block).transpose(0, 2, 1, 3)
        plane = blocks.reshape(rows * block, columns * block)
        return plane[border : border + height, border : border + width]

    def _number_for(self, probability: float) -> float:
        """The greatest number of the network's output that stands for no more than a probability."""
        value = probability
        if self._gives_logits:
            value = math.log(probability / (1 - probability)) if 0 < probability < 1 else math.inf * (probability - 0.5)
        kind = self._network.output
        if not kind.scale:
            return value
        limits = np.iinfo(kind.dtype)
        return math.floor(min(max(value / kind.scale + kind.zero_point, limits.min - 1), limits.max))

    def _probability(self, numbers: Array) -> npt.NDArray[np.float32]:
        """The probabilities that numbers of the network's output stand for."""
        values = self._network.output.decode(numbers)
        if not self._gives_logits:
            return values
        # The limit keeps the exponential finite in float32; it changes no probability above 1e-34.
        return np.reciprocal(1 + np.exp(np.minimum(-values, np.float32(80))))

    def _quads(self, plane: Array) -> Quads:
        """The (n, 4, 2) quads of a map, in its pixels."""
        rules = self._spec.postprocess
        mask = (plane > self._threshold).view(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        quads = []
        pieces = math.ceil(max(plane.shape) / self._piece)
        for contour in contours[: pieces * rules.max_candidates]:
            centre, (width, height), angle = cv2.minAreaRect(contour)
            if min(width, height) < rules.minimum_side:
                continue
            corners = cv2.boxPoints((centre, (width, height), angle))
            if self._mean_inside(plane, corners) < rules.box_threshold:
                continue
            width, height = geometry.expanded_size(width, height, rules.unclip_ratio)
            if min(width, height) < rules.minimum_side + 2:
                continue
            quads.append(geometry.order_corners(cv2.boxPoints((centre, (width, height), angle))))
        # contours go through the middles of pixels, half a pixel from the corner that coordinates count from
        return np.array(quads, np.float32).reshape(-1, 4, 2) + np.float32(0.5)

    def _mean_inside(self, plane: Array, corners: Array) -> float:
        """Mean probability inside a rectangle, worked out on that part of the map alone."""
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
        window = np.ascontiguousarray(self._probability(plane[top:bottom, left:right]))
        inside = np.zeros(window.shape, np.uint8)
        cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), 1)
        return cv2.mean(window, inside)[0]


def network_size(height: int, width: int, rule: LongSide, long_side: float) -> tuple[int, int]:
    """Height and width at which a picture is looked at: never enlarged, but to the minimum or a multiple."""
    scale = min(1.0, long_side / max(height, width))

    def fit(side: int) -> int:
        return max(rule.minimum, round(side * scale / rule.multiple) * rule.multiple)

    return fit(height), fit(width)


def _resized(picture: Picture, width: int, height: int) -> Array:
    return picture if picture.shape[:2] == (height, width) else cv2.resize(picture, (width, height))
