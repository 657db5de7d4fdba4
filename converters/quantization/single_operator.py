"""Operators of a float TFLite file, run one at a time.

Between two operators everything can be looked at and changed, which an interpreter of the whole file does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.tools import flatbuffer_utils

from converters.tflite.graph import NO_TENSOR, TFLiteGraph

Tensor = npt.NDArray[Any]


class SingleOperator:
    """An operator as a model of its own.

    Attributes:
        inputs: tensors of the whole graph that it reads, constants and states left out.
        outputs: those that it writes.
    """

    def __init__(self, graph: TFLiteGraph, operator: schema.OperatorT) -> None:
        self.inputs = tuple(dict.fromkeys(int(index) for index in graph.activations(operator)))
        self.outputs = tuple(int(index) for index in operator.outputs)
        self._interpreter = Interpreter(
            model_content=_alone(graph, operator, self.inputs),
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._shapes: list[tuple[int, ...]] = []

    def run(self, tensors: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """The values of `outputs`, from those of `inputs` of any size that the operator takes; states begin at 0."""
        entries = [entry["index"] for entry in self._interpreter.get_input_details()]
        values = [tensors[index] for index in self.inputs]
        shapes = [array.shape for array in values]
        if shapes != self._shapes:
            for entry, shape in zip(entries, shapes, strict=True):
                self._interpreter.resize_tensor_input(entry, shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        for entry, array in zip(entries, values, strict=True):
            self._interpreter.set_tensor(entry, array)
        self._interpreter.reset_all_variables()
        self._interpreter.invoke()
        ends = [self._interpreter.get_tensor(end["index"]) for end in self._interpreter.get_output_details()]
        return dict(zip(self.outputs, ends, strict=True))


def _alone(graph: TFLiteGraph, operator: schema.OperatorT, entries: Sequence[int]) -> bytes:
    used = sorted({int(index) for index in [*operator.inputs, *operator.outputs]} - {NO_TENSOR})
    position = {index: place for place, index in enumerate(used)} | {NO_TENSOR: NO_TENSOR}
    model, subgraph, only = schema.ModelT(), schema.SubGraphT(), copy(operator)
    model.version, model.subgraphs, model.buffers = graph.model.version, [subgraph], [schema.BufferT()]
    model.operatorCodes, only.opcodeIndex = [graph.model.operatorCodes[operator.opcodeIndex]], 0
    only.inputs = [position[int(index)] for index in operator.inputs]
    only.outputs = [position[int(index)] for index in operator.outputs]
    subgraph.operators, subgraph.tensors = [only], [copy(graph.tensor(index)) for index in used]
    subgraph.inputs, subgraph.outputs = [position[index] for index in entries], only.outputs
    for index, tensor in zip(used, subgraph.tensors, strict=True):
        tensor.buffer = 0
        if graph.is_constant(index):
            model.buffers.append(graph.model.buffers[graph.tensor(index).buffer])
            tensor.buffer = len(model.buffers) - 1
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
