"""One file for every picture size and line width.

onnx2tf writes a graph for the one input size it was given. Convolutions do not care; what pins the size is written in
the shape constants of RESHAPE and in the input's signature. Opening those lets `resize_tensor_input` do the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.tflite.graph import TFLiteGraph

_SIZE_IN_ATTRIBUTES = {"RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "TRANSPOSE_CONV", "BROADCAST_TO", "FILL"}
"""Operators that store an output size: a rewrite must have replaced them before."""

ANY = -1


def make_resizable(content: bytes, free_axes: tuple[int, ...]) -> bytes:
    """Let the input be resized along `free_axes`.

    Args:
        content: a float TFLite file with one NHWC input.
        free_axes: axes of the input that may change: (1, 2) for a detector, (2,) for a recognizer, () for none.

    Returns:
        The same graph, resizable.

    Raises:
        ConversionError: an operator stores its output size, or a reshape mixes a free axis with others so that no
            single -1 can describe it.
    """
    graph = TFLiteGraph(content)
    entry = graph.tensor(int(graph.subgraph.inputs[0]))
    entry.shapeSignature = [ANY if axis in free_axes else int(size) for axis, size in enumerate(entry.shape)]
    if free_axes:
        for operator in graph.operators:
            if graph.kind(operator) in _SIZE_IN_ATTRIBUTES:
                raise ConversionError(
                    f"{graph.kind(operator)} stores its output size, so the file would serve one size only; "
                    "add a rewrite for it in converters/graph"
                )
            if graph.kind(operator) == "RESHAPE":
                _free_reshape(graph, operator, free_axes)
    graph.drop_unused()
    return graph.to_bytes()


def _free_reshape(graph: TFLiteGraph, operator: schema.OperatorT, free_axes: tuple[int, ...]) -> None:
    """Write -1 for the axis of the reshape's target that holds the source's free axes.

    All operators before it keep the order of the axes, so an axis that is free in the input is free here, unless a
    mean or a pooling over everything has brought it to 1.
    """
    source, target = graph.shape(operator.inputs[0]), list(graph.shape(operator.outputs[0]))
    free = [axis for axis in free_axes if axis < len(source) and source[axis] > 1]
    holders = {_holder(source, target, axis) for axis in free}
    if not holders:
        return
    holder = holders.pop()
    if holders or holder is None:
        raise ConversionError(
            f"the reshape {source} -> {tuple(target)} spreads what depends on the input's size over several axes; "
            "only one can be left open"
        )
    target[holder] = ANY
    shape = graph.add_constant(np.array(target, np.int32), like=operator.inputs[1])
    operator.inputs = [operator.inputs[0], shape]
    operator.builtinOptions, operator.builtinOptionsType = None, 0


def _holder(source: Sequence[int], target: Sequence[int], axis: int) -> int | None:
    """The axis of `target` that holds all of the source's `axis`, or None; both count in row-major order."""
    outside = math.prod(source[:axis])
    inside = outside * source[axis]
    for candidate in range(len(target)):
        if math.prod(target[:candidate]) <= outside and inside <= math.prod(target[: candidate + 1]):
            return candidate
    return None
