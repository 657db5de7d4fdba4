"""One file for every picture size and line width.

onnx2tf writes a graph for the one input size it was given. Convolutions do not care; what pins the size is written in
the shape constants of RESHAPE and in the input's signature. Opening those lets `resize_tensor_input` do the rest.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.free_axes import Axes, free_axes_of_tensors
from converters.tflite.graph import TFLiteGraph

ANY = -1


def make_resizable(content: bytes, free_axes: tuple[int, ...]) -> bytes:
    """Let the input be resized along `free_axes`.

    Args:
        content: a float TFLite file with one NHWC input.
        free_axes: axes of the input that may change: (1, 2) for a detector, (2,) for a recognizer, () for none.

    Returns:
        The same graph, resizable.

    Raises:
        ConversionError: an operator or a constant serves one size only, or a reshape mixes a free axis with others so
            that no single -1 can describe it.
    """
    graph = TFLiteGraph(content)
    entry = graph.tensor(int(graph.subgraph.inputs[0]))
    entry.shapeSignature = [ANY if axis in free_axes else int(size) for axis, size in enumerate(entry.shape)]
    free = free_axes_of_tensors(graph, Axes(free_axes))
    for operator in graph.operators:
        if graph.kind(operator) == "RESHAPE" and free.get(operator.outputs[0]):
            _open(graph, operator, free[operator.outputs[0]])
    graph.drop_unused()
    return graph.to_bytes()


def _open(graph: TFLiteGraph, reshape: schema.OperatorT, free: Axes) -> None:
    """Write -1 for the free axis of the reshape's target; there is one at most."""
    target = [ANY if axis in free else size for axis, size in enumerate(graph.shape(reshape.outputs[0]))]
    shape = graph.add_constant(np.array(target, np.int32), like=reshape.inputs[1])
    reshape.inputs = [reshape.inputs[0], shape]
    reshape.builtinOptions, reshape.builtinOptionsType = None, 0
