"""Padding around a picture as padding around its rows.

XNNPACK folds a PAD into the convolution behind it in float32 and int8, but not in half precision, where it calls its
copying kernel once a pixel: for the three channels of a picture that costs more than the convolution. Seen as
(1, height, width * channels), where one number beside another is the next channel or the next pixel, the same padding
is copied once a row.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph
from converters.tflite.resizable import ANY

MOST_CHANNELS = 4
"""Of what is worth it: with more there are fewer pixels, and a CPU without half precision pays for the reshapes."""


def flatten_padding(graph: TFLiteGraph) -> None:
    """Let a PAD of few float channels work on rows; the numbers stay the same.

    A graph whose input has no fixed height keeps its padding.
    """
    signature = graph.tensor(int(graph.subgraph.inputs[0])).shapeSignature
    if signature is not None and signature[1] == ANY:
        return  # a reshape can leave only one axis open, and a row's length takes it
    operators = []
    for operator in graph.operators:
        operators += _as_rows(graph, operator) if _is_worth_it(graph, operator) else [operator]
    graph.subgraph.operators = operators


def _is_worth_it(graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    """Whether it is a PAD around the few float channels of (batch, height, width, channels)."""
    if graph.kind(operator) != "PAD" or not graph.is_float(operator.inputs[0]):
        return False
    shape = graph.shape(operator.inputs[0])
    return len(shape) == 4 and shape[3] <= MOST_CHANNELS and not graph.constant(operator.inputs[1])[[0, 3]].any()


def _as_rows(graph: TFLiteGraph, pad: schema.OperatorT) -> list[schema.OperatorT]:
    """A reshape to rows, their padding, and a reshape back."""
    source, target = pad.inputs[0], pad.outputs[0]
    batch, height, width, channels = graph.shape(source)
    _, padded_height, padded_width, _ = graph.shape(target)
    amounts = graph.constant(pad.inputs[1])
    rows = graph.add_tensor((batch, height, width * channels), like=source)
    padded_rows = graph.add_tensor((batch, padded_height, padded_width * channels), like=source)
    around_rows = np.stack([amounts[0], amounts[1], amounts[2] * channels])
    padding = copy(pad)
    padding.inputs = [rows, graph.add_constant(around_rows, like=pad.inputs[1])]
    padding.outputs = [padded_rows]
    return [
        _reshape(graph, source, rows, (batch, height, ANY), like=pad.inputs[1]),
        padding,
        _reshape(graph, padded_rows, target, (batch, padded_height, ANY, channels), like=pad.inputs[1]),
    ]


def _reshape(graph: TFLiteGraph, source: int, target: int, shape: tuple[int, ...], *, like: int) -> schema.OperatorT:
    """A RESHAPE whose target shape is a constant of the type of tensor `like`."""
    reshape = schema.OperatorT()
    reshape.opcodeIndex = graph.operator_code(schema.BuiltinOperator.RESHAPE)
    reshape.inputs, reshape.outputs = [source, graph.add_constant(np.array(shape, np.int32), like=like)], [target]
    return reshape
