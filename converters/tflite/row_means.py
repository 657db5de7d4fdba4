"""Means over large maps, rows first.

XNNPACK adds the numbers of a map one after another in single precision. The more there are, the fewer digits of each
still count: the mean of 480 x 480 numbers around 100 is wrong in its fourth digit, and the gates of squeeze and
excitation carry that everywhere. Over a row, and then over the rows' means, next to nothing is lost, in the same time.
int8 adds exactly, as integers, and would round the rows' means.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph
from converters.tflite.resizable import ANY

_HEIGHT_AND_WIDTH, _WIDTH = [1, 2], [2]


def average_rows_first(content: bytes) -> bytes:
    """Put a mean over each row before every float mean over a map, which then is one over the rows.

    A graph whose input has a fixed height or width is given back as it is: its maps are small.
    """
    graph = TFLiteGraph(content)
    signature = graph.tensor(int(graph.subgraph.inputs[0])).shapeSignature
    if signature is None or list(signature[1:3]) != [ANY, ANY]:
        return content
    operators = []
    for operator in graph.operators:
        if _averages_maps(graph, operator) and graph.is_float(operator.inputs[0]):
            operators.append(_row_mean_before(graph, operator))
        operators.append(operator)
    graph.subgraph.operators = operators
    return graph.to_bytes()


def _averages_maps(graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    """Whether it is a MEAN over height and width of (batch, height, width, channels) that keeps both axes."""
    if graph.kind(operator) != "MEAN" or not operator.builtinOptions.keepDims:
        return False
    source, axes = operator.inputs
    return len(graph.shape(source)) == 4 and graph.constant(axes).ravel().tolist() == _HEIGHT_AND_WIDTH


def _row_mean_before(graph: TFLiteGraph, mean: schema.OperatorT) -> schema.OperatorT:
    """A new mean over the width, whose result `mean` now reads."""
    source, axes = mean.inputs
    batch, height, _, channels = graph.shape(source)
    rows = copy(mean)
    rows.inputs = [source, graph.add_constant(np.array(_WIDTH, np.int32), like=axes)]
    rows.outputs = [graph.add_tensor((batch, height, 1, channels), like=source)]
    mean.inputs = [rows.outputs[0], axes]
    return rows
