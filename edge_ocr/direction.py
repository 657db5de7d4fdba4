"""Line crops -> which of them are upside down."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2

from edge_ocr.engines.base import Array, Network
from edge_ocr.errors import BundleError
from edge_ocr.manifest import DirectionSpec
from edge_ocr.normalisation import Normaliser

LONGEST = 2
"""Of a line longer than so many inputs of the model only the beginning is shown: squeezed further, it is unsure."""


class DirectionClassifier:
    """Tells lines that stand upright from lines that are turned by 180 degrees.

    The model is PaddleOCR's text direction classifier (tools/infer/predict_cls.py). It errs on short lines, and
    the lines of a page nearly always agree, so the longest ones speak for all; where they disagree, every line is
    asked, and those that leave the model unsure follow the others. That is faster than asking all of them, and
    more often right.
    """

    def __init__(self, network: Network, spec: DirectionSpec) -> None:
        """Wrap a loaded direction classifier and what the manifest says about it."""
        self._network = network
        self._spec = spec
        self._normaliser = Normaliser(spec.input, network)

    def upside_down(self, lines: Sequence[Array]) -> list[bool]:
        """Which lines of one page are to be turned.

        Args:
            lines: (height, width, 3) uint8 BGR each.
        """
        turned, upright = self._spec.postprocess.threshold, 1 - self._spec.postprocess.threshold
        longest = sorted(range(len(lines)), key=lambda index: lines[index].shape[1], reverse=True)
        voters, others = longest[: self._spec.postprocess.voters], longest[self._spec.postprocess.voters :]
        answers = {index: self.probability(lines[index]) for index in voters}
        votes = {probability > turned for probability in answers.values()}
        if len(votes) == 1:
            return [votes.pop()] * len(lines)
        answers |= {index: self.probability(lines[index]) for index in others}
        probabilities = [answers[index] for index in range(len(lines))]
        most_turned = sum(p > turned for p in probabilities) > sum(p < upright for p in probabilities)
        return [p > turned or (most_turned and p >= upright) for p in probabilities]

    def probability(self, line: Array) -> float:
        """How probable it is that a (height, width, 3) uint8 BGR line is upside down."""
        size = self._spec.input.size
        scale = size.height / line.shape[0]
        line = line[:, : math.ceil(LONGEST * size.width / scale)]
        width = min(size.width, max(1, round(line.shape[1] * scale)))
        if line.shape[:2] != (size.height, width):
            line = cv2.resize(line, (width, size.height))

        def fill(tensor: Array) -> None:
            self._normaliser.write(line, tensor)

        def take(output: Array) -> Array:
            return self._network.output.decode(output.reshape(-1))

        probabilities = self._network.run(self._normaliser.shape(size.height, size.width), fill, take)
        if len(probabilities) != len(self._spec.output.labels):
            raise BundleError(
                f"the direction model gives {len(probabilities)} numbers where {len(self._spec.output.labels)} are "
                "expected; convert the model again"
            )
        return float(probabilities[self._spec.output.labels.index(180)])
