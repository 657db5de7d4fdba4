"""Convolutions and fully connected layers as products of matrices.

All three kinds are taken for a grouped convolution: a depthwise one has as many groups as input channels, a
fully connected layer is a convolution of 1 x 1 over a map of one pixel. With G groups of O output channels each, and D
weights to a channel, the weights are (G, O, D) and what N places of the output are computed from is (G, N, D).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import CONVOLUTIONS, NO_TENSOR, TFLiteGraph

FloatArray = npt.NDArray[np.float32]
Matrices = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

LINEAR = (*CONVOLUTIONS, "FULLY_CONNECTED")
"""The operators that have such weights."""


class LinearLayer:
    """One of the operators of a float TFLite file that multiply by weights.

    Attributes:
        weights: (G, O, D) float64.
        bias: (G, O) float64; None where the operator has none.
    """

    def __init__(self, graph: TFLiteGraph, operator: schema.OperatorT) -> None:
        self._graph, self._operator = graph, operator
        stored = graph.constant(operator.inputs[1])
        self._stored_shape = stored.shape
        self._depthwise = graph.kind(operator) == "DEPTHWISE_CONV_2D"
        self._connected = graph.kind(operator) == "FULLY_CONNECTED"
        self._kernel = (1, 1) if self._connected else stored.shape[1:3]
        # A fully connected layer may read more than the last axis: as many numbers as it has weights.
        self._channels = stored.shape[-1] if self._connected else graph.shape(operator.inputs[0])[-1]
        channels_of_a_group = 1 if self._depthwise else stored.shape[-1]
        self._groups = self._channels // channels_of_a_group
        rows = stored.reshape(-1, stored.shape[-1]).T if self._depthwise else stored.reshape(len(stored), -1)
        self.weights: Matrices = rows.reshape(self._groups, -1, rows.shape[-1]).astype(np.float64)
        self.bias: Matrices | None = None
        if len(operator.inputs) > 2 and operator.inputs[2] != NO_TENSOR:
            self.bias = graph.constant(operator.inputs[2]).reshape(self._groups, -1).astype(np.float64)

    def draw(self, values: FloatArray, count: int, chooser: np.random.Generator) -> Places:
        """(3, count) places of the output, drawn with replacement: batch, row and column."""
        maps, height, width, _ = self._as_maps(values).shape
        ends = (maps, *(self._size(axis, length) for axis, length in enumerate((height, width))))
        return np.stack([chooser.integers(0, end, count) for end in ends])

    def columns(self, values: FloatArray, places: Places) -> FloatArray:
        """(G, N, D): the inputs that the output is computed from at N places, with zeros beyond the border."""
        maps = self._as_maps(values)
        batch, *ends = places
        rows, columns = (self._window(axis, end, maps.shape[1 + axis]) for axis, end in enumerate(ends))
        inside = _is_inside(rows, maps.shape[1])[:, :, None] & _is_inside(columns, maps.shape[2])[:, None, :]
        rows, columns = (index.clip(0, size - 1) for index, size in zip((rows, columns), maps.shape[1:3], strict=True))
        windows = maps[batch[:, None, None], rows[:, :, None], columns[:, None, :]] * inside[..., None]
        windows = windows.reshape(len(batch), -1, self._groups, self._channels // self._groups)
        return windows.transpose(2, 0, 1, 3).reshape(self._groups, len(batch), -1)

    def replace(self, weights: Matrices, bias: Matrices | None) -> None:
        """Give the operator other weights, and another bias if it has one."""
        rows = weights.reshape(-1, weights.shape[-1])
        stored = (rows.T if self._depthwise else rows).reshape(self._stored_shape)
        # New constants instead of changed ones: two operators may share a buffer.
        inputs = list(self._operator.inputs)
        inputs[1] = self._graph.add_constant(stored.astype(np.float32), like=inputs[1])
        if bias is not None:
            inputs[2] = self._graph.add_constant(bias.ravel().astype(np.float32), like=inputs[2])
        self._operator.inputs = inputs

    def _as_maps(self, values: FloatArray) -> FloatArray:
        return values.reshape(-1, 1, 1, self._channels) if self._connected else values

    def _stride(self, axis: int) -> int:
        options = self._operator.builtinOptions
        return 1 if self._connected else int((options.strideH, options.strideW)[axis])

    def _dilation(self, axis: int) -> int:
        options = self._operator.builtinOptions
        return 1 if self._connected else int((options.dilationHFactor, options.dilationWFactor)[axis])

    def _reach(self, axis: int) -> int:
        """From the first to the last pixel of the kernel."""
        return (self._kernel[axis] - 1) * self._dilation(axis) + 1

    def _is_padded(self) -> bool:
        return not self._connected and self._operator.builtinOptions.padding == schema.Padding.SAME

    def _size(self, axis: int, length: int) -> int:
        """Of the output, along an axis of the input `length` long."""
        lost = 0 if self._is_padded() else self._reach(axis) - 1
        return -(-(length - lost) // self._stride(axis))

    def _window(self, axis: int, places: Places, length: int) -> Places:
        """(N, k): where along an axis the kernel reads."""
        padding = 0
        if self._is_padded():
            covered = (self._size(axis, length) - 1) * self._stride(axis) + self._reach(axis)
            padding = max(covered - length, 0) // 2
        return places[:, None] * self._stride(axis) - padding + np.arange(self._kernel[axis]) * self._dilation(axis)


def _is_inside(index: Places, size: int) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (index >= 0) & (index < size)
    return inside
