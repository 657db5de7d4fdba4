"""A quantised model that takes and gives its own integers.

The quantizer leaves a float input and output: QUANTIZE comes first and DEQUANTIZE last. The runtime writes pixels by a
table and looks at few of the outputs, so it may as well write and read the integers: a quarter of the memory moved at
either end, and bit by bit the same numbers inside.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph

_NUMPY_NAMES = {schema.TensorType.FLOAT32: "float32", schema.TensorType.INT8: "int8", schema.TensorType.UINT8: "uint8"}


def take_and_give_integers(content: bytes) -> bytes:
    """Take away the conversion behind the input and the one before the output, where there are any.

    Args:
        content: a TFLite file with one input and one output.

    Returns:
        The same graph between integers; `content` as it is where the boundary is float on both sides.
    """
    graph = TFLiteGraph(content)
    if not (_take_integers(graph) | _give_integers(graph)):
        return content
    graph.drop_unused()
    return graph.to_bytes()


def _take_integers(graph: TFLiteGraph) -> bool:
    """Whether the input could be made the integers that its only reader makes of it."""
    entry = int(graph.subgraph.inputs[0])
    readers = graph.consumers().get(entry, [])
    if len(readers) != 1 or graph.kind(readers[0]) != "QUANTIZE" or not graph.is_float(entry):
        return False
    integers = readers[0].outputs[0]
    graph.tensor(integers).shapeSignature = graph.tensor(entry).shapeSignature
    graph.subgraph.inputs = np.array([integers], np.int32)
    graph.remove(readers[0])
    return True


def _give_integers(graph: TFLiteGraph) -> bool:
    """Whether the output could be made the integers that it is computed from."""
    result = int(graph.subgraph.outputs[0])
    last = graph.producers().get(result)
    if last is None or graph.kind(last) != "DEQUANTIZE" or result in graph.consumers():
        return False
    graph.subgraph.outputs = np.array([last.inputs[0]], np.int32)
    graph.remove(last)
    return True


def input_type(content: bytes) -> str:
    """The numbers that a TFLite file takes, as a manifest calls them: `float32`, `int8` or `uint8`."""
    graph = TFLiteGraph(content)
    return _NUMPY_NAMES[graph.tensor(int(graph.subgraph.inputs[0])).type]
