"""Picture -> text quads, by Differentiable Binarization.

Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020. The steps after the
network are those of PaddleOCR's ppocr/postprocess/db_postprocess.py (quads, "fast" box score), each worked
out on the few pixels around a region instead of the whole map.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_ocr import geometry
from edge_ocr.engines.base import Array, Network
from edge_ocr.errors import BundleError
from edge_ocr.manifest import DetectorSpec, LongSide
from edge_ocr.normalisation import Normaliser
from edge_ocr.pictures import Picture, Source, load_picture

Quads = npt.NDArray[np.float32]
ProbabilityMap = npt.NDArray[np.float32]


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
        self._normaliser = Normaliser(spec.input, network)
        self._long_side = spec.input.size.long_side if long_side is None else long_side
        if self._long_side < spec.input.size.minimum:
            raise ValueError(f"the long side is {long_side} px; the detector needs at least {spec.input.size.minimum}")

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
        scaled_height, scaled_width = network_size(height, width, self._spec.input.size, self._long_side)
        scale = np.array([width / scaled_width, height / scaled_height], np.float32)

        def fill(tensor: Array) -> None:
            self._normaliser.write(_resized(picture, scaled_width, scaled_height), tensor)

        def take(output: Array) -> Quads:
            return self._quads(self._probability(output, scaled_height, scaled_width)) * scale

        quads = self._network.run(self._normaliser.shape(scaled_height, scaled_width), fill, take)
        return np.clip(quads, 0, np.array([width, height], np.float32))

    def _probability(self, output: Array, height: int, width: int) -> ProbabilityMap:
        """The (height, width) map of text probability inside the network's output."""
        border = self._spec.output.border
        sides = (height + 2 * border, width + 2 * border)
        expected = (1, 1, *sides) if self._spec.output.layout == "NCHW" else (1, *sides, 1)
        if output.shape != expected:
            raise BundleError(
                f"the detector model gives an output of shape {output.shape} where {expected} is expected; "
                "convert the model again"
            )
        plane = output.reshape(sides)
        return self._network.output.decode(plane[border : border + height, border : border + width])

    def _quads(self, probability: ProbabilityMap) -> Quads:
        """The (n, 4, 2) quads of a probability map, in its pixels."""
        rules = self._spec.postprocess
        mask = (probability > rules.threshold).view(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        quads = []
        for contour in contours[: rules.max_candidates]:
            centre, (width, height), angle = cv2.minAreaRect(contour)
            if min(width, height) < rules.minimum_side:
                continue
            corners = cv2.boxPoints((centre, (width, height), angle))
            if _mean_inside(probability, corners) < rules.box_threshold:
                continue
            width, height = geometry.expanded_size(width, height, rules.unclip_ratio)
            if min(width, height) < rules.minimum_side + 2:
                continue
            quads.append(geometry.order_corners(cv2.boxPoints((centre, (width, height), angle))))
        # contours go through the middles of pixels, half a pixel from the corner that coordinates count from
        return np.array(quads, np.float32).reshape(-1, 4, 2) + np.float32(0.5)


def network_size(height: int, width: int, rule: LongSide, long_side: int) -> tuple[int, int]:
    """Height and width at which a picture is looked at: never enlarged, but to the minimum or a multiple."""
    scale = min(1.0, long_side / max(height, width))

    def fit(side: int) -> int:
        return max(rule.minimum, round(side * scale / rule.multiple) * rule.multiple)

    return fit(height), fit(width)


def _resized(picture: Picture, width: int, height: int) -> Array:
    return picture if picture.shape[:2] == (height, width) else cv2.resize(picture, (width, height))


def _mean_inside(probability: ProbabilityMap, corners: Array) -> float:
    """Mean probability inside a rectangle, on that part of the map alone."""
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    window = np.ascontiguousarray(probability[top:bottom, left:right])
    inside = np.zeros(window.shape, np.uint8)
    cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), 1)
    return cv2.mean(window, inside)[0]
