"""What of a TFLite file is to become int8, by the names that recipes of the quantizer know operators under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

from converters.quantization.ranges import Range
from converters.tflite.graph import TFLiteGraph


@dataclass(frozen=True)
class Operator:
    """An operator of a TFLite file.

    Attributes:
        output: name of its output tensor.
        kind: for example CONV_2D.
    """

    output: str
    kind: str

    @staticmethod
    def of(graph: TFLiteGraph, operator: schema.OperatorT) -> Operator:
        """What `operator` of `graph` goes by."""
        return Operator(graph.tensor_name(operator.outputs[0]), graph.kind(operator))


@dataclass(frozen=True)
class Prepared:
    """A float model, ready to be quantised.

    Attributes:
        content: the TFLite file, with even channels where the recipe asks for that.
        ranges: tensor name -> what its int8 numbers will represent.
        operators: what is to be int8, in execution order.
    """

    content: bytes
    ranges: Mapping[str, Range]
    operators: tuple[Operator, ...]
