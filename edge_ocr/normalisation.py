"""8-bit pixels -> the numbers of a model's input tensor, by table.

A channel has only 256 possible values, so `(pixel * scale - mean) / std`, and the quantisation of an integer
input, are worked out once for each of them. OpenCV then looks every pixel up and writes the result straight
into the tensor: faster than the arithmetic, and exactly its result.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from edge_ocr.engines.base import Array, Network
from edge_ocr.errors import BundleError
from edge_ocr.manifest import InputSpec


class Normaliser:
    """Writes pictures into the input tensor of one model."""

    def __init__(self, spec: InputSpec[Any], network: Network) -> None:
        """Work out the table for an input as the manifest describes it and the engine holds it.

        Raises:
            BundleError: the two disagree on the numbers it takes.
        """
        tensor = network.input
        if tensor.dtype != np.dtype(spec.dtype):
            raise BundleError(
                f"the {network.name} model takes {tensor.dtype} input, but the manifest says {spec.dtype}; "
                "convert the model again"
            )
        pixels = np.arange(256, dtype=np.float32)[:, None]
        mean, std = np.array([spec.mean, spec.std], np.float32)
        values = (pixels * np.float32(spec.scale) - mean) / std
        self._table = tensor.encode(values)[None]  # (1, 256, 3), as cv2.LUT takes it
        self._padding = tensor.encode(0.0)
        self._planar = spec.layout == "NCHW"
        self._rgb = spec.colour_order == "RGB"

    def shape(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The shape of the tensor that takes one picture of such a size, in pixels."""
        return (1, 3, height, width) if self._planar else (1, height, width, 3)

    def write(self, picture: Array, tensor: Array) -> None:
        """Normalise a picture into the tensor's top left corner and fill the rest with the value 0.

        Args:
            picture: (height, width, 3) uint8 BGR.
            tensor: overwritten; of `shape(h, w)`, with h and w no smaller than the picture's, and of the
                model's dtype.
        """
        height, width = picture.shape[:2]
        if self._rgb:
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        # (height, width, channel) whatever the layout; writing to it writes to the tensor
        pixels = tensor[0].transpose(1, 2, 0) if self._planar else tensor[0]
        pixels[height:] = self._padding
        pixels[:height, width:] = self._padding
        if self._planar:
            for channel, plane in enumerate(tensor[0]):
                table = np.ascontiguousarray(self._table[..., channel])
                cv2.LUT(cv2.extractChannel(picture, channel), table, dst=plane[:height, :width])
        else:
            cv2.LUT(picture, self._table, dst=pixels[:height, :width])
