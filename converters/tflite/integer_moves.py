"""Operators that only move numbers, done on the int8 numbers.

ai-edge-quantizer does not know DEPTH_TO_SPACE, so around each it leaves int8 -> float, the move, float -> int8: two
passes over the largest maps of a detector for nothing. Moving the int8 numbers themselves gives the same result.
"""

from __future__ import annotations

from copy import copy

from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph

MOVES = ("DEPTH_TO_SPACE",)
"""Operators whose output holds the numbers of its one input in another order."""


def move_integers(content: bytes) -> bytes:
    """Take the conversions away from around every move.

    Args:
        content: a quantised TFLite file.

    Returns:
        One that computes bit by bit the same.
    """
    graph = TFLiteGraph(content)
    for move in graph.operators:
        producer = graph.producers().get(move.inputs[0])
        if graph.kind(move) in MOVES and producer is not None and graph.kind(producer) == "DEQUANTIZE":
            readers = graph.consumers().get(move.outputs[0], [])
            if readers and all(graph.kind(reader) == "QUANTIZE" for reader in readers):
                _move_as_integers(graph, move, producer.inputs[0], readers)
    _drop_dead(graph, "DEQUANTIZE")
    graph.drop_unused()
    return graph.to_bytes()


def _move_as_integers(
    graph: TFLiteGraph, move: schema.OperatorT, integers: int, readers: list[schema.OperatorT]
) -> None:
    moved = graph.tensor(move.outputs[0])
    moved.type = graph.tensor(integers).type
    moved.quantization = copy(graph.tensor(integers).quantization)
    move.inputs = [integers]
    for reader in readers:
        # A QUANTIZE from int8 to int8 converts between scales; between equal ones it does nothing.
        if _same_numbers(moved.quantization, graph.tensor(reader.outputs[0]).quantization):
            graph.redirect(reader.outputs[0], move.outputs[0])
            graph.remove(reader)


def _same_numbers(first: schema.QuantizationParametersT, second: schema.QuantizationParametersT) -> bool:
    return list(first.scale) == list(second.scale) and list(first.zeroPoint) == list(second.zeroPoint)


def _drop_dead(graph: TFLiteGraph, kind: str) -> None:
    read = set(graph.consumers()) | graph.boundary
    for operator in list(graph.operators):
        if graph.kind(operator) == kind and operator.outputs[0] not in read:
            graph.remove(operator)
